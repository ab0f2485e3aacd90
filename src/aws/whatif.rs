//! What a trigger would have done with other settings: records still in its stream, played in the local cloud.

use std::time::SystemTime;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::control::ask;
use super::{Aws, Error};
use crate::clock::epoch_secs;
use crate::mapping::MappingConfig;
use crate::mapping::pace::Pace;
use crate::mapping::whatif::{Report, Row};

/// What is to be tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The trigger's.
    pub uuid: String,
    /// Its starting position, destination and key are of no account.
    pub proposed: MappingConfig,
    /// Records written since then; all that are in the stream where there is none.
    pub since: Option<SystemTime>,
    /// Records of this shard only; of all where there is none.
    pub shard: Option<String>,
    /// How often the trigger looks for records.
    pub pace: Pace,
    pub function: Function,
    pub seed: u64,
}

/// What stands in for the function; what is `None` is the function's own.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// Milliseconds of a call, and what each record adds; as measured where there is none.
    pub duration: Option<(f64, f64)>,
    pub cold_start_millis: Option<f64>,
    pub timeout_secs: Option<i64>,
    pub memory_mb: Option<i64>,
    /// Calls at once.
    pub concurrency: Option<i64>,
    /// Whether it names failed records where the trigger lets it.
    pub reports_failures: bool,
    pub failures: Failures,
}

/// When calls fail.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Failures {
    #[default]
    AsRecorded,
    /// Any of them; none never fails.
    Chosen(Vec<Failure>),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    EveryNth(i64),
    /// 0 to 1.
    Share(f64),
    /// Calls with a matching record: always, or in so many of its first deliveries.
    Matching {
        pattern: String,
        deliveries: Option<i64>,
    },
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Answer {
    pub stretch: Stretch,
    pub function: Modelled,
    pub now: Side,
    pub proposed: Side,
    /// In the order in which to show them.
    pub comparison: Vec<Row>,
    /// What to know about the model.
    pub remarks: Vec<String>,
}

/// What was played. Times are seconds since 1970.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Stretch {
    pub records: u64,
    pub shards: u64,
    pub first: f64,
    pub last: f64,
}

/// The function as it was modelled.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Modelled {
    /// `MEASURED` or `GIVEN`
    pub durations: String,
    /// Measured calls.
    pub samples: Option<u64>,
    pub failing_records: u64,
}

/// One of the two configurations.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Side {
    pub report: Report,
}

/// Plays the records under the trigger's settings and the proposed ones. Dropping the future calls it off.
pub async fn simulate(aws: Aws, question: Question) -> Result<Answer, Error> {
    let answer = ask(&aws, "SimulateMapping", question.input()).await?;
    Answer::deserialize(&answer).map_err(|error| Error::odd("SimulateMapping", &error.to_string()))
}

/// The settings that decide what happens to records, as `UpdateEventSourceMapping` names them.
fn settings(config: &MappingConfig) -> Value {
    let mut named = config.to_aws();
    if let Some(members) = named.as_object_mut() {
        for name in [
            "StartingPosition",
            "DestinationConfig",
            "KMSKeyArn",
            "MetricsConfig",
        ] {
            members.remove(name);
        }
        members
            .entry("FilterCriteria")
            .or_insert_with(|| json!({ "Filters": [] }));
    }
    named
}

impl Question {
    fn input(&self) -> Value {
        let mut stretch = Map::new();
        if let Some(since) = self.since {
            stretch.insert("Since".to_owned(), epoch_secs(since).into());
        }
        if let Some(shard) = &self.shard {
            stretch.insert("ShardId".to_owned(), shard.as_str().into());
        }
        json!({
            "UUID": self.uuid,
            "Proposed": settings(&self.proposed),
            "Stretch": stretch,
            "Poll": self.pace.to_string(),
            "Function": self.function.input(),
            "Seed": self.seed,
        })
    }
}

impl Function {
    fn input(&self) -> Value {
        let mut input = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                input.insert(name.to_owned(), value);
            }
        };
        let (call, record) = self.duration.unzip();
        put("DurationInMilliseconds", call.map(Value::from));
        put("DurationPerRecordInMilliseconds", record.map(Value::from));
        put(
            "ColdStartInMilliseconds",
            self.cold_start_millis.map(Value::from),
        );
        put("Timeout", self.timeout_secs.map(Value::from));
        put("MemorySize", self.memory_mb.map(Value::from));
        put(
            "ReservedConcurrentExecutions",
            self.concurrency.map(Value::from),
        );
        put("ReportsFailures", Some(self.reports_failures.into()));
        if let Failures::Chosen(failures) = &self.failures {
            let failures = failures.iter().map(Failure::input);
            put("Failures", Some(failures.collect()));
        }
        Value::Object(input)
    }
}

impl Failure {
    fn input(&self) -> Value {
        match self {
            Self::EveryNth(nth) => json!({ "EveryNth": nth }),
            Self::Share(share) => json!({ "Share": share }),
            Self::Matching {
                pattern,
                deliveries: None,
            } => json!({ "Pattern": pattern }),
            Self::Matching {
                pattern,
                deliveries: Some(deliveries),
            } => json!({ "Pattern": pattern, "Deliveries": deliveries }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_names_its_shard_its_time_and_its_pace() {
        let everything = Question {
            uuid: "u".to_owned(),
            proposed: MappingConfig::default(),
            since: None,
            shard: None,
            pace: Pace::FourPerSecond,
            function: Function {
                duration: None,
                cold_start_millis: None,
                timeout_secs: None,
                memory_mb: None,
                concurrency: None,
                reports_failures: true,
                failures: Failures::AsRecorded,
            },
            seed: 1,
        };
        let input = everything.input();
        assert_eq!(input["Stretch"], json!({}));
        assert_eq!(input["Poll"], "4/s");
        let part = Question {
            since: Some(SystemTime::UNIX_EPOCH),
            shard: Some("shardId-1".to_owned()),
            pace: Pace::AsWritten,
            ..everything
        };
        let input = part.input();
        let stretch = json!({ "Since": 0.0, "ShardId": "shardId-1" });
        assert_eq!(input["Stretch"], stretch);
        assert_eq!(input["Poll"], "as-written");
    }

    #[test]
    fn no_filter_is_proposed_as_none_not_as_the_trigger_s_own() {
        let proposed = settings(&MappingConfig::default());
        assert_eq!(proposed["FilterCriteria"], json!({ "Filters": [] }));
        assert_eq!(proposed["MaximumRetryAttempts"], -1);
        assert_eq!(proposed.get("StartingPosition"), None);
    }
}
