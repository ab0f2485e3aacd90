//! An item as a tree to edit: names, types and values in place, by mouse and by keyboard.
//!
//! Ctrl-Enter in a field adds a neighbour below, Ctrl-Shift-Backspace removes the row.

use std::collections::HashSet;

use egui::{ScrollArea, Ui};

use super::attribute_rows::Rows;
use super::node::{self, Flaw, Members};

/// The tree and what is folded in it.
#[derive(Clone, Debug, Default)]
pub struct AttributeTree {
    members: Members,
    /// Attributes whose name and type stay: the key.
    keys: Vec<String>,
    folded: HashSet<String>,
    flaws: Vec<Flaw>,
    /// The path whose name (or value, in a list) gets the focus at the next frame.
    focus: Option<String>,
}

impl AttributeTree {
    /// `keys` are the names of the key's attributes.
    pub fn new(members: Members, keys: Vec<String>) -> Self {
        let flaws = node::flaws(&members);
        Self {
            members,
            keys,
            flaws,
            ..Self::default()
        }
    }

    /// The tree as it is now.
    pub fn members(&self) -> &Members {
        &self.members
    }

    /// What would be refused.
    pub fn flaws(&self) -> &[Flaw] {
        &self.flaws
    }

    /// Draws it in all the room there is; true when something was changed.
    pub fn ui(&mut self, ui: &mut Ui) -> bool {
        let mut members = std::mem::take(&mut self.members);
        let mut rows = Rows {
            keys: &self.keys,
            folded: &mut self.folded,
            flaws: &self.flaws,
            focus: self.focus.take(),
            next_focus: None,
            changed: false,
        };
        ScrollArea::vertical()
            .id_salt("attributes")
            .auto_shrink(false)
            .show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                rows.members_ui(ui, &mut members, "", 0);
            });
        let Rows {
            changed,
            next_focus,
            ..
        } = rows;
        self.members = members;
        if next_focus.is_some() {
            self.focus = next_focus;
            ui.ctx().request_repaint();
        }
        if changed {
            self.flaws = node::flaws(&self.members);
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::super::icon;
    use super::super::node::Node;
    use super::*;
    use crate::ui::theme;
    use egui::{Key, Modifiers};
    use egui_kittest::{Harness, kittest::Queryable as _};

    fn harness(members: Members) -> Harness<'static, AttributeTree> {
        let tree = AttributeTree::new(members, vec!["id".to_owned()]);
        let mut harness = Harness::builder()
            .with_size([460.0, 500.0])
            .with_context_setup(|ctx| {
                theme::install(ctx);
                icon::install(ctx);
            })
            .build_ui_state(
                |ui, tree: &mut AttributeTree| {
                    tree.ui(ui);
                },
                tree,
            );
        harness.run();
        harness
    }

    fn order() -> Members {
        vec![
            ("id".to_owned(), Node::S("1".to_owned())),
            ("total".to_owned(), Node::N("41.5".to_owned())),
            (
                "items".to_owned(),
                Node::L(vec![Node::M(vec![(
                    "sku".to_owned(),
                    Node::S("A1".to_owned()),
                )])]),
            ),
        ]
    }

    #[test]
    fn a_value_is_changed_in_place() {
        let mut it = harness(order());
        it.get_by_label("items[0].sku value").focus();
        it.run();
        it.get_by_label("items[0].sku value").type_text("23");
        it.run();
        let Node::L(items) = &it.state().members()[2].1 else {
            panic!("not a list");
        };
        let sku = Node::S("A123".to_owned());
        assert_eq!(items[0], Node::M(vec![("sku".to_owned(), sku)]));
    }

    #[test]
    fn an_attribute_is_added_and_its_name_is_typed_at_once() {
        let mut it = harness(order());
        it.get_by_label("Add attribute").click();
        it.run();
        assert!(it.get_by_label("new1 name").is_focused());
        it.event(egui::Event::Text("note".to_owned()));
        it.run();
        assert_eq!(it.state().members()[3].0, "note");
    }

    #[test]
    fn control_enter_adds_below_and_the_removing_key_removes() {
        let mut it = harness(order());
        it.get_by_label("total value").focus();
        it.run();
        it.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
        it.run();
        let names = |it: &Harness<'_, AttributeTree>| -> Vec<String> {
            let members = it.state().members();
            members.iter().map(|member| member.0.clone()).collect()
        };
        assert_eq!(names(&it), ["id", "total", "new1", "items"]);
        it.key_press_modifiers(Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::Backspace);
        it.run();
        assert_eq!(names(&it), ["id", "total", "items"]);
    }

    #[test]
    fn the_key_can_be_neither_renamed_nor_removed() {
        let it = harness(order());
        assert!(it.query_by_label("id name").is_none());
        assert!(it.query_by_label("Remove id").is_none());
        assert!(it.query_by_label("id value").is_some());
    }

    #[test]
    fn a_folded_list_hides_its_elements() {
        let mut it = harness(order());
        it.get_by_label("Fold items").click();
        it.run();
        assert!(it.query_by_label("items[0].sku value").is_none());
        it.get_by_label("Unfold items").click();
        it.run();
        assert!(it.query_by_label("items[0].sku value").is_some());
    }

    #[test]
    fn what_is_no_number_is_told() {
        let mut it = harness(order());
        it.get_by_label("total value").focus();
        it.run();
        it.get_by_label("total value").type_text("x");
        it.run();
        assert_eq!(it.state().flaws()[0].message, "Not a number");
        assert_eq!(it.state().members()[1].1, Node::N("41.5x".to_owned()));
    }
}
