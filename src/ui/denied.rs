//! Refusals that an execution role's policies explain: how to tell one, and the way to mend the role.

use egui::{RichText, Ui};

use super::cx::{Action, Cx, Route};
use super::names::function_of;
use super::theme;
use super::widgets::{Health, Icon, chip, icon};
use crate::arn::Arn;

/// Words of AWS, and of this program for it, that blame the role.
const SIGNS: [&str; 4] = [
    "is not authorized to perform",
    "Please ensure the role can perform",
    "cannot be assumed by Lambda",
    "assume your function execution role",
];

/// Whether these words say that an execution role may not do something.
pub(super) fn blames_role(words: &str) -> bool {
    SIGNS.iter().any(|sign| words.contains(sign))
}

/// The button that leads to what would mend the role of this trigger; nothing where `words` are about something else.
pub(super) fn fix_ui(ui: &mut Ui, cx: &Cx<'_>, trigger: &str, words: &str) {
    if !blames_role(words) {
        return;
    }
    let Some(role) = role_of(cx, trigger) else {
        return;
    };
    let hover = format!("Show what would let {role} do this, before it is changed");
    if icon::button(ui, Icon::Edit, "Fix role…")
        .on_hover_text(hover)
        .clicked()
    {
        let trigger = trigger.to_owned();
        cx.send(Action::Go(Route::FixRole { role, trigger }));
    }
}

/// A denied trigger at the top of its page: who may not do what, and the button that leads to the fix.
pub(super) fn banner_ui(ui: &mut Ui, cx: &Cx<'_>, trigger: &str, result: &str) {
    let problem = result.strip_prefix("PROBLEM: ").unwrap_or_default();
    if !blames_role(problem) {
        return;
    }
    theme::card(ui).show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        ui.horizontal(|ui| {
            chip::health(ui, Health::Failed, "denied");
            let words = match role_of(cx, trigger) {
                Some(role) => format!("Role {role} does not let this trigger work"),
                None => "The role of its function does not let this trigger work".to_owned(),
            };
            ui.label(RichText::new(words).color(theme::of(ui).text_strong));
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                fix_ui(ui, cx, trigger, problem);
            });
        });
        ui.weak(problem);
    });
    ui.add_space(theme::GUTTER);
}

/// Name of the execution role of a trigger's function, where both are known.
fn role_of(cx: &Cx<'_>, trigger: &str) -> Option<String> {
    let mut mappings = cx.catalog.mappings.value()?.iter();
    let function = function_of(mappings.find(|it| it.uuid() == Some(trigger))?);
    let mut functions = cx.catalog.functions.value()?.iter();
    let function = functions.find(|it| it.function_name() == Some(function))?;
    let role: Arn = function.role()?.parse().ok()?;
    Some(role.name().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_role_is_blamed_for_what_it_may_not_do_and_for_nothing_else() {
        for words in [
            "User: arn:aws:sts::1:assumed-role/r/f is not authorized to perform: sqs:sendmessage on resource: q",
            "Cannot access stream s. Please ensure the role can perform the GetRecords, GetShardIterator, DescribeStream, and ListStreams Actions on your stream in IAM.",
            "The role defined for the function cannot be assumed by Lambda.",
        ] {
            assert!(blames_role(words), "{words}");
        }
        for words in ["Function call failed", "Rate Exceeded.", "OK"] {
            assert!(!blames_role(words), "{words}");
        }
    }
}
