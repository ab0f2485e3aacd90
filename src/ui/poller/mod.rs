//! The poller of a trigger, held: pause, step, skip a record, and how it stands. In the local cloud only; elsewhere
//! nothing of it shows, for nobody can hold the pollers of Lambda.

mod bar_ui;
mod skip;
mod standing_ui;

use std::time::Duration;

use egui::{Key, Ui};

use super::cx::{Action, Cx, Hold, Toast};
use super::widgets::Confirm;
use super::{Remote, names, remote};
use crate::aws::control::{self, Poller};
use crate::mapping::consumer::{By, Skip, Standing};
use crate::ui::live::story::BatchStory;
use skip::Skipping;
pub(super) use standing_ui::waiting;

/// While much happens, it is looked at again this often.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The poller a panel shows, and what it waits for.
#[derive(Default)]
pub(super) struct Poll {
    uuid: String,
    standing: Remote<Poller>,
    /// When it was asked how it stands, and what was known then.
    looked: Option<(Duration, Known)>,
    doing: Remote<Done>,
    wanted: Option<Hold>,
    confirm: Option<(Confirm, Skipping)>,
}

/// What changes when it stands otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Known {
    steps: u64,
    is_paused: bool,
}

/// What was done.
enum Done {
    Held,
    /// On so many shards.
    Stepped(By, usize),
    Skipped(Skipping, Skip),
}

impl Poll {
    /// To be done as soon as it is drawn.
    pub(super) fn want(&mut self, hold: Hold) {
        self.wanted = Some(hold);
    }

    /// Looks at this poller, and does what was asked for. Call in every frame, before anything of it is drawn.
    pub(super) fn settle(&mut self, ui: &Ui, cx: &Cx<'_>, uuid: &str) {
        if self.uuid != uuid {
            let wanted = self.wanted.take();
            *self = Self {
                uuid: uuid.to_owned(),
                wanted,
                ..Self::default()
            };
        }
        if self.doing.poll() {
            self.looked = None;
            if let Some(done) = self.doing.take() {
                tell(cx, done);
            }
        }
        let wanted = self.wanted.take();
        if let Some(is_paused) = control::is_paused(cx.aws, uuid) {
            if let Some(hold) = wanted {
                self.hold(cx, hold);
            }
            self.look(cx, is_paused);
        }
        self.confirm_ui(ui, cx);
    }

    /// P, S and Shift S, while no text field has the focus and nothing is asked.
    pub(super) fn keys(&mut self, ui: &Ui, cx: &Cx<'_>) {
        let is_busy = self.confirm.is_some() || self.doing.is_pending();
        if is_busy || ui.ctx().text_edit_focused() {
            return;
        }
        let Some(is_paused) = control::is_paused(cx.aws, &self.uuid) else {
            return;
        };
        let (pause, step, shift) = ui.input(|input| {
            let plain = !input.modifiers.command && !input.modifiers.alt;
            (
                plain && input.key_pressed(Key::P),
                plain && input.key_pressed(Key::S),
                input.modifiers.shift,
            )
        });
        if pause {
            let hold = if is_paused { Hold::Resume } else { Hold::Pause };
            self.hold(cx, hold);
        } else if step && is_paused {
            let hold = if shift {
                Hold::StepPoll
            } else {
                Hold::StepBatch
            };
            self.hold(cx, hold);
        }
    }

    /// How a shard stands, as far as it is known.
    pub(super) fn shard(&self, shard: &str) -> Option<&Standing> {
        let mut shards = self.standing.value()?.shards.iter();
        shards.find(|(id, _)| **id == *shard).map(|(_, it)| it)
    }

    /// Asks whether a record that waits is to be skipped.
    pub(super) fn ask_to_skip(&mut self, skipping: Skipping) {
        self.confirm = Some((skipping.question(&self.uuid), skipping));
    }

    fn hold(&mut self, cx: &Cx<'_>, hold: Hold) {
        let (aws, uuid) = (cx.aws.clone(), self.uuid.clone());
        let by = match hold {
            Hold::Pause => {
                let pause = control::pause_poller(aws, uuid);
                let pause = async move { pause.await.map(|()| Done::Held) };
                return self.doing.start(cx, pause);
            }
            Hold::Resume => {
                let resume = control::resume_poller(aws, uuid);
                let resume = async move { resume.await.map(|()| Done::Held) };
                return self.doing.start(cx, resume);
            }
            Hold::Skip => return self.ask_to_skip_what_blocks(cx),
            Hold::StepPoll => By::Poll,
            Hold::StepBatch => By::Batch,
        };
        let step = control::step_poller(aws, uuid, by, None);
        let step = async move { step.await.map(|shards| Done::Stepped(by, shards)) };
        self.doing.start(cx, step);
    }

    fn ask_to_skip_what_blocks(&mut self, cx: &Cx<'_>) {
        let story = cx.live.mapping(&self.uuid);
        let blocked = story.and_then(|story| story.blocked());
        let found = blocked.and_then(|(shard, batch)| {
            let record = batch.waiting().into_iter().next()?;
            Some(Skipping::of(shard, batch, record))
        });
        match found {
            Some(skipping) => self.ask_to_skip(skipping),
            None => cx.send(Action::Toast(Toast::bad(format!(
                "No record blocks {}",
                names::trigger(cx, &self.uuid)
            )))),
        }
    }

    /// Asks how it stands when that may have changed, and not otherwise.
    fn look(&mut self, cx: &Cx<'_>, is_paused: bool) {
        self.standing.poll();
        let known = Known {
            steps: cx.live.version,
            is_paused,
        };
        let due = match &self.looked {
            None => true,
            Some((at, before)) if *before != known => {
                let passed = cx.since(*at);
                let left = LOOK_EVERY.saturating_sub(passed);
                if !left.is_zero() {
                    cx.ctx.request_repaint_after(left);
                }
                left.is_zero()
            }
            Some(_) => false,
        };
        if due && !self.standing.is_pending() {
            self.looked = Some((cx.uptime, known));
            let poller = control::poller(cx.aws.clone(), self.uuid.clone());
            self.standing.start(cx, poller);
        }
    }

    fn confirm_ui(&mut self, ui: &Ui, cx: &Cx<'_>) {
        let Some((confirm, _)) = &mut self.confirm else {
            return;
        };
        let Some(answer) = confirm.ui(ui.ctx()) else {
            return;
        };
        let Some((_, skipping)) = self.confirm.take().filter(|_| answer) else {
            return;
        };
        let (aws, uuid) = (cx.aws.clone(), self.uuid.clone());
        let shard = skipping.shard.to_string();
        let skip = control::skip_record(aws, uuid, shard, skipping.number.clone());
        let skip = async move { skip.await.map(|when| Done::Skipped(skipping, when)) };
        self.doing.start(cx, skip);
    }

    /// Why the last thing was not done.
    fn error_ui(&self, ui: &mut Ui) {
        if let Some(error) = self.doing.error() {
            remote::error_ui(ui, error);
        }
    }
}

/// The records of a batch that can be skipped, for a button that is drawn beside its story.
pub(super) fn can_skip(cx: &Cx<'_>, batch: &BatchStory) -> bool {
    cx.aws.is_local() && !batch.waiting().is_empty()
}

fn tell(cx: &Cx<'_>, done: Done) {
    let words = match done {
        // The bar shows it.
        Done::Held => return,
        Done::Stepped(by, shards) => stepped(by, shards),
        Done::Skipped(skipping, when) => skipping.told(when),
    };
    cx.send(Action::Toast(Toast::good(words)));
}

fn stepped(by: By, shards: usize) -> String {
    let what = match by {
        By::Poll => "one poll",
        By::Batch => "one attempt",
    };
    match shards {
        1 => format!("Let {what} through"),
        shards => format!("Let {what} through on each of {shards} shards"),
    }
}
