//! The settings of the local cloud's engine: a card of its screen. What is typed stays until the engine has taken it.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use egui::{RichText, Ui};
use serde_json::{Map, Value};

use super::cx::{Action, Cx, Toast};
use super::remote::{self, Remote};
use super::theme;
use super::widgets::{Icon, form, icon};
use crate::aws::settings::{self, SHARDS_MAX, TIME_MAX, Values};

/// Narrower, all settings stand in one column.
const TWO_COLUMNS: f32 = 1000.0;
/// Most that the form offers; the engine knows no limit.
const MANY: i64 = 1_000_000;

/// One setting.
struct Field {
    /// As `SetEngineSettings` names it.
    name: &'static str,
    label: &'static str,
    help: &'static str,
    kind: Kind,
}

enum Kind {
    /// One of a few values, with the words for each.
    Choice(&'static [(&'static str, &'static str)]),
    Switch,
    /// A whole number. Where the setting is absent, nothing is done: that is 0.
    Number {
        range: fn() -> RangeInclusive<i64>,
        unit: &'static str,
    },
    /// Said when the engine starts.
    Fixed(&'static [(&'static str, &'static str)]),
}

const GROUPS: [(&str, &[Field]); 5] = [
    (
        "Triggers",
        &[
            Field {
                name: "Poll",
                label: "Poll pace",
                help: "As written, a trigger reads a record at once, and a quiet shard every few seconds",
                kind: Kind::Choice(&[
                    ("4/s", "4 times a second, as on AWS"),
                    ("as-written", "as written"),
                ]),
            },
            Field {
                name: "Delays",
                label: "Changes of state",
                help: "How long Creating, Updating, Enabling, Disabling and Deleting last: no time, a fifth of a second, or up to minutes",
                kind: Kind::Choice(&[
                    ("instant", "instant"),
                    ("quick", "quick"),
                    ("aws", "as on AWS"),
                ]),
            },
            Field {
                name: "LatestGap",
                label: "LATEST misses records until the first poll",
                help: "As on AWS. Off, a trigger begins behind the records that were there when it was made",
                kind: Kind::Switch,
            },
            Field {
                name: "FiltersMax",
                label: "Filters of a trigger",
                help: "AWS allows 5, or 10 after a raise",
                kind: Kind::Number {
                    range: || 1..=1000,
                    unit: "at most",
                },
            },
        ],
    ),
    (
        "Streams",
        &[
            Field {
                name: "Shards",
                label: "Shards of a new stream",
                help: "Streams there are keep theirs: split them in their table's stream tab",
                kind: Kind::Number {
                    range: || 1..=i64::from(SHARDS_MAX),
                    unit: "",
                },
            },
            Field {
                name: "ShardPeriodInSeconds",
                label: "Roll shards over after",
                help: "0 for never. About 4 hours on AWS, 14,400 seconds",
                kind: Kind::Number {
                    range: || 0..=whole(TIME_MAX.as_secs()),
                    unit: "s",
                },
            },
            Field {
                name: "SplitRate",
                label: "Split shards beyond",
                help: "0 for never. A shard that takes more for ten seconds goes on in two",
                kind: Kind::Number {
                    range: || 0..=MANY,
                    unit: "records a second",
                },
            },
            Field {
                name: "StreamLimits",
                label: "Limits of readers",
                help: "Refuses a third reader of a shard, and too many DescribeStream and ListStreams",
                kind: Kind::Switch,
            },
        ],
    ),
    (
        "Access and safety",
        &[
            Field {
                name: "EnforceIam",
                label: "Judge calls of roles by their policies",
                help: "Off, a role may do everything",
                kind: Kind::Switch,
            },
            Field {
                name: "StrictKeys",
                label: "Unknown access keys",
                help: "Said when the engine starts, by the option strict-keys of serve",
                kind: Kind::Fixed(&[("false", "taken"), ("true", "refused")]),
            },
            Field {
                name: "Durability",
                label: "An answered write survives",
                help: "Said when the engine starts, by the option power-safe of serve",
                kind: Kind::Fixed(&[
                    ("process", "the end of this program"),
                    ("power", "a power failure"),
                ]),
            },
        ],
    ),
    (
        "Where AWS does not say",
        &[
            Field {
                name: "RetryFirstInMilliseconds",
                label: "First retry after",
                help: "Every further one waits twice as long",
                kind: Kind::Number {
                    range: || 1..=millis_max(),
                    unit: "ms",
                },
            },
            Field {
                name: "RetryMaxInMilliseconds",
                label: "Retries wait at most",
                help: "",
                kind: Kind::Number {
                    range: || 1..=millis_max(),
                    unit: "ms",
                },
            },
            Field {
                name: "LargerHalf",
                label: "Of an odd batch, the larger half is",
                help: "When a failed batch is split",
                kind: Kind::Choice(&[("first", "the first"), ("second", "the second")]),
            },
            Field {
                name: "FailureBlocks",
                label: "A failed batch holds up",
                help: "Of a shard that is read by several batches at once",
                kind: Kind::Choice(&[("lane", "its lane"), ("shard", "the whole shard")]),
            },
            Field {
                name: "WindowsBegin",
                label: "Tumbling windows begin",
                help: "",
                kind: Kind::Choice(&[
                    ("epoch", "at multiples of their length"),
                    ("record", "with their first record"),
                ]),
            },
            Field {
                name: "LetterPayload",
                label: "Payload in a bucket",
                help: "Of the object about lost records",
                kind: Kind::Choice(&[("text", "JSON text"), ("object", "the event itself")]),
            },
            Field {
                name: "ReportedFailures",
                label: "Last result after reported failures",
                help: "LastProcessingResult of the trigger",
                kind: Kind::Choice(&[("problem", "PROBLEM"), ("ok", "OK")]),
            },
            Field {
                name: "BatchSizeCounts",
                label: "The batch size counts",
                help: "Of a trigger with filters",
                kind: Kind::Choice(&[
                    ("kept", "records that pass the filters"),
                    ("read", "all records"),
                ]),
            },
            Field {
                name: "UpdateAnswers",
                label: "An update is answered with",
                help: "By UpdateEventSourceMapping",
                kind: Kind::Choice(&[
                    ("before", "the old settings"),
                    ("after", "the new settings"),
                ]),
            },
            Field {
                name: "StreamEnds",
                label: "The stream of a deleted table ends",
                help: "Its records stay readable for a day",
                kind: Kind::Choice(&[
                    ("asked", "with DeleteTable"),
                    ("gone", "when the table is gone"),
                ]),
            },
        ],
    ),
    (
        "Tables",
        &[
            Field {
                name: "Throttle",
                label: "Refuse requests beyond the provisioned capacity",
                help: "",
                kind: Kind::Switch,
            },
            Field {
                name: "GsiLagInMilliseconds",
                label: "Global indexes lag",
                help: "How long reads of an index do not see a change",
                kind: Kind::Number {
                    range: || 0..=millis_max(),
                    unit: "ms",
                },
            },
            Field {
                name: "TtlDelayInSeconds",
                label: "Delete expired items after",
                help: "From the end of their time to live; within days on AWS",
                kind: Kind::Number {
                    range: || 0..=whole(TIME_MAX.as_secs()),
                    unit: "s",
                },
            },
            Field {
                name: "SettleInMilliseconds",
                label: "States of tables last",
                help: "At least: CREATING, UPDATING, ENABLING and others",
                kind: Kind::Number {
                    range: || 0..=millis_max(),
                    unit: "ms",
                },
            },
        ],
    ),
];

fn fields() -> impl Iterator<Item = &'static Field> {
    GROUPS.iter().flat_map(|(_, fields)| fields.iter())
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn millis_max() -> i64 {
    whole(TIME_MAX.as_secs()).saturating_mul(1000)
}

/// The card "Engine settings".
#[derive(Default)]
pub(super) struct EngineSettings {
    /// By name, what differs from what is in force: as typed.
    typed: BTreeMap<&'static str, String>,
    changing: Remote<()>,
}

impl EngineSettings {
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        if self.changing.poll() && self.changing.error().is_none() {
            self.typed.clear();
            cx.send(Action::Toast(Toast::good("The engine took the settings")));
        }
        let Some(values) = settings::in_force(cx.aws) else {
            return;
        };
        self.typed
            .retain(|name, typed| *typed != text_of(&values, name));
        theme::card(ui).show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            let tokens = theme::of(ui);
            ui.label(RichText::new("Engine settings").text_style(theme::subtitle()));
            let words = "They hold for what happens from now on, until this program ends. The options of \"waterwheel serve\" have the same names.";
            ui.label(RichText::new(words).small().color(tokens.text_muted));
            ui.add_space(theme::GUTTER);
            if ui.available_width() < TWO_COLUMNS {
                self.groups_ui(ui, &GROUPS, &values);
            } else {
                ui.columns(2, |columns| {
                    for (nth, column) in columns.iter_mut().enumerate() {
                        let groups = GROUPS.iter().skip(nth).step_by(2);
                        self.groups_ui(column, groups, &values);
                    }
                });
            }
            self.foot_ui(ui, cx, &values);
        });
        ui.add_space(theme::GUTTER);
    }

    fn groups_ui<'g>(
        &mut self,
        ui: &mut Ui,
        groups: impl IntoIterator<Item = &'g (&'static str, &'static [Field])>,
        values: &Values,
    ) {
        for (words, fields) in groups {
            let color = theme::of(ui).text_strong;
            ui.label(RichText::new(*words).color(color));
            ui.add_space(2.0);
            for field in *fields {
                self.field_ui(ui, field, values);
            }
            ui.add_space(theme::GUTTER);
        }
    }

    fn field_ui(&mut self, ui: &mut Ui, field: &'static Field, values: &Values) {
        let in_force = text_of(values, field.name);
        let typed = self.typed.get(field.name).unwrap_or(&in_force);
        let mut text = typed.clone();
        let refusal = self.refusal(field.name).map(str::to_owned);
        let is_changed = match &field.kind {
            Kind::Choice(choices) => {
                form::row(ui, field.label, field.help, refusal.as_deref(), |ui| {
                    let mut is_changed = false;
                    for (value, words) in *choices {
                        is_changed |= ui
                            .radio_value(&mut text, (*value).to_owned(), *words)
                            .changed();
                    }
                    is_changed
                })
            }
            Kind::Switch => {
                let mut is_on = text == "true";
                let is_changed = form::check(ui, field.label, &mut is_on, field.help);
                text = is_on.to_string();
                is_changed
            }
            Kind::Number { range, unit } => {
                let mut number = form::Number { text };
                let range = range();
                let refusal = refusal.as_deref();
                let is_changed = form::number_or(
                    ui,
                    field.label,
                    &mut number,
                    &range,
                    unit,
                    field.help,
                    refusal,
                );
                text = number.text;
                is_changed
            }
            Kind::Fixed(all) => {
                let known = all.iter().find(|(value, _)| *value == text);
                let words = known.map_or(text.as_str(), |(_, words)| words);
                form::row(ui, field.label, field.help, None, |ui| ui.label(words));
                false
            }
        };
        if !is_changed {
            return;
        }
        if refusal.is_some() && !self.changing.is_pending() {
            self.changing.clear();
        }
        if text == in_force {
            self.typed.remove(field.name);
        } else {
            self.typed.insert(field.name, text);
        }
    }

    /// The engine's words about this setting.
    fn refusal(&self, name: &str) -> Option<&str> {
        let message = &self.changing.error()?.message;
        message.starts_with(name).then_some(message.as_str())
    }

    /// What would change, and the buttons.
    fn foot_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, values: &Values) {
        let tokens = theme::of(ui);
        if let Some(error) = self.changing.error()
            && !fields().any(|it| error.message.starts_with(it.name))
        {
            remote::error_ui(ui, error);
        }
        let changes = self.changes();
        ui.horizontal_wrapped(|ui| {
            let words = match self.typed.len() {
                0 => "Nothing to apply".to_owned(),
                1 => "Apply 1 change".to_owned(),
                many => format!("Apply {many} changes"),
            };
            let is_ready = changes.as_ref().is_some_and(|it| !it.is_empty());
            ui.add_enabled_ui(is_ready && !self.changing.is_pending(), |ui| {
                if icon::button(ui, Icon::Check, &words).clicked()
                    && let Some(changes) = changes
                {
                    let change = settings::change(cx.aws.clone(), changes);
                    self.changing.start(cx, change);
                }
            });
            if self.typed.is_empty() {
                return;
            }
            if ui.button("Discard").clicked() {
                self.typed.clear();
                self.changing.clear();
            }
            for field in fields() {
                if let Some(typed) = self.typed.get(field.name) {
                    let before = text_of(values, field.name);
                    let (before, after) = (words_of(&before), words_of(typed));
                    let words = format!("{}: {before} → {after}", field.label);
                    ui.label(RichText::new(words).small().color(tokens.accent));
                }
            }
        });
    }

    /// What would be sent; `None` where something typed is no value of its setting.
    fn changes(&self) -> Option<Values> {
        let mut changes = Map::new();
        for field in fields() {
            if let Some(typed) = self.typed.get(field.name) {
                changes.insert(field.name.to_owned(), value_of(field, typed)?);
            }
        }
        Some(changes)
    }
}

/// What was typed as the engine takes it.
fn value_of(field: &Field, typed: &str) -> Option<Value> {
    match &field.kind {
        Kind::Choice(_) | Kind::Fixed(_) => Some(typed.into()),
        Kind::Switch => Some((typed == "true").into()),
        Kind::Number { range, .. } => {
            let number = form::Number {
                text: typed.to_owned(),
            };
            let number = number.value(&range()).ok().flatten()?;
            Some(number.into())
        }
    }
}

/// A value in force as a field shows it.
fn text_of(values: &Values, name: &str) -> String {
    match values.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => "0".to_owned(),
    }
}

fn words_of(text: &str) -> &str {
    match text {
        "true" => "on",
        "false" => "off",
        other => other,
    }
}
