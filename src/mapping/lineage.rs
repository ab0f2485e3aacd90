//! Which shards are begun when: children wait until their parents are used up. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_sdk_dynamodbstreams::types::Shard;

use super::config::StartingPosition;
use super::consumer::{Checkpoint, Position, Rules, poll_backoff};
use super::poller::Save;
use super::record::SequenceNumber;

/// How often new shards are looked for, beside the times when one is used up.
const DISCOVER_EVERY: Duration = Duration::from_mins(1);

/// What a stream told of itself.
#[derive(Debug, Default)]
pub(super) struct Stream {
    pub(super) shards: Vec<Shard>,
    /// Names of the key attributes, partition key first.
    pub(super) keys: Vec<String>,
}

impl Stream {
    fn ids(&self) -> BTreeSet<&str> {
        self.shards.iter().filter_map(Shard::shard_id).collect()
    }
}

/// A shard to begin with.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) shard: Arc<str>,
    pub(super) from: Checkpoint,
    /// Where the shard begins. `None` where whoever reads it begins with the oldest record that is there.
    pub(super) beginning: Option<SequenceNumber>,
    pub(super) keys: Arc<[String]>,
}

/// A shard whose task came to its end, and where it would go on.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) shard: Arc<str>,
    pub(super) checkpoint: Checkpoint,
}

/// A shard that was taken away before it was read to its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lost {
    pub(super) shard: Arc<str>,
    /// The last record that was done.
    pub(super) after: Option<SequenceNumber>,
    /// It came and went between two looks, as others before it may have done: a child of it tells that it was there.
    pub(super) is_unseen: bool,
}

/// Which shards were begun and which are used up: children wait for their parents.
#[derive(Debug)]
pub(super) struct Lineage {
    checkpoints: BTreeMap<String, Checkpoint>,
    running: BTreeSet<String>,
    /// Of every shard that was seen and may still matter.
    parents: BTreeMap<String, Option<String>>,
    /// Shards that were there at the last look and not begun, because their parents were not used up.
    waiting: BTreeSet<String>,
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
            parents: BTreeMap::new(),
            waiting: BTreeSet::new(),
            is_fresh: checkpoints.is_empty(),
            started: now,
            setbacks: 0,
        }
    }

    /// How long until the next look.
    pub(super) fn wait(&self) -> Duration {
        match self.setbacks {
            0 => DISCOVER_EVERY,
            setbacks => poll_backoff(setbacks),
        }
    }

    /// Shards that are no longer there and were not read to their end; they count as used up from now on.
    pub(super) fn lost(&mut self, stream: &Stream, save: &Save) -> Vec<Lost> {
        let ids = stream.ids();
        // A stream always has a shard: an answer without any says nothing.
        if ids.is_empty() {
            return Vec::new();
        }
        let mut lost = self.unseen(stream, &ids);
        let waiting = std::mem::take(&mut self.waiting);
        for id in waiting.iter().filter(|id| !ids.contains(id.as_str())) {
            if !self.checkpoints.contains_key(id) {
                lost.push(Lost {
                    shard: Arc::from(id.as_str()),
                    after: None,
                    is_unseen: false,
                });
            }
        }
        let running = &self.running;
        let is_gone = |id: &str| !ids.contains(id) && !running.contains(id);
        let gone = self.checkpoints.extract_if(.., |id, _| is_gone(id));
        for (id, checkpoint) in gone {
            if checkpoint.position != Position::Finished {
                lost.push(Lost {
                    after: checkpoint.position.number().cloned(),
                    shard: Arc::from(id),
                    is_unseen: false,
                });
            }
        }
        for lost in &lost {
            save(&lost.shard, &Checkpoint::from(Position::Finished));
        }
        lost
    }

    /// Shards that are gone and of which nothing is known but a child that is new. What the first look does not find was
    /// never this mapping's.
    fn unseen(&mut self, stream: &Stream, ids: &BTreeSet<&str>) -> Vec<Lost> {
        if self.is_fresh {
            return Vec::new();
        }
        let is_known = |id: &str| {
            ids.contains(id) || self.parents.contains_key(id) || self.checkpoints.contains_key(id)
        };
        let is_new = |it: &&Shard| {
            let id = it.shard_id().unwrap_or_default();
            !self.parents.contains_key(id) && !self.checkpoints.contains_key(id)
        };
        let children = stream.shards.iter().filter(is_new);
        let parents = children.filter_map(Shard::parent_shard_id);
        let unseen: BTreeSet<String> = parents
            .filter(|id| !is_known(id))
            .map(str::to_owned)
            .collect();
        let mut lost = Vec::new();
        for id in unseen {
            lost.push(Lost {
                shard: Arc::from(id.as_str()),
                after: None,
                is_unseen: true,
            });
            self.parents.insert(id, None);
        }
        lost
    }

    /// Shards that can be begun now. The first look fixes what "latest" means.
    pub(super) fn begin(&mut self, stream: &Stream, rules: &Rules, save: &Save) -> Vec<Start> {
        let is_fresh = std::mem::take(&mut self.is_fresh);
        let is_latest = rules.config.starting_position == StartingPosition::Latest;
        if is_fresh && is_latest {
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
        let ids = stream.ids();
        for shard in &stream.shards {
            if let Some(id) = shard.shard_id() {
                let parent = shard.parent_shard_id().map(str::to_owned);
                self.parents.insert(id.to_owned(), parent);
            }
        }
        self.waiting.clear();
        let keys: Arc<[String]> = stream.keys.as_slice().into();
        let mut starts = Vec::new();
        for shard in &stream.shards {
            let Some(id) = shard.shard_id() else { continue };
            if self.is_finished(id) || self.running.contains(id) {
                continue;
            }
            let parent = shard.parent_shard_id();
            if !parent.is_none_or(|parent| self.is_over(parent, &ids)) {
                self.waiting.insert(id.to_owned());
            } else if self.running.insert(id.to_owned()) {
                let known = self.checkpoints.get(id).cloned();
                let from = known.unwrap_or_else(|| {
                    // Whoever comes later has to know that it was begun, even if nothing is ever read of it.
                    let first = Checkpoint::default();
                    save(id, &first);
                    first
                });
                starts.push(Start {
                    shard: Arc::from(id),
                    from,
                    beginning: beginning(shard).filter(|_| is_latest || !is_fresh),
                    keys: Arc::clone(&keys),
                });
            }
        }
        self.forget(&ids);
        starts
    }

    /// Whether nothing comes any more from this shard or from those before it. They may be gone from the stream while
    /// the last of one of them is still being worked on. Where those before it were not all seen, that may be any.
    fn is_over(&self, shard: &str, ids: &BTreeSet<&str>) -> bool {
        let mut next = Some(shard);
        // A lineage is no longer than what was seen, even one that goes round.
        for _ in 0..=self.parents.len() {
            match next {
                Some(id) if self.running.contains(id) => return false,
                Some(id) if ids.contains(id) => return self.is_finished(id),
                Some(id) => next = self.parents.get(id).and_then(Option::as_deref),
                None => break,
            }
        }
        self.running.iter().all(|it| ids.contains(it.as_str()))
    }

    /// Forgets the parents of shards that are gone and before which nothing goes on.
    fn forget(&mut self, ids: &BTreeSet<&str>) {
        let gone = self.parents.keys();
        let over: Vec<String> = gone
            .filter(|id| !ids.contains(id.as_str()) && self.is_over(id, ids))
            .cloned()
            .collect();
        for id in over {
            self.parents.remove(&id);
        }
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

fn beginning(shard: &Shard) -> Option<SequenceNumber> {
    let range = shard.sequence_number_range()?;
    range.starting_sequence_number().map(SequenceNumber::new)
}

fn is_closed(shard: &Shard) -> bool {
    let range = shard.sequence_number_range();
    range.is_some_and(|range| range.ending_sequence_number().is_some())
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodbstreams::types::SequenceNumberRange;
    use parking_lot::Mutex;

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
    fn a_child_waits_for_a_parent_that_is_gone_while_it_is_still_being_worked_on() {
        let mut lineage = Lineage::new(&BTreeMap::new(), SystemTime::UNIX_EPOCH);
        begin(&mut lineage, StartingPosition::TrimHorizon);
        let mut later = split();
        later.shards.remove(0);
        let next = |lineage: &mut Lineage| {
            let rules = Rules::new(MappingConfig::default()).unwrap();
            let save: Save = Arc::new(|_, _| ());
            assert!(lineage.lost(&later, &save).is_empty());
            lineage.begin(&later, &rules, &save).len()
        };
        assert_eq!(next(&mut lineage), 0);
        finish(&mut lineage, "root");
        assert_eq!(next(&mut lineage), 2);
    }

    #[test]
    fn a_grandchild_waits_although_the_shard_between_is_gone_and_was_never_begun() {
        let mut lineage = Lineage::new(&BTreeMap::new(), SystemTime::UNIX_EPOCH);
        assert_eq!(begin(&mut lineage, StartingPosition::TrimHorizon).len(), 1);
        let mut later = split();
        later.shards.drain(..2);
        let rules = Rules::new(MappingConfig::default()).unwrap();
        let save: Save = Arc::new(|_, _| ());
        let lost = Lost {
            shard: Arc::from("left"),
            after: None,
            is_unseen: false,
        };
        assert_eq!(lineage.lost(&later, &save), [lost]);
        assert_eq!(lineage.begin(&later, &rules, &save).len(), 0);
        assert!(lineage.lost(&later, &save).is_empty());
        finish(&mut lineage, "root");
        assert_eq!(lineage.begin(&later, &rules, &save).len(), 2);
        assert_eq!(lineage.parents.len(), 2);
    }

    #[test]
    fn a_shard_that_is_gone_before_it_was_read_to_its_end_is_told_once() {
        let after = SequenceNumber::new("7");
        let known = [
            ("long gone", Position::After(after.clone())),
            ("longer gone", Position::Finished),
            ("never read", Position::TrimHorizon),
            ("root", Position::After(after.clone())),
        ];
        let known = known.map(|(id, position)| (id.to_owned(), position.into()));
        let mut lineage = Lineage::new(&BTreeMap::from(known), SystemTime::UNIX_EPOCH);
        let saved: Arc<Mutex<Vec<String>>> = Arc::default();
        let kept = Arc::clone(&saved);
        let save: Save = Arc::new(move |shard, checkpoint| {
            assert_eq!(checkpoint.position, Position::Finished);
            kept.lock().push(shard.to_owned());
        });
        assert!(lineage.lost(&Stream::default(), &save).is_empty());
        let lost = |shard: &str, after| Lost {
            shard: Arc::from(shard),
            after,
            is_unseen: false,
        };
        assert_eq!(
            lineage.lost(&split(), &save),
            [lost("long gone", Some(after)), lost("never read", None)]
        );
        assert_eq!(*saved.lock(), ["long gone", "never read"]);
        assert!(lineage.lost(&split(), &save).is_empty());
        assert_eq!(lineage.checkpoints.len(), 1);
    }

    #[test]
    fn a_shard_that_came_and_went_between_two_looks_is_told_by_its_child() {
        let rules = Rules::new(MappingConfig::default()).unwrap();
        let saved: Arc<Mutex<Vec<(String, Position)>>> = Arc::default();
        let kept = Arc::clone(&saved);
        let save: Save = Arc::new(move |shard, checkpoint| {
            let position = checkpoint.position.clone();
            kept.lock().push((shard.to_owned(), position));
        });
        let stream = |shards: &[Shard]| Stream {
            shards: shards.to_vec(),
            keys: Vec::new(),
        };
        let known = BTreeMap::from([("root".to_owned(), Position::TrimHorizon.into())]);
        let mut lineage = Lineage::new(&known, SystemTime::UNIX_EPOCH);
        let first = stream(&[shard("root", Some("long gone"), false)]);
        assert_eq!(lineage.lost(&first, &save), []);
        assert_eq!(lineage.begin(&first, &rules, &save).len(), 1);
        let later = stream(&[
            shard("left", Some("unseen"), false),
            shard("right", Some("unseen"), false),
        ]);
        let unseen = Lost {
            shard: Arc::from("unseen"),
            after: None,
            is_unseen: true,
        };
        assert_eq!(lineage.lost(&later, &save), [unseen]);
        // It may have been a child of what is still being worked on.
        assert_eq!(lineage.begin(&later, &rules, &save).len(), 0);
        assert_eq!(lineage.lost(&later, &save), []);
        finish(&mut lineage, "root");
        assert_eq!(lineage.lost(&later, &save), []);
        assert_eq!(lineage.begin(&later, &rules, &save).len(), 2);
        assert_eq!(lineage.lost(&later, &save), []);
        let [unseen, left, right] = ["unseen", "left", "right"].map(str::to_owned);
        let expected = [
            (unseen, Position::Finished),
            (left, Position::TrimHorizon),
            (right, Position::TrimHorizon),
        ];
        assert_eq!(*saved.lock(), expected);
        // Nor is it told after a restart.
        let known = expected.map(|(id, position)| (id, position.into()));
        let mut lineage = Lineage::new(&BTreeMap::from(known), SystemTime::UNIX_EPOCH);
        assert_eq!(lineage.lost(&later, &save), []);
    }

    #[test]
    fn parents_that_are_gone_when_a_mapping_looks_for_the_first_time_are_none_of_its_own() {
        let save: Save = Arc::new(|_, _| ());
        let mut lineage = Lineage::new(&BTreeMap::new(), SystemTime::UNIX_EPOCH);
        for _ in 0..2 {
            assert_eq!(lineage.lost(&split(), &save), []);
            begin(&mut lineage, StartingPosition::TrimHorizon);
        }
        let known = ["root", "right"].map(|id| (id.to_owned(), Position::Finished.into()));
        let mut lineage = Lineage::new(&BTreeMap::from(known), SystemTime::UNIX_EPOCH);
        assert_eq!(lineage.lost(&split(), &save), []);
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
    fn what_is_gone_of_a_shard_is_no_matter_when_the_first_look_finds_it() {
        let rules = Rules::new(MappingConfig {
            starting_position: StartingPosition::TrimHorizon,
            ..MappingConfig::default()
        });
        let (rules, save): (_, Save) = (rules.unwrap(), Arc::new(|_, _| ()));
        let mut lineage = Lineage::new(&BTreeMap::new(), SystemTime::UNIX_EPOCH);
        let mut beginnings = || {
            let starts = lineage.begin(&split(), &rules, &save);
            for start in &starts {
                finish(&mut lineage, &start.shard);
            }
            let beginnings = starts.into_iter().map(|it| it.beginning);
            beginnings.collect::<Vec<_>>()
        };
        assert_eq!(beginnings(), [None]);
        let first = || Some(SequenceNumber::new("1"));
        assert_eq!(beginnings(), [first(), first()]);
    }

    #[test]
    fn with_checkpoints_an_unknown_shard_is_new_and_read_from_its_beginning() {
        let known = ["root", "right"].map(|id| (id.to_owned(), Position::Finished.into()));
        let mut lineage = Lineage::new(&BTreeMap::from(known), SystemTime::UNIX_EPOCH);
        let begun = begin(&mut lineage, StartingPosition::Latest);
        assert_eq!(begun, [("left".to_owned(), Position::TrimHorizon)]);
    }
}
