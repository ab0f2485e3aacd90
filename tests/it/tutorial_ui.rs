//! AWS's tutorial through the console: clicked and typed, as a user would.

use crate::driver::{Driver, tutorial, write_and_read_the_log};

#[test]
fn the_tutorial_works_by_clicking_and_typing() {
    let mut driver = Driver::start(true);
    driver.press(egui::Modifiers::NONE, egui::Key::Escape);
    let mut steps = Vec::new();
    tutorial(&mut driver, |_, step| steps.push(step.to_owned()));
    write_and_read_the_log(&mut driver, |_, step| steps.push(step.to_owned()));
    assert_eq!(steps.len(), 9);
}
