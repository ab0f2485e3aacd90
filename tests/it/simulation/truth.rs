//! What was written: everything that was ever in a stream, as whoever reads it at once sees it.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use waterwheel::engine::Engine;
use waterwheel::mapping::record::SequenceNumber;

use crate::tables::call;

/// The filters that triggers have; [`Written::passes`] knows what they mean.
pub(super) const PATTERNS: [&str; 3] = [
    r#"{"eventName":["INSERT","MODIFY"]}"#,
    r#"{"dynamodb":{"Keys":{"id":{"S":[{"anything-but":"k1"}]}}}}"#,
    r#"{"dynamodb":{"NewImage":{"n":{"N":[{"suffix":"1"}]}}}}"#,
];

/// Of one stream.
#[derive(Default)]
pub(super) struct Truth {
    pub(super) records: BTreeMap<SequenceNumber, Written>,
    /// Of every shard there ever was.
    parents: BTreeMap<String, Option<String>>,
}

/// A record of a stream.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) shard: String,
    pub(super) key: String,
    /// Whole seconds.
    pub(super) created: SystemTime,
    /// The version of the item; none where it was deleted.
    version: Option<String>,
}

impl Truth {
    /// The shards a shard came from, nearest first.
    pub(super) fn ancestors<'a>(&'a self, shard: &'a str) -> impl Iterator<Item = &'a str> {
        let parent = |it: &&str| self.parents.get(*it)?.as_deref();
        std::iter::successors(Some(shard), parent).skip(1)
    }
}

impl Written {
    /// Whether one of a trigger's filters lets it through.
    pub(super) fn passes(&self, settings: &Value) -> bool {
        let filters = settings["FilterCriteria"]["Filters"].as_array().unwrap();
        let passes = |filter: &Value| {
            let pattern = filter["Pattern"].as_str().unwrap();
            match PATTERNS.iter().position(|it| *it == pattern) {
                Some(0) => self.version.is_some(),
                Some(1) => self.key != "k1",
                _ => self.version.as_ref().is_some_and(|it| it.ends_with('1')),
            }
        };
        filters.is_empty() || filters.iter().any(passes)
    }
}

/// Takes down what is in a stream. There must be no faults.
pub(super) async fn learn(engine: &Engine, stream: &str, known: &mut Truth) {
    let described = call(engine, "DescribeStream", json!({ "StreamArn": stream })).await;
    let described = &described.unwrap()["StreamDescription"];
    assert!(described["LastEvaluatedShardId"].is_null());
    for shard in described["Shards"].as_array().unwrap() {
        let id = shard["ShardId"].as_str().unwrap();
        let parent = shard["ParentShardId"].as_str().map(str::to_owned);
        known.parents.insert(id.to_owned(), parent);
        let place =
            json!({ "StreamArn": stream, "ShardId": id, "ShardIteratorType": "TRIM_HORIZON" });
        let iterator = call(engine, "GetShardIterator", place).await.unwrap();
        let page = json!({ "ShardIterator": iterator["ShardIterator"] });
        let page = call(engine, "GetRecords", page).await.unwrap();
        let records = page["Records"].as_array().unwrap();
        assert!(records.len() < 1000);
        for record in records {
            let body = &record["dynamodb"];
            let text = |it: &Value| it.as_str().map(str::to_owned);
            let secs = body["ApproximateCreationDateTime"].as_f64().unwrap();
            let written = Written {
                shard: id.to_owned(),
                key: text(&body["Keys"]["id"]["S"]).unwrap(),
                created: SystemTime::UNIX_EPOCH + Duration::from_secs_f64(secs),
                version: text(&body["NewImage"]["n"]["N"]),
            };
            let number = SequenceNumber::new(body["SequenceNumber"].as_str().unwrap());
            known.records.insert(number, written);
        }
    }
}
