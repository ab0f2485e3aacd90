//! The stream tab of a table: its shards rolled over, split and trimmed by hand.

use aws_sdk_dynamodb::types::StreamViewType;
use egui_kittest::kittest::Queryable as _;
use waterwheel::aws::dynamodb::{
    self, KeyPart, NewTable, PutRule, item_from_dynamodb_json, list_tables,
};
use waterwheel::aws::shards::{self, ShardRow};
use waterwheel::ui::{Route, Settings};

use crate::console::Lab;

/// A console looking at the stream of a table with four items.
fn lab(theme: egui::Theme) -> Lab {
    let settings = Settings {
        welcomed: true,
        ..Settings::default()
    };
    let mut lab = Lab::sized(settings, [1440.0, 1200.0], theme);
    let orders = NewTable {
        stream: Some(StreamViewType::NewAndOldImages),
        ..NewTable::new("Orders", KeyPart::text("id"))
    };
    lab.ask(dynamodb::create_table(lab.aws.clone(), orders));
    write(&lab, ["1", "2", "3", "4"]);
    lab.reload();
    lab.go(Route::Table("Orders".to_owned()));
    lab.click("Stream tab");
    lab.until("the shards are there", |it| {
        it.query_by_label_contains(", open, 4").is_some()
    });
    lab
}

fn write<const N: usize>(lab: &Lab, ids: [&str; N]) {
    for id in ids {
        let item = item_from_dynamodb_json(&format!(r#"{{"id":{{"S":"{id}"}}}}"#)).unwrap();
        let table = "Orders".to_owned();
        lab.ask(dynamodb::put_item(
            lab.aws.clone(),
            table,
            item,
            PutRule::Any,
        ));
    }
}

fn shards(lab: &Lab) -> Vec<ShardRow> {
    let tables = lab.ask(list_tables(lab.aws.clone()));
    let arn = tables[0].latest_stream_arn().unwrap().to_owned();
    lab.ask(shards::list(lab.aws.clone(), arn))
}

/// The last digits of the id of the only open shard.
fn open(lab: &Lab) -> String {
    let all = shards(lab);
    let shard = all.iter().rev().find(|it| it.is_open).unwrap();
    shard.id.rsplit('-').next().unwrap().to_owned()
}

fn records(lab: &Lab) -> u64 {
    let kept = shards(lab).into_iter().filter_map(|it| it.kept);
    kept.map(|it| it.records).sum()
}

#[test]
fn a_shard_is_split_after_a_question_and_its_children_stand_below() {
    let mut lab = lab(egui::Theme::Dark);
    let parent = open(&lab);
    lab.click(&format!("Split shard {parent}…"));
    assert!(
        lab.shows("The shard is closed. Its keys go on in two new shards, half of them in each.")
    );
    assert!(lab.shows("The 4 records in it stay readable."));
    assert_eq!(shards(&lab).len(), 1);
    lab.click(&format!("Split shard {parent}"));
    lab.until("the children are listed", |it| {
        it.query_all_by_label_contains(", open, none").count() == 2
    });
    assert!(lab.shows(&format!("Shard {parent}, closed, 4")));
    assert!(lab.shows("2 open"));
    assert_eq!(lab.harness.query_all_by_label("50 %").count(), 2);
}

#[test]
fn a_shard_is_rolled_over_into_one_child() {
    let mut lab = lab(egui::Theme::Dark);
    let parent = open(&lab);
    lab.click(&format!("Roll shard {parent} over…"));
    lab.press(egui::Modifiers::NONE, egui::Key::Escape);
    assert_eq!(shards(&lab).len(), 1);
    lab.click(&format!("Roll shard {parent} over…"));
    lab.click(&format!("Roll shard {parent} over"));
    let child = open(&lab);
    assert_ne!(child, parent);
    lab.until("it is told", |it| {
        let words = format!("Shard {parent} goes on in {child}");
        it.query_by_label(&words).is_some()
    });
}

#[test]
fn a_shard_that_was_trimmed_says_so() {
    let mut lab = lab(egui::Theme::Dark);
    let first = open(&lab);
    lab.click(&format!("Roll shard {first} over…"));
    lab.click(&format!("Roll shard {first} over"));
    write(&lab, ["5", "6"]);
    lab.click(&format!("Trim shard {first}…"));
    assert!(lab.shows("All 4 records in this shard can be read no more."));
    lab.click(&format!("Trim shard {first}"));
    lab.until("it is trimmed", |it| {
        let words = format!("Shard {first}, trimmed, 0, 4 trimmed");
        it.query_by_label(&words).is_some()
    });
    assert_eq!(records(&lab), 2);
    lab.click("Trim stream…");
    lab.click("Trim the stream of Orders");
    lab.until("all is trimmed", |it| {
        it.query_by_label_contains(", open, 0, 2 trimmed").is_some()
    });
    assert_eq!(records(&lab), 0);
}

#[test]
fn a_stream_is_trimmed_by_age() {
    let mut lab = lab(egui::Theme::Dark);
    lab.click("by age");
    lab.type_into("Older than", "0");
    assert!(lab.shows("Must be between 1 and 1,440"));
    lab.type_into("Older than", "1");
    lab.click("Trim stream…");
    assert!(
        lab.harness
            .query_by_label_contains("No record written before")
            .is_some()
    );
    lab.click("Trim the stream of Orders");
    assert_eq!(records(&lab), 4);
}

/// Pictures for people to look at, where `SHOTS` names a folder.
#[test]
fn the_shards_can_be_drawn_without_a_display() {
    let Some(folder) = std::env::var_os("SHOTS").map(std::path::PathBuf::from) else {
        return;
    };
    for (name, theme) in [("dark", egui::Theme::Dark), ("light", egui::Theme::Light)] {
        let shot = |lab: &mut Lab, what: &str| {
            let path = folder.join(format!("shards-{what}-{name}.png"));
            crate::render::shot(&mut lab.harness, path);
        };
        let mut lab = lab(theme);
        shot(&mut lab, "one");
        let first = open(&lab);
        for verb in ["Split shard {}", "Roll shard {} over", "Split shard {}"] {
            let verb = verb.replace("{}", &open(&lab));
            lab.click(&format!("{verb}…"));
            if verb.starts_with("Roll") {
                shot(&mut lab, "question");
            }
            lab.click(&verb);
            write(&lab, ["5", "6", "7", "8", "9"]);
            lab.settle();
        }
        lab.click(&format!("Trim shard {first}…"));
        lab.click(&format!("Trim shard {first}"));
        lab.click("by age");
        lab.settle();
        shot(&mut lab, "many");
    }
}
