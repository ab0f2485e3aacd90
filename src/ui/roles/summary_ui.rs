//! The resource summary: what the policies grant, by action or by resource.

use egui::{RichText, Ui};
use egui_extras::{Column as Width, TableBuilder};

use super::data::{Facts, Grant};
use crate::ui::theme;
use crate::ui::widgets::{Health, chip};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Order {
    #[default]
    Action,
    Resource,
}

#[derive(Default)]
pub(super) struct SummaryTab {
    order: Order,
    search: String,
}

impl SummaryTab {
    pub(super) fn ui(&mut self, ui: &mut Ui, facts: &Facts) {
        ui.horizontal(|ui| {
            ui.selectable_value(&mut self.order, Order::Action, "By action");
            ui.selectable_value(&mut self.order, Order::Resource, "By resource");
            let search = egui::TextEdit::singleline(&mut self.search)
                .hint_text("Filter: dynamodb, Orders")
                .desired_width(220.0);
            ui.add(search).accessible_name("Filter the summary");
        });
        for name in &facts.unread {
            ui.weak(format!(
                "{name} is left out: this connection may not read its document"
            ));
        }
        let rows = self.rows(&facts.grants);
        if rows.is_empty() {
            let words = if facts.grants.is_empty() {
                "No policy grants or denies anything"
            } else {
                "Nothing matches the filter"
            };
            ui.weak(words);
            return;
        }
        let (first, second) = match self.order {
            Order::Action => ("Action", "Resource"),
            Order::Resource => ("Resource", "Action"),
        };
        // Each order has its own widths.
        ui.push_id(first, |ui| {
            table_ui(ui, [first, second], &rows, self.order);
        });
    }

    fn rows<'a>(&self, grants: &'a [Grant]) -> Vec<&'a Grant> {
        let wanted = self.search.to_lowercase();
        let found = |it: &&Grant| {
            it.action.to_lowercase().contains(&wanted)
                || it.resource.to_lowercase().contains(&wanted)
        };
        let mut rows: Vec<&Grant> = grants.iter().filter(found).collect();
        if self.order == Order::Resource {
            rows.sort_by_key(|it| (&it.resource, &it.action));
        }
        rows
    }
}

fn table_ui(ui: &mut Ui, heads: [&str; 2], rows: &[&Grant], order: Order) {
    let tokens = theme::of(ui);
    let keys: Vec<&str> = rows.iter().map(|it| key_of(it, order)).collect();
    let (first, second) = match order {
        Order::Action => (240.0, 420.0),
        Order::Resource => (420.0, 240.0),
    };
    TableBuilder::new(ui)
        .vscroll(false)
        .striped(false)
        .cell_layout(egui::Layout::left_to_right(egui::Align::Center))
        .column(
            Width::initial(first)
                .at_least(80.0)
                .resizable(true)
                .clip(true),
        )
        .column(
            Width::initial(second)
                .at_least(80.0)
                .resizable(true)
                .clip(true),
        )
        .column(Width::exact(70.0))
        .column(Width::remainder().at_least(80.0).clip(true))
        .header(24.0, |mut header| {
            for head in [heads[0], heads[1], "Effect", "Policy"] {
                header.col(|ui| {
                    ui.label(RichText::new(head).small().color(tokens.text_muted));
                });
            }
        })
        .body(|body| {
            body.rows(theme::ROW_COMPACT, rows.len(), |mut row| {
                let nth = row.index();
                let grant = rows[nth];
                // A key is said once, over its rows.
                let is_first = nth == 0 || keys[nth - 1] != keys[nth];
                let other = match order {
                    Order::Action => &grant.resource,
                    Order::Resource => &grant.action,
                };
                row.col(|ui| {
                    if is_first {
                        cell_ui(ui, keys[nth], tokens.text_strong);
                    }
                });
                row.col(|ui| cell_ui(ui, other, tokens.text));
                row.col(|ui| {
                    let (health, words) = if grant.allows {
                        (Health::Ok, "Allow")
                    } else {
                        (Health::Failed, "Deny")
                    };
                    chip::health(ui, health, words);
                });
                row.col(|ui| {
                    let words = match grant.conditions.as_slice() {
                        [] => grant.by.clone(),
                        keys => format!("{}, on conditions: {}", grant.by, keys.join(", ")),
                    };
                    ui.add(egui::Label::new(words).truncate());
                });
            });
        });
}

fn key_of(grant: &Grant, order: Order) -> &str {
    match order {
        Order::Action => &grant.action,
        Order::Resource => &grant.resource,
    }
}

fn cell_ui(ui: &mut Ui, text: &str, color: egui::Color32) {
    let words = RichText::new(text).monospace().color(color);
    ui.add(egui::Label::new(words).truncate());
}

#[cfg(test)]
mod tests {
    use super::super::data::tests::role;
    use super::*;

    #[test]
    fn rows_are_ordered_by_action_or_by_resource_and_filtered_by_both() {
        let document = r#"{"Statement":[
            {"Effect":"Allow","Action":["b:1","a:1"],"Resource":["x","y"]},
            {"Effect":"Deny","Action":"c:1","Resource":"x"}]}"#;
        let facts = Facts::of(&role(&[("p", document)]));
        let mut tab = SummaryTab::default();
        let shown = |tab: &SummaryTab| -> Vec<String> {
            let rows = tab.rows(&facts.grants);
            rows.iter()
                .map(|it| format!("{} {}", it.action, it.resource))
                .collect()
        };
        assert_eq!(shown(&tab), ["a:1 x", "a:1 y", "b:1 x", "b:1 y", "c:1 x"]);
        tab.order = Order::Resource;
        assert_eq!(shown(&tab), ["a:1 x", "b:1 x", "c:1 x", "a:1 y", "b:1 y"]);
        tab.search = "C:".to_owned();
        assert_eq!(shown(&tab), ["c:1 x"]);
    }
}
