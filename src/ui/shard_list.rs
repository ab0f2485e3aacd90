//! The shards of a stream and how they are told of. In the local cloud they are looked at again and again.

use std::time::Duration;

use super::widgets::Health;
use super::{Cx, Remote};
use crate::aws::shards::{self, ShardRow};

/// In the local cloud shards are looked at again after this.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Those of one stream, oldest first.
#[derive(Default)]
pub(super) struct ShardList {
    arn: String,
    shards: Remote<Vec<ShardRow>>,
    looked: Option<Duration>,
}

impl ShardList {
    /// Looks when it is time to; call it in every frame. True where it is another stream than before.
    pub(super) fn look(&mut self, cx: &Cx<'_>, arn: &str) -> bool {
        let is_other = self.arn != arn;
        if is_other {
            *self = Self {
                arn: arn.to_owned(),
                ..Self::default()
            };
        }
        self.shards.poll();
        let age = self.looked.map(|at| cx.since(at));
        let is_due = match age {
            None => true,
            Some(age) => cx.aws.is_local() && age >= LOOK_AGAIN,
        };
        if is_due && !self.shards.is_pending() {
            self.looked = Some(cx.uptime);
            self.shards
                .start(cx, shards::list(cx.aws.clone(), arn.to_owned()));
        }
        if cx.aws.is_local() {
            cx.ctx.request_repaint_after(LOOK_AGAIN);
        }
        is_other
    }

    /// Something was done to them: the next look is due.
    pub(super) fn look_again(&mut self) {
        self.looked = None;
    }

    pub(super) fn arn(&self) -> &str {
        &self.arn
    }

    pub(super) fn shards(&self) -> &Remote<Vec<ShardRow>> {
        &self.shards
    }
}

pub(super) fn state(shard: &ShardRow) -> (Health, &'static str) {
    let is_trimmed = (shard.kept.as_ref()).is_some_and(|it| it.records == 0 && it.trimmed > 0);
    match (shard.is_open, is_trimmed) {
        (true, _) => (Health::Ok, "open"),
        (false, false) => (Health::Idle, "closed"),
        (false, true) => (Health::Filtered, "trimmed"),
    }
}
