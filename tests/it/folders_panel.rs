//! A function that follows a folder in the console: begun, shown, in trouble, ended.

use egui_kittest::kittest::Queryable as _;
use waterwheel::aws::{demo, folders};
use waterwheel::ui::{Action, Listing, Route};

use crate::console::Lab;

const CODE: &str = "export const handler = async () => \"saved\";\n";

#[test]
fn a_function_follows_a_folder_until_it_is_told_to_stop() {
    let folder = tempfile::Builder::new().prefix("orders").tempdir().unwrap();
    let file = folder.path().join(demo::FILE);
    std::fs::write(&file, CODE).unwrap();
    let mut lab = Lab::new();
    lab.ask(demo::build(lab.aws.clone()));
    lab.harness.state_mut().wish(Action::Reload(Listing::All));
    lab.harness.step();
    lab.settle();
    lab.go(Route::Function(demo::FUNCTION.to_owned()));
    lab.click("Code");
    lab.click("Load from disk…");
    lab.click("Path of the code");
    let field = lab.harness.get_by_label("Path of the code");
    assert!(field.is_focused(), "a click puts the cursor into it");
    let mut parent = folder.path().parent().unwrap().display().to_string();
    parent.push('/');
    let name = folder.path().file_name().unwrap().to_string_lossy();
    field.type_text(&format!("{parent}{name}"));
    lab.settle();
    lab.shots("load_from_disk");
    // What is offered may be chosen without the fields going away.
    lab.click(&format!("{parent}{name}/"));
    lab.click("Deploy this, and again whenever it is saved");
    let words = format!("Deployed whenever {parent}{name}/ is saved.");
    lab.wait_for("it is followed", |it| it.query_by_label(&words).is_some());
    lab.wait_for("it is deployed", |it| {
        it.query_all_by_value(CODE).next().is_some()
    });
    lab.shots("follows");
    std::fs::remove_file(&file).unwrap();
    lab.wait_for("nothing is left to deploy", |it| {
        let mut found = it.query_all_by_label_contains("Not deployed: ");
        found.next().is_some()
    });
    lab.shots("follows_nothing");
    std::fs::write(&file, CODE).unwrap();
    lab.click("Stop following");
    lab.wait_for("it stops", |it| it.query_by_label(&words).is_none());
    assert_eq!(folders::followed(&lab.aws, demo::FUNCTION), None);
}
