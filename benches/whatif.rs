//! How fast a what-if is: `cargo bench --bench whatif`.
//!
//! A million records of 400 bytes in four shards, under several configurations; the first line says whether a million
//! records are played in less than ten seconds.

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use waterwheel::clock::Clock;
use waterwheel::mapping::MappingConfig;
use waterwheel::mapping::record::{EventName, Record, SequenceNumber};
use waterwheel::mapping::whatif::{Durations, Failure, Model, Plan, Shard, Stretch, Written, run};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const RECORDS: u64 = 1_000_000;
const SHARDS: u64 = 4;
const SECS_MAX: f64 = 10.0;
const FILTER: &str = r#"{"eventName":["INSERT","MODIFY"]}"#;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let stretch = stretch();
    let base = MappingConfig {
        batch_size: 100,
        filters: vec![FILTER.to_owned()],
        ..MappingConfig::default()
    };
    let poison = Failure::Matching {
        pattern: r#"{"dynamodb":{"Keys":{"id":{"S":["item 77777"]}}}}"#.to_owned(),
        deliveries: None,
    };
    let fails = Model {
        failures: vec![poison],
        ..model()
    };
    let lanes = MappingConfig {
        parallelization_factor: 10,
        ..base.clone()
    };
    let bisects = MappingConfig {
        bisect_on_function_error: true,
        retry_attempts_max: Some(2),
        ..base.clone()
    };
    let unfiltered = MappingConfig {
        filters: Vec::new(),
        ..base.clone()
    };
    let small = MappingConfig {
        batch_size: 10,
        ..base.clone()
    };
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "configuration                                s   records/s  calls"
    )?;
    for (name, config, model) in [
        ("batches of 100, one filter", base, model()),
        ("the same, no filter", unfiltered, model()),
        ("the same, ten lanes a shard", lanes, model()),
        ("the same, bisect and a poison record", bisects, fails),
        ("the same, batches of 10", small, model()),
    ] {
        let watch = Clock::real().stopwatch();
        let report = run(&stretch, &Plan::new(config, model), &|| false)?;
        let secs = watch.elapsed().as_secs_f64();
        let count = f64::from(u32::try_from(report.total.records)?);
        let calls = report.total.invocations;
        write!(
            out,
            "{name:<38} {secs:>7.2} {:>11.0} {calls:>6}",
            count / secs
        )?;
        let verdict = if secs < SECS_MAX { "met" } else { "missed" };
        writeln!(out, "  a million in {SECS_MAX} s: {verdict}")?;
    }
    Ok(())
}

fn model() -> Model {
    Model {
        durations: Durations::PerRecord {
            call: Duration::from_millis(20),
            record: Duration::from_micros(100),
        },
        ..Model::default()
    }
}

fn stretch() -> Stretch {
    let begin = SystemTime::UNIX_EPOCH + Duration::from_hours(490_000);
    let shard = |shard: u64| {
        let records = (0..RECORDS / SHARDS).map(|number| {
            // A thousand a second and shard.
            let at = begin + Duration::from_millis(number);
            let number = number * SHARDS + shard;
            let created = begin + Duration::from_secs((number / SHARDS) / 1000);
            let record = record(number, created);
            Written { at, record }
        });
        Shard {
            id: Arc::from(format!("shard {shard}")),
            parent: None,
            opened: begin,
            closed: None,
            records: records.collect(),
        }
    };
    Stretch {
        shards: (0..SHARDS).map(shard).collect(),
    }
}

fn record(number: u64, created: SystemTime) -> Record {
    let key = format!("item {}", number % 100_000);
    let sequence_number = format!("{number:021}");
    let names = ["INSERT", "MODIFY", "REMOVE", "MODIFY"];
    let name = names[usize::try_from(number / SHARDS % 4).unwrap_or(0)];
    let head = format!(
        r#"{{"eventID":"0d3a0d3a0d3a0d3a0d3a0d3a0d3a0d3a","eventName":"{name}","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"us-east-1","dynamodb":{{"ApproximateCreationDateTime":1764000000.0,"Keys":{{"id":{{"S":"{key}"}}}},"NewImage":{{"id":{{"S":"{key}"}},"note":{{"S":""#
    );
    let tail = format!(
        r#""}}}},"SequenceNumber":"{sequence_number}","SizeBytes":60,"StreamViewType":"NEW_IMAGE"}}}}"#
    );
    let note = "x".repeat(400_usize.saturating_sub(head.len() + tail.len()));
    Record {
        sequence_number: SequenceNumber::new(&sequence_number),
        event_id: Arc::from(""),
        event_name: EventName::Insert,
        key: Arc::from(key),
        created,
        size_bytes: 60,
        event: format!("{head}{note}{tail}").into(),
    }
}
