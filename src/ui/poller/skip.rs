//! Skipping a record: which one, the question before it, and a button that offers the records of a batch or of a queue.

use std::sync::Arc;

use egui::Ui;

use super::Poll;
use crate::mapping::consumer::{LaneStanding, Skip};
use crate::mapping::record::{Record, SequenceNumber};
use crate::ui::cx::Cx;
use crate::ui::live::story::BatchStory;
use crate::ui::names::short_shard;
use crate::ui::time;
use crate::ui::widgets::form::grouped;
use crate::ui::widgets::{Confirm, Icon, icon};

/// Records offered for skipping, the first ones of a batch or a queue.
const OFFERED_MAX: usize = 20;
const HELP: &str = "Take a record out of the way: it is not delivered, and the shard goes on";

/// A record about to be skipped.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::ui) struct Skipping {
    pub(super) shard: Arc<str>,
    pub(super) number: SequenceNumber,
    /// None while it waits for one.
    batch: Option<u64>,
    /// `item-1`
    key: String,
    /// `INSERT of 12:04:31 UTC`
    what: String,
    is_under_way: bool,
}

impl Skipping {
    pub(in crate::ui) fn of(shard: &Arc<str>, batch: &BatchStory, record: &Record) -> Self {
        let last = batch.attempts.last();
        Self {
            batch: Some(batch.id),
            is_under_way: last.is_some_and(|it| it.outcome.is_none() && !it.interrupted),
            ..Self::queued(shard, record)
        }
    }

    /// Of a record that is in no batch yet.
    pub(super) fn queued(shard: &Arc<str>, record: &Record) -> Self {
        Self {
            shard: Arc::clone(shard),
            number: record.sequence_number.clone(),
            batch: None,
            key: record.key.to_string(),
            what: format!(
                "{} of {} UTC",
                record.event_name.as_str(),
                time::clock_secs(record.created)
            ),
            is_under_way: false,
        }
    }

    pub(super) fn question(&self, uuid: &str) -> Confirm {
        let Self {
            shard,
            number,
            batch,
            what,
            ..
        } = self;
        let place = match batch {
            Some(batch) => format!("in batch {batch} of"),
            None => "waits for its batch in".to_owned(),
        };
        let short = short_shard(shard);
        let confirm = Confirm::new(format!("Skip record {}", self.key))
            .consequence(format!("{what}, sequence number {number}, {place} shard {short}."))
            .consequence(
                "It is not delivered and goes nowhere: no letter is written, whatever the on-failure destination. \
                 It counts as done, so the shard goes on without it.",
            );
        let confirm = if self.is_under_way {
            confirm.consequence(
                "Its batch is being delivered now: the record is skipped when that fails, and not at all when it \
                 succeeds.",
            )
        } else {
            confirm
        };
        confirm.call(format!(
            "SkipRecord UUID={uuid} ShardId={shard} SequenceNumber={number}"
        ))
    }

    pub(super) fn told(&self, when: Skip) -> String {
        let key = &self.key;
        match when {
            Skip::Now => format!("Skipped record {key}"),
            Skip::WhenAnswered => {
                format!("Record {key} is being delivered: it is skipped when that fails")
            }
        }
    }
}

impl Poll {
    /// A button that offers the records a batch waits with; asks before anything is done.
    pub(in crate::ui) fn skip_ui(
        &mut self,
        ui: &mut Ui,
        cx: &Cx<'_>,
        shard: &Arc<str>,
        batch: &BatchStory,
    ) {
        if !super::can_skip(cx, batch) {
            return;
        }
        let waiting = batch.waiting();
        let count = waiting.len();
        let chosen = offer_ui(ui, &waiting, count, "bisecting makes a batch smaller");
        if let Some(record) = chosen {
            self.ask_to_skip(Skipping::of(shard, batch, record));
        }
    }

    /// The same for the records of a lane that are in no batch yet.
    pub(super) fn skip_queued_ui(&mut self, ui: &mut Ui, shard: &Arc<str>, lane: &LaneStanding) {
        let waiting: Vec<&Record> = lane.first_queued.iter().collect();
        let chosen = offer_ui(ui, &waiting, lane.queued, "offered when they have moved up");
        if let Some(record) = chosen {
            self.ask_to_skip(Skipping::queued(shard, record));
        }
    }
}

/// The only record, or the first of `count` to choose from; `rest` says how the others are reached.
fn offer_ui<'r>(
    ui: &mut Ui,
    waiting: &[&'r Record],
    count: usize,
    rest: &str,
) -> Option<&'r Record> {
    if let [only] = waiting[..] {
        let button = icon::button(ui, Icon::Step, "Skip record…");
        button.on_hover_text(HELP).clicked().then_some(only)
    } else {
        menu_ui(ui, waiting, count, rest)
    }
}

/// A button that opens a list of the first of these records.
fn menu_ui<'r>(
    ui: &mut Ui,
    waiting: &[&'r Record],
    count: usize,
    rest: &str,
) -> Option<&'r Record> {
    let words = format!("{} Skip record…", Icon::Step.glyph());
    let menu = ui.menu_button(words, |ui| {
        let mut chosen = None;
        for record in waiting.iter().take(OFFERED_MAX) {
            let words = format!("{} {}", record.event_name.as_str(), record.key);
            if ui.button(words).clicked() {
                chosen = Some(*record);
                ui.close();
            }
        }
        let more = count.saturating_sub(OFFERED_MAX);
        if more > 0 {
            ui.weak(format!("{} more: {rest}", grouped(more)));
        }
        chosen
    });
    let button = menu.response.on_hover_text(HELP);
    button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, "Skip record…"));
    menu.inner.flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::progress::Outcome;
    use crate::ui::live::Live;
    use crate::ui::live::testing::{MAPPING, SHARD, record, step, tried};

    fn skipping(ended: bool) -> Skipping {
        let mut live = Live::default();
        let [begins, ends] = tried(1, 1, &[record(1)], Outcome::Failed);
        live.take(&step(1, begins));
        if ended {
            live.take(&step(2, ends));
        }
        let batch = live.batch(MAPPING, SHARD, 1).unwrap();
        Skipping::of(&SHARD.into(), batch, batch.waiting()[0])
    }

    #[test]
    fn the_question_names_the_record_and_says_that_it_goes_nowhere() {
        let question = skipping(true).question("u");
        assert_eq!(question.verb, "Skip record item-1");
        assert_eq!(question.consequences.len(), 2);
        let said = question.consequences.concat();
        assert!(
            said.contains("INSERT of 00:00:00 UTC, sequence number 10000"),
            "{said}"
        );
        assert!(said.contains("is not delivered and goes nowhere"), "{said}");
        let call = question.call.unwrap();
        assert!(
            call.starts_with("SkipRecord UUID=u ShardId=shardId-"),
            "{call}"
        );
    }

    #[test]
    fn of_a_record_without_a_batch_it_says_that_it_waits_for_one() {
        let skipping = Skipping::queued(&SHARD.into(), &record(1));
        let question = skipping.question("u");
        assert_eq!(question.verb, "Skip record item-1");
        let place = &question.consequences[0];
        let short = short_shard(SHARD);
        let ends = format!(", waits for its batch in shard {short}.");
        assert!(place.starts_with("INSERT of 00:00:00 UTC, "), "{place}");
        assert!(place.ends_with(&ends), "{place}");
        assert_eq!(question.consequences.len(), 2);
    }

    #[test]
    fn of_a_batch_under_way_it_says_what_decides() {
        let question = skipping(false).question("u");
        let said = question.consequences.concat();
        assert!(said.contains("is being delivered now"), "{said}");
        let told = skipping(false).told(Skip::WhenAnswered);
        assert!(told.contains("skipped when that fails"), "{told}");
    }
}
