//! Random settings, answers, delays, changes and restarts; what must hold always holds.

use crate::mapping::assumed::{Assumed, BatchSizeCounts};
use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::ids::Ids;

/// A stream, a moody function and everything that was settled.
struct World {
    dice: Ids,
    now: SystemTime,
    records: Vec<Record>,
    under_way: Vec<(SystemTime, Batch)>,
    settled: BTreeSet<u32>,
    checkpoint: u32,
    log: Vec<String>,
}

impl World {
    fn new(seed: u64) -> Self {
        let dice = Ids::seeded(seed);
        let keys = dice.number() % 6 + 1;
        let records = (1..=60).map(|number| {
            let created = start() + Duration::from_secs(u64::from(number) / 3);
            record(number, &format!("item {}", dice.number() % keys), created)
        });
        Self {
            records: records.collect(),
            dice,
            now: start(),
            under_way: Vec::new(),
            settled: BTreeSet::new(),
            checkpoint: 0,
            log: Vec::new(),
        }
    }

    fn below(&self, end: u64) -> u64 {
        self.dice.number() % end
    }

    fn index(&self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap()
    }

    fn pick<T: Copy, const N: usize>(&self, choices: [T; N]) -> T {
        choices[self.index(N)]
    }

    fn config(&self) -> MappingConfig {
        let tumbles = self.below(5) == 0;
        let drop_some = r#"{"dynamodb":{"Keys":{"id":{"S":[{"anything-but":"item 1"}]}}}}"#;
        MappingConfig {
            batch_size: self.pick([1, 2, 5, 100]),
            batching_window_secs: self.pick([0, 0, 3]),
            parallelization_factor: if tumbles { 1 } else { self.pick([1, 2, 3, 4]) },
            retry_attempts_max: self.pick([None, Some(0), Some(2)]),
            record_age_secs_max: self.pick([None, Some(60)]),
            bisect_on_function_error: self.below(2) == 0,
            tumbling_window_secs: tumbles.then_some(5),
            report_batch_item_failures: self.below(2) == 0,
            filters: if self.below(3) == 0 {
                vec![drop_some.to_owned()]
            } else {
                Vec::new()
            },
            ..MappingConfig::default()
        }
    }

    /// A page of what has been written by now and lies behind this position.
    fn page(&self, position: &Position) -> Page {
        let after = match position {
            Position::After(number) => number.as_str().parse().unwrap(),
            _ => 0,
        };
        let rest = self.records.iter().filter(|it| number_of(it) > after);
        let written = rest.clone().filter(|it| it.created <= self.now);
        let records: Vec<Record> = written.take(self.index(8)).cloned().collect();
        Page {
            is_last: rest.count() == records.len(),
            gap: None,
            records,
        }
    }

    /// Moody for two minutes, then well.
    fn answer(&self, batch: &Batch, reports: bool) -> Answer {
        let is_well = self.now > start() + seconds(120);
        let mood = if is_well { 9 } else { self.below(10) };
        match mood {
            0 | 1 => thrown(),
            2 => throttled(),
            3 | 4 if reports && !batch.records.is_empty() => {
                let at = self.index(batch.records.len());
                let partial = failing_from(number_of(&batch.records[at]));
                let with_state = partial.payload.replacen('{', r#"{"state":{},"#, 1);
                answer(&with_state)
            }
            _ => answer(r#"{"state":{}}"#),
        }
    }

    fn settle(&mut self, records: &[Record]) {
        for record in records {
            let number = number_of(record);
            let earlier = self.records.iter().filter(|it| it.key == record.key);
            let open = earlier
                .map(number_of)
                .find(|it| *it < number && !self.settled.contains(it));
            assert_eq!(
                open, None,
                "{number} was settled before an earlier change of its item"
            );
            self.settled.insert(number);
        }
    }

    fn look(&mut self, news: Vec<What>, sent: &BTreeMap<BatchId, Arc<[Record]>>) {
        for what in news {
            match &what {
                // Nobody sees these, so they may overtake.
                What::FilteredOut { records } => {
                    let numbers = records.iter().map(|it| number_of(&it.record));
                    self.settled.extend(numbers);
                }
                What::Discarded { records, .. } => self.settle(records),
                // Taken out by hand, wherever it was.
                What::RecordSkipped { record, .. } => {
                    self.settled.insert(number_of(record));
                }
                What::Invoked { batch, outcome, .. } => {
                    let records = &sent[batch];
                    let done = match outcome {
                        Outcome::Succeeded => records.len(),
                        Outcome::FailedFrom(from) => {
                            records.partition_point(|it| it.sequence_number < *from)
                        }
                        Outcome::Failed | Outcome::Throttled => 0,
                    };
                    self.settle(&records[..done]);
                }
                What::Checkpoint { sequence_number } => {
                    let number = sequence_number.as_str().parse().unwrap();
                    assert!(number > self.checkpoint, "the checkpoint went back");
                    assert!((1..=number).all(|it| self.settled.contains(&it)));
                    self.checkpoint = number;
                }
                _ => {}
            }
            self.log.push(format!("{:?} {what:?}", self.now));
        }
    }

    fn invoke(&mut self, batch: Batch, config: &MappingConfig) {
        assert!(batch.records.len() <= config.batch_size as usize);
        assert!(batch.records.is_sorted_by_key(|it| &it.sequence_number));
        assert!(self.under_way.len() < config.parallelization_factor as usize);
        for (_, other) in &self.under_way {
            let shared = |it: &Record| other.records.iter().any(|other| other.key == it.key);
            assert!(
                !batch.records.iter().any(shared),
                "two batches share an item"
            );
        }
        let takes = Duration::from_millis(self.below(3000));
        self.under_way.push((self.now + takes, batch));
    }

    /// What somebody does who holds a consumer that waits for nothing else.
    fn handle(&mut self, consumer: &mut ShardConsumer) {
        assert!(
            consumer.is_paused(),
            "it waits for nothing, and is not held"
        );
        self.now += seconds(self.below(3));
        match self.below(4) {
            0 => consumer.resume(),
            1 => drop(consumer.step(By::Poll, self.now)),
            _ => drop(consumer.step(By::Batch, self.now)),
        }
    }

    /// Goes on to the next answer or to `until`, whichever comes first.
    fn wait(&mut self, until: Option<SystemTime>) -> Option<Batch> {
        self.under_way.sort_by_key(|(at, _)| *at);
        let answered = self.under_way.first().map(|(at, _)| *at);
        match (answered, until) {
            (Some(at), until) if until.is_none_or(|until| at <= until) => {
                self.now = self.now.max(at);
                Some(self.under_way.remove(0).1)
            }
            (_, Some(until)) => {
                assert!(until > self.now, "it waits for the past");
                self.now = until;
                None
            }
            (_, None) => panic!("it waits for nothing, and is not held"),
        }
    }
}

/// Plays one world to its end; what happened, in order.
fn play(seed: u64) -> Vec<String> {
    let mut world = World::new(seed);
    let first = world.config();
    let changes = world.below(2) == 0;
    let holds = world.below(2) == 0;
    let mut desk = Desk::new(first.clone());
    let mut config = first;
    let mut sent = BTreeMap::new();
    let mut restarts = world.below(3);
    let mut saved = Checkpoint::default();
    loop {
        match desk.consumer.next(world.now) {
            Step::Poll => {
                let page = world.page(desk.consumer.position());
                desk.consumer.polled(page, world.now);
            }
            Step::Invoke(batch) => {
                let before = sent.insert(batch.id, Arc::clone(&batch.records));
                assert_eq!(before.is_some(), batch.attempt > 1, "a number used twice");
                world.invoke(batch, &config);
            }
            Step::Discard(lost) => {
                let news = desk.consumer.news();
                world.look(news, &sent);
                desk.consumer.discarded(&lost);
            }
            Step::Wait { until: None, .. } if world.under_way.is_empty() => {
                world.handle(&mut desk.consumer);
            }
            Step::Wait { until, .. } => {
                if let Some(batch) = world.wait(until) {
                    let answer = world.answer(&batch, config.report_batch_item_failures);
                    desk.consumer
                        .invoked(batch.id, &Arc::new(answer), world.now);
                }
            }
            Step::Closed => break,
        }
        saved = desk.consumer.unsaved().unwrap_or(saved);
        let news = desk.consumer.news();
        world.look(news, &sent);
        if changes && world.below(40) == 0 {
            config = world.config();
            let assumed = Assumed {
                batch_size_counts: world.pick([BatchSizeCounts::Kept, BatchSizeCounts::Read]),
                ..Assumed::default()
            };
            let rules = Rules::new(config.clone()).unwrap().assuming(assumed);
            desk.consumer.reconfigure(Arc::new(rules));
        }
        if holds && world.below(30) == 0 {
            desk.consumer.pause();
            let number = format!("{:021}", world.below(60) + 1);
            // Most do not wait any more, or not yet.
            drop(desk.consumer.skip(&SequenceNumber::new(&number)));
        }
        if restarts > 0 && world.below(100) == 0 {
            restarts -= 1;
            world.under_way.clear();
            world.settled.retain(|it| *it <= world.checkpoint);
            desk = Desk::going_on(config.clone(), saved.clone());
            desk.consumer.polls.next = world.now;
        }
    }
    assert_eq!(world.settled.len(), world.records.len());
    assert!(desk.consumer.is_finished());
    world.log
}

#[test]
fn every_record_is_settled_and_no_item_is_overtaken() {
    for seed in 0..60 {
        play(seed);
    }
}

#[test]
fn the_same_seed_gives_the_same_story() {
    assert_eq!(play(7), play(7));
}
