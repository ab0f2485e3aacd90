//! Draws the read bar: what to read, the key, the filters, and one button that says what it will do.

use egui::{Key, RichText, TextEdit, Ui};

use super::data::{Facts, Source};
use super::query::{Field, FilterForm, Kind, Op, PAGE_RANGE, ReadForm, SortForm, Violation};
use crate::aws::dynamodb::{KeyPart, ReadKind};
use crate::ui::theme;
use crate::ui::widgets::form::violation;
use crate::ui::widgets::{Icon, icon};

/// What the read bar remembers besides the form.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Bar {
    /// The filter that is open.
    pub(super) editing: Option<usize>,
    /// The user asked for something that cannot be asked: say all that is wrong.
    pub(super) attempted: bool,
    focus: Option<Field>,
}

impl Bar {
    /// Puts the keyboard into the first field of the key, or into a new filter.
    pub(super) fn focus(&mut self, field: Field) {
        self.focus = Some(field);
    }
}

/// Everything the bar shows.
pub(super) struct Shown<'a> {
    pub(super) sources: &'a [Source],
    pub(super) source: &'a Source,
    pub(super) wrong: &'a [Violation],
    /// Attributes seen so far, for completion.
    pub(super) facts: &'a [Facts],
    pub(super) is_reading: bool,
}

/// True when the user wants to read.
pub(super) fn show(ui: &mut Ui, form: &mut ReadForm, bar: &mut Bar, shown: &Shown<'_>) -> bool {
    let mut run = false;
    ui.horizontal_wrapped(|ui| {
        run |= source_ui(ui, form, shown);
        run |= key_ui(ui, form, bar, shown);
        pills_ui(ui, form, bar, shown);
        if icon::button(ui, Icon::Plus, "Filter")
            .on_hover_text("Add a filter   F")
            .clicked()
        {
            add_filter(form, bar);
        }
        run |= run_ui(ui, form, shown);
    });
    if let Some(nth) = bar.editing {
        run |= filter_ui(ui, form, bar, nth, shown);
    }
    for wrong in shown.wrong.iter().filter(|it| is_due(it, bar)) {
        violation(ui, &words(wrong, shown.source));
    }
    run
}

/// An empty filter, open.
pub(super) fn add_filter(form: &mut ReadForm, bar: &mut Bar) {
    form.filters.push(FilterForm::default());
    let nth = form.filters.len() - 1;
    bar.editing = Some(nth);
    bar.focus = Some(Field::Filter(nth));
}

/// A filter that is being written is not wrong yet.
fn is_due(wrong: &Violation, bar: &Bar) -> bool {
    bar.attempted || !matches!(wrong.field, Field::Filter(nth) if bar.editing == Some(nth))
}

fn words(wrong: &Violation, source: &Source) -> String {
    let name = match wrong.field {
        Field::Partition => source.partition.name.clone(),
        Field::Sort => source
            .sort
            .as_ref()
            .map_or("sort key", |it| &it.name)
            .to_owned(),
        Field::Filter(nth) => format!("Filter {}", nth + 1),
        Field::Page => "Items per page".to_owned(),
    };
    format!("{name}: {}", wrong.message)
}

fn source_ui(ui: &mut Ui, form: &mut ReadForm, shown: &Shown<'_>) -> bool {
    let name = |index: &Option<String>| match index {
        None => "Table".to_owned(),
        Some(index) => index.clone(),
    };
    let before = form.index.clone();
    let picker = egui::ComboBox::from_id_salt("read from")
        .selected_text(name(&form.index))
        .width(120.0)
        .show_ui(ui, |ui| {
            for source in shown.sources {
                let words = name(&source.index);
                ui.selectable_value(&mut form.index, source.index.clone(), words);
            }
        });
    picker.response.accessible_name("Table or index to read");
    if form.index == before {
        return false;
    }
    // Values of other keys mean nothing here.
    form.partition.clear();
    form.sort = SortForm::default();
    true
}

fn key_ui(ui: &mut Ui, form: &mut ReadForm, bar: &mut Bar, shown: &Shown<'_>) -> bool {
    let mut run = false;
    together(ui, |ui| {
        let part = &shown.source.partition;
        ui.label(RichText::new(&part.name).monospace());
        ui.weak("=");
        let field = value_field(ui, &mut form.partition, Kind::of_key(&part.kind), 130.0)
            .accessible_name(format!("Partition key {}", part.name));
        if bar.focus == Some(Field::Partition) {
            bar.focus = None;
            field.request_focus();
        }
        run |= entered(ui, &field);
    });
    if let Some(part) = &shown.source.sort {
        together(ui, |ui| run |= sort_ui(ui, &mut form.sort, part));
    }
    run
}

fn sort_ui(ui: &mut Ui, sort: &mut SortForm, part: &KeyPart) -> bool {
    let kind = Kind::of_key(&part.kind);
    ui.label(RichText::new(&part.name).monospace());
    let ops = Op::OF_SORT_KEYS
        .into_iter()
        .filter(|op| *op != Op::BeginsWith || kind != Kind::Number);
    op_ui(ui, "Sort key operator", &mut sort.op, ops);
    let field = value_field(ui, &mut sort.first, kind, 130.0)
        .accessible_name(format!("Sort key {}", part.name));
    let mut run = entered(ui, &field);
    if sort.op == Op::Between {
        ui.weak("and");
        let field = value_field(ui, &mut sort.second, kind, 130.0)
            .accessible_name(format!("Sort key {}, upper end", part.name));
        run |= entered(ui, &field);
    }
    run
}

fn pills_ui(ui: &mut Ui, form: &mut ReadForm, bar: &mut Bar, shown: &Shown<'_>) {
    let tokens = theme::of(ui);
    let mut removed = None;
    for (nth, filter) in form.filters.iter().enumerate() {
        let is_open = bar.editing == Some(nth);
        let is_wrong = !is_open && shown.wrong.iter().any(|it| it.field == Field::Filter(nth));
        let line = if is_wrong {
            tokens.failed
        } else if is_open {
            tokens.accent
        } else {
            tokens.line_strong
        };
        let frame = egui::Frame::new()
            .fill(tokens.raised)
            .stroke(egui::Stroke::new(1.0, line))
            .corner_radius(11)
            .inner_margin(egui::Margin::symmetric(8, 0));
        frame.show(ui, |ui| {
            ui.spacing_mut().item_spacing.x = 2.0;
            let summary = match filter.path.trim() {
                "" => "new filter".to_owned(),
                _ => filter.summary(),
            };
            let text = RichText::new(&summary).monospace();
            let pill = egui::Button::new(text).frame(false).truncate();
            let name = format!("Edit filter {summary}");
            if icon::add(ui, pill, &name).clicked() {
                bar.editing = if is_open { None } else { Some(nth) };
            }
            let name = format!("Remove filter {summary}");
            if icon::only(ui, Icon::Close, &name).clicked() {
                removed = Some(nth);
            }
        });
    }
    if let Some(nth) = removed {
        form.filters.remove(nth);
        bar.editing = None;
    }
}

fn run_ui(ui: &mut Ui, form: &ReadForm, shown: &Shown<'_>) -> bool {
    let (kind, why) = form.plan(shown.source);
    let (words, sign) = match kind {
        ReadKind::Query => ("Query", Icon::Search),
        ReadKind::Scan => ("Scan", Icon::Play),
    };
    let clicked = icon::primary(ui, sign, words)
        .on_hover_text(format!("{why}   Ctrl Enter"))
        .clicked();
    if shown.is_reading {
        crate::ui::remote::loading_ui(ui);
    } else {
        let why = RichText::new(why).small().weak();
        ui.add(egui::Label::new(why).extend());
    }
    clicked
}

/// The filter that is open: attribute, operator, type, value.
fn filter_ui(
    ui: &mut Ui,
    form: &mut ReadForm,
    bar: &mut Bar,
    nth: usize,
    shown: &Shown<'_>,
) -> bool {
    let Some(filter) = form.filters.get_mut(nth) else {
        bar.editing = None;
        return false;
    };
    let mut run = false;
    let mut close = false;
    ui.horizontal_wrapped(|ui| {
        let focus = bar.focus == Some(Field::Filter(nth));
        if focus {
            bar.focus = None;
        }
        attribute_ui(ui, filter, nth, shown.facts, focus);
        op_ui(ui, "Filter operator", &mut filter.op, Op::ALL);
        if filter.op == Op::IsType {
            type_name_ui(ui, filter);
        } else if filter.op.takes_value() {
            run |= values_ui(ui, filter);
        }
        close = ui.button("Done").clicked();
    });
    if run || close {
        bar.editing = None;
    }
    run
}

fn attribute_ui(ui: &mut Ui, filter: &mut FilterForm, nth: usize, facts: &[Facts], focus: bool) {
    let id = ui.make_persistent_id(("filter attribute", nth));
    let field = TextEdit::singleline(&mut filter.path)
        .hint_text("attribute")
        .font(egui::TextStyle::Monospace)
        .desired_width(140.0);
    let output = egui::CompletionPopup::new(id)
        .word_boundary(|_| false)
        .align(egui::RectAlign::BOTTOM_START)
        .show(ui, field, |query| {
            let wanted = query.word.to_lowercase();
            let mut found: Vec<&Facts> = facts
                .iter()
                .filter(|it| it.name.to_lowercase().contains(&wanted) && it.name != query.text)
                .collect();
            found.sort_by_key(|it| !it.name.to_lowercase().starts_with(&wanted));
            found
                .into_iter()
                .map(|it| egui::Suggestion::new(it.name.clone()).description(it.note()))
                .collect()
        });
    let response = output.text_edit.response.response.clone();
    if response.changed() || output.accepted.is_some() {
        // The type most items have is the one that is meant.
        let known = facts.iter().find(|it| it.name == filter.path);
        let kind = known.and_then(|it| it.kinds.first().copied());
        if let Some(kind) = kind.and_then(Kind::of_letter) {
            filter.kind = kind;
        }
    }
    let response = response.accessible_name("Filter attribute");
    if focus {
        response.request_focus();
    }
}

fn op_ui(ui: &mut Ui, name: &str, op: &mut Op, choices: impl IntoIterator<Item = Op>) {
    let picker = egui::ComboBox::from_id_salt(name)
        .selected_text(op.words())
        .width(96.0)
        .height(420.0)
        .show_ui(ui, |ui| {
            for choice in choices {
                ui.selectable_value(op, choice, choice.words());
            }
        });
    picker.response.accessible_name(name);
}

fn type_name_ui(ui: &mut Ui, filter: &mut FilterForm) {
    if filter.first.is_empty() {
        "S".clone_into(&mut filter.first);
    }
    let picker = egui::ComboBox::from_id_salt("filter type name")
        .selected_text(&filter.first)
        .width(80.0)
        .show_ui(ui, |ui| {
            for letter in ["S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS"] {
                ui.selectable_value(&mut filter.first, letter.to_owned(), letter);
            }
        });
    picker.response.accessible_name("Type of the attribute");
}

fn values_ui(ui: &mut Ui, filter: &mut FilterForm) -> bool {
    if filter.op.is_typed() {
        let picker = egui::ComboBox::from_id_salt("filter kind")
            .selected_text(filter.kind.words())
            .width(84.0)
            .show_ui(ui, |ui| {
                for kind in Kind::ALL {
                    ui.selectable_value(&mut filter.kind, kind, kind.words());
                }
            });
        picker.response.accessible_name("Type of the value");
    }
    let kind = if filter.op.is_typed() {
        filter.kind
    } else {
        Kind::Number
    };
    if kind == Kind::Null {
        return false;
    }
    let hint = match filter.op {
        Op::OneOf => "one, two, three",
        _ => kind.hint(),
    };
    let first = TextEdit::singleline(&mut filter.first)
        .hint_text(hint)
        .font(egui::TextStyle::Monospace)
        .desired_width(160.0);
    let first = ui.add(first).accessible_name("Filter value");
    let mut run = entered(ui, &first);
    if filter.op == Op::Between {
        ui.weak("and");
        let second = value_field(ui, &mut filter.second, kind, 160.0)
            .accessible_name("Filter value, upper end");
        run |= entered(ui, &second);
    }
    run
}

/// How many items a page has and which way a query goes; for the line under the grid, from the right.
pub(super) fn page_ui(ui: &mut Ui, form: &mut ReadForm, source: &Source) -> bool {
    let wrong = form.page.value(&PAGE_RANGE).is_err();
    let mut field = TextEdit::singleline(&mut form.page.text)
        .desired_width(44.0)
        .align(egui::Align2::RIGHT_CENTER);
    if wrong {
        field = field.text_color(theme::of(ui).failed);
    }
    let field = ui.add(field).accessible_name("Items per page");
    let mut run = entered(ui, &field);
    ui.weak("Items per page");
    let (kind, _) = form.plan(source);
    if kind == ReadKind::Query && source.sort.is_some() {
        run |= ui.checkbox(&mut form.descending, "Descending").changed();
    }
    run
}

/// Things that belong together, and stay so when the bar wraps.
fn together(ui: &mut Ui, body: impl FnOnce(&mut Ui)) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        body(ui);
    });
}

fn value_field(ui: &mut Ui, text: &mut String, kind: Kind, width: f32) -> egui::Response {
    let field = TextEdit::singleline(text)
        .hint_text(kind.hint())
        .font(egui::TextStyle::Monospace)
        .desired_width(width);
    ui.add(field)
}

fn entered(ui: &Ui, field: &egui::Response) -> bool {
    field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter))
}
