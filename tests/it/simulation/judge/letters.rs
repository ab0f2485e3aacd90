//! Letters about what was given up: every one that was told is in the queue, and none is about anything else.

use std::collections::BTreeMap;

use serde_json::Value;
use waterwheel::mapping::progress::{Progress, What};

use super::{Verdict, World, ensure};
use crate::simulation::told::Told;

pub(super) fn compare(world: &World, letters: &[Value]) -> Verdict {
    let mut there: BTreeMap<String, usize> = BTreeMap::new();
    for letter in letters {
        *there.entry(about(letter)).or_default() += 1;
    }
    let mut given_up = BTreeMap::new();
    for told in &world.told {
        let Told::Progress(Progress {
            mapping,
            shard,
            what,
            ..
        }) = told
        else {
            continue;
        };
        match what {
            What::Discarded { batch, records, .. } => {
                given_up.insert((mapping, shard, *batch), records);
            }
            What::Delivered {
                batch, body, error, ..
            } => {
                let Some(records) = given_up.get(&(mapping, shard, *batch)) else {
                    let number = batch.0;
                    return Err(format!(
                        "a letter about batch {number}, which was not given up"
                    ));
                };
                let size = body["DDBStreamBatchInfo"]["batchSize"].as_u64();
                ensure(size == Some(records.len() as u64), || {
                    format!("a letter about {size:?} records")
                })?;
                if error.is_none() {
                    let about = about(body);
                    let Some(count) = there.get_mut(&about).filter(|it| **it > 0) else {
                        return Err(format!("a letter is missing: {about}"));
                    };
                    *count -= 1;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn about(letter: &Value) -> String {
    let (info, request) = (&letter["DDBStreamBatchInfo"], &letter["requestContext"]);
    let parts = [
        &info["shardId"],
        &info["startSequenceNumber"],
        &info["endSequenceNumber"],
        &info["batchSize"],
        &request["functionArn"],
        &request["condition"],
        &request["approximateInvokeCount"],
    ];
    parts.map(Value::to_string).join(" ")
}
