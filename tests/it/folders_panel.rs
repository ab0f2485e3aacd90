//! A function that follows a folder in the console: begun, shown, in trouble, ended.

use egui_kittest::kittest::Queryable as _;
use waterwheel::aws::{demo, folders};
use waterwheel::ui::{Action, Listing, Route};

use crate::console::Lab;
use crate::render::shot;

const CODE: &str = "export const handler = async () => \"saved\";\n";

fn shots(lab: &mut Lab, what: &str) {
    if let Some(folder) = std::env::var_os("SHOTS") {
        for (name, theme) in [
            ("light", egui::ThemePreference::Light),
            ("dark", egui::ThemePreference::Dark),
        ] {
            lab.harness.ctx.set_theme(theme);
            lab.harness.run();
            let path = std::path::Path::new(&folder).join(format!("{what}_{name}.png"));
            shot(&mut lab.harness, path);
        }
    }
}

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
    lab.type_into("Path of the code", &folder.path().display().to_string());
    shots(&mut lab, "load_from_disk");
    lab.click("Deploy this, and again whenever it is saved");
    let path = folder.path().display();
    let words = format!("Deployed whenever {path} is saved.");
    lab.wait_for("it is followed", |it| it.query_by_label(&words).is_some());
    lab.wait_for("it is deployed", |it| {
        it.query_all_by_value(CODE).next().is_some()
    });
    shots(&mut lab, "follows");
    std::fs::remove_file(&file).unwrap();
    lab.wait_for("nothing is left to deploy", |it| {
        let mut found = it.query_all_by_label_contains("Not deployed: ");
        found.next().is_some()
    });
    shots(&mut lab, "follows_nothing");
    std::fs::write(&file, CODE).unwrap();
    lab.click("Stop following");
    lab.wait_for("it stops", |it| it.query_by_label(&words).is_none());
    assert_eq!(folders::followed(&lab.aws, demo::FUNCTION), None);
}
