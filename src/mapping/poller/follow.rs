//! The task of one shard: asks the consumer for its next step and performs it. Decides nothing.

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
    let mut reader = Some(Reader::new(line.clone()));
    let mut written = line.written.clone();
    let mut under_way: JoinSet<Done> = JoinSet::new();
    loop {
        let step = consumer.next(line.clock.now());
        tell(&line, &mut consumer);
        match step {
            Step::Poll => {
                // What is written while the page is on its way may not be on it.
                if let Some(written) = &mut written {
                    written.mark_unchanged();
                }
                if let Some(reader) = reader.take() {
                    under_way.spawn(read(reader, consumer.position().clone()));
                }
            }
            Step::Invoke(batch) => {
                let event = consumer.event_of(&batch);
                under_way.spawn(invoke(line.clone(), batch.id, event));
            }
            Step::Discard(lost) => {
                let to = Letterbox::of(consumer.rules());
                under_way.spawn(deliver(line.clone(), lost, to));
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
                    Some(done) = under_way.join_next() => match done {
                        Ok(done) => take(&line, &mut consumer, &mut reader, done),
                        Err(broken) => super::resume_unwind(broken),
                    },
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

/// What was under way and is over.
enum Done {
    Read(Reader, Result<Page, Trouble>),
    Invoked(BatchId, Arc<Answer>),
    Delivered(Discard, Option<What>),
}

async fn read(mut reader: Reader, position: Position) -> Done {
    let page = reader.read(&position).await;
    Done::Read(reader, page)
}

async fn invoke(line: Line, batch: BatchId, event: String) -> Done {
    let answer = line.invoke(event).await;
    Done::Invoked(batch, Arc::new(answer))
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

async fn deliver(line: Line, lost: Discard, to: Letterbox) -> Done {
    let what = line.deliver(&lost, to.destination, to.payload).await;
    Done::Delivered(lost, what)
}

fn take(line: &Line, consumer: &mut ShardConsumer, reader: &mut Option<Reader>, done: Done) {
    let now = line.clock.now();
    match done {
        Done::Read(back, page) => {
            *reader = Some(back);
            match page {
                Ok(page) => consumer.polled(page, now),
                Err(trouble) => {
                    let problem = trouble.with_stream(&line.place.stream_arn);
                    consumer.poll_failed(&problem, &trouble.request_id, now);
                }
            }
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
