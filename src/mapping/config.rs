//! The settings of an event source mapping on a DynamoDB stream, and AWS's limits. No I/O, no behaviour.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Where a mapping begins on a shard it has no checkpoint for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StartingPosition {
    /// Only records written from now on.
    #[default]
    Latest,
    /// Everything still in the stream, then follow.
    TrimHorizon,
}

/// `None` means the AWS default of "no limit" or "off".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MappingConfig {
    /// Most records in one invocation, 1 to 10,000, counted after filtering.
    pub batch_size: u32,
    /// How long to gather a fuller batch, 0 to 300 seconds.
    pub batching_window_secs: u32,
    /// Concurrent batches per shard, 1 to 10; order is kept per item.
    pub parallelization_factor: u32,
    /// Attempts after the first, 0 to 10,000; `None` is -1: until the record expires.
    pub retry_attempts_max: Option<u32>,
    /// 60 to 604,800 seconds; `None` is -1: no limit.
    pub record_age_secs_max: Option<u32>,
    pub bisect_on_function_error: bool,
    /// 1 to 900 seconds; `None` is 0: off.
    pub tumbling_window_secs: Option<u32>,
    /// `FunctionResponseTypes: ["ReportBatchItemFailures"]`.
    pub report_batch_item_failures: bool,
    /// ARN of the on-failure destination.
    pub on_failure: Option<String>,
    /// `FilterCriteria.Filters[].Pattern`, as typed; any of them lets a record pass.
    pub filters: Vec<String>,
    pub starting_position: StartingPosition,
    /// `MetricsConfig.Metrics` contains `EventCount`.
    pub event_count_metrics: bool,
    /// ARN of the key that encrypts the filters (`KMSKeyArn`). Stored and returned here; AWS encrypts with it.
    #[serde(default)]
    pub kms_key: Option<String>,
}

impl Default for MappingConfig {
    fn default() -> Self {
        Self {
            batch_size: 100,
            batching_window_secs: 0,
            parallelization_factor: 1,
            retry_attempts_max: None,
            record_age_secs_max: None,
            bisect_on_function_error: false,
            tumbling_window_secs: None,
            report_batch_item_failures: false,
            on_failure: None,
            filters: Vec::new(),
            starting_position: StartingPosition::default(),
            event_count_metrics: false,
            kms_key: None,
        }
    }
}

/// One numeric setting: the form, its limits and its JSON all follow from this row.
#[derive(Clone, Copy)]
pub struct Parameter {
    /// AWS's member name, `BatchSize`.
    pub name: &'static str,
    /// The console's label, `Batch size`.
    pub label: &'static str,
    /// One sentence for the form: what the setting means in practice.
    pub help: &'static str,
    pub unit: &'static str,
    /// Inclusive; AWS's -1 or 0 for "none" is `None`, not part of the range.
    pub range: (u32, u32),
    /// What AWS writes for `None`: -1, 0, or nothing where the setting is never absent.
    pub none: Option<i64>,
    pub get: fn(&MappingConfig) -> Option<u32>,
    pub set: fn(&mut MappingConfig, Option<u32>),
}

/// In the order of AWS's form.
pub const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "BatchSize",
        label: "Batch size",
        help: "At most this many records per call. A call also ends at 6 MB.",
        unit: "records",
        range: (1, 10_000),
        none: None,
        get: |config| Some(config.batch_size),
        set: |config, value| config.batch_size = value.unwrap_or(100),
    },
    Parameter {
        name: "MaximumBatchingWindowInSeconds",
        label: "Batch window",
        help: "Wait this long to gather a fuller batch. 0 sends what a poll returned.",
        unit: "s",
        range: (0, 300),
        none: None,
        get: |config| Some(config.batching_window_secs),
        set: |config, value| config.batching_window_secs = value.unwrap_or(0),
    },
    Parameter {
        name: "MaximumRetryAttempts",
        label: "Retry attempts",
        help: "Attempts after the first. -1 retries until the record expires; throttles do not count.",
        unit: "attempts",
        range: (0, 10_000),
        none: Some(-1),
        get: |config| config.retry_attempts_max,
        set: |config, value| config.retry_attempts_max = value,
    },
    Parameter {
        name: "MaximumRecordAgeInSeconds",
        label: "Maximum age of record",
        help: "Older records are discarded. -1 sets no limit; DynamoDB keeps records for 24 hours.",
        unit: "s",
        range: (60, 604_800),
        none: Some(-1),
        get: |config| config.record_age_secs_max,
        set: |config, value| config.record_age_secs_max = value,
    },
    Parameter {
        name: "ParallelizationFactor",
        label: "Concurrent batches per shard",
        help: "More batches at once on each shard. Order is kept per item.",
        unit: "per shard",
        range: (1, 10),
        none: None,
        get: |config| Some(config.parallelization_factor),
        set: |config, value| config.parallelization_factor = value.unwrap_or(1),
    },
    Parameter {
        name: "TumblingWindowInSeconds",
        label: "Tumbling window duration",
        help: "Carry state between the calls of one window. 0 turns windows off.",
        unit: "s",
        range: (1, 900),
        none: Some(0),
        get: |config| config.tumbling_window_secs,
        set: |config, value| config.tumbling_window_secs = value,
    },
];

/// Most filters a mapping may carry without a raised quota; AWS raises it to ten.
pub const FILTERS_MAX: usize = 5;
/// Longest filter pattern, in characters.
pub const PATTERN_CHARS_MAX: usize = 4096;

impl MappingConfig {
    /// The members of AWS's `EventSourceMappingConfiguration` that these settings give.
    /// Unset options come back explicitly, as AWS returns them.
    pub fn to_aws(&self) -> Value {
        let mut out = serde_json::Map::new();
        for row in PARAMETERS {
            let number = (row.get)(self).map(i64::from).or(row.none).unwrap_or(0);
            out.insert(row.name.to_owned(), Value::from(number));
        }
        out.insert(
            "BisectBatchOnFunctionError".to_owned(),
            Value::from(self.bisect_on_function_error),
        );
        let types: &[&str] = if self.report_batch_item_failures {
            &["ReportBatchItemFailures"]
        } else {
            &[]
        };
        out.insert("FunctionResponseTypes".to_owned(), Value::from(types));
        let on_failure = self.on_failure.as_ref().map_or_else(
            || serde_json::json!({}),
            |arn| serde_json::json!({ "Destination": arn }),
        );
        out.insert(
            "DestinationConfig".to_owned(),
            serde_json::json!({ "OnFailure": on_failure }),
        );
        if !self.filters.is_empty() {
            let filters: Vec<Value> = self
                .filters
                .iter()
                .map(|pattern| serde_json::json!({ "Pattern": pattern }))
                .collect();
            out.insert(
                "FilterCriteria".to_owned(),
                serde_json::json!({ "Filters": filters }),
            );
        }
        if let Some(key) = &self.kms_key {
            out.insert("KMSKeyArn".to_owned(), Value::from(key.as_str()));
        }
        if self.event_count_metrics {
            out.insert(
                "MetricsConfig".to_owned(),
                serde_json::json!({ "Metrics": ["EventCount"] }),
            );
        }
        let position = match self.starting_position {
            StartingPosition::Latest => "LATEST",
            StartingPosition::TrimHorizon => "TRIM_HORIZON",
        };
        out.insert("StartingPosition".to_owned(), Value::from(position));
        Value::Object(out)
    }
}
