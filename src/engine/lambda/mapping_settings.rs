//! The settings of an event source mapping in a request: their form, their meaning, and how they change
//! the settings that are there. Pure.

use serde_json::Value;

use super::checks::{Checks, invalid, null_at, one_violation, whole};
use crate::arn::Arn;
use crate::engine::call::Fault;
use crate::mapping::MappingConfig;
use crate::mapping::config::{
    FILTERS_MAX, PARAMETERS, PATTERN_CHARS_MAX, Parameter, StartingPosition,
};
use crate::mapping::filter::Pattern;

const POSITIONS: [&str; 3] = ["LATEST", "AT_TIMESTAMP", "TRIM_HORIZON"];
const DESTINATION_CHARS_MAX: usize = 350;
const DESTINATION_PATTERN: &str = r"$|kafka://([^.]([a-zA-Z0-9\-_.]{0,248}))|arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1})?:(\d{12})?:(.*)";
/// Least age that is a limit at all.
const RECORD_AGE_MESSAGE: &str =
    "MaximumRecordAgeInSeconds must be either -1 (forever) or between 60 and 604800 (inclusive)";

/// Members for queues, brokers and databases.
const NOT_FOR_STREAMS: [&str; 10] = [
    "AmazonManagedKafkaEventSourceConfig",
    "DocumentDBEventSourceConfig",
    "LoggingConfig",
    "ProvisionedPollerConfig",
    "Queues",
    "ScalingConfig",
    "SelfManagedEventSource",
    "SelfManagedKafkaEventSourceConfig",
    "SourceAccessConfigurations",
    "Topics",
];

/// What the request's shape alone says: lengths, ranges, enumerations.
pub(super) fn check_form(input: &Value, mut checks: Checks) -> Result<(), Fault> {
    if let Some(position) = input["StartingPosition"].as_str() {
        checks.one_of("startingPosition", position, &POSITIONS);
    }
    for row in PARAMETERS {
        if let Some(given) = whole(input, row.name)? {
            let least = row.none.unwrap_or(i64::from(row.range.0));
            let most = i64::from(row.range.1);
            checks.range(&camel(row.name), given, (least, most));
        }
    }
    check_list(
        &mut checks,
        &input["FunctionResponseTypes"],
        "functionResponseTypes",
        1,
        &["ReportBatchItemFailures"],
    );
    check_list(
        &mut checks,
        &input["MetricsConfig"]["Metrics"],
        "metricsConfig.metrics",
        3,
        &["EventCount", "ErrorCount", "KafkaMetrics"],
    );
    for (index, pattern) in patterns(input).iter().enumerate() {
        let member = format!("filterCriteria.filters.{}.member.pattern", index + 1);
        checks.length(&member, pattern, PATTERN_CHARS_MAX);
    }
    if let Some(destination) = destination(input) {
        let member = "destinationConfig.onFailure.destination";
        let fits = destination.is_empty()
            || destination.starts_with("kafka://")
            || destination.parse::<Arn>().is_ok();
        checks.pattern(member, destination, fits, DESTINATION_PATTERN);
        checks.length(member, destination, DESTINATION_CHARS_MAX);
    }
    checks.finish()
}

/// What a mapping on a DynamoDB stream may not have at all.
pub(super) fn check_kind(input: &Value) -> Result<(), Fault> {
    const KIND: &str = "for given event source mapping type.";
    let has = |value: &Value| !value.is_null();
    if has(&input["DestinationConfig"]["OnSuccess"]) {
        return Err(invalid(format!(
            "Unsupported DestinationConfig parameter {KIND}"
        )));
    }
    match NOT_FOR_STREAMS.into_iter().find(|name| has(&input[*name])) {
        Some(name) => Err(invalid(format!("Unsupported {name} parameter {KIND}"))),
        None => Ok(()),
    }
}

/// Where to begin: asked for at creation only, and never by time.
pub(super) fn starting_position(input: &Value, stream: &str) -> Result<StartingPosition, Fault> {
    match input["StartingPosition"].as_str() {
        Some("TRIM_HORIZON") => Ok(StartingPosition::TrimHorizon),
        Some("LATEST") => Ok(StartingPosition::Latest),
        Some(_) => Err(invalid(format!(
            "Unsupported starting position for arn type: {stream}"
        ))),
        // The full stop belongs to this one; other null members come without.
        None => Err(invalid(format!(
            "{}.",
            one_violation(&null_at("startingPosition"))
        ))),
    }
}

/// Writes the settings that are given over those that are there, and refuses what makes no sense together.
pub(super) fn apply(config: &mut MappingConfig, input: &Value) -> Result<(), Fault> {
    for row in PARAMETERS {
        if let Some(given) = whole(input, row.name)? {
            (row.set)(config, setting(row, given)?);
        }
    }
    if let Some(bisect) = super::checks::flag(input, "BisectBatchOnFunctionError") {
        config.bisect_on_function_error = bisect;
    }
    if let Some(types) = input["FunctionResponseTypes"].as_array() {
        config.report_batch_item_failures = !types.is_empty();
    }
    if let Some(metrics) = input["MetricsConfig"]["Metrics"].as_array() {
        config.event_count_metrics = metrics.iter().any(|it| it == "EventCount");
    }
    if let Some(key) = input["KMSKeyArn"].as_str() {
        config.kms_key = Some(key.to_owned()).filter(|it| !it.is_empty());
    }
    if !input["FilterCriteria"].is_null() {
        config.filters = checked_patterns(input)?;
    }
    if !input["DestinationConfig"]["OnFailure"].is_null() {
        let given = destination(input).filter(|it| !it.is_empty());
        config.on_failure = given.map(str::to_owned);
    }
    if config.tumbling_window_secs.is_some() && config.parallelization_factor > 1 {
        return Err(invalid(
            "ParallelizationFactor must be 1 when TumblingWindowInSeconds is set.",
        ));
    }
    match &config.on_failure {
        Some(destination) if destination.strip_suffix(".fifo").is_some() => Err(invalid(format!(
            "Unsupported destination: {destination}. Only standard queues and topics can be the destination of a stream."
        ))),
        _ => Ok(()),
    }
}

/// AWS's number for "none" is `None` here.
fn setting(row: &Parameter, given: i64) -> Result<Option<u32>, Fault> {
    if Some(given) == row.none {
        return Ok(None);
    }
    match u32::try_from(given) {
        Ok(value) if value >= row.range.0 => Ok(Some(value)),
        _ => Err(invalid(RECORD_AGE_MESSAGE)),
    }
}

fn checked_patterns(input: &Value) -> Result<Vec<String>, Fault> {
    let patterns = patterns(input);
    if patterns.len() > FILTERS_MAX {
        return Err(invalid(format!(
            "Number of filters exceeds the limit of {FILTERS_MAX} filters."
        )));
    }
    for pattern in &patterns {
        if let Err(bad) = Pattern::parse(pattern) {
            return Err(invalid(bad.to_string()));
        }
    }
    Ok(patterns)
}

fn patterns(input: &Value) -> Vec<String> {
    let filters = input["FilterCriteria"]["Filters"].as_array();
    filters
        .into_iter()
        .flatten()
        .map(|filter| filter["Pattern"].as_str().unwrap_or_default().to_owned())
        .collect()
}

fn destination(input: &Value) -> Option<&str> {
    input["DestinationConfig"]["OnFailure"]["Destination"].as_str()
}

fn check_list(checks: &mut Checks, given: &Value, member: &str, most: usize, allowed: &[&str]) {
    let Some(given) = given.as_array() else {
        return;
    };
    let texts: Vec<&str> = given.iter().filter_map(Value::as_str).collect();
    let shown = format!("[{}]", texts.join(", "));
    if texts.iter().any(|it| !allowed.contains(it)) {
        let constraint = format!(
            "Member must satisfy constraint: [Member must satisfy enum value set: [{}]]",
            allowed.join(", ")
        );
        checks.violated(member, &shown, &constraint);
    } else if texts.len() > most {
        let constraint = format!("Member must have length less than or equal to {most}");
        checks.violated(member, &shown, &constraint);
    }
}

/// `BatchSize` as violations name it: `batchSize`.
fn camel(member: &str) -> String {
    let mut chars = member.chars();
    chars
        .next()
        .map(|first| first.to_ascii_lowercase())
        .into_iter()
        .chain(chars)
        .collect()
}
