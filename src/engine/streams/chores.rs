//! What streams need beside requests: records go when their 24 hours are over, then closed shards and switched-off
//! streams; shards are rolled over by age and split by how much is written to them. Asleep while nothing is due.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::{Duration, SystemTime};

use super::shards::{self, RETENTION};
use super::tips::Trimmed;
use super::{TWO, replace_shard};
use crate::engine::call::Fault;
use crate::engine::state::{Shard, Stream};
use crate::engine::{Engine, checkpoints, dynamodb};

/// How long records nobody can read any more are gathered, to remove many at once.
const TRIMS_EVERY: Duration = Duration::from_mins(1);
/// How often shards are looked at that may have to be split.
const LOOKS_EVERY: Duration = Duration::from_secs(1);
/// A shard is split that was written to too fast for this long.
const SPLITS_AFTER: Duration = Duration::from_secs(10);
/// Open shards of a stream that splitting by itself leads to, at most.
const OPEN_MAX: usize = 64;
/// How long to wait after a failure: a full disk does not get better by trying.
const REST: Duration = Duration::from_secs(1);

/// Runs until dropped.
///
/// Only new settings and trims of the user's wake it: what falls due because of a request does so a whole period later,
/// and it never sleeps longer.
pub(in crate::engine) async fn run(engine: Engine) {
    let clock = engine.clock().clone();
    let mut paces = Paces::new();
    loop {
        let (worker, now) = (engine.clone(), clock.now());
        let done = engine.beside(move || {
            let next = round(&worker, &mut paces, now);
            (paces, next)
        });
        let next;
        (paces, next) = done
            .await
            .unwrap_or_else(|_| (Paces::new(), Ok(now + REST)));
        tokio::select! {
            biased;
            () = engine.streams().chores.notified() => {}
            () = clock.sleep_until(next.unwrap_or(now + REST)) => {}
        }
    }
}

/// Everything that is due; when to come again.
fn round(engine: &Engine, paces: &mut Paces, now: SystemTime) -> Result<SystemTime, Fault> {
    forget(engine, now)?;
    let streams: Vec<Stream> = engine.read(|state| state.streams.values().cloned().collect());
    let mut next = now + RETENTION;
    for stream in &streams {
        next = next.min(shards::forgets_at(stream).unwrap_or(next));
        for shard in &stream.shards {
            next = next.min(trim(engine, shard, now)?);
        }
    }
    let open: Vec<&Stream> = streams.iter().filter(|it| it.disabled.is_none()).collect();
    if let Some(period) = engine.settings().streams.period {
        next = next.min(roll(engine, &open, period, now)?);
    }
    if let Some(rate) = engine.settings().streams.split_rate {
        split(engine, &open, paces, (rate, now))?;
        next = next.min(now + LOOKS_EVERY);
    }
    Ok(next)
}

/// Takes away shards and streams nobody can read any more, with how far mappings had come on them.
fn forget(engine: &Engine, now: SystemTime) -> Result<(), Fault> {
    let is_due = |it: &Stream| shards::forgets_at(it).is_some_and(|at| at <= now);
    if !engine.read(|state| state.streams.values().any(is_due)) {
        return Ok(());
    }
    let gone = engine.change(|state| {
        let gone = shards::forget(state, now);
        state.trash.extend(&gone);
        Ok(gone)
    })?;
    engine.streams().forget(&gone);
    dynamodb::clear_trash(engine);
    checkpoints::prune(engine)
}

/// Removes records that are past their time; when to come again.
fn trim(engine: &Engine, shard: &Shard, now: SystemTime) -> Result<SystemTime, Fault> {
    let tip = engine.streams().tip(engine.store(), shard)?;
    loop {
        match tip.trim(engine.store(), now)? {
            Trimmed::Some => {}
            Trimmed::All(None) => return Ok(now + RETENTION),
            Trimmed::All(Some(oldest)) => return Ok((oldest + RETENTION).max(now + TRIMS_EVERY)),
        }
    }
}

/// Goes on in a new shard where one has been open for the whole period; when the next one will have been.
fn roll(
    engine: &Engine,
    streams: &[&Stream],
    period: Duration,
    now: SystemTime,
) -> Result<SystemTime, Fault> {
    let mut next = now + period;
    for stream in streams {
        for shard in stream.shards.iter().filter(|it| it.ending.is_none()) {
            let due = shard.created + period;
            if due <= now {
                replace(engine, stream, shard, NonZeroU32::MIN)?;
            } else {
                next = next.min(due);
            }
        }
    }
    Ok(next)
}

/// Splits shards that take more than `rate` records a second.
fn split(
    engine: &Engine,
    streams: &[&Stream],
    paces: &mut Paces,
    (rate, now): (NonZeroU32, SystemTime),
) -> Result<(), Fault> {
    let mut former = std::mem::take(paces);
    for stream in streams {
        let open = || stream.shards.iter().filter(|it| it.ending.is_none());
        let mut count = open().count();
        for shard in open() {
            let next = engine.streams().tip(engine.store(), shard)?.next();
            let mut pace = former.remove(&shard.store_id).unwrap_or(Pace {
                at: now,
                next,
                busy_since: None,
            });
            pace.look(next, rate, now);
            let is_busy = pace.busy_since.is_some_and(|it| it + SPLITS_AFTER <= now);
            let can_split = count < OPEN_MAX && shard.hash_range.0 < shard.hash_range.1;
            if is_busy && can_split {
                replace(engine, stream, shard, TWO)?;
                count += 1;
            } else {
                paces.insert(shard.store_id, pace);
            }
        }
    }
    Ok(())
}

/// Closes a shard, unless somebody else did so meanwhile.
fn replace(
    engine: &Engine,
    stream: &Stream,
    shard: &Shard,
    children: NonZeroU32,
) -> Result<(), Fault> {
    let replaced = replace_shard(engine, &stream.arn, &shard.id, children);
    match replaced {
        Err(fault) if fault.status < 500 => Ok(()),
        replaced => replaced,
    }
}

/// How fast shards are written to, by `store_id`.
type Paces = BTreeMap<u64, Pace>;

/// What was seen of one shard, so that writers need not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pace {
    at: SystemTime,
    /// Number of its next record then.
    next: u64,
    /// It has been written to too fast from then on.
    busy_since: Option<SystemTime>,
}

impl Pace {
    fn look(&mut self, next: u64, rate: NonZeroU32, now: SystemTime) {
        let passed = now.duration_since(self.at).unwrap_or_default();
        if passed < LOOKS_EVERY {
            return;
        }
        let written = u128::from(next.saturating_sub(self.next));
        let allowed = u128::from(rate.get()) * passed.as_millis() / 1000;
        self.busy_since = (written > allowed).then(|| self.busy_since.unwrap_or(self.at));
        (self.at, self.next) = (now, next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_busy_from_the_first_of_the_looks_that_all_found_too_much() {
        let at = |secs| SystemTime::UNIX_EPOCH + Duration::from_secs(secs);
        let rate = NonZeroU32::new(10).unwrap();
        let mut pace = Pace {
            at: at(0),
            next: 100,
            busy_since: None,
        };
        for (secs, next, busy_since) in [
            (1, 110, None),
            (2, 121, Some(at(1))),
            (4, 142, Some(at(1))),
            (5, 152, None),
            (6, 163, Some(at(5))),
            // Hours later, much was written, yet slowly.
            (9000, 5000, None),
        ] {
            pace.look(next, rate, at(secs));
            assert_eq!(pace.busy_since, busy_since, "{secs}");
        }
        pace.look(9000, rate, at(9000) + Duration::from_millis(999));
        assert_eq!((pace.next, pace.busy_since), (5000, None));
    }
}
