//! Asking the shards of a running poller how they stand, to step, or to skip a record. Decides nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use crate::mapping::consumer::{By, ShardConsumer, Skip, Standing};
use crate::mapping::record::SequenceNumber;

/// The shards a poller follows at this moment. Cheap to clone; clones know of the same shards.
///
/// Unlike [`super::Control`], which holds the last word, what is asked here arrives as often as it is asked. Answers are
/// `None` for a shard that is not followed, or no longer.
#[derive(Clone, Debug, Default)]
pub struct Followed(Arc<Mutex<BTreeMap<Arc<str>, mpsc::UnboundedSender<Ask>>>>);

/// One question and where its answer goes.
#[derive(Debug)]
pub(super) enum Ask {
    Standing(oneshot::Sender<Standing>),
    Step(By, oneshot::Sender<Result<(), String>>),
    Skip(SequenceNumber, oneshot::Sender<Result<Skip, String>>),
}

impl Followed {
    /// Their ids, in order.
    pub fn shards(&self) -> Vec<Arc<str>> {
        self.0.lock().keys().cloned().collect()
    }

    /// What the poller has been told before this is asked holds when it is answered.
    pub async fn standing(&self, shard: &str) -> Option<Standing> {
        self.ask(shard, Ask::Standing).await
    }

    /// See [`ShardConsumer::step`].
    pub async fn step(&self, shard: &str, by: By) -> Option<Result<(), String>> {
        self.ask(shard, |answer| Ask::Step(by, answer)).await
    }

    /// See [`ShardConsumer::skip`].
    pub async fn skip(&self, shard: &str, number: SequenceNumber) -> Option<Result<Skip, String>> {
        self.ask(shard, |answer| Ask::Skip(number, answer)).await
    }

    pub(super) fn enter(&self, shard: &Arc<str>) -> mpsc::UnboundedReceiver<Ask> {
        let (asks, asked) = mpsc::unbounded_channel();
        self.0.lock().insert(Arc::clone(shard), asks);
        asked
    }

    pub(super) fn leave(&self, shard: &str) {
        self.0.lock().remove(shard);
    }

    async fn ask<T>(&self, shard: &str, ask: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Option<T> {
        let asks = self.0.lock().get(shard).cloned()?;
        let (answer, answered) = oneshot::channel();
        asks.send(ask(answer)).ok()?;
        answered.await.ok()
    }
}

impl Ask {
    /// Whoever asked may have stopped waiting.
    pub(super) fn answer(self, consumer: &mut ShardConsumer, now: SystemTime) {
        match self {
            Self::Standing(answer) => drop(answer.send(consumer.standing(now))),
            Self::Step(by, answer) => drop(answer.send(consumer.step(by, now))),
            Self::Skip(number, answer) => drop(answer.send(consumer.skip(&number))),
        }
    }
}
