//! Logs: the groups, and the lines of one, newest last, filtered as CloudWatch filters.

mod lines;

use std::time::Duration;

use egui::{RichText, Ui};

use super::cx::{Cx, Route};
use super::widgets::{Column, DataGrid, Icon, Selection, empty_state, icon};
use super::{Panel, Remote, theme, time};
use crate::aws::logs::{Group, LogLine, Stream};
use crate::aws::{self};
use lines::Lines;

/// Lines shown at most; older ones are left out and said to be.
const LINES_MAX: usize = 5_000;
/// Shortest time between two looks while following.
const FOLLOW_EVERY: Duration = Duration::from_millis(700);
/// On clouds whose pollers we do not hear, following looks this often.
const FOLLOW_AWAY_EVERY: Duration = Duration::from_secs(3);

pub struct LogsPanel {
    groups: Remote<Vec<Group>>,
    search: String,
    group: Option<String>,
    streams: Remote<Vec<Stream>>,
    /// `None` shows every stream of the group.
    stream: Option<String>,
    pattern: String,
    lines: Remote<Vec<LogLine>>,
    selection: Selection,
    follow: bool,
    /// When the lines were last asked for, and what had happened by then.
    asked: Option<(Duration, u64)>,
}

impl Default for LogsPanel {
    fn default() -> Self {
        Self {
            groups: Remote::default(),
            search: String::new(),
            group: None,
            streams: Remote::default(),
            stream: None,
            pattern: String::new(),
            lines: Remote::default(),
            selection: Selection::default(),
            follow: true,
            asked: None,
        }
    }
}

impl Panel for LogsPanel {
    fn title(&self) -> &'static str {
        "Logs"
    }

    fn fills(&self) -> bool {
        true
    }

    fn open(&mut self, to: &Route) -> bool {
        match to {
            Route::Logs => self.groups.clear(),
            Route::LogGroup(name) => {
                self.groups.clear();
                self.choose(name.clone());
            }
            Route::Invocation(group, request_id) => {
                self.groups.clear();
                self.choose(group.clone());
                self.pattern = format!("\"{request_id}\"");
            }
            _ => return false,
        }
        true
    }

    fn ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        if self.groups.is_idle() {
            self.groups
                .start(cx, aws::logs::list_groups(cx.aws.clone()));
        }
        if self.groups.poll() && self.group.is_none() {
            let first = self.groups.value().and_then(|all| all.first());
            if let Some(name) = first.map(|group| group.name.clone()) {
                self.choose(name);
            }
        }
        self.streams.poll();
        self.lines.poll();
        self.ask(cx);
        egui::Panel::left("log groups")
            .default_size(240.0)
            .size_range(180.0..=360.0)
            .show(ui, |ui| self.groups_ui(ui, cx));
        egui::CentralPanel::default().show(ui, |ui| {
            if self.group.is_some() {
                self.head_ui(ui, cx);
                self.lines_ui(ui);
            } else if !self.groups.is_pending() {
                empty_state(
                    ui,
                    Icon::Logs,
                    "No logs yet",
                    "A function's first invocation makes its log group, if its role may write logs.",
                    None,
                );
            }
        });
    }
}

impl LogsPanel {
    fn choose(&mut self, group: String) {
        self.group = Some(group);
        self.stream = None;
        self.streams.clear();
        self.lines.clear();
        self.selection.clear();
        self.asked = None;
    }

    /// Looks again when something may have been written since.
    fn ask(&mut self, cx: &Cx<'_>) {
        let Some(group) = self.group.clone() else {
            return;
        };
        let due = match self.asked {
            None => true,
            Some((at, version)) => {
                let every = if cx.aws.is_local() {
                    FOLLOW_EVERY
                } else {
                    FOLLOW_AWAY_EVERY
                };
                let waited = cx.since(at);
                let news = !cx.aws.is_local() || cx.live.version != version;
                if self.follow && news && waited < every {
                    cx.ctx.request_repaint_after(every.saturating_sub(waited));
                }
                self.follow && news && waited >= every && !self.lines.is_pending()
            }
        };
        if !due {
            return;
        }
        self.asked = Some((cx.uptime, cx.live.version));
        if self.streams.is_idle() {
            let streams = aws::logs::list_streams(cx.aws.clone(), group.clone());
            self.streams.start(cx, streams);
        }
        let pattern = self.pattern.trim().to_owned();
        let stream = self.stream.clone();
        let events = aws::logs::events(cx.aws.clone(), group, stream, pattern, None, LINES_MAX);
        self.lines.start(cx, events);
    }

    fn groups_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        ui.horizontal(|ui| {
            ui.label(RichText::new("Log groups").text_style(theme::subtitle()));
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if icon::only(ui, Icon::Refresh, "Reload log groups").clicked() {
                    self.groups
                        .start(cx, aws::logs::list_groups(cx.aws.clone()));
                }
            });
        });
        let search = egui::TextEdit::singleline(&mut self.search)
            .hint_text("Search")
            .desired_width(f32::INFINITY);
        ui.add(search).accessible_name("Search log groups");
        ui.add_space(4.0);
        let wanted = self.search.to_lowercase();
        let mut picked = None;
        self.groups.ui(ui, |ui, groups| {
            for group in groups {
                if !group.name.to_lowercase().contains(&wanted) {
                    continue;
                }
                let is_current = self.group.as_deref() == Some(&group.name);
                let label = egui::Button::selectable(is_current, &group.name)
                    .truncate()
                    .min_size(egui::vec2(ui.available_width(), theme::ROW));
                if ui.add(label).on_hover_text(&group.arn).clicked() {
                    picked = Some(group.name.clone());
                }
            }
        });
        if let Some(name) = picked {
            self.choose(name);
        }
    }

    fn head_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        ui.horizontal(|ui| {
            let name = self.group.clone().unwrap_or_default();
            ui.label(RichText::new(&name).text_style(theme::title()));
            if let Some(function) = name.strip_prefix("/aws/lambda/")
                && ui.link("Open function").clicked()
            {
                cx.send(super::Action::Go(Route::Function(function.to_owned())));
            }
        });
        ui.horizontal(|ui| {
            let mut changed = self.stream_picker_ui(ui);
            let filter = egui::TextEdit::singleline(&mut self.pattern)
                .hint_text("Filter: ERROR, \"two words\", -START")
                .desired_width(300.0);
            let filter = ui.add(filter).accessible_name("Filter log lines");
            changed |= filter.lost_focus() && ui.input(|it| it.key_pressed(egui::Key::Enter));
            changed |= icon::button(ui, Icon::Search, "Search").clicked();
            ui.checkbox(&mut self.follow, "Follow")
                .on_hover_text("Show new lines as they are written");
            let shown = self.lines.value().map_or(0, Vec::len);
            let words = if shown == LINES_MAX {
                format!("newest {shown} lines")
            } else {
                format!("{shown} lines")
            };
            ui.weak(words);
            if changed {
                self.asked = None;
                self.lines.clear();
                self.selection.clear();
            }
        });
        ui.add_space(4.0);
    }

    fn stream_picker_ui(&mut self, ui: &mut Ui) -> bool {
        let before = self.stream.clone();
        let text = before.clone().unwrap_or_else(|| "All streams".to_owned());
        let picker = egui::ComboBox::new("log stream", "")
            .selected_text(text)
            .width(260.0)
            .show_ui(ui, |ui| {
                ui.selectable_value(&mut self.stream, None, "All streams");
                for stream in self.streams.value().into_iter().flatten() {
                    let value = Some(stream.name.clone());
                    ui.selectable_value(&mut self.stream, value, &stream.name);
                }
            });
        picker.response.accessible_name("Log stream");
        self.stream != before
    }

    fn lines_ui(&mut self, ui: &mut Ui) {
        if let Some(error) = self.lines.error() {
            super::remote::error_ui(ui, error);
        }
        let Some(lines) = self.lines.value() else {
            if self.lines.is_pending() {
                super::remote::loading_ui(ui);
            }
            return;
        };
        if lines.is_empty() {
            empty_state(
                ui,
                Icon::Logs,
                "No lines match",
                "Nothing was logged here yet, or the filter lets nothing through.",
                None,
            );
            return;
        }
        let chosen = self.selection.cursor().and_then(|row| {
            let row = usize::try_from(row).ok()?;
            lines.get(row).cloned()
        });
        if let Some(line) = chosen {
            egui::Panel::bottom("log line")
                .default_size(120.0)
                .resizable(true)
                .show(ui, |ui| line_ui(ui, &line));
        }
        let columns = [
            Column::new("Time", 110.0).note("UTC"),
            Column::new("Level", 64.0),
            Column::new("Message", 900.0),
        ];
        let rows = u64::try_from(lines.len()).unwrap_or(u64::MAX);
        DataGrid::new("Log lines", &columns, rows)
            .stick_to_bottom(self.follow)
            .main()
            .show(ui, &mut self.selection, &mut Lines(lines));
    }
}

fn line_ui(ui: &mut Ui, line: &LogLine) {
    ui.horizontal(|ui| {
        ui.label(RichText::new(time::date_time(line.at)).strong());
        ui.weak(&line.stream);
        if icon::only(ui, Icon::Copy, "Copy line").clicked() {
            ui.copy_text(line.message.clone());
        }
    });
    egui::ScrollArea::vertical()
        .auto_shrink(false)
        .show(ui, |ui| {
            let text = line.message.replace('\r', "\n");
            ui.add(egui::Label::new(RichText::new(text).monospace()).wrap());
        });
}
