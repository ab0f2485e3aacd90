//! Which shards are begun when: children wait until their parents are used up. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_sdk_dynamodbstreams::types::Shard;

use super::Save;
use crate::mapping::config::StartingPosition;
use crate::mapping::consumer::{Checkpoint, Position, Rules, backoff};

/// How often new shards are looked for, beside the times when one is used up.
const DISCOVER_EVERY: Duration = Duration::from_mins(1);
const DISCOVER_BACKOFF_MAX: Duration = Duration::from_secs(10);

/// What a stream told of itself.
#[derive(Debug, Default)]
pub(super) struct Stream {
    pub(super) shards: Vec<Shard>,
    /// Names of the key attributes, partition key first.
    pub(super) keys: Vec<String>,
}

/// A shard to begin with.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) shard: Arc<str>,
    pub(super) from: Checkpoint,
    pub(super) keys: Arc<[String]>,
}

/// A shard whose task came to its end, and where it would go on.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) shard: Arc<str>,
    pub(super) checkpoint: Checkpoint,
}

/// Which shards were begun and which are used up: children wait for their parents.
#[derive(Debug)]
pub(super) struct Lineage {
    checkpoints: BTreeMap<String, Checkpoint>,
    running: BTreeSet<String>,
    /// Nothing is known of any shard yet.
    is_fresh: bool,
    started: SystemTime,
    /// Looks in a row that failed.
    pub(super) setbacks: u32,
}

impl Lineage {
    pub(super) fn new(checkpoints: &BTreeMap<String, Checkpoint>, now: SystemTime) -> Self {
        Self {
            checkpoints: checkpoints.clone(),
            running: BTreeSet::new(),
            is_fresh: checkpoints.is_empty(),
            started: now,
            setbacks: 0,
        }
    }

    /// How long until the next look.
    pub(super) fn wait(&self) -> Duration {
        match self.setbacks {
            0 => DISCOVER_EVERY,
            setbacks => backoff(setbacks).min(DISCOVER_BACKOFF_MAX),
        }
    }

    /// Shards that can be begun now. The first look fixes what "latest" means.
    pub(super) fn begin(&mut self, stream: &Stream, rules: &Rules, save: &Save) -> Vec<Start> {
        if std::mem::take(&mut self.is_fresh)
            && rules.config.starting_position == StartingPosition::Latest
        {
            for shard in &stream.shards {
                let position = if is_closed(shard) {
                    Position::Finished
                } else {
                    Position::Latest(self.started)
                };
                if let Some(id) = shard.shard_id() {
                    let checkpoint = Checkpoint::from(position);
                    save(id, &checkpoint);
                    self.checkpoints.insert(id.to_owned(), checkpoint);
                }
            }
        }
        let ids: BTreeSet<&str> = stream.shards.iter().filter_map(Shard::shard_id).collect();
        let keys: Arc<[String]> = stream.keys.as_slice().into();
        let mut starts = Vec::new();
        for shard in &stream.shards {
            let Some(id) = shard.shard_id() else { continue };
            let parent = shard.parent_shard_id();
            let is_due = parent.is_none_or(|it| !ids.contains(it) || self.is_finished(it));
            if is_due && !self.is_finished(id) && self.running.insert(id.to_owned()) {
                starts.push(Start {
                    shard: Arc::from(id),
                    from: self.checkpoints.get(id).cloned().unwrap_or_default(),
                    keys: Arc::clone(&keys),
                });
            }
        }
        starts
    }

    fn is_finished(&self, id: &str) -> bool {
        let checkpoint = self.checkpoints.get(id);
        checkpoint.is_some_and(|it| it.position == Position::Finished)
    }

    pub(super) fn ended(&mut self, ended: Ended) {
        self.running.remove(&*ended.shard);
        self.checkpoints
            .insert(ended.shard.to_string(), ended.checkpoint);
    }
}

fn is_closed(shard: &Shard) -> bool {
    let range = shard.sequence_number_range();
    range.is_some_and(|range| range.ending_sequence_number().is_some())
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodbstreams::types::SequenceNumberRange;

    use super::*;
    use crate::mapping::MappingConfig;

    fn shard(id: &str, parent: Option<&str>, is_closed: bool) -> Shard {
        let ending = is_closed.then(|| "2".to_owned());
        let range = SequenceNumberRange::builder()
            .starting_sequence_number("1")
            .set_ending_sequence_number(ending);
        Shard::builder()
            .shard_id(id)
            .set_parent_shard_id(parent.map(str::to_owned))
            .sequence_number_range(range.build())
            .build()
    }

    /// One shard that split, and one of the halves was rolled over.
    fn split() -> Stream {
        Stream {
            shards: vec![
                shard("root", Some("long gone"), true),
                shard("left", Some("root"), true),
                shard("right", Some("root"), false),
                shard("left again", Some("left"), false),
            ],
            keys: Vec::new(),
        }
    }

    fn begin(lineage: &mut Lineage, position: StartingPosition) -> Vec<(String, Position)> {
        let config = MappingConfig {
            starting_position: position,
            ..MappingConfig::default()
        };
        let rules = Rules::new(config).unwrap();
        let save: Save = Arc::new(|_, _| ());
        let starts = lineage.begin(&split(), &rules, &save).into_iter();
        starts
            .map(|start| (start.shard.to_string(), start.from.position))
            .collect()
    }

    fn finish(lineage: &mut Lineage, shard: &str) {
        lineage.ended(Ended {
            shard: Arc::from(shard),
            checkpoint: Checkpoint::from(Position::Finished),
        });
    }

    #[test]
    fn a_child_begins_when_its_parent_is_used_up() {
        let mut lineage = Lineage::new(&BTreeMap::new(), SystemTime::UNIX_EPOCH);
        let mut next = || {
            let begun = begin(&mut lineage, StartingPosition::TrimHorizon);
            let shards: Vec<String> = begun.into_iter().map(|(shard, _)| shard).collect();
            for shard in shards.iter().filter(|it| *it != "right") {
                finish(&mut lineage, shard);
            }
            shards
        };
        assert_eq!(next(), ["root"]);
        assert_eq!(next(), ["left", "right"]);
        assert_eq!(next(), ["left again"]);
        assert!(next().is_empty());
    }

    #[test]
    fn latest_begins_with_the_open_shards_and_leaves_the_closed_ones_out() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(7);
        let mut lineage = Lineage::new(&BTreeMap::new(), now);
        let begun = begin(&mut lineage, StartingPosition::Latest);
        let latest = |shard: &str| (shard.to_owned(), Position::Latest(now));
        assert_eq!(begun, [latest("right"), latest("left again")]);
    }

    #[test]
    fn with_checkpoints_an_unknown_shard_is_new_and_read_from_its_beginning() {
        let known = ["root", "right"].map(|id| (id.to_owned(), Position::Finished.into()));
        let mut lineage = Lineage::new(&BTreeMap::from(known), SystemTime::UNIX_EPOCH);
        let begun = begin(&mut lineage, StartingPosition::Latest);
        assert_eq!(begun, [("left".to_owned(), Position::TrimHorizon)]);
    }
}
