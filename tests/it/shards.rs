//! The life of shards: how many there are, when they are replaced, and when they and their records go.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::time::Duration;

use serde_json::{Value, json};
use waterwheel::clock::{Clock, from_epoch_millis};
use waterwheel::engine::store::Shelf;
use waterwheel::engine::streams::{Settings, roll_shard, split_shard};
use waterwheel::engine::{Engine, EngineHost, Options};

use crate::streams::{iterator, latest, put, records, with_stream};
use crate::tables::{call, make, refusal};

const DAY: Duration = Duration::from_hours(24);
/// What is due is done within.
const SOON: Duration = Duration::from_mins(2);

fn options(clock: &Clock) -> Options {
    Options {
        seed: Some(7),
        ..Options::temporary(clock.clone())
    }
}

fn clock() -> Clock {
    Clock::at(from_epoch_millis(1_800_000_000_000))
}

async fn shards(engine: &Engine, stream: &str) -> Vec<Value> {
    let described = call(engine, "DescribeStream", json!({"StreamArn": stream})).await;
    let described = described.unwrap();
    let shards = described["StreamDescription"]["Shards"].as_array();
    shards.unwrap().clone()
}

fn ids(shards: &[Value]) -> Vec<&str> {
    let ids = shards.iter().map(|it| it["ShardId"].as_str().unwrap());
    ids.collect()
}

fn open(shards: &[Value]) -> Vec<Value> {
    let range = |it: &Value| it["SequenceNumberRange"].clone();
    let open = shards
        .iter()
        .filter(|it| range(it).get("EndingSequenceNumber").is_none());
    open.cloned().collect()
}

fn number(text: &Value) -> u128 {
    text.as_str().unwrap().parse().unwrap()
}

fn stored(engine: &Engine) -> usize {
    let kept = engine.store().list(Shelf::Records, &[], usize::MAX);
    kept.unwrap().len()
}

#[tokio::test(start_paused = true)]
async fn a_stream_begins_with_as_many_shards_as_wished_and_every_number_is_given_once() {
    let clock = clock();
    let host = EngineHost::open(Options {
        streams: Settings {
            shards: NonZeroU32::new(4).unwrap(),
            ..Settings::default()
        },
        ..options(&clock)
    })
    .unwrap();
    let engine = host.engine();
    let (stream, _) = with_stream(engine, "table", "KEYS_ONLY").await;
    let first = shards(engine, &stream).await;
    assert_eq!((first.len(), open(&first).len()), (4, 4));
    assert!(first.iter().all(|it| it.get("ParentShardId").is_none()));
    for round in 1..4 {
        for id in 0..40 {
            put(engine, "table", &id.to_string(), round).await;
        }
        let open = open(&shards(engine, &stream).await);
        split_shard(engine, &stream, ids(&open)[0]).unwrap();
        roll_shard(engine, &stream, ids(&open)[1]).unwrap();
        clock.sleep(Duration::from_secs(1)).await;
    }
    let all = shards(engine, &stream).await;
    assert_eq!(all.len(), 4 + 3 * 3);
    let known: BTreeMap<&str, &Value> = ids(&all).into_iter().zip(&all).collect();
    for shard in &all {
        let Some(parent) = shard["ParentShardId"].as_str() else {
            continue;
        };
        let starting = &shard["SequenceNumberRange"]["StartingSequenceNumber"];
        let ending = &known[parent]["SequenceNumberRange"]["EndingSequenceNumber"];
        assert!(number(starting) > number(ending), "{starting} {ending}");
    }
    let records = records(engine, &stream).await;
    let numbers = records
        .iter()
        .map(|it| number(&it["dynamodb"]["SequenceNumber"]));
    assert_eq!(numbers.collect::<BTreeSet<u128>>().len(), 120);
    // The same holds for a stream that was switched on again, and its numbers are higher.
    for specification in [
        json!({"StreamEnabled": false}),
        json!({"StreamEnabled": true, "StreamViewType": "KEYS_ONLY"}),
    ] {
        let request = json!({"TableName": "table", "StreamSpecification": specification});
        call(engine, "UpdateTable", request).await.unwrap();
    }
    let second = shards(engine, &latest(engine, "table").await).await;
    assert_eq!(second.len(), 4);
    let starting = |it: &Value| number(&it["SequenceNumberRange"]["StartingSequenceNumber"]);
    let highest = all.iter().map(starting).max();
    assert!(second.iter().map(starting).min() > highest);
    host.close().await;
}

#[tokio::test(start_paused = true)]
async fn records_leave_the_store_after_a_day_though_nothing_is_written() {
    let clock = clock();
    let host = EngineHost::open(options(&clock)).unwrap();
    let engine = host.engine();
    let (stream, shard) = with_stream(engine, "table", "KEYS_ONLY").await;
    for n in 0..2_000 {
        put(engine, "table", "a", n).await;
    }
    clock.sleep(Duration::from_hours(12)).await;
    put(engine, "table", "b", 0).await;
    assert_eq!(stored(engine), 2_001);
    clock.sleep(DAY / 2 + SOON).await;
    assert_eq!(stored(engine), 1);
    // The last one stays for its number, and nobody can read it any more.
    clock.sleep(DAY).await;
    assert_eq!(stored(engine), 1);
    assert!(records(engine, &stream).await.is_empty());
    put(engine, "table", "c", 0).await;
    let new = records(engine, &stream).await;
    let starting = &shards(engine, &stream).await[0]["SequenceNumberRange"];
    let starting = number(&starting["StartingSequenceNumber"]);
    assert_eq!(
        number(&new[0]["dynamodb"]["SequenceNumber"]),
        starting + 2_001
    );
    assert_eq!(ids(&shards(engine, &stream).await), [shard]);
    host.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_a_day_ahead_takes_everything_old_along_also_across_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let clock = clock();
    let in_folder = || Options {
        folder: Some(folder.path().to_owned()),
        ..options(&clock)
    };
    let host = EngineHost::open(in_folder()).unwrap();
    let engine = host.engine();
    for name in ["going", "staying"] {
        let (stream, shard) = with_stream(engine, name, "KEYS_ONLY").await;
        put(engine, name, "a", 1).await;
        roll_shard(engine, &stream, &shard).unwrap();
        put(engine, name, "a", 2).await;
    }
    call(engine, "DeleteTable", json!({"TableName": "going"}))
        .await
        .unwrap();
    assert_eq!(stored(engine), 4);
    let kept = |engine: &Engine| {
        engine.read(|state| {
            let shards = state.streams.values().map(|it| it.shards.len());
            (state.streams.len(), shards.sum::<usize>())
        })
    };
    assert_eq!(kept(engine), (2, 4));
    host.close().await;
    clock.sleep(Duration::from_hours(25)).await;
    let host = EngineHost::open(in_folder()).unwrap();
    let engine = host.engine();
    clock.sleep(SOON).await;
    assert_eq!((kept(engine), stored(engine)), ((1, 1), 1));
    assert!(engine.read(|state| state.trash.is_empty()));
    host.close().await;
}

#[tokio::test(start_paused = true)]
async fn an_iterator_into_a_shard_that_is_gone_is_told_that_its_data_was_trimmed() {
    let clock = clock();
    let host = EngineHost::open(options(&clock)).unwrap();
    let engine = host.engine();
    let (stream, shard) = with_stream(engine, "table", "KEYS_ONLY").await;
    put(engine, "table", "a", 1).await;
    roll_shard(engine, &stream, &shard).unwrap();
    clock.sleep(Duration::from_mins(24 * 60 - 5)).await;
    let horizon = json!({"ShardIteratorType": "TRIM_HORIZON", "ShardId": shard});
    let place = iterator(engine, &stream, horizon.clone()).await;
    // Whether it was taken away already or is only too old makes no difference.
    for pause in [Duration::from_mins(5), Duration::from_mins(2)] {
        clock.sleep(pause).await;
        let read = call(engine, "GetRecords", json!({"ShardIterator": place})).await;
        assert_eq!(
            refusal(read),
            "TrimmedDataAccessException: The data you are trying to access has been trimmed"
        );
        let mut request = horizon.clone();
        request["StreamArn"] = json!(stream);
        let asked = refusal(call(engine, "GetShardIterator", request).await);
        assert!(asked.starts_with("ResourceNotFoundException: "), "{asked}");
    }
    host.close().await;
}

#[tokio::test(start_paused = true)]
async fn shards_are_rolled_over_when_their_period_is_over() {
    let clock = clock();
    let period = Duration::from_hours(4);
    let host = EngineHost::open(Options {
        streams: Settings {
            period: Some(period),
            ..Settings::default()
        },
        ..options(&clock)
    })
    .unwrap();
    let engine = host.engine();
    let (stream, first) = with_stream(engine, "table", "KEYS_ONLY").await;
    make(engine, "without", false, json!({})).await;
    put(engine, "table", "a", 1).await;
    clock.sleep(Duration::from_secs(4 * 3600 - 1)).await;
    assert_eq!(ids(&shards(engine, &stream).await), [first.as_str()]);
    clock.sleep(Duration::from_secs(2)).await;
    put(engine, "table", "a", 2).await;
    let both = shards(engine, &stream).await;
    assert_eq!(both[1]["ParentShardId"], first.as_str());
    assert_eq!((both.len(), open(&both).len()), (2, 1));
    assert_eq!(records(engine, &stream).await.len(), 2);
    // Six of a day and the open one; what is older is gone.
    clock.sleep(3 * DAY).await;
    let week = shards(engine, &stream).await;
    assert_eq!((week.len(), open(&week).len()), (7, 1));
    // A switched-off stream is left alone.
    let off = json!({"TableName": "table", "StreamSpecification": {"StreamEnabled": false}});
    call(engine, "UpdateTable", off).await.unwrap();
    clock.sleep(period + SOON).await;
    assert!(open(&shards(engine, &stream).await).is_empty());
    host.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_shard_that_takes_too_much_for_ten_seconds_is_split() {
    let clock = clock();
    let host = EngineHost::open(Options {
        streams: Settings {
            split_rate: NonZeroU32::new(20),
            ..Settings::default()
        },
        ..options(&clock)
    })
    .unwrap();
    let engine = host.engine();
    let (stream, first) = with_stream(engine, "table", "KEYS_ONLY").await;
    let write = async |secs: u32, count: u32| {
        for n in 0..secs {
            for id in 0..count {
                put(engine, "table", &id.to_string(), n).await;
            }
            clock.sleep(Duration::from_secs(1)).await;
        }
    };
    // As much as is allowed, then too much but not for long enough.
    write(30, 20).await;
    write(8, 30).await;
    write(2, 1).await;
    assert_eq!(ids(&shards(engine, &stream).await), [first.as_str()]);
    write(15, 32).await;
    let split = shards(engine, &stream).await;
    assert_eq!((split.len(), open(&split).len()), (3, 2));
    assert!(
        open(&split)
            .iter()
            .all(|it| it["ParentShardId"] == first.as_str())
    );
    // Each of the two takes about half of it, which is fine.
    write(30, 32).await;
    assert_eq!(shards(engine, &stream).await.len(), 3);
    host.close().await;
}

fn limited(clock: &Clock) -> Options {
    Options {
        streams: Settings {
            has_limits: true,
            ..Settings::default()
        },
        ..options(clock)
    }
}

#[tokio::test(start_paused = true)]
async fn a_third_reader_of_a_shard_is_refused_until_another_leaves_where_limits_hold() {
    let clock = clock();
    let horizon = |shard: &str| json!({"ShardIteratorType": "TRIM_HORIZON", "ShardId": shard});
    for (options, is_limited) in [(limited(&clock), true), (options(&clock), false)] {
        let host = EngineHost::open(options).unwrap();
        let engine = host.engine();
        let (stream, shard) = with_stream(engine, "table", "KEYS_ONLY").await;
        let mut readers = Vec::new();
        for _ in 0..3 {
            readers.push(iterator(engine, &stream, horizon(&shard)).await);
        }
        // Four times a second, as triggers do; the third comes last.
        for _ in 0..8 {
            for (at, reader) in readers.iter_mut().enumerate() {
                let page = call(engine, "GetRecords", json!({"ShardIterator": reader})).await;
                if at == 2 && is_limited {
                    let refused = refusal(page);
                    assert!(refused.starts_with("LimitExceededException: "), "{refused}");
                } else {
                    *reader = page.unwrap()["NextShardIterator"].clone();
                }
            }
            clock.sleep(Duration::from_millis(250)).await;
        }
        readers.remove(0);
        clock.sleep(Duration::from_secs(1)).await;
        for reader in readers {
            let page = call(engine, "GetRecords", json!({"ShardIterator": reader})).await;
            page.unwrap();
        }
        host.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn streams_are_described_and_listed_only_so_often_where_limits_hold() {
    let clock = clock();
    let host = EngineHost::open(limited(&clock)).unwrap();
    let engine = host.engine();
    let (stream, _) = with_stream(engine, "table", "KEYS_ONLY").await;
    for (operation, request, most) in [
        ("DescribeStream", json!({"StreamArn": stream}), 10),
        ("ListStreams", json!({}), 5),
    ] {
        for _ in 0..2 {
            clock.sleep(Duration::from_secs(1)).await;
            for _ in 0..most {
                call(engine, operation, request.clone()).await.unwrap();
            }
            let refused = refusal(call(engine, operation, request.clone()).await);
            assert_eq!(refused, "ThrottlingException: Rate exceeded");
        }
    }
    host.close().await;
}
