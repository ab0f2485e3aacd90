//! Draws the create-table form, with a sample record and the call beside it.

use aws_sdk_dynamodb::types::TableDescription;
use egui::{Key, Modifiers, RichText, TextEdit, Ui};

use super::views::ViewType;
use super::wizard::{
    Carries, IndexForm, IndexPlace, KeyForm, KeyKind, Place, TableForm, UNITS, Wrong,
};
use super::{calls, sample_ui};
use crate::aws::dynamodb::{self, NewTable};
use crate::ui::cx::Listing;
use crate::ui::remote::{error_ui, loading_ui};
use crate::ui::widgets::{Confirm, Icon, JsonView, form, icon};
use crate::ui::{Action, Cx, Remote, Route, Toast, theme};

/// The create-table screen.
#[derive(Default)]
pub(super) struct Wizard {
    form: TableForm,
    /// The user pressed Create: say all that is wrong.
    attempted: bool,
    creating: Remote<TableDescription>,
    confirm: Option<(Confirm, NewTable)>,
    focused: bool,
}

impl Wizard {
    /// Shown anew: the first field gets the keyboard.
    pub(super) fn enter(&mut self) {
        self.focused = false;
    }

    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        self.poll(cx);
        let tables = cx.catalog.tables.value().into_iter().flatten();
        let taken: Vec<&str> = tables.filter_map(|it| it.table_name()).collect();
        let judged = self.form.table(&taken);
        let panel = theme::of(ui).panel;
        let frame = egui::Frame::new()
            .fill(panel)
            .inner_margin(egui::Margin::symmetric(20, 10));
        egui::Panel::bottom("new table actions")
            .resizable(false)
            .frame(frame)
            .show(ui, |ui| self.actions_ui(ui, cx, &judged));
        egui::Panel::right("new table preview")
            .default_size(400.0)
            .size_range(300.0..=560.0)
            .frame(egui::Frame::new().fill(panel).inner_margin(theme::PAGE))
            .show(ui, |ui| self.preview_ui(ui, &judged));
        egui::CentralPanel::default()
            .frame(egui::Frame::new())
            .show(ui, |ui| {
                theme::page(ui, |ui| {
                    ui.label(RichText::new("New table").text_style(theme::title()));
                    ui.add_space(theme::GUTTER);
                    let wrong = judged.as_ref().err().map_or(&[][..], Vec::as_slice);
                    self.form_ui(ui, wrong);
                });
            });
        self.confirm_ui(cx);
    }

    fn poll(&mut self, cx: &Cx<'_>) {
        if !self.creating.poll() {
            return;
        }
        if let Some(table) = self.creating.take() {
            let name = table.table_name().unwrap_or_default().to_owned();
            *self = Self::default();
            cx.send(Action::Reload(Listing::Tables));
            cx.send(Action::Toast(Toast::good(format!("Created table {name}"))));
            cx.send(Action::Go(Route::Table(name)));
        }
    }

    fn actions_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, judged: &Result<NewTable, Vec<Wrong>>) {
        if let Some(error) = self.creating.error() {
            error_ui(ui, error);
        }
        ui.horizontal(|ui| {
            let pending = self.creating.is_pending();
            let mut create = ui.input_mut(|it| it.consume_key(Modifiers::COMMAND, Key::Enter));
            ui.add_enabled_ui(!pending, |ui| {
                create |= icon::primary(ui, Icon::Plus, "Create table")
                    .on_hover_text("Ctrl Enter")
                    .clicked();
            });
            if ui.button("Cancel").clicked() {
                cx.send(Action::Go(Route::Tables));
            }
            if pending {
                loading_ui(ui);
                ui.weak("Waiting until the table is ACTIVE");
            }
            if create && !pending {
                match judged {
                    Ok(table) => self.create(cx, table.clone()),
                    Err(_) => self.attempted = true,
                }
            }
            if let (true, Err(wrong)) = (self.attempted, judged) {
                let words = match wrong.len() {
                    1 => "1 thing to put right".to_owned(),
                    many => format!("{many} things to put right"),
                };
                ui.colored_label(theme::of(ui).failed, words);
            }
        });
    }

    fn create(&mut self, cx: &Cx<'_>, table: NewTable) {
        if cx.aws.is_local() {
            self.creating
                .start(cx, dynamodb::create_table(cx.aws.clone(), table));
            return;
        }
        let place = &cx.aws.about().label;
        let confirm = Confirm::new(format!("Create table {}", table.name))
            .consequence(format!("Makes the table in {place}."))
            .call(calls::call("CreateTable", &calls::create_table(&table)));
        self.confirm = Some((confirm, table));
    }

    fn confirm_ui(&mut self, cx: &Cx<'_>) {
        if let Some((confirm, _)) = &mut self.confirm
            && let Some(yes) = confirm.ui(cx.ctx)
            && let Some((_, table)) = self.confirm.take()
            && yes
        {
            self.creating
                .start(cx, dynamodb::create_table(cx.aws.clone(), table));
        }
    }

    fn form_ui(&mut self, ui: &mut Ui, wrong: &[Wrong]) {
        let said = Said {
            wrong,
            attempted: self.attempted,
        };
        let it = &mut self.form;
        section(ui, "Table and key", |ui| {
            let error = said.at(Place::Name, &it.name);
            form::row(
                ui,
                "Table name",
                "3 to 255 letters, digits, _ - and .",
                error,
                |ui| {
                    let field = ui.add(TextEdit::singleline(&mut it.name).desired_width(FIELD));
                    if !self.focused {
                        self.focused = true;
                        field.request_focus();
                    }
                },
            );
            let error = said.at(Place::Partition, &it.partition.name);
            key_row(
                ui,
                "Partition key",
                "Decides where an item is kept; a query always names it",
                error,
                &mut it.partition,
            );
            let error = said.at(Place::Sort, &it.sort.name);
            key_row(
                ui,
                "Sort key (optional)",
                "Orders the items of one partition key; leave empty for none",
                error,
                &mut it.sort,
            );
        });
        section(ui, "Stream", |ui| {
            form::check(
                ui,
                "Record every change in a stream",
                &mut it.has_stream,
                "Triggers read the stream; records stay for 24 hours",
            );
            if it.has_stream {
                form::row(ui, "View type", "", None, |ui| {
                    ui.vertical(|ui| view_choice_ui(ui, &mut it.view));
                });
            }
        });
        section(ui, "Capacity", |ui| capacity_ui(ui, it, &said));
        section(ui, "Secondary indexes", |ui| indexes_ui(ui, it, &said));
        section(ui, "Protection", |ui| {
            form::check(
                ui,
                "Deletion protection",
                &mut it.is_protected,
                "The table refuses to be deleted until this is turned off",
            );
        });
    }

    fn preview_ui(&self, ui: &mut Ui, judged: &Result<NewTable, Vec<Wrong>>) {
        if self.form.has_stream {
            ui.label(RichText::new("A record of its stream").text_style(theme::subtitle()));
            ui.add(egui::Label::new(RichText::new(self.form.view.sentence()).weak()).wrap());
            ui.add_space(4.0);
            let (partition, sort) = self.form.sample_keys();
            sample_ui::show(ui, self.form.view, &partition, sort.as_ref());
            ui.add_space(theme::SECTION_GAP);
        }
        ui.label(RichText::new("The call").text_style(theme::subtitle()));
        match judged {
            Ok(table) => {
                let call = calls::create_table(table);
                JsonView::new("CreateTable", &call).open_depth(9).show(ui);
            }
            Err(_) => {
                ui.weak("Shows here when the form is complete");
            }
        }
    }
}

const FIELD: f32 = 280.0;
const KEY_FIELD: f32 = 180.0;

/// What is wrong, where it may be said.
struct Said<'a> {
    wrong: &'a [Wrong],
    attempted: bool,
}

impl Said<'_> {
    /// An empty field is not wrong before the user asked for the table.
    fn at(&self, place: Place, text: &str) -> Option<&str> {
        let due = self.attempted || !text.is_empty();
        let found = self.wrong.iter().find(|it| it.place == place && due);
        found.map(|it| it.message.as_str())
    }
}

fn section(ui: &mut Ui, title: &str, body: impl FnOnce(&mut Ui)) {
    theme::card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width().min(680.0));
        ui.label(RichText::new(title).text_style(theme::subtitle()));
        ui.add_space(4.0);
        body(ui);
    });
    ui.add_space(theme::GUTTER);
}

fn key_row(ui: &mut Ui, label: &str, help: &str, error: Option<&str>, key: &mut KeyForm) {
    form::row(ui, label, help, error, |ui| {
        ui.add(TextEdit::singleline(&mut key.name).desired_width(KEY_FIELD));
        egui::ComboBox::new((label, "type"), "")
            .selected_text(key.kind.words())
            .width(92.0)
            .show_ui(ui, |ui| {
                for kind in KeyKind::ALL {
                    ui.selectable_value(&mut key.kind, kind, kind.words());
                }
            })
            .response
            .accessible_name(format!("Type of {label}"));
    });
}

/// The four view types, each with what it means.
pub(super) fn view_choice_ui(ui: &mut Ui, view: &mut ViewType) -> bool {
    let mut changed = false;
    for choice in ViewType::ALL {
        changed |= ui.radio_value(view, choice, choice.words()).changed();
        ui.horizontal_top(|ui| {
            // Under the words, not under the mark.
            ui.add_space(ui.spacing().icon_width + ui.spacing().icon_spacing);
            let sentence = RichText::new(choice.sentence()).small().weak();
            ui.add(egui::Label::new(sentence).wrap());
        });
    }
    changed
}

fn capacity_ui(ui: &mut Ui, it: &mut TableForm, said: &Said<'_>) {
    let help = if it.is_provisioned {
        "You pay for these units whether they are used or not; more requests are throttled"
    } else {
        "You pay for each request; nothing to plan"
    };
    form::choice(
        ui,
        "Capacity mode",
        &mut it.is_provisioned,
        &[(false, "On demand"), (true, "Provisioned")],
        help,
    );
    if it.is_provisioned {
        form::number(
            ui,
            "Read units",
            &mut it.read_units,
            &UNITS,
            "per second",
            "",
        );
        form::number(
            ui,
            "Write units",
            &mut it.write_units,
            &UNITS,
            "per second",
            "",
        );
        let empty = it.read_units.text.trim().is_empty() || it.write_units.text.trim().is_empty();
        if let Some(error) = said.at(Place::Units, "").filter(|_| empty) {
            form::violation(ui, error);
        }
    }
}

fn indexes_ui(ui: &mut Ui, it: &mut TableForm, said: &Said<'_>) {
    if it.indexes.is_empty() {
        ui.weak("An index finds items by other attributes than the table's key");
    }
    let mut removed = None;
    for (nth, index) in it.indexes.iter_mut().enumerate() {
        ui.push_id(nth, |ui| {
            if nth > 0 {
                ui.separator();
            }
            if index_ui(ui, nth, index, said) {
                removed = Some(nth);
            }
        });
    }
    if let Some(nth) = removed {
        it.indexes.remove(nth);
    }
    ui.horizontal(|ui| {
        if icon::button(ui, Icon::Plus, "Add global index").clicked() {
            it.indexes.push(IndexForm::default());
        }
        let can_local = !it.sort.name.is_empty();
        ui.add_enabled_ui(can_local, |ui| {
            let button = icon::button(ui, Icon::Plus, "Add local index");
            if button
                .on_disabled_hover_text("Local indexes need a table with a sort key")
                .clicked()
            {
                it.indexes.push(IndexForm {
                    is_global: false,
                    ..IndexForm::default()
                });
            }
        });
    });
}

/// True when the index shall go.
fn index_ui(ui: &mut Ui, nth: usize, index: &mut IndexForm, said: &Said<'_>) -> bool {
    let mut remove = false;
    let kind = if index.is_global { "Global" } else { "Local" };
    let label = format!("{kind} index {}", nth + 1);
    let error = said.at(Place::Index(nth, IndexPlace::Name), &index.name);
    form::row(ui, &label, "", error, |ui| {
        let field = TextEdit::singleline(&mut index.name).hint_text("name");
        ui.add(field.desired_width(KEY_FIELD));
        remove = icon::only(ui, Icon::Trash, &format!("Remove {label}")).clicked();
    });
    if index.is_global {
        let error = said.at(
            Place::Index(nth, IndexPlace::Partition),
            &index.partition.name,
        );
        let label = format!("Partition key of index {}", nth + 1);
        key_row(ui, &label, "", error, &mut index.partition);
    }
    let error = said.at(Place::Index(nth, IndexPlace::Sort), &index.sort.name);
    let label = format!("Sort key of index {}", nth + 1);
    let help = if index.is_global { "Optional" } else { "" };
    key_row(ui, &label, help, error, &mut index.sort);
    form::choice(
        ui,
        &format!("Index {} carries", nth + 1),
        &mut index.carries,
        &[
            (Carries::All, "Whole items"),
            (Carries::Keys, "Keys only"),
            (Carries::Include, "Keys and these"),
        ],
        "",
    );
    if index.carries == Carries::Include {
        let error = said.at(Place::Index(nth, IndexPlace::Include), &index.include);
        let label = format!("Attributes of index {}", nth + 1);
        form::text(
            ui,
            &label,
            &mut index.include,
            "Names with commas between",
            error,
        );
    }
    remove
}
