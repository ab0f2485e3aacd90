//! Overview: every pipeline with live numbers; each box leads to its screen. Runs the demo.

mod data;
mod diagram_ui;

use std::sync::Arc;
use std::time::Duration;

use egui::{RichText, Ui};

use super::cx::{Action, Cx, Hold, Listing, Route, Toast};
use super::live::MappingStory;
use super::widgets::{Icon, empty_state, icon, remark};
use super::{Panel, Remote, denied, theme};
use crate::aws::demo::{self, World, Writer};
use crate::aws::{self, control};
use data::{Known, Pipeline, Trouble};

/// Counts of items and messages are asked for again this often while something happens.
const RECOUNT_EVERY: Duration = Duration::from_secs(1);

#[derive(Default)]
pub struct OverviewPanel {
    /// Build the demo at the next frame.
    wanted: bool,
    building: Remote<World>,
    /// Runs as long as the demo's writer does.
    writing: Remote<()>,
    writer: Option<Arc<Writer>>,
    switching: Remote<()>,
    counted: Option<(Duration, u64)>,
}

impl Panel for OverviewPanel {
    fn title(&self) -> &'static str {
        "Overview"
    }

    fn open(&mut self, to: &Route) -> bool {
        match to {
            Route::Overview => true,
            Route::Demo => {
                self.wanted = true;
                true
            }
            _ => false,
        }
    }

    fn ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        self.demo(cx);
        self.recount(cx);
        if self.switching.poll() {
            cx.send(Action::Reload(Listing::Mappings));
        }
        let paused = control::paused(cx.aws);
        let known = Known {
            paused: &paused,
            tables: list(cx.catalog.tables.value()),
            functions: list(cx.catalog.functions.value()),
            mappings: list(cx.catalog.mappings.value()),
            queues: list(cx.catalog.queues.value()),
        };
        let pipelines = data::pipelines(&known, cx.live, cx.now);
        self.head_ui(ui, cx, pipelines.len());
        let own = [
            self.building.error(),
            self.writing.error(),
            self.switching.error(),
        ];
        for error in own.into_iter().flatten() {
            super::remote::error_ui(ui, error);
        }
        let listings = [
            cx.catalog.tables.error(),
            cx.catalog.functions.error(),
            cx.catalog.mappings.error(),
        ];
        if let Some(error) = listings.into_iter().flatten().next() {
            super::remote::error_ui(ui, error);
        }
        if pipelines.is_empty() {
            self.empty_ui(ui, cx, &known);
            return;
        }
        egui::ScrollArea::vertical()
            .auto_shrink(false)
            .show(ui, |ui| {
                for pipeline in &pipelines {
                    diagram_ui::show(ui, cx, pipeline);
                    ui.add_space(theme::SECTION_GAP);
                }
                loose_ui(ui, cx, &known, &pipelines);
                ui.add_space(theme::GUTTER);
                let troubles = data::troubles(&pipelines, cx.live, cx.now);
                ui.horizontal_top(|ui| {
                    ui.spacing_mut().item_spacing.x = theme::SECTION_GAP;
                    let half = (ui.available_width() - theme::SECTION_GAP) / 2.0;
                    group(ui, half, "Needs attention", |ui| {
                        self.troubles_ui(ui, cx, &troubles);
                    });
                    group(ui, half, "Last 2 minutes", |ui| {
                        history_ui(ui, cx, &pipelines);
                    });
                });
            });
        if pipelines.iter().any(|pipeline| {
            let moving = pipeline.edges.iter().any(|edge| edge.moving);
            moving || pipeline.edges.iter().any(|edge| edge.per_sec > 0.0)
        }) {
            // Rates fall to zero by themselves when nothing more happens.
            ui.ctx().request_repaint_after(Duration::from_millis(500));
        }
    }
}

fn list<T>(value: Option<&Vec<T>>) -> &[T] {
    value.map_or(&[], Vec::as_slice)
}

impl OverviewPanel {
    /// Builds the demo when asked and keeps its writer running.
    fn demo(&mut self, cx: &Cx<'_>) {
        if self.wanted {
            self.wanted = false;
            if !self.building.is_pending() && self.writer.is_none() {
                self.building.start(cx, demo::build(cx.aws.clone()));
            }
        }
        if self.building.poll() && self.building.value().is_some() {
            cx.send(Action::Reload(Listing::All));
            let writer = Arc::new(Writer::default());
            self.writing
                .start(cx, demo::writer(cx.aws.clone(), Arc::clone(&writer)));
            self.writer = Some(writer);
        }
        if self.writing.poll() {
            self.writer = None;
        }
    }

    /// Asks for new counts while something happens, and not otherwise.
    fn recount(&mut self, cx: &Cx<'_>) {
        let version = cx.live.version;
        let due = match self.counted {
            None => true,
            Some((at, counted)) => counted != version && cx.since(at) >= RECOUNT_EVERY,
        };
        if due {
            let first = self.counted.is_none();
            self.counted = Some((cx.uptime, version));
            if first {
                return;
            }
            for listing in [Listing::Tables, Listing::Queues, Listing::Mappings] {
                cx.send(Action::Reload(listing));
            }
        }
    }

    fn head_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, count: usize) {
        ui.horizontal(|ui| {
            let title = format!("Pipelines ({count})");
            ui.label(RichText::new(title).text_style(theme::title()));
            if self.building.is_pending() {
                super::remote::loading_ui(ui);
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if icon::primary(ui, Icon::Plus, "New pipeline…").clicked() {
                    cx.send(Action::Go(Route::NewTrigger {
                        stream_arn: None,
                        function: None,
                    }));
                }
                self.writer_ui(ui, cx);
            });
        });
        ui.add_space(theme::GUTTER);
    }

    fn writer_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let Some(writer) = &self.writer else {
            if cx.aws.is_local()
                && !self.building.is_pending()
                && icon::button(ui, Icon::Play, "Run the demo pipeline").clicked()
            {
                self.wanted = true;
            }
            return;
        };
        let (sign, words) = if writer.is_paused() {
            (Icon::Play, "Resume writes")
        } else {
            (Icon::Pause, "Pause writes")
        };
        if icon::button(ui, sign, words).clicked() {
            writer.pause(!writer.is_paused());
        }
        if icon::button(ui, Icon::Failed, "Write a poison record").clicked() {
            writer.poison();
            cx.send(Action::Toast(Toast::good("The next order has no quantity")));
        }
        ui.weak(format!("{} writes", writer.written()));
    }

    fn empty_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, known: &Known<'_>) {
        if cx.catalog.mappings.value().is_none() || self.building.is_pending() {
            super::remote::loading_ui(ui);
            return;
        }
        let why = if known.tables.is_empty() {
            "A pipeline is a table, its stream, a trigger and the function it calls. Begin with a table, \
             or run the demo to see one at work."
        } else {
            "There are tables, but no trigger reads a stream yet."
        };
        let (button, to) = if known.tables.is_empty() {
            ("New table…", Route::NewTable)
        } else {
            let to = Route::NewTrigger {
                stream_arn: None,
                function: None,
            };
            ("Add trigger…", to)
        };
        if empty_state(
            ui,
            Icon::Overview,
            "No pipelines yet",
            why,
            Some((Icon::Plus, button)),
        ) {
            cx.send(Action::Go(to));
        }
    }

    /// Holds the poller where that can be done, and disables the trigger where it cannot.
    fn hold_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, trouble: &Trouble) {
        let uuid = || trouble.uuid.clone();
        let (sign, words, hold) = if trouble.is_paused {
            (Icon::Play, "Resume poller", Hold::Resume)
        } else {
            (Icon::Pause, "Pause poller", Hold::Pause)
        };
        if cx.aws.is_local() {
            if icon::button(ui, sign, words).clicked() {
                cx.send(Action::Go(Route::Hold(uuid(), hold)));
            }
        } else if icon::button(ui, Icon::Pause, "Disable trigger").clicked() {
            let off = aws::lambda::set_mapping_enabled(cx.aws.clone(), uuid(), false);
            self.switching
                .start(cx, async move { off.await.map(|_| ()) });
        }
    }

    fn troubles_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, troubles: &[Trouble]) {
        let tokens = theme::of(ui);
        if troubles.is_empty() {
            ui.horizontal(|ui| {
                icon::show(ui, Icon::Ok, tokens.ok);
                ui.weak("Nothing is blocked and nothing was given up");
            });
        }
        for trouble in troubles.iter().take(5) {
            let sign = (Icon::Failed, tokens.failed);
            remark(ui, sign, &trouble.words, |ui| {
                ui.horizontal_wrapped(|ui| self.ways_ui(ui, cx, trouble));
            });
        }
    }

    /// What can be done about it.
    fn ways_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, trouble: &Trouble) {
        if let Some((shard, batch)) = &trouble.batch {
            if icon::button(ui, Icon::Batch, "Open batch story").clicked() {
                let route = Route::Batch(trouble.uuid.clone(), shard.clone(), *batch);
                cx.send(Action::Go(route));
            }
        } else if icon::button(ui, Icon::Open, "Open trigger").clicked() {
            cx.send(Action::Go(Route::Trigger(trouble.uuid.clone())));
        }
        denied::fix_ui(ui, cx, &trouble.uuid, &trouble.words);
        self.hold_ui(ui, cx, trouble);
    }
}

/// A bordered box with a head.
fn group(ui: &mut Ui, width: f32, title: &str, body: impl FnOnce(&mut Ui)) {
    let tokens = theme::of(ui);
    egui::Frame::new()
        .fill(tokens.panel)
        .stroke(egui::Stroke::new(1.0, tokens.line))
        .corner_radius(4)
        .inner_margin(theme::PANEL_PADDING)
        .show(ui, |ui| {
            ui.set_width(width - 2.0 * theme::PANEL_PADDING - 2.0);
            ui.set_min_height(120.0);
            ui.vertical(|ui| {
                ui.label(RichText::new(title).text_style(theme::subtitle()));
                ui.add_space(4.0);
                body(ui);
            });
        });
}

/// Tables no trigger reads, as links.
fn loose_ui(ui: &mut Ui, cx: &Cx<'_>, known: &Known<'_>, pipelines: &[Pipeline]) {
    let loose = data::loose_tables(known, pipelines);
    if loose.is_empty() {
        return;
    }
    ui.horizontal_wrapped(|ui| {
        ui.weak("Without a trigger");
        for name in loose {
            if icon::button(ui, Icon::Table, name).clicked() {
                cx.send(Action::Go(Route::Table(name.to_owned())));
            }
        }
    });
}

/// Invocations and errors per second of all pipelines together.
fn history_ui(ui: &mut Ui, cx: &Cx<'_>, pipelines: &[Pipeline]) {
    const SECONDS: usize = 120;
    let tokens = theme::of(ui);
    let sum = |rate: fn(&MappingStory) -> &super::live::rates::Rate| {
        let mut total = vec![0.0; SECONDS];
        for pipeline in pipelines {
            let Some(story) = cx.live.mapping(&pipeline.uuid) else {
                continue;
            };
            for (slot, value) in total.iter_mut().zip(rate(story).history(cx.now, SECONDS)) {
                *slot += value;
            }
        }
        total
    };
    let rows: [(&str, Vec<f32>, egui::Color32); 3] = [
        (
            "Records polled",
            sum(|story| &story.polled_rate),
            tokens.text_muted,
        ),
        (
            "Invocations",
            sum(|story| &story.invoked_rate),
            tokens.accent,
        ),
        (
            "Failed invocations",
            sum(|story| &story.failed_rate),
            tokens.failed,
        ),
    ];
    for (name, values, color) in rows {
        ui.horizontal(|ui| {
            ui.allocate_ui(egui::vec2(130.0, 20.0), |ui| {
                ui.set_min_width(130.0);
                ui.weak(name);
            });
            diagram_ui::bars(ui, &values, color, name);
        });
    }
}
