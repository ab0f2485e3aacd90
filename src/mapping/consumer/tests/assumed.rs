//! What AWS leaves open, done in another way than usual.

use super::*;
use crate::mapping::assumed::{
    Assumed, BatchSizeCounts, FailureBlocks, LargerHalf, ReportedFailures, WindowsBegin,
};

fn desk(config: MappingConfig, assumed: Assumed) -> Desk {
    let rules = Rules::new(config.clone()).unwrap().assuming(assumed);
    let mut desk = Desk::new(config);
    desk.consumer.reconfigure(Arc::new(rules));
    desk
}

#[test]
fn the_second_half_of_an_odd_batch_may_be_the_larger() {
    let config = MappingConfig {
        bisect_on_function_error: true,
        ..failures::retries(0)
    };
    let assumed = Assumed {
        larger_half: LargerHalf::Second,
        ..Assumed::default()
    };
    let mut desk = desk(config, assumed).page(records(1..=3));
    desk.run(seconds(30), |batch| {
        if batch.records.len() > 1 {
            thrown()
        } else {
            answer("null")
        }
    });
    let seen = desk.deliveries();
    assert_eq!(seen, [vec![1, 2, 3], vec![1], vec![2, 3], vec![2], vec![3]]);
}

#[test]
fn retries_wait_as_long_as_is_set() {
    let assumed = Assumed {
        retry_first: Duration::from_millis(100),
        retry_max: Duration::from_millis(300),
        ..Assumed::default()
    };
    let mut desk = desk(failures::retries(4), assumed).page(records(1..=1));
    desk.run(seconds(30), |_| thrown());
    assert_eq!(desk.times(), [0, 100, 300, 600, 900]);
}

#[test]
fn a_failed_batch_holds_up_its_lane_or_the_whole_shard() {
    for (failure_blocks, delivered) in [
        (FailureBlocks::Lane, vec![1, 2, 3, 1]),
        (FailureBlocks::Shard, vec![1, 1, 2, 3]),
    ] {
        let config = MappingConfig {
            parallelization_factor: 2,
            batch_size: 1,
            ..failures::retries(1)
        };
        let (one, another) = lanes::two_keys();
        // The failing lane is the one that is looked at first.
        let (first, other) = match lane_of(&record(1, &one, start()), 2) {
            0 => (one, another),
            _ => (another, one),
        };
        let page = vec![
            record(1, &first, start()),
            record(2, &other, start()),
            record(3, &other, start()),
        ];
        let assumed = Assumed {
            failure_blocks,
            ..Assumed::default()
        };
        let mut desk = desk(config, assumed).page(page);
        desk.run(seconds(10), |batch| {
            if has(batch, 1) {
                thrown()
            } else {
                answer("null")
            }
        });
        assert_eq!(desk.deliveries().concat(), delivered, "{failure_blocks:?}");
    }
}

#[test]
fn windows_may_begin_with_their_first_record() {
    let config = MappingConfig {
        tumbling_window_secs: Some(10),
        ..MappingConfig::default()
    };
    let assumed = Assumed {
        windows_begin: WindowsBegin::Record,
        ..Assumed::default()
    };
    let mut desk = desk(config, assumed);
    desk.now = start() + seconds(3);
    let created = start() + seconds(3);
    let mut desk = desk.page(vec![record(1, "a", created)]);
    desk.run(seconds(30), |_| answer(r#"{"state":{}}"#));
    let secs = |at: u64| serde_json::json!(crate::clock::iso_secs(start() + seconds(at)));
    for event in &desk.events {
        assert_eq!(event["window"]["start"], secs(3));
        assert_eq!(event["window"]["end"], secs(13));
    }
    assert_eq!(desk.times(), [3000, 13_000]);
}

#[test]
fn reported_failures_may_count_as_a_good_result() {
    let assumed = Assumed {
        reported_failures: ReportedFailures::Ok,
        ..Assumed::default()
    };
    let config = MappingConfig {
        report_batch_item_failures: true,
        ..failures::retries(0)
    };
    let mut desk = desk(config, assumed).page(records(1..=2));
    desk.run(seconds(10), |batch| {
        if batch.records.len() == 2 {
            failing_from(2)
        } else {
            answer("{}")
        }
    });
    let told = desk.news.iter().filter_map(|what| match what {
        What::Result { text } => Some(text.as_str()),
        _ => None,
    });
    assert_eq!(told.collect::<Vec<_>>(), ["OK"]);
}

#[test]
fn the_batch_size_may_count_what_is_filtered_out() {
    // Of every ten records two are kept, those that end in 3 and in 4; then a page with nothing to keep.
    let config = MappingConfig {
        batch_size: 10,
        batching_window_secs: 60,
        filters: vec![
            r#"{"dynamodb":{"Keys":{"id":{"S":[{"suffix":"3"}]}}}}"#.to_owned(),
            r#"{"dynamodb":{"Keys":{"id":{"S":[{"suffix":"4"}]}}}}"#.to_owned(),
        ],
        ..MappingConfig::default()
    };
    let delivered = |counts, pages: &[RangeInclusive<u32>]| {
        let assumed = Assumed {
            batch_size_counts: counts,
            ..Assumed::default()
        };
        let mut desk = desk(config.clone(), assumed);
        for page in pages {
            desk = desk.page(records(page.clone()));
        }
        desk.run(seconds(30), |batch| {
            let is_full = batch.records.len() == 10;
            assert_eq!(batch.reason.ends_with("the batch is full"), is_full);
            answer("null")
        });
        desk.deliveries()
    };
    let whole: Vec<Vec<u32>> = vec![vec![3, 4], vec![13, 14], vec![23, 24]];
    assert_eq!(delivered(BatchSizeCounts::Read, &[1..=30]), whole);
    // The same whatever pages they come on.
    assert_eq!(
        delivered(BatchSizeCounts::Read, &[1..=4, 5..=9, 10..=13, 14..=30]),
        whole
    );
    // The fourth batch is not full.
    assert_eq!(delivered(BatchSizeCounts::Read, &[1..=39]), whole);
    // A batch of which nothing is kept is none.
    let pages = [1..=2, 5..=12, 15..=21, 23..=24, 25..=25];
    assert_eq!(
        delivered(BatchSizeCounts::Read, &pages[..4]),
        Vec::<Vec<u32>>::new()
    );
    assert_eq!(delivered(BatchSizeCounts::Read, &pages), [[23, 24]]);
    assert_eq!(
        delivered(BatchSizeCounts::Kept, &[1..=30]),
        Vec::<Vec<u32>>::new()
    );
    assert_eq!(
        delivered(BatchSizeCounts::Kept, &[1..=50]),
        [[3, 4, 13, 14, 23, 24, 33, 34, 43, 44]]
    );
}
