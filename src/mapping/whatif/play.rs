//! The event loop: a queue of virtual times, and a consumer for every shard that has begun. Does what the driver does
//! (`poller`), without waiting for anything; decides nothing.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::SystemTime;

use aws_sdk_dynamodbstreams::types::{SequenceNumberRange, Shard as SdkShard};

use super::function::{Asked as AskedOfFunction, Function, Kind};
use super::gather::{Ended as EndedShard, Gather};
use super::line::{Asked, Line};
use super::{Plan, Refused, Report, Stretch};
use crate::mapping::config::StartingPosition;
use crate::mapping::consumer::{Batch, Discard, Place, Rules, ShardConsumer, Step};
use crate::mapping::lineage::{Ended, Lineage, Stream};
use crate::mapping::pace::Pace;
use crate::mapping::poller::Save;
use crate::mapping::progress::{Answer, Progress, What};

/// Events between two questions whether to go on.
const ASK_EVERY: u32 = 1024;

pub(super) struct Play<'a> {
    plan: &'a Plan,
    rules: Arc<Rules>,
    lines: Vec<Line<'a>>,
    lineage: Lineage,
    save: Save,
    /// A look for new shards that is due at another time is no longer wanted.
    look: Option<SystemTime>,
    due: BinaryHeap<Reverse<Due>>,
    /// Events so far; of two at the same time the one that was caused first comes first.
    order: u64,
    now: SystemTime,
    function: Function<'a>,
    gather: Gather,
    tell: &'a mut dyn FnMut(Progress),
}

/// Something that is going to happen.
struct Due {
    at: SystemTime,
    order: u64,
    what: Event,
}

enum Event {
    /// New shards are looked for.
    Look,
    Wake(usize),
    /// Something was written to the shard.
    Word(usize),
    Page(usize, Asked),
    Answered(usize, Box<Batch>, Arc<Answer>, Kind),
    /// The letter was sent; it takes no time.
    Discarded(usize, Box<Discard>),
}

impl<'a> Play<'a> {
    /// The stretch has a record.
    pub(super) fn new(
        stretch: &'a Stretch,
        plan: &'a Plan,
        mut rules: Rules,
        tell: &'a mut dyn FnMut(Progress),
    ) -> Self {
        let first = stretch.span().map(|(first, _)| first);
        let starts = plan.starts.or(first).unwrap_or(SystemTime::UNIX_EPOCH);
        rules.config.starting_position = StartingPosition::TrimHorizon;
        let shards = stretch.shards.len();
        Self {
            rules: Arc::new(rules),
            lines: stretch.shards.iter().map(Line::new).collect(),
            lineage: Lineage::new(&std::collections::BTreeMap::new(), starts),
            save: Arc::new(|_, _| ()),
            look: None,
            due: BinaryHeap::new(),
            order: 0,
            now: starts,
            function: Function::new(&plan.model, stretch, plan.seed),
            gather: Gather::new(starts, plan.model.memory_mb, shards),
            plan,
            tell,
        }
    }

    pub(super) fn run(mut self, is_cancelled: &dyn Fn() -> bool) -> Result<Report, Refused> {
        self.look_at(self.now);
        let mut count = 0_u32;
        while let Some(Reverse(due)) = self.due.pop() {
            count += 1;
            if count.is_multiple_of(ASK_EVERY) && is_cancelled() {
                return Err(Refused::Cancelled);
            }
            self.now = due.at;
            self.happen(due.what);
        }
        if let Some(left) = self.lines.iter().find(|line| !line.is_over) {
            let id = &left.shard.id;
            return Err(Refused::Stretch(format!(
                "shard {id} never begins: its parents lead back to it, or one of them was not closed"
            )));
        }
        Ok(self.report())
    }

    fn happen(&mut self, event: Event) {
        let now = self.now;
        match event {
            Event::Look if self.look == Some(now) => {
                self.look = None;
                self.look_for_shards();
            }
            Event::Wake(at) if self.lines[at].wake == Some(now) => {
                self.lines[at].wake = None;
                self.drive(at);
            }
            // Something sooner came up.
            Event::Look | Event::Wake(_) => {}
            Event::Word(at) => {
                self.lines[at].hear(now);
                if let Some(consumer) = &mut self.lines[at].consumer {
                    consumer.written(now);
                    self.expect_word(at);
                    self.drive(at);
                }
            }
            Event::Page(at, asked) => {
                let line = &mut self.lines[at];
                if line.is_over {
                    // The last poll finds nothing.
                    return;
                }
                let page = line.page(&asked);
                if let Some(consumer) = &mut line.consumer {
                    consumer.polled(page, now);
                }
                self.pass_on(at, None);
                self.drive(at);
            }
            Event::Answered(at, batch, answer, kind) => {
                self.lines[at].returned(now);
                if kind != Kind::Throttled {
                    self.function.returned(now);
                    self.gather.returned(at, now);
                }
                if let Some(consumer) = &mut self.lines[at].consumer {
                    consumer.invoked(batch.id, &answer, now);
                }
                self.pass_on(at, Some(&batch));
                self.drive(at);
            }
            Event::Discarded(at, lost) => {
                if let Some(consumer) = &mut self.lines[at].consumer {
                    consumer.discarded(&lost);
                }
                self.pass_on(at, None);
                self.drive(at);
            }
        }
    }

    /// Asks a consumer for steps until it waits.
    fn drive(&mut self, at: usize) {
        loop {
            let now = self.now;
            let line = &mut self.lines[at];
            let Some(consumer) = &mut line.consumer else {
                return;
            };
            let step = consumer.next(now);
            self.pass_on(at, None);
            match step {
                Step::Poll => {
                    let asked = self.lines[at].ask(now);
                    let arrives = now + self.plan.poll_latency;
                    self.push(arrives, Event::Page(at, asked));
                }
                Step::Invoke(batch) => self.invoke(at, batch),
                Step::Discard(lost) => self.push(now, Event::Discarded(at, Box::new(lost))),
                Step::Wait { until, .. } => return self.wait(at, until),
                Step::Closed => return self.close(at),
            }
        }
    }

    fn invoke(&mut self, at: usize, batch: Batch) {
        let places = self.lines[at].places(&batch.records);
        let config = &self.rules.config;
        let asked = AskedOfFunction {
            shard: at,
            records: &batch.records,
            may_report: config.report_batch_item_failures,
            wants_state: config.tumbling_window_secs.is_some(),
        };
        let called = self.function.call(asked, places.into_iter(), self.now);
        self.gather.called(at, &batch, &called, self.now);
        let event = Event::Answered(at, Box::new(batch), called.answer, called.kind);
        let returns = self.now + called.took;
        self.lines[at].called(returns);
        self.push(returns, event);
    }

    fn wait(&mut self, at: usize, until: Option<SystemTime>) {
        let line = &mut self.lines[at];
        if line.is_settled() {
            line.is_over = true;
            line.wake = None;
            return;
        }
        let Some(mut until) = until else { return };
        if self.plan.pace == Pace::FourPerSecond {
            until = line.skip_empty_polls(until, self.now, self.plan.poll_latency);
        }
        if line.wake != Some(until) {
            line.wake = Some(until);
            self.push(until, Event::Wake(at));
        }
    }

    fn close(&mut self, at: usize) {
        let line = &mut self.lines[at];
        line.is_over = true;
        if let Some(consumer) = line.consumer.take() {
            self.lineage.ended(Ended {
                shard: line.id(),
                checkpoint: consumer.checkpoint(),
            });
        }
        // Children of a shard that was used up are there already.
        self.look_at(self.now);
    }

    fn look_for_shards(&mut self) {
        let begun = |line: &Line<'_>| line.is_over || line.consumer.is_some();
        if self.lines.iter().all(begun) {
            return;
        }
        let shards = self.lines.iter().filter(|it| it.shard.opened <= self.now);
        let stream = Stream {
            shards: shards.map(|line| described(line)).collect(),
            keys: Vec::new(),
        };
        let starts = self.lineage.begin(&stream, &self.rules, &self.save);
        for start in starts {
            let place = self.lines.iter().position(|it| it.shard.id == start.shard);
            let Some(at) = place else { continue };
            let place = Arc::new(Place {
                mapping: Arc::from(""),
                shard: start.shard,
                stream_arn: Arc::from(""),
                function_arn: Arc::from(""),
            });
            let rules = Arc::clone(&self.rules);
            let consumer = ShardConsumer::new(rules, place, start.from, self.now);
            self.lines[at].consumer = Some(consumer);
            self.lines[at].hear(self.now);
            self.expect_word(at);
            self.drive(at);
        }
        // Those that are there wait for the end of a parent, which makes for a look of its own.
        let is_to_come = |line: &Line<'_>| line.shard.opened > self.now;
        if self.lines.iter().any(is_to_come) {
            self.look_at(self.now + self.lineage.wait());
        }
    }

    /// Tells a shard that is read as it is written to of the next write.
    fn expect_word(&mut self, at: usize) {
        if self.plan.pace == Pace::AsWritten
            && let Some(next) = self.lines[at].next_word()
        {
            self.push(next, Event::Word(at));
        }
    }

    /// What the consumer tells goes to the report and to whoever listens.
    fn pass_on(&mut self, at: usize, answered: Option<&Batch>) {
        let line = &mut self.lines[at];
        let Some(consumer) = &mut line.consumer else {
            return;
        };
        for what in consumer.news() {
            self.gather
                .told(at, &line.shard.id, &what, answered, self.now);
            // What is told in thousands and says nothing of a batch.
            if !matches!(what, What::Polled { records: 0, .. }) {
                (self.tell)(Progress {
                    mapping: Arc::from(""),
                    shard: line.id(),
                    at: self.now,
                    what,
                });
            }
        }
    }

    fn report(self) -> Report {
        let mut remarks = Vec::new();
        if self.function.is_flat() {
            remarks.push(
                "All measured calls had the same number of records, so a call is taken to last as long with any other number.".to_owned(),
            );
        }
        let shards = self.lines.into_iter().map(|line| EndedShard {
            id: line.shard.id.to_string(),
            records: line.shard.records.len() as u64,
            polls: line.polls,
            trimmed: line.trimmed,
            last: line.shard.records.last().map(|it| it.at),
        });
        self.gather.finish(shards, remarks, self.now)
    }

    fn look_at(&mut self, at: SystemTime) {
        self.look = Some(at);
        self.push(at, Event::Look);
    }

    fn push(&mut self, at: SystemTime, what: Event) {
        self.order += 1;
        let order = self.order;
        self.due.push(Reverse(Due { at, order, what }));
    }
}

/// As `DescribeStream` tells of a shard; whether it is closed matters to nobody who begins at the oldest record.
fn described(line: &Line<'_>) -> SdkShard {
    let range = SequenceNumberRange::builder().starting_sequence_number("0");
    SdkShard::builder()
        .shard_id(&*line.shard.id)
        .set_parent_shard_id(line.shard.parent.as_deref().map(str::to_owned))
        .sequence_number_range(range.build())
        .build()
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}
