//! The task of one shard: asks the consumer for its next step and performs it. Decides nothing.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::reader::Reader;
use super::{Control, Ended, Line};
use crate::mapping::consumer::{Batch, Checkpoint, ShardConsumer, Step};
use crate::mapping::progress::{Answer, BatchId};

/// Works until the shard is used up or the control says stop.
pub(super) async fn follow(
    line: Line,
    from: Checkpoint,
    mut control: watch::Receiver<Control>,
) -> Ended {
    let shard = Arc::clone(&line.place.shard);
    let Control::Run(rules) = control.borrow_and_update().clone() else {
        return Ended {
            shard,
            checkpoint: from,
        };
    };
    let place = Arc::clone(&line.place);
    let mut consumer = ShardConsumer::new(rules, place, from, line.clock.now());
    let mut reader = Reader::new(line.clone());
    let mut written = line.written.clone();
    let mut under_way: JoinSet<(BatchId, Arc<Answer>)> = JoinSet::new();
    loop {
        let step = consumer.next(line.clock.now());
        tell(&line, &mut consumer);
        match step {
            Step::Poll => {
                // What is written while the page is on its way may not be on it.
                if let Some(written) = &mut written {
                    written.mark_unchanged();
                }
                match reader.read(consumer.position()).await {
                    Ok(page) => consumer.polled(page, line.clock.now()),
                    Err(trouble) => {
                        let problem = trouble.with_stream(&line.place.stream_arn);
                        consumer.poll_failed(&problem, line.clock.now());
                    }
                }
            }
            Step::Invoke(batch) => {
                under_way.spawn(invoke(line.clone(), batch));
            }
            Step::Discard(lost) => {
                let destination = consumer.rules().config.on_failure.clone();
                if let Some(what) = line.deliver(&lost, destination).await {
                    line.tell(what);
                }
                consumer.discarded(&lost);
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
                        Ok((batch, answer)) => consumer.invoked(batch, &answer, line.clock.now()),
                        Err(broken) => super::resume_unwind(broken),
                    },
                    is_there = changed(&mut written) => if is_there {
                        consumer.written(line.clock.now());
                    } else {
                        written = None;
                    },
                    changed = control.changed() => obey(&mut consumer, &mut control, changed.is_ok()),
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

async fn invoke(line: Line, batch: Batch) -> (BatchId, Arc<Answer>) {
    let answer = line.invoke(batch.payload).await;
    (batch.id, Arc::new(answer))
}

/// Resolves when the shard was written to, with `false` when there is nobody any more who would say so.
async fn changed(written: &mut Option<watch::Receiver<u64>>) -> bool {
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

fn obey(consumer: &mut ShardConsumer, control: &mut watch::Receiver<Control>, is_controlled: bool) {
    match &*control.borrow_and_update() {
        Control::Run(rules) if is_controlled => consumer.reconfigure(Arc::clone(rules)),
        _ => consumer.stop(),
    }
}
