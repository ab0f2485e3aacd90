//! The task of one shard: asks the consumer for its next step and performs it. Decides nothing.

use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::asks::Ask;
use super::reader::Reader;
use super::trouble::Trouble;
use super::{Control, Line};
use crate::mapping::assumed::LetterPayload;
use crate::mapping::consumer::{Checkpoint, Discard, Page, Position, Rules, ShardConsumer, Step};
use crate::mapping::lineage::Ended;
use crate::mapping::progress::{Answer, BatchId, What};
use crate::mapping::signal;

/// Works until the shard is used up or the control says stop.
pub(super) async fn follow(
    line: Line,
    from: Checkpoint,
    mut control: signal::Receiver<Control>,
    mut asks: mpsc::UnboundedReceiver<Ask>,
) -> Ended {
    let shard = Arc::clone(&line.place.shard);
    let Control::Run { rules, is_paused } = control.borrow_and_update().clone() else {
        return Ended {
            shard,
            checkpoint: from,
        };
    };
    let place = Arc::clone(&line.place);
    let mut consumer = ShardConsumer::new(rules, place, from, line.clock.now());
    if is_paused {
        consumer.pause();
    }
    let mut written = line.written.clone();
    let mut under_way = UnderWay::new(Reader::new(line.clone()));
    loop {
        let step = consumer.next(line.clock.now());
        tell(&line, &mut consumer);
        match step {
            Step::Poll => {
                // What is written while the page is on its way may not be on it.
                if let Some(written) = &mut written {
                    written.mark_unchanged();
                }
                under_way.read(consumer.position().clone());
            }
            Step::Invoke(batch) => {
                let event = consumer.event_of(&batch);
                under_way.invoke(line.clone(), batch.id, event);
            }
            Step::Discard(lost) => {
                let to = Letterbox::of(consumer.rules());
                under_way.deliver(line.clone(), lost, to);
            }
            Step::Wait { until, .. } => {
                let pause = async {
                    match until {
                        Some(until) => line.clock.sleep_until(until).await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    biased;
                    done = under_way.done() => take(&line, &mut consumer, done),
                    is_there = changed(&mut written) => if is_there {
                        consumer.written(line.clock.now());
                    } else {
                        written = None;
                    },
                    changed = control.changed() => obey(&mut consumer, &mut control, changed.is_ok()),
                    Some(ask) = asks.recv() => {
                        heed(&mut consumer, &mut control);
                        ask.answer(&mut consumer, line.clock.now());
                    }
                    () = pause => {}
                }
            }
            Step::Closed => break,
        }
        tell(&line, &mut consumer);
    }
    let checkpoint = consumer.checkpoint();
    (line.save)(&shard, &checkpoint);
    Ended { shard, checkpoint }
}

/// What was begun and is not over.
struct UnderWay {
    /// There unless it reads.
    reader: Option<Reader>,
    /// A poll beside which nothing else is to be done stays in this task: to hand it to another one costs as much as to
    /// find that nothing was written.
    alone: Option<Pin<Box<dyn Future<Output = Back> + Send>>>,
    others: JoinSet<Back>,
}

/// What was under way and is over, with the reader where it was needed.
type Back = (Done, Option<Reader>);

enum Done {
    Read(Result<Page, Trouble>),
    Invoked(BatchId, Arc<Answer>),
    Delivered(Discard, Option<What>),
}

impl UnderWay {
    fn new(reader: Reader) -> Self {
        Self {
            reader: Some(reader),
            alone: None,
            others: JoinSet::new(),
        }
    }

    /// Reads on behind `position`, unless it does so already.
    fn read(&mut self, position: Position) {
        let Some(mut reader) = self.reader.take() else {
            return;
        };
        let read = async move {
            let page = reader.read(&position).await;
            (Done::Read(page), Some(reader))
        };
        if self.others.is_empty() {
            self.alone = Some(Box::pin(read));
        } else {
            self.others.spawn(read);
        }
    }

    fn invoke(&mut self, line: Line, batch: BatchId, event: String) {
        self.others.spawn(async move {
            let answer = line.invoke(event).await;
            (Done::Invoked(batch, Arc::new(answer)), None)
        });
    }

    fn deliver(&mut self, line: Line, lost: Discard, to: Letterbox) {
        self.others.spawn(async move {
            let what = line.deliver(&lost, to.destination, to.payload).await;
            (Done::Delivered(lost, what), None)
        });
    }

    /// The next thing that is over; never while there is nothing under way.
    async fn done(&mut self) -> Done {
        loop {
            let (done, reader) = tokio::select! {
                biased;
                Some(back) = self.others.join_next() => match back {
                    Ok(back) => back,
                    Err(broken) => {
                        super::resume_unwind(broken);
                        continue;
                    }
                },
                back = finished(&mut self.alone) => {
                    self.alone = None;
                    back
                }
            };
            self.reader = reader.or(self.reader.take());
            return done;
        }
    }
}

async fn finished<T>(work: &mut Option<Pin<Box<dyn Future<Output = T> + Send>>>) -> T {
    match work {
        Some(work) => work.await,
        None => std::future::pending().await,
    }
}

/// Where letters about lost records go, and in which form.
struct Letterbox {
    destination: Option<String>,
    payload: LetterPayload,
}

impl Letterbox {
    fn of(rules: &Rules) -> Self {
        Self {
            destination: rules.config.on_failure.clone(),
            payload: rules.assumed.letter_payload,
        }
    }
}

fn take(line: &Line, consumer: &mut ShardConsumer, done: Done) {
    let now = line.clock.now();
    match done {
        Done::Read(Ok(page)) => consumer.polled(page, now),
        Done::Read(Err(trouble)) => {
            let problem = trouble.with_stream(&line.place.stream_arn);
            consumer.poll_failed(&problem, &trouble.request_id, now);
        }
        Done::Invoked(batch, answer) => consumer.invoked(batch, &answer, now),
        Done::Delivered(lost, what) => {
            if let Some(what) = what {
                line.tell(what);
            }
            consumer.discarded(&lost);
        }
    }
}

/// Resolves when the shard was written to, with `false` when there is nobody any more who would say so.
async fn changed(written: &mut Option<signal::Receiver<()>>) -> bool {
    match written {
        Some(written) => written.changed().await.is_ok(),
        None => std::future::pending().await,
    }
}

/// Saves before it tells: what watchers know of is never forgotten.
fn tell(line: &Line, consumer: &mut ShardConsumer) {
    if let Some(checkpoint) = consumer.unsaved() {
        (line.save)(&line.place.shard, &checkpoint);
    }
    for what in consumer.news() {
        line.tell(what);
    }
}

/// What came before a question holds when it is answered, though both may have come at the same time.
fn heed(consumer: &mut ShardConsumer, control: &mut signal::Receiver<Control>) {
    match control.has_changed() {
        Ok(false) => {}
        changed => obey(consumer, control, changed.is_ok()),
    }
}

fn obey(
    consumer: &mut ShardConsumer,
    control: &mut signal::Receiver<Control>,
    is_controlled: bool,
) {
    match &*control.borrow_and_update() {
        Control::Run { rules, is_paused } if is_controlled => {
            // What holds anyway must not deal the records anew.
            if **rules != *consumer.rules() {
                consumer.reconfigure(Arc::clone(rules));
            }
            if *is_paused {
                consumer.pause();
            } else {
                consumer.resume();
            }
        }
        _ => consumer.stop(),
    }
}
