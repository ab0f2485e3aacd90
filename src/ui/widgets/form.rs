//! Rows of a form: a label, a control, help below it, and what is wrong beside it.

use std::fmt::Display;
use std::ops::RangeInclusive;

use egui::{RichText, TextEdit, Ui};

use super::icon::{self, Icon};
use crate::ui::theme;

/// Width of the labels, so that controls stand in one line.
const LABEL_WIDTH: f32 = 176.0;
/// Width of text fields.
const FIELD_WIDTH: f32 = 280.0;
const NUMBER_WIDTH: f32 = 96.0;
/// From here on a bound has more digits than anybody reads.
const BOUND_SHOWN: i64 = 1_000_000_000;

/// A row of a form: label at the left, `control` at the right, help under it, `error` under that.
/// Every input that `control` adds takes the label as its name.
pub fn row<R>(
    ui: &mut Ui,
    label: &str,
    help: &str,
    error: Option<&str>,
    control: impl FnOnce(&mut Ui) -> R,
) -> R {
    let tokens = theme::of(ui);
    ui.horizontal_top(|ui| {
        let size = egui::vec2(LABEL_WIDTH, theme::ROW_FORM - 8.0);
        let name = ui.allocate_ui_with_layout(
            size,
            egui::Layout::left_to_right(egui::Align::Center),
            |ui| {
                ui.set_min_size(size);
                ui.add(
                    egui::Label::new(RichText::new(label).color(tokens.text))
                        .selectable(false)
                        .wrap(),
                )
            },
        );
        ui.vertical(|ui| {
            let inner = ui
                .horizontal(|ui| ui.label_inputs_by(name.inner.id, control))
                .inner;
            ui.spacing_mut().item_spacing.y = 2.0;
            if let Some(error) = error {
                violation(ui, error);
            }
            if !help.is_empty() {
                ui.label(RichText::new(help).small().color(tokens.text_muted));
            }
            ui.add_space(4.0);
            inner
        })
        .inner
    })
    .inner
}

/// What is wrong with a field, in the service's words or ours.
pub fn violation(ui: &mut Ui, text: &str) {
    let tokens = theme::of(ui);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        let sign = icon::text(Icon::Failed).small().color(tokens.failed);
        ui.add(egui::Label::new(sign).selectable(false))
            .accessible_name("");
        ui.label(RichText::new(text).small().color(tokens.failed));
    });
}

/// A row with a text field; true when it was changed.
pub fn text(ui: &mut Ui, label: &str, value: &mut String, help: &str, error: Option<&str>) -> bool {
    row(ui, label, help, error, |ui| {
        ui.add(TextEdit::singleline(value).desired_width(FIELD_WIDTH))
            .changed()
    })
}

/// A row with a check box; the label is the box's own.
pub fn check(ui: &mut Ui, label: &str, value: &mut bool, help: &str) -> bool {
    row(ui, "", help, None, |ui| ui.checkbox(value, label).changed())
}

/// A row with one of a few choices, side by side.
pub fn choice<T: PartialEq + Copy>(
    ui: &mut Ui,
    label: &str,
    value: &mut T,
    choices: &[(T, &str)],
    help: &str,
) -> bool {
    row(ui, label, help, None, |ui| {
        let mut changed = false;
        for (choice, words) in choices {
            changed |= ui.radio_value(value, *choice, *words).changed();
        }
        changed
    })
}

/// A whole number as the user typed it: what is typed stays, right or wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Number {
    pub text: String,
}

impl Number {
    pub fn of(value: Option<i64>) -> Self {
        Self {
            text: value.map(|it| it.to_string()).unwrap_or_default(),
        }
    }

    /// The number, `None` when the field is empty, or what is wrong with it.
    pub fn value(&self, range: &RangeInclusive<i64>) -> Result<Option<i64>, String> {
        let text = self.text.trim().replace([',', ' ', '_'], "");
        if text.is_empty() {
            return Ok(None);
        }
        let (least, most) = (grouped(*range.start()), grouped(*range.end()));
        match text.parse() {
            Ok(number) if range.contains(&number) => Ok(Some(number)),
            Ok(_) => Err(format!("Must be between {least} and {most}")),
            Err(_) => Err(format!("Must be a whole number between {least} and {most}")),
        }
    }
}

/// A row with a number field; true when it was changed. `unit` stands behind it: `s`, `records`.
/// What is wrong with the number shows by itself.
pub fn number(
    ui: &mut Ui,
    label: &str,
    value: &mut Number,
    range: &RangeInclusive<i64>,
    unit: &str,
    help: &str,
) -> bool {
    number_or(ui, label, value, range, unit, help, None)
}

/// The same; `error` is what others found wrong with it.
pub fn number_or(
    ui: &mut Ui,
    label: &str,
    value: &mut Number,
    range: &RangeInclusive<i64>,
    unit: &str,
    help: &str,
    error: Option<&str>,
) -> bool {
    let wrong = value.value(range).err();
    row(ui, label, help, wrong.as_deref().or(error), |ui| {
        let field = TextEdit::singleline(&mut value.text)
            .desired_width(NUMBER_WIDTH)
            .align(egui::Align2::RIGHT_CENTER);
        let changed = ui.add(field).changed();
        let tokens = theme::of(ui);
        let bounds = format!("{}–{}", grouped(*range.start()), grouped(*range.end()));
        if !unit.is_empty() {
            ui.label(unit);
        }
        // Of very large ones the field tells when they are exceeded.
        if *range.end() < BOUND_SHOWN {
            ui.label(RichText::new(bounds).small().color(tokens.text_muted));
        }
        changed
    })
}

/// `1 record`, `12,480 records`.
pub fn counted(number: u64, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        many => format!("{} {noun}s", grouped(many)),
    }
}

/// A whole number for reading: `12480` as `12,480`.
pub fn grouped(number: impl Display) -> String {
    let text = number.to_string();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.as_str()),
    };
    let mut out = sign.to_owned();
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_outside_its_range_says_the_range() {
        let batch = Number::of(Some(10_001));
        assert_eq!(
            batch.value(&(1..=10_000)),
            Err("Must be between 1 and 10,000".to_owned())
        );
    }

    #[test]
    fn what_was_typed_stays_even_when_it_is_no_number() {
        let field = Number {
            text: "ten".to_owned(),
        };
        assert!(field.value(&(1..=9)).is_err());
        assert_eq!(field.text, "ten");
    }

    #[test]
    fn empty_is_none_and_separators_are_forgiven() {
        assert_eq!(Number::default().value(&(1..=9)), Ok(None));
        let field = Number {
            text: " 10,000 ".to_owned(),
        };
        assert_eq!(field.value(&(1..=10_000)), Ok(Some(10_000)));
    }

    #[test]
    fn a_field_is_known_by_its_label_and_its_violation_stands_beside_it() {
        use egui_kittest::{Harness, kittest::Queryable as _};
        let mut it = Harness::builder()
            .with_context_setup(|ctx| {
                theme::install(ctx);
                icon::install(ctx);
            })
            .build_ui_state(
                |ui, size: &mut Number| {
                    number(ui, "Batch size", size, &(1..=10_000), "records", "");
                },
                Number::of(Some(1)),
            );
        it.get_by_label("Batch size").focus();
        it.run();
        it.get_by_label("Batch size").type_text("00000");
        it.run();
        assert_eq!(it.state().text, "100000");
        assert!(it.query_by_label("Must be between 1 and 10,000").is_some());
    }

    #[test]
    fn thousands_are_grouped() {
        for (number, text) in [(7, "7"), (1000, "1,000"), (-1_234_567, "-1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }
}
