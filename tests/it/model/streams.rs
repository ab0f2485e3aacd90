//! The streams of the model test: cut into shards at random, and read to the end.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use waterwheel::engine::streams::{roll_shard, split_shard};

use super::Pair;
use super::values::{normal_item, to_json};

impl Pair {
    async fn stream_of(&self, table: &str) -> String {
        let described = self
            .ask("DescribeTable", &json!({"TableName": table}))
            .await;
        let arn = &described.unwrap()["Table"]["LatestStreamArn"];
        arn.as_str().unwrap().to_owned()
    }

    async fn shards(&self, stream: &str) -> Vec<Value> {
        let mut request = json!({"StreamArn": stream, "Limit": 7});
        let mut shards = Vec::new();
        loop {
            let page = self.ask("DescribeStream", &request).await.unwrap();
            let description = &page["StreamDescription"];
            shards.extend(description["Shards"].as_array().unwrap().clone());
            match description.get("LastEvaluatedShardId") {
                Some(last) => request["ExclusiveStartShardId"] = last.clone(),
                None => return shards,
            }
        }
    }

    /// Closes an open shard of every stream; one or two children go on.
    pub(super) async fn cut_a_shard(&mut self) {
        for place in 0..self.tables.len() {
            let stream = self.stream_of(self.tables[place].name).await;
            let mut open = self.shards(&stream).await;
            open.retain(|it| {
                it["SequenceNumberRange"]
                    .get("EndingSequenceNumber")
                    .is_none()
            });
            let shard = self.dice.of(&open)["ShardId"].as_str().unwrap().to_owned();
            let cut = if self.dice.0.bool() {
                roll_shard
            } else {
                split_shard
            };
            cut(self.host.engine(), &stream, &shard).unwrap();
            self.clock.sleep(Duration::from_secs(1)).await;
        }
    }

    /// Every record of a shard; closed ones end without an iterator.
    async fn records(&self, stream: &str, shard: &Value) -> Vec<Value> {
        let request = json!({
            "StreamArn": stream, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON",
        });
        let answer = self.ask("GetShardIterator", &request).await.unwrap();
        let mut iterator = answer["ShardIterator"].clone();
        let mut records = Vec::new();
        loop {
            let request = json!({"ShardIterator": iterator, "Limit": 999});
            let page = self.ask("GetRecords", &request).await.unwrap();
            let found = page["Records"].as_array().unwrap();
            records.extend(found.clone());
            match page.get("NextShardIterator") {
                Some(next) if !found.is_empty() => iterator = next.clone(),
                Some(_) => return records,
                None => {
                    let range = &shard["SequenceNumberRange"];
                    assert!(range.get("EndingSequenceNumber").is_some(), "{shard}");
                    return records;
                }
            }
        }
    }

    /// Every stream tells every change of every item once and in order, and nothing else.
    pub(super) async fn check_streams(&self) {
        for (table, history) in self.tables.iter().zip(&self.histories) {
            let stream = self.stream_of(table.name).await;
            let shards = self.shards(&stream).await;
            let mut told: BTreeMap<String, Vec<Value>> = BTreeMap::new();
            let mut read: Vec<Value> = Vec::new();
            // Parents come first: children say whose they are.
            while read.len() < shards.len() {
                let next = shards.iter().find(|shard| {
                    let parent = shard.get("ParentShardId");
                    !read.contains(&shard["ShardId"])
                        && parent.is_none_or(|parent| read.contains(parent))
                });
                let next = next.unwrap();
                read.push(next["ShardId"].clone());
                let mut last = String::new();
                for record in self.records(&stream, next).await {
                    let change = &record["dynamodb"];
                    let number = change["SequenceNumber"].as_str().unwrap().to_owned();
                    assert!(
                        (last.len(), &last) < (number.len(), &number),
                        "{last} {number}"
                    );
                    last = number;
                    let id = table.id(&normal_item(&change["Keys"]));
                    assert_eq!(change["StreamViewType"], table.view);
                    let image = |name: &str| {
                        let image = change.get(name).map(normal_item);
                        image.as_ref().map_or(Value::Null, to_json)
                    };
                    told.entry(id).or_default().push(json!({
                        "event": record["eventName"], "old": image("OldImage"), "new": image("NewImage"),
                    }));
                }
            }
            let expected: BTreeMap<String, Vec<Value>> = history
                .iter()
                .map(|(id, changes)| {
                    let changes = changes.iter().map(|it| table.told(it));
                    (id.clone(), changes.collect())
                })
                .collect();
            for (id, changes) in &expected {
                let told = told.get(id).map_or(&[][..], Vec::as_slice);
                let place = changes.iter().zip(told).position(|(one, two)| one != two);
                assert!(
                    changes.len() == told.len() && place.is_none(),
                    "{}: {id} of {} at {place:?}: {} changes, {} records",
                    self.step,
                    table.name,
                    changes.len(),
                    told.len()
                );
            }
            assert_eq!(told.len(), expected.len());
        }
    }
}
