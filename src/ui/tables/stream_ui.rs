//! The stream of a table: on or off, what its records carry, who reads it, its shards.

use aws_sdk_dynamodb::types::TableDescription;
use aws_sdk_lambda::types::EventSourceMappingConfiguration as Mapping;
use egui::{RichText, Ui};
use serde_json::json;

use super::data::{has_stream, sources};
use super::shards_ui::ShardsCard;
use super::views::ViewType;
use super::wizard_ui::view_choice_ui;
use super::{calls, sample_ui};
use crate::aws::dynamodb;
use crate::ui::cx::Listing;
use crate::ui::names::function_of;
use crate::ui::remote::{error_ui, loading_ui};
use crate::ui::widgets::{Confirm, Health, Icon, chip, icon};
use crate::ui::{Action, Cx, Remote, Route, Toast, theme};

/// The stream tab.
#[derive(Default)]
pub(super) struct StreamTab {
    /// What the user would like; what is, while `None`.
    wanted: Option<ViewType>,
    changing: Remote<&'static str>,
    confirm: Option<(Confirm, Change)>,
    shards: ShardsCard,
}

/// What can happen to a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    On(ViewType),
    /// Off, and on again with another view type: a new stream.
    Anew(ViewType),
    Off,
}

impl Change {
    fn done(self) -> &'static str {
        match self {
            Self::On(_) => "The stream is on",
            Self::Anew(_) => "The table has a new stream",
            Self::Off => "The stream is off",
        }
    }
}

pub(super) fn show(ui: &mut Ui, cx: &Cx<'_>, table: &TableDescription, tab: &mut StreamTab) {
    if tab.changing.poll()
        && let Some(words) = tab.changing.take()
    {
        tab.wanted = None;
        cx.send(Action::Toast(Toast::good(words)));
        cx.send(Action::Reload(Listing::Tables));
    }
    theme::page(ui, |ui| {
        if let Some(error) = tab.changing.error() {
            error_ui(ui, error);
        }
        state_ui(ui, cx, table, tab);
        ui.add_space(theme::GUTTER);
        if let Some(arn) = table.latest_stream_arn() {
            let name = table.table_name().unwrap_or_default();
            tab.shards.ui(ui, cx, arn, name);
            ui.add_space(theme::GUTTER);
        }
        view_ui(ui, cx, table, tab);
    });
    tab.shards.question_ui(cx);
    if let Some((confirm, _)) = &mut tab.confirm
        && let Some(yes) = confirm.ui(cx.ctx)
        && let Some((_, change)) = tab.confirm.take()
        && yes
    {
        start(cx, table, tab, change);
    }
}

fn state_ui(ui: &mut Ui, cx: &Cx<'_>, table: &TableDescription, tab: &mut StreamTab) {
    card(ui, |ui| {
        ui.horizontal(|ui| {
            ui.label(RichText::new("Stream").text_style(theme::subtitle()));
            if has_stream(table) {
                chip::health(ui, Health::Ok, "on");
            } else {
                chip::health(ui, Health::Idle, "off");
            }
            if tab.changing.is_pending() {
                loading_ui(ui);
            }
        });
        let Some(arn) = table.latest_stream_arn() else {
            ui.label("A stream keeps a record of every change of an item for 24 hours, in order. Triggers read it and call functions.");
            return;
        };
        arn_ui(ui, "Stream ARN", arn);
        if !has_stream(table) {
            ui.weak("This stream was turned off: its records stay readable for 24 hours");
        }
        let readers = readers(cx, arn);
        ui.horizontal_wrapped(|ui| {
            ui.weak(if readers.is_empty() {
                "No trigger reads it"
            } else {
                "Read by"
            });
            for reader in &readers {
                if ui.link(function_of(reader)).clicked()
                    && let Some(uuid) = reader.uuid()
                {
                    cx.send(Action::Go(Route::Trigger(uuid.to_owned())));
                }
            }
        });
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            if icon::button(ui, Icon::Stream, "Show records").clicked() {
                cx.send(Action::Go(Route::Stream(arn.to_owned())));
            }
            if has_stream(table) {
                let free = !tab.changing.is_pending();
                ui.add_enabled_ui(free, |ui| {
                    if icon::button(ui, Icon::Stop, "Turn off…").clicked() {
                        tab.confirm = Some(ask(cx, table, Change::Off));
                    }
                });
            }
        });
    });
}

fn view_ui(ui: &mut Ui, cx: &Cx<'_>, table: &TableDescription, tab: &mut StreamTab) {
    let current = current(table);
    let mut wanted = tab.wanted.or(current).unwrap_or_default();
    card(ui, |ui| {
        ui.label(RichText::new("What a record contains").text_style(theme::subtitle()));
        ui.add_space(4.0);
        ui.horizontal_top(|ui| {
            ui.vertical(|ui| {
                ui.set_width(380.0);
                if view_choice_ui(ui, &mut wanted) {
                    tab.wanted = Some(wanted);
                }
                ui.add_space(theme::GUTTER);
                let free = !tab.changing.is_pending();
                match current {
                    None => {
                        ui.add_enabled_ui(free, |ui| {
                            if icon::primary(ui, Icon::Stream, "Turn on stream").clicked() {
                                wish(cx, table, tab, Change::On(wanted));
                            }
                        });
                    }
                    Some(current) => {
                        let changes = free && current != wanted;
                        ui.add_enabled_ui(changes, |ui| {
                            if icon::button(ui, Icon::Replay, "Change view type…").clicked() {
                                tab.confirm = Some(ask(cx, table, Change::Anew(wanted)));
                            }
                        });
                        ui.label(
                            RichText::new("A stream keeps its view type: changing it makes a new stream with a new ARN")
                                .small()
                                .weak(),
                        );
                    }
                }
            });
            ui.add_space(theme::PAGE_MARGIN);
            ui.vertical(|ui| {
                ui.weak(RichText::new("A record of a change, as a function gets it").small());
                if let Some(source) = sources(table).first() {
                    sample_ui::show(ui, wanted, &source.partition, source.sort.as_ref());
                }
            });
        });
    });
}

/// The view type of the stream that is on.
fn current(table: &TableDescription) -> Option<ViewType> {
    let stream = table
        .stream_specification()
        .filter(|it| it.stream_enabled())?;
    stream.stream_view_type().and_then(ViewType::of)
}

/// Turning on harms nobody: asked about only where the call leaves for AWS.
fn wish(cx: &Cx<'_>, table: &TableDescription, tab: &mut StreamTab, change: Change) {
    if cx.aws.is_local() {
        start(cx, table, tab, change);
    } else {
        tab.confirm = Some(ask(cx, table, change));
    }
}

fn ask(cx: &Cx<'_>, table: &TableDescription, change: Change) -> (Confirm, Change) {
    let name = table.table_name().unwrap_or_default();
    let verb = match change {
        Change::On(_) => format!("Turn on the stream of {name}"),
        Change::Anew(_) => format!("Make a new stream for {name}"),
        Change::Off => format!("Turn off the stream of {name}"),
    };
    let mut confirm = Confirm::new(verb);
    if change == Change::Off {
        confirm = confirm.consequence(
            "Changes are no longer recorded. Records that exist stay readable for 24 hours.",
        );
    }
    if let Change::Anew(view) = change {
        confirm = confirm.consequence(format!(
            "The stream is turned off and a new one with {} is turned on.",
            view.words().to_lowercase()
        ));
    }
    let readers = table.latest_stream_arn().map(|arn| readers(cx, arn));
    let readers: Vec<String> = readers
        .iter()
        .flatten()
        .map(|it| function_of(it).to_owned())
        .collect();
    if !readers.is_empty() && !matches!(change, Change::On(_)) {
        let triggers = if readers.len() == 1 {
            "1 trigger reads"
        } else {
            &format!("{} triggers read", readers.len())
        };
        confirm = confirm.consequence(format!(
            "{triggers} this stream and will get nothing new: {}.",
            readers.join(", ")
        ));
    }
    if !cx.aws.is_local() {
        confirm = confirm.call(call(name, change));
    }
    (confirm, change)
}

fn call(table: &str, change: Change) -> String {
    let update = |specification| {
        calls::call(
            "UpdateTable",
            &json!({ "TableName": table, "StreamSpecification": specification }),
        )
    };
    let off = || update(json!({ "StreamEnabled": false }));
    let on = |view: ViewType| {
        let view = view.for_aws();
        update(json!({ "StreamEnabled": true, "StreamViewType": view.as_str() }))
    };
    match change {
        Change::On(view) => on(view),
        Change::Anew(view) => format!("{}\n{}", off(), on(view)),
        Change::Off => off(),
    }
}

fn start(cx: &Cx<'_>, table: &TableDescription, tab: &mut StreamTab, change: Change) {
    let name = table.table_name().unwrap_or_default().to_owned();
    let aws = cx.aws.clone();
    tab.changing.start(cx, async move {
        if !matches!(change, Change::On(_)) {
            dynamodb::set_stream(aws.clone(), name.clone(), None).await?;
        }
        if let Change::On(view) | Change::Anew(view) = change {
            dynamodb::set_stream(aws, name, Some(view.for_aws())).await?;
        }
        Ok(change.done())
    });
}

/// Triggers that read this stream.
pub(super) fn readers<'c>(cx: &Cx<'c>, stream_arn: &str) -> Vec<&'c Mapping> {
    let all = cx.catalog.mappings.value().into_iter().flatten();
    all.filter(|it| it.event_source_arn() == Some(stream_arn))
        .collect()
}

/// An ARN to read and to copy.
pub(super) fn arn_ui(ui: &mut Ui, name: &str, arn: &str) {
    ui.horizontal(|ui| {
        ui.weak(name);
        let copy = format!("Copy {name}");
        ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
            if icon::only(ui, Icon::Copy, &copy).clicked() {
                ui.copy_text(arn.to_owned());
            }
            ui.add(egui::Label::new(RichText::new(arn).monospace()).truncate());
        });
    });
}

/// A card as wide as is good to read.
pub(super) fn card(ui: &mut Ui, body: impl FnOnce(&mut Ui)) {
    theme::card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width().min(860.0));
        body(ui);
    });
}
