//! Settings, moods and trouble as the dice have them.

use std::num::NonZeroU32;
use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value, json};
use waterwheel::engine::delays::Delays;
use waterwheel::engine::faults::{Kind, Rule};
use waterwheel::engine::streams::Settings;
use waterwheel::engine::{Options, Pace};
use waterwheel::mapping::assumed::{
    Assumed, BatchSizeCounts, FailureBlocks, LargerHalf, WindowsBegin,
};

use super::program::Mood;
use super::truth::PATTERNS;

/// What a world is made with.
pub(super) fn options(dice: &mut Rng, options: Options) -> Options {
    Options {
        delays: pick(dice, [Delays::Instant, Delays::Quick]),
        // Four polls a second are most of what a world costs.
        poll: if dice.u8(..6) == 0 {
            Pace::FourPerSecond
        } else {
            Pace::AsWritten
        },
        streams: Settings {
            shards: NonZeroU32::new(pick(dice, [1, 1, 2, 3])).unwrap(),
            ..Settings::default()
        },
        assumed: assumed(dice),
        ..options
    }
}

/// What AWS leaves open, one way or the other.
fn assumed(dice: &mut Rng) -> Assumed {
    Assumed {
        retry_first: Duration::from_millis(pick(dice, [100, 500, 500])),
        larger_half: pick(dice, [LargerHalf::First, LargerHalf::Second]),
        failure_blocks: pick(dice, [FailureBlocks::Lane, FailureBlocks::Shard]),
        windows_begin: pick(dice, [WindowsBegin::Epoch, WindowsBegin::Record]),
        batch_size_counts: pick(dice, [BatchSizeCounts::Kept, BatchSizeCounts::Read]),
        ..Assumed::default()
    }
}

/// Settings of a trigger in the API's words, those of a new one or a change.
pub(super) fn settings(dice: &mut Rng, queue: &str, tumbling: Option<u64>) -> Value {
    let tumbling = tumbling.unwrap_or_else(|| pick(dice, [0, 0, 0, 0, 2, 5, 30]));
    let factor = pick(dice, [1, 1, 2, 4, 10]);
    let types: &[&str] = pick(dice, [&[] as &[&str], &["ReportBatchItemFailures"]]);
    let destination = pick(dice, ["", queue, queue]);
    json!({
        "BatchSize": pick(dice, [1, 2, 3, 5, 10, 100]),
        "MaximumBatchingWindowInSeconds": pick(dice, [0, 0, 0, 1, 3]),
        "ParallelizationFactor": if tumbling > 0 { 1 } else { factor },
        "MaximumRetryAttempts": pick(dice, [-1, -1, 0, 1, 2, 5]),
        "MaximumRecordAgeInSeconds": pick(dice, [-1, -1, -1, 60]),
        "BisectBatchOnFunctionError": dice.bool(),
        "TumblingWindowInSeconds": tumbling,
        "FunctionResponseTypes": types,
        "DestinationConfig": { "OnFailure": { "Destination": destination } },
        "FilterCriteria": { "Filters": filters(dice) },
    })
}

fn filters(dice: &mut Rng) -> Vec<Value> {
    let count = pick(dice, [0, 0, 0, 1, 2]);
    let patterns = dice.choose_multiple(PATTERNS, count).into_iter();
    patterns.map(|it| json!({ "Pattern": it })).collect()
}

pub(super) fn mood(dice: &mut Rng) -> Mood {
    let mut share = |most| if dice.bool() { dice.u8(..=most) } else { 0 };
    let (fails, hangs, answers_in_part) = (share(40), share(10), share(30));
    let (answers_nonsense, poison) = (share(15), share(8));
    Mood {
        fails,
        hangs,
        answers_in_part,
        answers_nonsense,
        poison,
        millis: pick(dice, [0, 0, 40, 400, 2500]),
    }
}

pub(super) fn faults(dice: &mut Rng) -> Vec<Rule> {
    let count = dice.usize(1..=3);
    (0..count).map(|_| fault(dice)).collect()
}

fn fault(dice: &mut Rng) -> Rule {
    const READING: [&str; 4] = [
        "streams:GetRecords",
        "streams:GetShardIterator",
        "streams:DescribeStream",
        "streams:*",
    ];
    const ANY: [&str; 5] = [
        "lambda:Invoke",
        "lambda:Invoke",
        "sqs:SendMessage",
        "dynamodb:*Item",
        "streams:*",
    ];
    let any = if dice.bool() {
        pick(dice, READING)
    } else {
        pick(dice, ANY)
    };
    let (calls, kind) = match dice.u8(..14) {
        0..3 => (any, Kind::Throttle),
        3..5 => (any, Kind::InternalError),
        5 => (any, Kind::AccessDenied),
        6..8 => (any, Kind::AnswerLost),
        8 | 9 => (any, Kind::delay(Duration::from_millis(dice.u64(1..2000)))),
        10 => ("lambda:Invoke", Kind::Timeout),
        11 => ("lambda:Invoke", function_error()),
        12 => ("streams:GetRecords", Kind::ExpiredIterator),
        _ => ("streams:Get*", Kind::TrimmedData),
    };
    Rule {
        calls: calls.to_owned(),
        subject: None,
        probability: pick(dice, [0.1, 0.3, 0.6, 1.0]),
        skip: pick(dice, [0, 0, 3]),
        first: pick(dice, [None, None, Some(4)]),
        kind,
    }
}

fn function_error() -> Kind {
    Kind::FunctionError {
        kind: "Error".to_owned(),
        message: "injected".to_owned(),
    }
}

pub(super) fn pick<T, const N: usize>(dice: &mut Rng, choices: [T; N]) -> T {
    let at = dice.usize(..N);
    choices.into_iter().nth(at).unwrap()
}
