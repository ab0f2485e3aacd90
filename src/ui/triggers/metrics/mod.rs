//! What is counted of a trigger, minute by minute, under AWS's names. In the local cloud only: elsewhere CloudWatch has
//! it.

mod chart;
mod series;

use std::time::Duration;

use egui::{RichText, Ui};

use crate::aws::control::{self, Counted};
use crate::ui::names::short_shard;
use crate::ui::widgets::{Icon, empty_state};
use crate::ui::{Cx, Remote, remote, theme};
use series::{Metric, Period, Series};

/// While much happens, it is looked at again this often.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The metrics of the trigger that is shown.
#[derive(Default)]
pub(super) struct Metrics {
    uuid: String,
    counted: Remote<Counted>,
    /// When it was looked at, and what was known then.
    looked: Option<(Duration, Known)>,
    period: Period,
    /// Id; all of them where there is none.
    shard: Option<String>,
}

/// What changes when more was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Known {
    steps: u64,
    /// Since 1970: an idle poller is heard of in each.
    minute: u64,
}

impl Metrics {
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, uuid: &str) {
        self.look(cx, uuid);
        if let Some(error) = self.counted.error() {
            remote::error_ui(ui, error);
        }
        let Some(counted) = self.counted.value() else {
            if self.counted.is_pending() {
                remote::loading_ui(ui);
            }
            return;
        };
        let gone = |id: &String| !counted.shards.contains_key(id.as_str());
        if self.shard.as_ref().is_some_and(gone) {
            self.shard = None;
        }
        head_ui(ui, counted, &mut self.period, &mut self.shard);
        ui.add_space(4.0);
        if series::is_quiet(counted.shards.values().flat_map(|it| it.values())) {
            if self.counted.error().is_some() {
                return;
            }
            let why = "What this trigger reads, filters, calls its function with and gives up is counted \
                       here by the minute, for three hours and as long as the local cloud is open.";
            empty_state(ui, Icon::Stream, "No records yet", why, None);
            return;
        }
        let minutes = series::minutes_of(counted, self.shard.as_deref());
        let all = Metric::ALL.map(|it| Series::of(it, &minutes, self.period, cx.now));
        if all.iter().all(|it| it.peak() == 0) {
            let title = format!("No records {}", self.period.words());
            let why = "There were some before, or on another shard.";
            empty_state(ui, Icon::Stream, &title, why, None);
            return;
        }
        tiles_ui(ui, &all);
    }

    /// Looks again when something happened or a minute began, and not otherwise.
    fn look(&mut self, cx: &Cx<'_>, uuid: &str) {
        if self.uuid != uuid {
            *self = Self {
                uuid: uuid.to_owned(),
                period: self.period,
                ..Self::default()
            };
        }
        self.counted.poll();
        let known = Known {
            steps: cx.live.version,
            minute: series::minute_of(cx.now),
        };
        cx.ctx.request_repaint_after(series::minute_ends_in(cx.now));
        let due = match &self.looked {
            None => true,
            Some((at, before)) if *before != known => {
                let left = LOOK_EVERY.saturating_sub(cx.since(*at));
                if !left.is_zero() {
                    cx.ctx.request_repaint_after(left);
                }
                left.is_zero()
            }
            Some(_) => false,
        };
        if due && !self.counted.is_pending() {
            self.looked = Some((cx.uptime, known));
            // Of many shards there is much to copy: not in the window's time.
            let (aws, uuid) = (cx.aws.clone(), uuid.to_owned());
            self.counted
                .start(cx, async move { control::counted(&aws, &uuid) });
        }
    }
}

/// How far back, of which shards, and what AWS would tell of it.
fn head_ui(ui: &mut Ui, counted: &Counted, period: &mut Period, shard: &mut Option<String>) {
    ui.horizontal_wrapped(|ui| {
        for it in Period::ALL {
            ui.selectable_value(period, it, it.name())
                .on_hover_text(it.words());
        }
        if counted.shards.len() > 1 {
            shards_ui(ui, counted, shard);
        }
        let published = if counted.is_published {
            "AWS would publish these counts, too: Enable metrics is on"
        } else {
            "AWS would not publish these counts: Enable metrics is off"
        };
        let color = theme::of(ui).text_muted;
        ui.label(RichText::new(published).small().color(color));
    });
}

fn shards_ui(ui: &mut Ui, counted: &Counted, chosen: &mut Option<String>) {
    let all = format!("All {} shards", counted.shards.len());
    let shown = chosen.as_deref().map_or(all.as_str(), short_shard);
    let picker = egui::ComboBox::new("shard of metrics", "")
        .selected_text(shown)
        .show_ui(ui, |ui| {
            ui.selectable_value(chosen, None, &all);
            for id in counted.shards.keys() {
                let value = Some(id.to_string());
                let name = RichText::new(short_shard(id)).monospace();
                ui.selectable_value(chosen, value, name)
                    .on_hover_text(&**id);
            }
        });
    picker.response.accessible_name("Shard");
}

/// As many side by side as there is room for.
fn tiles_ui(ui: &mut Ui, all: &[Series]) {
    let gap = theme::GUTTER;
    let room = ui.available_width();
    let mut columns = Metric::ALL.len().min(4);
    let width = |columns: usize| {
        let columns = u16::try_from(columns).map_or(1.0, f32::from);
        ((room - gap * (columns - 1.0)) / columns).floor()
    };
    while columns > 1 && width(columns) < chart::WIDTH_MIN {
        columns -= 1;
    }
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing = egui::vec2(gap, gap);
        for row in all.chunks(columns) {
            ui.horizontal(|ui| {
                for series in row {
                    chart::show(ui, series, width(columns));
                }
            });
        }
    });
}
