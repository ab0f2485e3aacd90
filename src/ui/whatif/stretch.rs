//! What of the stream is played in a what-if, and how often the trigger looks for it: the middle of its form.

use std::time::{Duration, SystemTime};

use egui::{RichText, Ui};

use super::model::head_ui;
use crate::aws::settings;
use crate::aws::shards::ShardRow;
use crate::mapping::pace::Pace;
use crate::ui::Cx;
use crate::ui::names::{self, short_shard};
use crate::ui::remote::{error_ui, loading_ui};
use crate::ui::shard_list::{ShardList, state};
use crate::ui::widgets::form::{self, Number, counted};

const MINUTES_MAX: i64 = 24 * 60;
const WIDTH: f32 = 280.0;

/// As typed, right or wrong.
pub(super) struct Stretch {
    by_age: bool,
    minutes: Number,
    list: ShardList,
    /// Id; all of them where there is none.
    shard: Option<String>,
    /// As the engine is set where there is none.
    pace: Option<Pace>,
}

impl Default for Stretch {
    fn default() -> Self {
        Self {
            by_age: false,
            minutes: Number::of(Some(10)),
            list: ShardList::default(),
            shard: None,
            pace: None,
        }
    }
}

impl Stretch {
    /// Looks which shards there are; call it in every frame.
    pub(super) fn look(&mut self, cx: &Cx<'_>, stream_arn: &str) {
        self.list.look(cx, stream_arn);
    }

    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        head_ui(ui, "Stream");
        form::choice(
            ui,
            "Play",
            &mut self.by_age,
            &[(false, "all in the stream"), (true, "the last ones")],
            "",
        );
        if self.by_age {
            let range = 1..=MINUTES_MAX;
            form::number(
                ui,
                "Written in the last",
                &mut self.minutes,
                &range,
                "min",
                "",
            );
        }
        self.shard_ui(ui);
        self.pace_ui(ui, cx);
    }

    fn shard_ui(&mut self, ui: &mut Ui) {
        let gone = self.shard().err();
        let help = match (&self.shard, &gone) {
            (Some(_), None) => {
                "Played alone, it waits for no parent and shares calls with no other shard"
            }
            _ => "",
        };
        let shards = self.list.shards();
        let chosen = &mut self.shard;
        form::row(ui, "Shard", help, gone.as_deref(), |ui| {
            picker_ui(ui, shards.value().map_or(&[][..], Vec::as_slice), chosen);
            if shards.value().is_none() && shards.is_pending() {
                loading_ui(ui);
            }
        });
        if let Some(error) = shards.error() {
            error_ui(ui, error);
        }
    }

    fn pace_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let now = settings::pace(cx.aws).unwrap_or_default();
        let help = format!(
            "The engine is set to {}. AWS polls a shard four times a second; as written, records are read at once",
            names::pace(now)
        );
        let word = |pace| (Some(pace), names::pace(pace));
        let choices = [
            (None, "as set now"),
            word(Pace::FourPerSecond),
            word(Pace::AsWritten),
        ];
        form::choice(ui, "Poll pace", &mut self.pace, &choices, &help);
    }

    /// Records written since then; all where there is none. `Err` while it makes no sense.
    pub(super) fn since(&self, now: SystemTime) -> Result<Option<SystemTime>, String> {
        if !self.by_age {
            return Ok(None);
        }
        let minutes = self
            .minutes
            .value(&(1..=MINUTES_MAX))?
            .unwrap_or(MINUTES_MAX);
        let age = Duration::from_mins(u64::try_from(minutes).unwrap_or_default());
        Ok(now.checked_sub(age))
    }

    /// Records of this shard only; of all where there is none. `Err` when it is there no more.
    pub(super) fn shard(&self) -> Result<Option<String>, String> {
        let (Some(chosen), Some(shards)) = (&self.shard, self.list.shards().value()) else {
            return Ok(self.shard.clone());
        };
        if shards.iter().any(|it| it.id == *chosen) {
            return Ok(Some(chosen.clone()));
        }
        Err(format!(
            "Shard {} is gone with its records: choose another",
            short_shard(chosen)
        ))
    }

    pub(super) fn pace(&self, cx: &Cx<'_>) -> Pace {
        let pace = self.pace.or_else(|| settings::pace(cx.aws));
        pace.unwrap_or_default()
    }
}

fn picker_ui(ui: &mut Ui, shards: &[ShardRow], chosen: &mut Option<String>) {
    let all = match shards.len() {
        0 | 1 => "All shards".to_owned(),
        many => format!("All {many} shards"),
    };
    let shown = match chosen {
        None => all.clone(),
        Some(id) => match shards.iter().find(|it| it.id == *id) {
            Some(shard) => format!("{}, {}", short_shard(id), words(shard)),
            None => short_shard(id).to_owned(),
        },
    };
    egui::ComboBox::new("shard to play", "")
        .selected_text(shown)
        .width(WIDTH)
        .show_ui(ui, |ui| {
            ui.selectable_value(chosen, None, all);
            for shard in shards {
                let value = Some(shard.id.clone());
                let name = RichText::new(short_shard(&shard.id)).monospace();
                let about = RichText::new(words(shard)).weak();
                ui.selectable_value(chosen, value, (name, about))
                    .on_hover_text(&shard.id);
            }
        });
}

/// `closed, 12 records`
fn words(shard: &ShardRow) -> String {
    let (_, state) = state(shard);
    match shard.kept.as_ref().map(|it| it.records) {
        None => state.to_owned(),
        Some(0) => format!("{state}, no records"),
        Some(records) => format!("{state}, {}", counted(records, "record")),
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::aws::shards::Kept;

    #[test]
    fn a_shard_is_told_of_by_its_state_and_what_it_keeps() {
        for (is_open, records, trimmed, told) in [
            (true, 1, 0, "open, 1 record"),
            (false, 1204, 3, "closed, 1,204 records"),
            (true, 0, 0, "open, no records"),
            (false, 0, 7, "trimmed, no records"),
        ] {
            let shard = ShardRow {
                id: "shardId-1".to_owned(),
                parent: None,
                is_open,
                kept: Some(Kept {
                    opened: SystemTime::UNIX_EPOCH,
                    closed: None,
                    key_share: 1.0,
                    records,
                    trimmed,
                    last: None,
                }),
            };
            assert_eq!(words(&shard), told);
        }
    }
}
