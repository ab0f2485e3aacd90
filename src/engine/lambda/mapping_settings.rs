//! The settings of an event source mapping in a request: their form, their meaning, and how they change
//! the settings that are there. Pure.

use serde_json::Value;

use super::checks::{Checks, invalid, null_at, one_violation, whole};
use super::names::{self, Reference};
use super::{shapes, tags};
use crate::arn::Arn;
use crate::engine::call::Fault;
use crate::mapping::MappingConfig;
use crate::mapping::config::{PARAMETERS, PATTERN_CHARS_MAX, Parameter, StartingPosition};
use crate::mapping::filter::Pattern;

const POSITIONS: [&str; 3] = ["LATEST", "AT_TIMESTAMP", "TRIM_HORIZON"];
const DESTINATION_CHARS_MAX: usize = 350;
const KAFKA: &str = "kafka://";
const ARN_PATTERN: &str = r"arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1})?:(\d{12})?:(.*)";
const KEY_PATTERN: &str = r"(arn:(aws[a-zA-Z-]*)?:[a-z0-9-.]+:.*)|()";
const DESTINATION_PATTERN: &str = r"$|kafka://([^.]([a-zA-Z0-9\-_.]{0,248}))|arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1})?:(\d{12})?:(.*)";
/// Least age that is a limit at all.
const RECORD_AGE_MESSAGE: &str =
    "MaximumRecordAgeInSeconds must be either -1 (forever) or between 60 and 604800 (inclusive)";

/// Members for queues, brokers and databases, of creations and updates.
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
/// Those of them that only a creation knows.
const AT_CREATION: [&str; 3] = ["Queues", "SelfManagedEventSource", "Topics"];

/// What the shape of a creation alone says: types, then lengths, ranges, patterns and enumerations, all in one message.
/// The function it names.
pub(super) fn check_creation_form(input: &Value) -> Result<Option<Reference>, Fault> {
    shapes::check(input, shapes::CREATE_MAPPING)?;
    shapes::check(input, shapes::UPDATE_MAPPING)?;
    let mut checks = Checks::default();
    check_source(input, &mut checks);
    if input["FunctionName"].is_null() {
        checks.missing("functionName");
    }
    let function = check_function(input, &mut checks);
    if let Some(position) = input["StartingPosition"].as_str() {
        checks.one_of("startingPosition", position, &POSITIONS);
    }
    check_settings(input, &mut checks)?;
    tags::check_form(&input["Tags"], &mut checks);
    checks.finish()?;
    Ok(function)
}

/// As [`check_creation_form`], of an update: what it cannot carry is not looked at.
pub(super) fn check_update_form(input: &Value) -> Result<Option<Reference>, Fault> {
    shapes::check(input, shapes::UPDATE_MAPPING)?;
    let mut checks = Checks::default();
    let function = check_function(input, &mut checks);
    check_settings(input, &mut checks)?;
    checks.finish()?;
    Ok(function)
}

/// The stream of a creation, or of the filter of a list.
pub(super) fn check_source(input: &Value, checks: &mut Checks) {
    if let Some(source) = input["EventSourceArn"].as_str() {
        checks.pattern("eventSourceArn", source, fits_arn(source), ARN_PATTERN);
    }
}

pub(super) fn check_function(input: &Value, checks: &mut Checks) -> Option<Reference> {
    names::check_namespaced(input["FunctionName"].as_str()?, checks)
}

fn check_settings(input: &Value, checks: &mut Checks) -> Result<(), Fault> {
    for row in PARAMETERS {
        if let Some(given) = whole(input, row.name)? {
            let least = row.none.unwrap_or(i64::from(row.range.0));
            let most = i64::from(row.range.1);
            checks.range(&camel(row.name), given, (least, most));
        }
    }
    check_list(
        checks,
        &input["FunctionResponseTypes"],
        "functionResponseTypes",
        1,
        &["ReportBatchItemFailures"],
    );
    check_list(
        checks,
        &input["MetricsConfig"]["Metrics"],
        "metricsConfig.metrics",
        3,
        &["EventCount", "ErrorCount", "KafkaMetrics"],
    );
    for (index, pattern) in patterns(input).iter().enumerate() {
        let member = format!("filterCriteria.filters.{}.member.pattern", index + 1);
        checks.length(&member, pattern, PATTERN_CHARS_MAX);
    }
    for (side, member) in [
        ("OnSuccess", "destinationConfig.onSuccess.destination"),
        ("OnFailure", "destinationConfig.onFailure.destination"),
    ] {
        if let Some(destination) = input["DestinationConfig"][side]["Destination"].as_str() {
            let fits = fits_destination(destination);
            checks.pattern(member, destination, fits, DESTINATION_PATTERN);
            checks.length(member, destination, DESTINATION_CHARS_MAX);
        }
    }
    if let Some(key) = input["KMSKeyArn"].as_str() {
        checks.pattern("kMSKeyArn", key, fits_key(key), KEY_PATTERN);
    }
    Ok(())
}

/// What a mapping on a DynamoDB stream may not have at all; an empty member asks for nothing.
pub(super) fn check_kind(input: &Value, is_creation: bool) -> Result<(), Fault> {
    let is_given = |name: &str| match &input[name] {
        Value::Null => false,
        Value::Array(elements) => !elements.is_empty(),
        Value::Object(members) => !members.is_empty(),
        _ => true,
    };
    let unsupported = NOT_FOR_STREAMS
        .into_iter()
        .filter(|name| is_creation || !AT_CREATION.contains(name))
        .find(|name| is_given(name));
    match unsupported {
        Some(name) => Err(not_for_streams(name)),
        None => Ok(()),
    }
}

/// Whether a member belongs to queues, brokers or databases.
pub fn is_for_other_sources(member: &str) -> bool {
    NOT_FOR_STREAMS.contains(&member)
}

/// Streams tell of failures only.
pub(super) fn check_no_success(input: &Value) -> Result<(), Fault> {
    if input["DestinationConfig"]["OnSuccess"].is_null() {
        return Ok(());
    }
    Err(not_for_streams("DestinationConfig"))
}

fn not_for_streams(member: &str) -> Fault {
    invalid(format!(
        "Unsupported {member} parameter for given event source mapping type."
    ))
}

/// Where to begin: asked for at creation only, and never by time.
pub(super) fn starting_position(input: &Value, stream: &str) -> Result<StartingPosition, Fault> {
    let position = match input["StartingPosition"].as_str() {
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
    }?;
    if input["StartingPositionTimestamp"].is_null() {
        return Ok(position);
    }
    Err(not_for_streams("StartingPositionTimestamp"))
}

/// Writes the settings that are given over those that are there, and refuses what makes no sense together.
/// `filters_max` is the account's quota.
pub(super) fn apply(
    config: &mut MappingConfig,
    input: &Value,
    filters_max: usize,
) -> Result<(), Fault> {
    for row in PARAMETERS {
        if let Some(given) = whole(input, row.name)? {
            (row.set)(config, setting(row, given)?);
        }
    }
    if let Some(bisect) = input["BisectBatchOnFunctionError"].as_bool() {
        config.bisect_on_function_error = bisect;
    }
    if let Some(types) = input["FunctionResponseTypes"].as_array() {
        config.report_batch_item_failures = !types.is_empty();
    }
    if let Some(metrics) = input["MetricsConfig"]["Metrics"].as_array() {
        // The others are those of Kafka sources, says the service model.
        if metrics.iter().any(|it| it != "EventCount") {
            return Err(not_for_streams("MetricsConfig"));
        }
        config.event_count_metrics = !metrics.is_empty();
    }
    if let Some(key) = input["KMSKeyArn"].as_str() {
        config.kms_key = Some(key.to_owned()).filter(|it| !it.is_empty());
    }
    if !input["FilterCriteria"].is_null() {
        config.filters = checked_patterns(input, filters_max)?;
    }
    if !input["DestinationConfig"]["OnFailure"].is_null() {
        let given = checked_destination(&input["DestinationConfig"]["OnFailure"])?;
        config.on_failure = given.map(str::to_owned);
    }
    if config.tumbling_window_secs.is_some() && config.parallelization_factor > 1 {
        return Err(invalid(
            "ParallelizationFactor must be 1 when TumblingWindowInSeconds is set.",
        ));
    }
    Ok(())
}

/// Where to tell of failures; an empty text removes what is there. Streams write to standard queues, to standard
/// topics and to buckets.
fn checked_destination(on_failure: &Value) -> Result<Option<&str>, Fault> {
    // As users report it: https://github.com/aws-controllers-k8s/community/issues/2865
    let Some(destination) = on_failure["Destination"].as_str() else {
        return Err(invalid(
            "The Destination field is required for an OnFailure configuration.",
        ));
    };
    if destination.is_empty() {
        return Ok(None);
    }
    if destination.starts_with(KAFKA) {
        return Ok(Some(destination));
    }
    let service = destination.parse::<Arn>().map(|arn| arn.service);
    match service.as_deref() {
        Ok("sqs" | "sns") if destination.strip_suffix(".fifo").is_some() => Err(invalid(format!(
            "Unsupported destination: {destination}. Only standard queues and topics can be the destination of a stream."
        ))),
        Ok("sqs" | "sns" | "s3") => Ok(Some(destination)),
        _ => Err(invalid(format!(
            "The destination ARN {destination} is invalid."
        ))),
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

fn checked_patterns(input: &Value, filters_max: usize) -> Result<Vec<String>, Fault> {
    let patterns = patterns(input);
    if patterns.len() > filters_max {
        return Err(invalid(format!(
            "Number of filters exceeds the limit of {filters_max} filters."
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

/// [`ARN_PATTERN`]
fn fits_arn(text: &str) -> bool {
    let mut parts = text.splitn(6, ':');
    let mut next = || parts.next();
    let [
        Some("arn"),
        Some(partition),
        Some(service),
        Some(region),
        Some(account),
        Some(_),
    ] = std::array::from_fn(|_| next())
    else {
        return false;
    };
    let is_word = |it: &str| {
        it.bytes()
            .all(|it| it.is_ascii_alphanumeric() || it == b'-')
    };
    partition.strip_prefix("aws").is_some_and(is_word)
        && !service.is_empty()
        && is_word(service)
        && (region.is_empty() || names::is_region(region))
        && (account.is_empty() || names::is_account(account))
}

/// [`DESTINATION_PATTERN`]
fn fits_destination(text: &str) -> bool {
    let is_in_topic = |it: u8| it.is_ascii_alphanumeric() || b"-_.".contains(&it);
    match text.strip_prefix(KAFKA) {
        Some(topic) => {
            let mut chars = topic.chars();
            chars.next().is_some_and(|first| first != '.')
                && chars.as_str().len() <= 248
                && chars.as_str().bytes().all(is_in_topic)
        }
        None => text.is_empty() || fits_arn(text),
    }
}

/// [`KEY_PATTERN`]
fn fits_key(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("arn:") else {
        return text.is_empty();
    };
    let Some((partition, (service, _))) = rest
        .split_once(':')
        .and_then(|(partition, rest)| Some((partition, rest.split_once(':')?)))
    else {
        return false;
    };
    let is_partition = partition.is_empty()
        || partition.strip_prefix("aws").is_some_and(|rest| {
            rest.bytes()
                .all(|it| it.is_ascii_alphabetic() || it == b'-')
        });
    let is_in_service =
        |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || b"-.".contains(&it);
    is_partition && !service.is_empty() && service.bytes().all(is_in_service)
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
