//! The tables screen on an embedded cloud: items read, written and deleted by keys and clicks.

use aws_sdk_dynamodb::types::{AttributeValue, ScalarAttributeType, StreamViewType};
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use waterwheel::aws::dynamodb::{
    self, IndexProjection, Item, KeyPart, NewIndex, NewTable, PutRule, item_from_dynamodb_json,
};
use waterwheel::aws::{Connection, local};
use waterwheel::ui::{Route, Settings};

use crate::console::Lab;
use crate::render::shot;

const CTRL: Modifiers = Modifiers::COMMAND;
const NONE: Modifiers = Modifiers::NONE;

impl Lab {
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
        r#"{{"customer":{{"S":"cust-{}"}},"order":{{"S":"o-{nth:04}"}},"status":{{"S":"{status}"}},
        "total":{{"N":"{}.50"}},"updated":{{"N":"{}"}},"gift":{{"BOOL":{}}},
        "tags":{{"SS":["a","b"]}},"items":{{"L":[{{"M":{{"sku":{{"S":"A{nth}"}},"qty":{{"N":"2"}}}}}}]}}}}"#,
        nth % 7,
        nth * 7,
        1_762_041_600 + nth * 3600,
        nth.is_multiple_of(2),
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
    lab.click("New item");
    lab.click("JSON");
    lab.type_into(
        "Item as JSON",
        r#"{"customer":"zoe","order":"1","total":12345678901234567890123456789012345678}"#,
    );
    lab.press(CTRL, Key::S);
    lab.until("the item is listed", |it| {
        it.query_by_label_contains("key zoe / 1").is_some()
    });
    let stored = lab.stored("Orders", ZOE).unwrap();
    let digits = "12345678901234567890123456789012345678";
    assert_eq!(stored["total"], AttributeValue::N(digits.to_owned()));

    lab.click("Tree");
    lab.type_into("total value", "2");
    lab.press(CTRL, Key::S);
    let stored = lab.stored("Orders", ZOE).unwrap();
    assert_eq!(stored["total"], AttributeValue::N("2".to_owned()));

    lab.press(NONE, Key::Escape);
    lab.press(NONE, Key::Escape);
    assert!(!lab.shows("Save changes"));
    lab.press(NONE, Key::Delete);
    assert!(lab.shows("Delete item zoe / 1?"));
    lab.click("Delete item zoe / 1");
    lab.until("the item is gone", |it| {
        it.query_by_label_contains("key zoe / 1").is_none()
    });
    assert_eq!(lab.stored("Orders", ZOE), None);
}

const ZOE: &str = r#"{"customer":{"S":"zoe"},"order":{"S":"1"}}"#;

/// Stores an item of Zoe's, as if somebody else did.
fn zoe_has(lab: &Lab, total: &str) {
    let json =
        format!(r#"{{"customer":{{"S":"zoe"}},"order":{{"S":"1"}},"total":{{"N":"{total}"}}}}"#);
    let item = item_from_dynamodb_json(&json).unwrap();
    let any = PutRule::Any;
    lab.ask(dynamodb::put_item(
        lab.aws.clone(),
        "Orders".to_owned(),
        item,
        any,
    ));
}

fn open_zoe(lab: &mut Lab) {
    zoe_has(lab, "1");
    lab.type_into("Partition key customer", "zoe");
    lab.press(NONE, Key::Enter);
    assert_eq!(lab.rows(), ["Item 1, key zoe / 1"]);
    lab.press(NONE, Key::ArrowDown);
    lab.press(NONE, Key::Enter);
}

#[test]
fn a_partition_key_turns_the_scan_into_a_query() {
    let mut lab = shop(20);
    assert!(lab.shows("Scan"));
    lab.type_into("Partition key customer", "cust-3");
    assert!(lab.shows("Query"));
    assert!(lab.shows("Reads only items with this customer"));
    lab.press(CTRL, Key::Enter);
    lab.until("the query is answered", |it| {
        it.query_all_by_role(egui::accesskit::Role::Row).count() == 3
    });
    assert!(lab.rows().iter().all(|it| it.contains("key cust-3 / ")));
}

#[test]
fn a_filter_is_added_by_key_and_says_how_much_was_scanned() {
    let mut lab = shop(20);
    lab.press(NONE, Key::F);
    assert!(lab.harness.get_by_label("Filter attribute").is_focused());
    lab.harness
        .get_by_label("Filter attribute")
        .type_text("status");
    lab.harness.run();
    lab.type_into("Filter value", "PAID");
    lab.press(NONE, Key::Enter);
    assert!(lab.shows("5 found, 20 scanned"));
    assert!(lab.shows("Edit filter status = \"PAID\""));
    lab.click("Remove filter status = \"PAID\"");
    lab.click("Scan");
    assert_eq!(lab.rows().len(), 20);
}

#[test]
fn what_is_wrong_with_a_filter_is_said_before_anything_is_sent() {
    let mut lab = shop(2);
    lab.press(NONE, Key::F);
    lab.click("Scan");
    assert!(lab.shows("Filter 1: Name the attribute"));
}

#[test]
fn a_change_by_others_is_shown_and_overwritten_only_on_wish() {
    let mut lab = shop(0);
    open_zoe(&mut lab);
    lab.type_into("total value", "5");
    zoe_has(&lab, "3");
    lab.press(CTRL, Key::S);
    lab.until("the conflict is shown", |it| {
        it.query_by_label("The item has changed since you loaded it")
            .is_some()
    });
    assert!(lab.shows("Changed meanwhile: total 1 → 3"));
    let stored = lab.stored("Orders", ZOE).unwrap();
    assert_eq!(stored["total"], AttributeValue::N("3".to_owned()));
    lab.click("Overwrite");
    let stored = lab.stored("Orders", ZOE).unwrap();
    assert_eq!(stored["total"], AttributeValue::N("5".to_owned()));
    assert!(!lab.shows("The item has changed since you loaded it"));
}

#[test]
fn a_new_item_does_not_replace_one_that_exists() {
    let mut lab = shop(0);
    zoe_has(&lab, "3");
    lab.click("New item");
    lab.type_into("customer value", "zoe");
    lab.type_into("order value", "1");
    lab.press(CTRL, Key::S);
    lab.until("the conflict is shown", |it| {
        it.query_by_label("An item with this key exists already")
            .is_some()
    });
    lab.click("Reload and drop my changes");
    assert!(lab.shows("total value"));
    assert!(lab.shows("Save changes"));
}

#[test]
fn a_read_only_connection_refuses_and_keeps_what_was_typed() {
    let mut lab = shop(0);
    open_zoe(&mut lab);
    lab.type_into("total value", "5");
    lab.aws.gate().lock();
    lab.press(CTRL, Key::S);
    lab.until("the refusal is shown", |it| {
        it.query_by_label("Read-only connection").is_some()
    });
    lab.aws.gate().unlock();
    lab.press(CTRL, Key::S);
    let stored = lab.stored("Orders", ZOE).unwrap();
    assert_eq!(stored["total"], AttributeValue::N("5".to_owned()));
}

#[test]
fn an_item_that_would_be_refused_says_where_and_is_not_sent() {
    let mut lab = shop(0);
    lab.click("New item");
    assert!(!lab.shows("customer: The table's key cannot be empty"));
    lab.press(CTRL, Key::S);
    assert!(lab.shows("customer: The table's key cannot be empty"));
}

#[test]
fn closing_an_editor_with_changes_asks_first() {
    let mut lab = shop(0);
    open_zoe(&mut lab);
    lab.type_into("total value", "5");
    lab.click("Close the item");
    assert!(lab.shows("Discard changes?"));
    lab.click("Cancel");
    assert!(lab.shows("Save changes"));
    lab.click("Close the item");
    lab.click("Discard changes");
    assert!(!lab.shows("Save changes"));
}

#[test]
fn chosen_rows_are_deleted_together_and_taken_back() {
    let mut lab = shop(5);
    lab.press(CTRL, Key::A);
    assert!(lab.shows("5 chosen"));
    lab.press(NONE, Key::Delete);
    lab.click("Delete 5 items");
    lab.until("the table is empty", |it| {
        it.query_by_label("No items yet").is_some()
    });
    lab.click("Undo");
    lab.until("the items are back", |it| {
        it.query_all_by_role(egui::accesskit::Role::Row).count() == 5
    });
}

#[test]
fn an_item_found_by_an_index_of_keys_opens_whole() {
    let mut lab = shop(4);
    lab.click("Indexes tab");
    lab.click("Show items of by-status");
    lab.until("the index is read", |it| {
        it.query_all_by_role(egui::accesskit::Role::Row).count() == 4
    });
    lab.press(NONE, Key::ArrowDown);
    lab.press(NONE, Key::Enter);
    lab.until("the whole item is there", |it| {
        it.query_by_label("updated value").is_some()
    });
}

#[test]
fn items_leave_and_enter_as_json_lines() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orders.jsonl");
    let mut lab = shop(12);
    lab.click("Export…");
    lab.type_into("File to export to", path.to_str().unwrap());
    lab.click("DynamoDB JSON lines");
    lab.click("Export");
    lab.wait_for("the file", |it| it.query_by_label("Export").is_none());
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 12);

    std::fs::write(&path, text + "{\"customer\": }\n").unwrap();
    lab.click("Import…");
    lab.type_into("File to import", path.to_str().unwrap());
    lab.click("Import");
    lab.wait_for("the refusal", |it| {
        it.query_by_label_contains("line 13: this is not JSON")
            .is_some()
    });
    std::fs::write(&path, "{\"customer\":\"zoe\",\"order\":\"1\"}\n").unwrap();
    lab.click("Import");
    lab.wait_for("the item", |it| {
        it.query_by_label_contains("key zoe / 1").is_some()
    });
}

#[test]
fn turning_the_stream_off_names_what_stops_and_changing_it_makes_a_new_one() {
    let mut lab = shop(0);
    let describe = |lab: &Lab| {
        let name = "Orders".to_owned();
        lab.ask(dynamodb::describe_table(lab.aws.clone(), name))
    };
    let first = describe(&lab).latest_stream_arn;
    lab.click("Stream tab");
    lab.click("New image");
    lab.click("Change view type…");
    lab.click("Make a new stream for Orders");
    lab.until("there is a new stream", |it| {
        it.query_by_label_contains("stream with new image")
            .is_some()
    });
    assert_ne!(describe(&lab).latest_stream_arn, first);
    lab.click("Turn off…");
    lab.click("Turn off the stream of Orders");
    lab.until("the button to turn it on is there", |it| {
        it.query_by_label("Turn on stream").is_some()
    });
    lab.click("Turn on stream");
    lab.until("it can be turned off", |it| {
        it.query_by_label("Turn off…").is_some()
    });
}

#[test]
fn deleting_a_table_wants_its_name_and_protection_off() {
    let mut lab = shop(0);
    lab.click("Settings tab");
    lab.click("Turn protection on");
    lab.until("it is protected", |it| {
        it.query_by_label("Turn protection off").is_some()
    });
    lab.click("Turn protection off");
    lab.until("it is free", |it| {
        it.query_by_label("Turn protection on").is_some()
    });
    lab.click("Delete table…");
    lab.harness
        .get_by_label("Type Orders to confirm")
        .type_text("Orders");
    lab.harness.run();
    lab.click("Delete table Orders");
    lab.wait_for("the table's end", |it| {
        it.query_by_label("Table Orders, 0 items, stream on")
            .is_none()
    });
    assert_eq!(lab.route(), Route::Tables);
}

#[test]
fn on_another_cloud_the_call_is_shown_before_it_is_sent() {
    let mut lab = shop(0);
    zoe_has(&lab, "1");
    let port = lab.ask(local::open_port(lab.aws.clone(), 0));
    let endpoint = Connection::Endpoint {
        url: format!("http://127.0.0.1:{port}"),
        region: "us-east-1".to_owned(),
    };
    let elsewhere = lab.runtime.block_on(endpoint.open()).unwrap();
    let ctx = lab.harness.ctx.clone();
    lab.harness.state_mut().connect(&ctx, elsewhere);
    lab.go(Route::Table("Orders".to_owned()));
    lab.wait_for("the item", |it| {
        it.query_by_label_contains("key zoe / 1").is_some()
    });
    lab.press(NONE, Key::ArrowDown);
    lab.press(NONE, Key::Enter);
    lab.type_into("total value", "5");
    lab.press(CTRL, Key::S);
    lab.harness
        .get_by_label_contains("\"ConditionExpression\": \"#g0 = :g0 AND");
    let total = |lab: &Lab| lab.stored("Orders", ZOE).unwrap()["total"].clone();
    assert_eq!(total(&lab), AttributeValue::N("1".to_owned()));
    lab.click("Save zoe / 1");
    lab.wait_for("the toast", |it| {
        it.query_by_label("Saved zoe / 1").is_some()
    });
    assert_eq!(total(&lab), AttributeValue::N("5".to_owned()));
}

/// Pictures for people to look at, where `SHOTS` names a folder.
#[test]
fn the_tables_screen_can_be_drawn_in_every_state() {
    let Some(folder) = std::env::var_os("SHOTS").map(std::path::PathBuf::from) else {
        return;
    };
    for (name, theme) in [("dark", egui::Theme::Dark), ("light", egui::Theme::Light)] {
        let mut lab = shop_in(theme, 60);
        let draw = |lab: &mut Lab, what: &str| {
            let path = folder.join(format!("items-{what}-{name}.png"));
            shot(&mut lab.harness, path);
        };
        draw(&mut lab, "grid");
        lab.press(NONE, Key::ArrowDown);
        lab.press(NONE, Key::ArrowDown);
        lab.press(NONE, Key::Enter);
        draw(&mut lab, "editor");
        lab.click("JSON");
        draw(&mut lab, "json");
        lab.click("Close the item");
        lab.harness
            .key_press_modifiers(Modifiers::SHIFT, Key::ArrowDown);
        lab.settle();
        draw(&mut lab, "chosen");
        lab.press(NONE, Key::Delete);
        draw(&mut lab, "delete");
        lab.click("Cancel");
        lab.press(NONE, Key::F);
        lab.harness.get_by_label("Filter attribute").type_text("st");
        lab.settle();
        draw(&mut lab, "filter");
        lab.press(NONE, Key::Enter);
        lab.type_into("Filter value", "PAID");
        lab.press(NONE, Key::Enter);
        lab.click("Export…");
        draw(&mut lab, "export");
        lab.click("Close");
        for tab in ["Indexes", "Stream", "Triggers", "Settings"] {
            lab.click(&format!("{tab} tab"));
            draw(&mut lab, &tab.to_lowercase());
        }
        lab.click("Items tab");
        lab.type_into("Partition key customer", "nobody");
        lab.press(NONE, Key::Enter);
        draw(&mut lab, "nothing");
        lab.go(Route::NewTable);
        lab.click("Create table");
        draw(&mut lab, "wizard-wrong");
        lab.type_into("Table name", "Customers");
        lab.type_into("Partition key", "id");
        lab.type_into("Sort key (optional)", "order");
        lab.click("Add global index");
        draw(&mut lab, "wizard");
        let mut lab = shop_in(theme, 0);
        draw(&mut lab, "empty");
        open_zoe(&mut lab);
        lab.type_into("total value", "5");
        zoe_has(&lab, "3");
        lab.press(CTRL, Key::S);
        draw(&mut lab, "conflict");
    }
}
