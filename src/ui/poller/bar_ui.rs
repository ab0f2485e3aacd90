//! The bar that holds a poller: whether it is paused, and the buttons to pause, step and resume it.

use egui::Ui;

use super::Poll;
use crate::aws::control;
use crate::mapping::consumer::{By, Standing};
use crate::ui::cx::{Cx, Hold};
use crate::ui::widgets::{Health, Icon, chip, icon};

const PAUSE_HELP: &str =
    "P: nothing new is read, delivered or given up until you resume. The trigger stays enabled.";
const RESUME_HELP: &str = "P: it goes on by itself; what fell due meanwhile is judged now";
const STEP_POLL_HELP: &str = "Shift S: reads each shard once";
const STEP_BATCH_HELP: &str =
    "S: lets one attempt of one batch through on each shard, without waiting for any timer";

impl Poll {
    /// A row of controls; nothing outside the local cloud.
    pub(in crate::ui) fn bar_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let Some(is_paused) = control::is_paused(cx.aws, &self.uuid) else {
            return;
        };
        let is_at_work = self.standing.value().is_none_or(|it| it.is_at_work);
        let mut hold = None;
        ui.horizontal_wrapped(|ui| {
            if is_paused {
                chip::health(ui, Health::Retry, "paused");
            } else if is_at_work {
                chip::health(ui, Health::Ok, "polling");
            } else {
                chip::health(ui, Health::Filtered, "not polling");
            }
            ui.add_enabled_ui(!self.doing.is_pending(), |ui| {
                if !is_paused {
                    let button = icon::button(ui, Icon::Pause, "Pause poller");
                    if button.on_hover_text(PAUSE_HELP).clicked() {
                        hold = Some(Hold::Pause);
                    }
                    return;
                }
                let button = icon::button(ui, Icon::Play, "Resume poller");
                if button.on_hover_text(RESUME_HELP).clicked() {
                    hold = Some(Hold::Resume);
                }
                for (by, step, words, help) in [
                    (By::Poll, Hold::StepPoll, "Step one poll", STEP_POLL_HELP),
                    (
                        By::Batch,
                        Hold::StepBatch,
                        "Step one batch",
                        STEP_BATCH_HELP,
                    ),
                ] {
                    let refusal = self.refusal(by);
                    ui.add_enabled_ui(refusal.is_none(), |ui| {
                        let button = icon::button(ui, Icon::Step, words).on_hover_text(help);
                        let button = button.on_disabled_hover_text(refusal.unwrap_or_default());
                        if button.clicked() {
                            hold = Some(step);
                        }
                    });
                }
            });
            if is_paused {
                let words = self.refusal(By::Batch).or_else(|| self.refusal(By::Poll));
                if let Some(words) = words {
                    ui.weak(words);
                }
            }
        });
        if let Some(hold) = hold {
            self.hold(cx, hold);
        }
        self.error_ui(ui);
    }

    /// Why no shard could step now; `None` where one can, or where nothing is known yet.
    fn refusal(&self, by: By) -> Option<String> {
        let poller = self.standing.value()?;
        if !poller.is_at_work {
            return Some("no poller is at work: enable the trigger".to_owned());
        }
        let of = |it: &Standing| match by {
            By::Poll => it.poll_refusal.clone(),
            By::Batch => it.batch_refusal.clone(),
        };
        let mut refusals = poller.shards.iter().map(|(_, it)| of(it));
        match refusals.next() {
            None => Some("no shard is read at this moment".to_owned()),
            Some(None) => None,
            Some(Some(first)) => refusals.all(|it| it.is_some()).then_some(first),
        }
    }
}
