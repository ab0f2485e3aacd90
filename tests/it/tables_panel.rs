//! The tables screen on an embedded cloud: items read, written and deleted by keys and clicks.

use aws_sdk_dynamodb::types::{AttributeValue, ScalarAttributeType, StreamViewType};
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use waterwheel::aws::dynamodb::{
    self, IndexProjection, Item, KeyPart, NewIndex, NewTable, item_from_dynamodb_json,
};
use waterwheel::ui::{Route, Settings};

use crate::console::Lab;
use crate::render::shot;

const CTRL: Modifiers = Modifiers::COMMAND;
const NONE: Modifiers = Modifiers::NONE;

impl Lab {
    /// Awaits a verb of the cloud this console looks at.
    fn ask<T>(&self, verb: impl Future<Output = Result<T, waterwheel::aws::Error>>) -> T {
        self.runtime.block_on(verb).unwrap()
    }

    fn reload(&mut self) {
        self.press(NONE, Key::F5);
    }

    fn type_into(&mut self, label: &str, text: &str) {
        let field = self.harness.get_by_label(label);
        field.focus();
        self.harness.run();
        self.harness.key_press_modifiers(CTRL, Key::A);
        self.harness.run();
        self.harness.get_by_label(label).type_text(text);
        self.harness.run();
    }

    /// Rows of the grid, as a screen reader hears them.
    fn rows(&self) -> Vec<String> {
        let rows = self.harness.query_all_by_role(egui::accesskit::Role::Row);
        rows.filter_map(|it| it.accesskit_node().label()).collect()
    }

    fn stored(&self, table: &str, key: &str) -> Option<Item> {
        let key = item_from_dynamodb_json(key).unwrap();
        self.ask(dynamodb::get_item(self.aws.clone(), table.to_owned(), key))
    }
}

fn orders() -> NewTable {
    NewTable {
        sort: Some(KeyPart::text("order")),
        indexes: vec![NewIndex {
            name: "by-status".to_owned(),
            global: true,
            partition: KeyPart::text("status"),
            sort: Some(KeyPart {
                name: "total".to_owned(),
                kind: ScalarAttributeType::N,
            }),
            projection: IndexProjection::KeysOnly,
        }],
        stream: Some(StreamViewType::NewAndOldImages),
        ..NewTable::new("Orders", KeyPart::text("customer"))
    }
}

fn order(nth: usize) -> Item {
    let status = ["NEW", "PAID", "PACKED", "SHIPPED"][nth % 4];
    let json = format!(
        r#"{{"customer":{{"S":"cust-{}"}},"order":{{"S":"2026-11-{:02}"}},"status":{{"S":"{status}"}},
        "total":{{"N":"{}.50"}},"updated":{{"N":"{}"}},"gift":{{"BOOL":{}}},
        "tags":{{"SS":["a","b"]}},"items":{{"L":[{{"M":{{"sku":{{"S":"A{nth}"}},"qty":{{"N":"2"}}}}}}]}}}}"#,
        nth % 7,
        nth % 28 + 1,
        nth * 7,
        1_762_041_600 + nth * 3600,
        nth % 2 == 0,
    );
    item_from_dynamodb_json(&json).unwrap()
}

/// A console looking at a table with this many items.
fn shop(items: usize) -> Lab {
    shop_in(egui::Theme::Dark, items)
}

fn shop_in(theme: egui::Theme, items: usize) -> Lab {
    let settings = Settings {
        welcomed: true,
        ..Settings::default()
    };
    let mut lab = Lab::sized(settings, [1440.0, 900.0], theme);
    lab.ask(dynamodb::create_table(lab.aws.clone(), orders()));
    let items = (0..items).map(order).collect();
    lab.ask(dynamodb::write_items(
        lab.aws.clone(),
        "Orders".to_owned(),
        items,
    ));
    lab.reload();
    lab.go(Route::Table("Orders".to_owned()));
    lab
}

#[test]
fn a_table_is_made_in_the_form_and_shown() {
    let mut lab = Lab::new();
    lab.go(Route::NewTable);
    lab.harness.get_by_label("Table name").type_text("Orders");
    lab.harness.run();
    lab.type_into("Partition key", "customer");
    lab.press(CTRL, Key::Enter);
    lab.until("the table is shown", |it| {
        it.query_by_label("No items yet").is_some()
    });
    assert_eq!(lab.route(), Route::Table("Orders".to_owned()));
}

#[test]
fn a_form_that_is_not_complete_says_where() {
    let mut lab = Lab::new();
    lab.go(Route::NewTable);
    lab.click("Create table");
    assert!(lab.shows("Must have 3 to 255 characters"));
    assert!(lab.shows("2 things to put right"));
}

#[test]
fn an_item_is_created_edited_and_deleted_by_keyboard() {
    let mut lab = shop(3);
    assert_eq!(lab.rows().len(), 3);
    lab.click("Create item");
    lab.type_into(
        "Item as JSON",
        r#"{"customer":"zoe","order":"1","total":12345678901234567890123456789012345678}"#,
    );
    lab.press(CTRL, Key::S);
    lab.until("the item is listed", |it| {
        it.query_by_label_contains("key zoe / 1").is_some()
    });
    let key = r#"{"customer":{"S":"zoe"},"order":{"S":"1"}}"#;
    let stored = lab.stored("Orders", key).unwrap();
    let digits = "12345678901234567890123456789012345678";
    assert_eq!(stored["total"], AttributeValue::N(digits.to_owned()));

    lab.type_into(
        "Item as JSON",
        r#"{"customer":"zoe","order":"1","total":2}"#,
    );
    lab.press(CTRL, Key::S);
    lab.until("the change is stored", |_| true);
    let stored = lab.stored("Orders", key).unwrap();
    assert_eq!(stored["total"], AttributeValue::N("2".to_owned()));

    lab.press(NONE, Key::Escape);
    lab.press(NONE, Key::Escape);
    lab.press(NONE, Key::Delete);
    assert!(lab.shows("Delete item zoe / 1?"));
    lab.click("Delete item zoe / 1");
    lab.until("the item is gone", |it| {
        it.query_by_label_contains("key zoe / 1").is_none()
    });
    assert_eq!(lab.stored("Orders", key), None);
}

#[test]
fn pictures_for_people() {
    let Some(folder) = std::env::var_os("SHOTS").map(std::path::PathBuf::from) else {
        return;
    };
    for (name, theme) in [("dark", egui::Theme::Dark), ("light", egui::Theme::Light)] {
        let mut lab = shop_in(theme, 60);
        let draw = |lab: &mut Lab, what: &str| {
            shot(
                &mut lab.harness,
                folder.join(format!("items-{what}-{name}.png")),
            );
        };
        draw(&mut lab, "grid");
        lab.press(NONE, Key::ArrowDown);
        lab.press(NONE, Key::ArrowDown);
        lab.press(NONE, Key::Enter);
        draw(&mut lab, "editor");
        for tab in ["Indexes", "Stream", "Triggers", "Settings"] {
            lab.click(&format!("{tab} tab"));
            draw(&mut lab, &tab.to_lowercase());
        }
        lab.go(Route::NewTable);
        draw(&mut lab, "wizard");
    }
}
