//! The palette: everything there is, by a few letters of its name.

use egui::{Align2, Area, Context, FontId, Frame, Id, Key, Modifiers, Order, RichText, ScrollArea};
use egui::{TextEdit, TextStyle, Ui, Vec2};

use super::catalog::Catalog;
use super::commands::Command;
use super::cx::{Hold, Route};
use super::fuzzy::{self, Fit};
use super::widgets::{Icon, icon};
use super::{Screen, names, theme};
use crate::arn::Arn;
use crate::aws::{Aws, control};

/// What the user chose.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Choice {
    Go(Route),
    Run(Command),
}

/// One thing that can be chosen.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    group: &'static str,
    icon: Icon,
    name: String,
    /// Small words at the right: a key, a state.
    note: String,
    choice: Choice,
}

/// The palette; open while it holds something.
#[derive(Default)]
pub(super) struct Palette {
    open: Option<Open>,
}

struct Open {
    typed: String,
    /// Index into what is shown.
    at: usize,
    fresh: bool,
}

const WIDTH: f32 = 560.0;
const ROW: f32 = 30.0;
const HEIGHT_MAX: f32 = 480.0;
/// Most of one group while several are shown.
const GROUP_MAX: usize = 6;

impl Palette {
    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    pub(super) fn open(&mut self) {
        self.open = Some(Open {
            typed: String::new(),
            at: 0,
            fresh: true,
        });
    }

    pub(super) fn close(&mut self) {
        self.open = None;
    }

    /// Draws it over everything; what was chosen, once.
    pub(super) fn ui(&mut self, ctx: &Context, entries: &[Entry]) -> Option<Choice> {
        let open = self.open.as_mut()?;
        let fits = fits(&open.typed, entries);
        let total = fits.len();
        let mut chosen = None;
        let step = |modifiers, key| ctx.input_mut(|input| input.consume_key(modifiers, key));
        if step(Modifiers::NONE, Key::Escape) {
            self.open = None;
            return None;
        }
        let mut moved = false;
        if step(Modifiers::NONE, Key::ArrowDown) && total > 0 {
            open.at = (open.at + 1) % total;
            moved = true;
        }
        if step(Modifiers::NONE, Key::ArrowUp) && total > 0 {
            open.at = (open.at + total - 1) % total;
            moved = true;
        }
        open.at = open.at.min(total.saturating_sub(1));
        if step(Modifiers::NONE, Key::Enter) {
            chosen = fits.get(open.at).map(|(entry, _)| entry.choice.clone());
        }
        let area = Area::new(Id::unique("palette"))
            .order(Order::Foreground)
            .anchor(Align2::CENTER_TOP, Vec2::new(0.0, 52.0))
            .show(ctx, |ui| {
                Frame::popup(ui.style()).inner_margin(0).show(ui, |ui| {
                    ui.set_width(WIDTH);
                    field_ui(ui, open);
                    chosen = chosen.take().or(list_ui(ui, &fits, &mut open.at, moved));
                });
            });
        let outside = ctx.input(|input| {
            let press = input
                .pointer
                .press_origin()
                .filter(|_| input.pointer.any_pressed());
            press.is_some_and(|at| !area.response.rect.contains(at))
        });
        if chosen.is_some() || outside && !std::mem::take(&mut open.fresh) {
            self.open = None;
        } else {
            open.fresh = false;
        }
        chosen
    }
}

/// What fits, groups in their order, best first within each and a few of each.
fn fits(typed: &str, entries: &[Entry]) -> Vec<(Entry, Fit)> {
    let mut found: Vec<(usize, Entry, Fit)> = Vec::new();
    let mut groups: Vec<&str> = Vec::new();
    for entry in entries {
        let Some(fit) = fuzzy::fit(typed, &entry.name) else {
            continue;
        };
        let nth = groups.iter().position(|it| *it == entry.group);
        let nth = nth.unwrap_or_else(|| {
            groups.push(entry.group);
            groups.len() - 1
        });
        found.push((nth, entry.clone(), fit));
    }
    if !typed.trim().is_empty() {
        // The group with the best fit comes first.
        let best = |group: usize| {
            let scores = found.iter().filter(|it| it.0 == group).map(|it| it.2.score);
            scores.max().unwrap_or(i32::MIN)
        };
        let ranks: Vec<i32> = (0..groups.len()).map(best).collect();
        found.sort_by_key(|(group, _, fit)| (-ranks[*group], *group, -fit.score));
    }
    let mut counts = vec![0; groups.len()];
    found.retain(|(group, _, _)| {
        counts[*group] += 1;
        counts[*group] <= GROUP_MAX
    });
    found
        .into_iter()
        .map(|(_, entry, fit)| (entry, fit))
        .collect()
}

fn field_ui(ui: &mut Ui, open: &mut Open) {
    let tokens = theme::of(ui);
    Frame::new().inner_margin(10).show(ui, |ui| {
        ui.horizontal(|ui| {
            icon::show(ui, Icon::Search, tokens.text_muted);
            let field = TextEdit::singleline(&mut open.typed)
                .hint_text("Tables, functions, triggers, roles, commands")
                .frame(Frame::NONE)
                .font(theme::subtitle())
                .align(Align2::LEFT_CENTER)
                .margin(Vec2::ZERO)
                .desired_width(f32::INFINITY);
            let field = ui.add(field).accessible_name("Palette");
            if field.changed() {
                open.at = 0;
            }
            if !field.has_focus() {
                field.request_focus();
            }
        });
    });
    let line = ui.max_rect().x_range();
    let y = ui.min_rect().bottom();
    ui.painter()
        .hline(line, y, egui::Stroke::new(1.0, tokens.line));
}

fn list_ui(ui: &mut Ui, fits: &[(Entry, Fit)], at: &mut usize, moved: bool) -> Option<Choice> {
    let mut chosen = None;
    ui.spacing_mut().item_spacing.y = 0.0;
    if fits.is_empty() {
        Frame::new().inner_margin(14).show(ui, |ui| {
            ui.weak("Nothing has these letters in its name");
        });
        return None;
    }
    ScrollArea::vertical()
        .max_height(HEIGHT_MAX)
        .auto_shrink([false, true])
        .show(ui, |ui| {
            let mut group = "";
            for (nth, (entry, fit)) in fits.iter().enumerate() {
                if entry.group != group {
                    group = entry.group;
                    Frame::new()
                        .inner_margin(egui::Margin {
                            left: 12,
                            right: 12,
                            top: 8,
                            bottom: 2,
                        })
                        .show(ui, |ui| ui.weak(RichText::new(group).small()));
                }
                let response = entry_ui(ui, entry, fit, nth == *at);
                if response.clicked() {
                    chosen = Some(entry.choice.clone());
                }
                if moved && nth == *at {
                    response.scroll_to_me(None);
                }
                if response.hovered() && ui.input(|input| input.pointer.is_moving()) {
                    *at = nth;
                }
            }
            ui.add_space(6.0);
        });
    chosen
}

fn entry_ui(ui: &mut Ui, entry: &Entry, fit: &Fit, here: bool) -> egui::Response {
    let tokens = theme::of(ui);
    let size = Vec2::new(ui.available_width(), ROW);
    let (rect, response) = ui.allocate_exact_size(size, egui::Sense::click());
    response.widget_info(|| {
        let name = format!("{}: {}", entry.group, entry.name);
        egui::WidgetInfo::selected(egui::Role::Button, true, here, name)
    });
    if here {
        let plate = rect.shrink2(Vec2::new(6.0, 0.0));
        ui.painter().rect_filled(plate, 4.0, tokens.selection);
    }
    let middle = rect.center().y;
    let color = if here {
        tokens.text_strong
    } else {
        tokens.text
    };
    let sign = egui::pos2(rect.left() + 24.0, middle);
    icon::paint(ui.painter(), sign, entry.icon, 15.0, tokens.text_muted);
    let font = TextStyle::Body.resolve(ui.style());
    let galley = ui
        .painter()
        .layout_job(marked(&entry.name, fit, &font, color, tokens));
    let top = middle - galley.size().y / 2.0;
    ui.painter()
        .galley(egui::pos2(rect.left() + 42.0, top), galley, color);
    ui.painter().text(
        egui::pos2(rect.right() - 18.0, middle),
        Align2::RIGHT_CENTER,
        &entry.note,
        TextStyle::Small.resolve(ui.style()),
        tokens.text_muted,
    );
    response
}

/// The name with the letters that were meant in the accent's colour.
fn marked(
    name: &str,
    fit: &Fit,
    font: &FontId,
    color: egui::Color32,
    tokens: &theme::Tokens,
) -> egui::text::LayoutJob {
    let mut job = egui::text::LayoutJob::default();
    for (nth, letter) in name.chars().enumerate() {
        let color = if fit.at.contains(&nth) {
            tokens.accent
        } else {
            color
        };
        let format = egui::TextFormat::simple(font.clone(), color);
        job.append(&letter.to_string(), 0.0, format);
    }
    job
}

/// Everything that can be chosen now.
pub(super) fn entries(
    ctx: &Context,
    commands: &[Command],
    screens: &[Screen],
    cloud: Option<(&Aws, &Catalog)>,
) -> Vec<Entry> {
    let mut found: Vec<Entry> = screens
        .iter()
        .map(|screen| Entry {
            group: "Screens",
            icon: screen.icon,
            name: screen.panel.title().to_owned(),
            note: String::new(),
            choice: Choice::Go(screen.home.clone()),
        })
        .collect();
    if let Some((aws, catalog)) = cloud {
        objects(catalog, &mut found);
        holds(aws, catalog, &mut found);
    }
    found.extend(commands.iter().map(|command| {
        Entry {
            group: "Commands",
            icon: command.icon(),
            name: command.title().to_owned(),
            note: command
                .keys()
                .first()
                .map(|keys| ctx.format_shortcut(keys).replace('+', " "))
                .unwrap_or_default(),
            choice: Choice::Run(*command),
        }
    }));
    found
}

fn objects(catalog: &Catalog, found: &mut Vec<Entry>) {
    let mut add = |group, icon, name: &str, note: String, route| {
        found.push(Entry {
            group,
            icon,
            name: name.to_owned(),
            note,
            choice: Choice::Go(route),
        });
    };
    for table in catalog.tables.value().into_iter().flatten() {
        let name = table.table_name().unwrap_or_default();
        add(
            "Tables",
            Icon::Table,
            name,
            String::new(),
            Route::Table(name.to_owned()),
        );
        if let Some(stream) = table.latest_stream_arn() {
            let route = Route::Stream(stream.to_owned());
            add(
                "Streams",
                Icon::Stream,
                &format!("{name} stream"),
                String::new(),
                route,
            );
        }
    }
    for function in catalog.functions.value().into_iter().flatten() {
        let name = function.function_name().unwrap_or_default();
        let runtime = function.runtime().map(|it| it.as_str().to_owned());
        let route = Route::Function(name.to_owned());
        add(
            "Functions",
            Icon::Function,
            name,
            runtime.unwrap_or_default(),
            route,
        );
    }
    for mapping in catalog.mappings.value().into_iter().flatten() {
        let last = |arn: Option<&str>| {
            let arn = arn.unwrap_or_default();
            arn.parse::<Arn>()
                .map_or_else(|_| arn.to_owned(), |it| short(&it.resource))
        };
        let source = last(mapping.event_source_arn());
        let function = last(mapping.function_arn());
        let name = format!("{source} › {function}");
        let state = mapping.state().unwrap_or_default().to_owned();
        let uuid = mapping.uuid().unwrap_or_default().to_owned();
        add(
            "Triggers",
            Icon::Trigger,
            &name,
            state,
            Route::Trigger(uuid),
        );
    }
    for role in catalog.roles.value().into_iter().flatten() {
        let name = role.role_name();
        add(
            "Roles",
            Icon::Role,
            name,
            String::new(),
            Route::Role(name.to_owned()),
        );
    }
}

/// What can be asked of the pollers now; nothing outside the local cloud.
fn holds(aws: &Aws, catalog: &Catalog, found: &mut Vec<Entry>) {
    for mapping in catalog.mappings.value().into_iter().flatten() {
        let uuid = mapping.uuid().unwrap_or_default();
        let Some(is_paused) = control::is_paused(aws, uuid) else {
            continue;
        };
        let name = names::trigger_of(mapping);
        let mut add = |icon, words: String, note: &str, hold| {
            found.push(Entry {
                group: "Pollers",
                icon,
                name: words,
                note: note.to_owned(),
                choice: Choice::Go(Route::Hold(uuid.to_owned(), hold)),
            });
        };
        if is_paused {
            add(
                Icon::Play,
                format!("Resume poller of {name}"),
                "P",
                Hold::Resume,
            );
            let step = |by: &str| format!("Step one {by} of {name}");
            add(Icon::Step, step("batch"), "S", Hold::StepBatch);
            add(Icon::Step, step("poll"), "Shift S", Hold::StepPoll);
        } else {
            add(
                Icon::Pause,
                format!("Pause poller of {name}"),
                "P",
                Hold::Pause,
            );
        }
        let words = format!("Skip the record that blocks {name}…");
        add(Icon::Step, words, "", Hold::Skip);
    }
}

/// `Orders` of `table/Orders/stream/…`, `on-order` of `function:on-order`.
fn short(resource: &str) -> String {
    let tail = resource.split_once(['/', ':']).map_or(resource, |it| it.1);
    tail.split(['/', ':']).next().unwrap_or(tail).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_are_known_by_their_own_name() {
        assert_eq!(short("table/Orders/stream/2026-11-21"), "Orders");
        assert_eq!(short("function:on-order"), "on-order");
        assert_eq!(short("orders-dlq"), "orders-dlq");
    }

    #[test]
    fn the_group_with_the_best_fit_comes_first() {
        let entry = |group, name: &str| Entry {
            group,
            icon: Icon::Table,
            name: name.to_owned(),
            note: String::new(),
            choice: Choice::Run(Command::Refresh),
        };
        let entries = [
            entry("Screens", "Overview or deer"),
            entry("Tables", "Orders"),
        ];
        let names: Vec<_> = fits("order", &entries)
            .into_iter()
            .map(|it| it.0.name)
            .collect();
        assert_eq!(names[0], "Orders");
    }
}
