//! Walks the real console through the demo and AWS's tutorial without a display, and writes a numbered PNG of
//! every screen, dark and light: `cargo run --release --example tour -- OUT_DIR`.

#[expect(clippy::unwrap_used, reason = "shared with the tests")]
#[path = "../tests/it/driver.rs"]
mod driver;
#[expect(clippy::unwrap_used, reason = "shared with the tests")]
#[path = "../tests/it/render.rs"]
mod render;

use std::path::{Path, PathBuf};
use std::time::Duration;

use driver::Driver;
use egui_kittest::kittest::Queryable as _;
use waterwheel::ui::Route;

/// Numbers the pictures.
struct Album {
    folder: PathBuf,
    next: u32,
}

impl Album {
    /// Two pictures of what is on the screen: dark and light.
    fn take(&mut self, driver: &mut Driver, name: &str) {
        let name = name.replace(' ', "-");
        for (theme, word) in [
            (egui::ThemePreference::Light, "light"),
            (egui::ThemePreference::Dark, "dark"),
        ] {
            driver.harness.ctx.set_theme(theme);
            driver.turns(3);
            let file = format!("{:02}-{name}-{word}.png", self.next);
            render::shot(&mut driver.harness, self.folder.join(file));
        }
        self.next += 1;
    }
}

fn main() -> Result<(), String> {
    let folder = std::env::args().nth(1).ok_or("usage: tour OUT_DIR")?;
    let mut album = Album {
        folder: Path::new(&folder).to_owned(),
        next: 1,
    };
    demo(&mut album);
    by_hand(&mut album);
    Ok(())
}

/// The first minute of a new user.
fn demo(album: &mut Album) {
    let mut driver = Driver::start(false);
    driver.until_says("Run the demo pipeline");
    album.take(&mut driver, "welcome");
    driver.press(egui::Modifiers::NONE, egui::Key::Enter);
    driver.until_says("Pipelines (1)");
    driver.pass(Duration::from_secs(6));
    album.take(&mut driver, "overview");
    driver.until_says("gave up poison record");
    album.take(&mut driver, "overview-poison");
    driver.click("Open batch story");
    driver.until_says("Poison record");
    album.take(&mut driver, "batch-story");
    driver.click("Dead letter");
    album.take(&mut driver, "dead-letter");
    replay(&mut driver, album);
    hold(&mut driver, album);
    driver.go(Route::Table("Orders".to_owned()));
    driver.pass(Duration::from_secs(2));
    album.take(&mut driver, "items");
    let item = driver.harness.query_all_by_label_contains("Item 3,");
    if let Some(row) = item.last() {
        row.click();
    }
    driver.turns(5);
    driver.press(egui::Modifiers::NONE, egui::Key::Enter);
    driver.pass(Duration::from_secs(1));
    album.take(&mut driver, "item");
    driver.go(Route::Streams);
    driver.pass(Duration::from_secs(2));
    let modified = driver.harness.query_all_by_label_contains("MODIFY, key");
    if let Some(row) = modified.last() {
        row.click();
    }
    driver.turns(10);
    album.take(&mut driver, "stream");
    driver.go(Route::Table("Orders".to_owned()));
    driver.click("Stream tab");
    driver.pass(Duration::from_secs(1));
    album.take(&mut driver, "shards");
    driver.go(Route::Triggers);
    driver.click("What if…");
    driver.fill("Batch size", "5");
    driver.click("Split batch on error");
    driver.click("Run");
    driver.until_says("Side by side");
    album.take(&mut driver, "what-if");
    let screens = [
        (Route::Function("on-order".to_owned()), "function"),
        (Route::Role("on-order-role".to_owned()), "role"),
        (Route::Triggers, "triggers"),
        (Route::LogGroup("/aws/lambda/on-order".to_owned()), "logs"),
        (Route::LocalCloud, "local-cloud"),
        (Route::Connections, "connections"),
    ];
    for (route, name) in screens {
        driver.go(route);
        driver.pass(Duration::from_secs(1));
        album.take(&mut driver, name);
    }
    driver.press(egui::Modifiers::COMMAND, egui::Key::K);
    driver.turns(5);
    album.take(&mut driver, "palette");
}

/// The batch that failed, delivered once more: as it was, and edited.
fn replay(driver: &mut Driver, album: &mut Album) {
    driver.click("Replay record");
    driver.until_says("replay 1");
    album.take(driver, "replay-answer");
    driver.click("Replay");
    driver.click("Dry run");
    driver.until_says("This would be sent");
    album.take(driver, "replay-dry-run");
    driver.click("Edit and replay…");
    driver.until_shows("Edited event");
    driver.fill("Edited event", "{\n  \"Records\": [oops]\n}");
    driver.until_says("This is not JSON");
    album.take(driver, "replay-edited");
}

/// The poller held, let through step by step until a bad order blocks its shard, and that order skipped.
fn hold(driver: &mut Driver, album: &mut Album) {
    driver.go(Route::Triggers);
    driver.click("Pause poller");
    driver.until_says("Paused:");
    driver.go(Route::Overview);
    driver.click("Write a poison record");
    driver.pass(Duration::from_secs(2));
    album.take(driver, "overview-paused");
    driver.go(Route::Triggers);
    driver.click("Step one poll");
    driver.until_says("to be put into a batch");
    album.take(driver, "trigger-paused");
    for _ in 0..200 {
        // What blocks may be a half that was not sent yet: of that the poller names no record.
        if driver.says("Skip record…") {
            break;
        }
        driver.press(egui::Modifiers::NONE, egui::Key::S);
        driver.pass(Duration::from_millis(300));
    }
    album.take(driver, "trigger-blocked");
    driver.click("Skip record…");
    driver.turns(4);
    let offered = driver.harness.query_all_by_label_contains("INSERT cust-");
    if let Some(record) = offered.last() {
        record.click();
    }
    driver.until_says("goes nowhere");
    album.take(driver, "skip-record");
    driver.press(egui::Modifiers::NONE, egui::Key::Escape);
    driver.go(Route::Batches);
    driver.pass(Duration::from_secs(1));
    album.take(driver, "batches-paused");
    let filtered = driver.harness.query_all_by_label_contains("filtered out");
    if let Some(row) = filtered.last() {
        row.click();
    }
    driver.turns(4);
    album.take(driver, "batches-note");
    driver.go(Route::Triggers);
    driver.click("Resume poller");
    driver.pass(Duration::from_secs(2));
}

/// AWS's tutorial, in an empty cloud.
fn by_hand(album: &mut Album) {
    let mut driver = Driver::start(true);
    driver.pass(Duration::from_secs(1));
    album.take(&mut driver, "empty-overview");
    let empty = [
        (Route::Tables, "empty-tables"),
        (Route::Streams, "empty-streams"),
        (Route::Functions, "empty-functions"),
        (Route::Batches, "empty-batches"),
    ];
    for (route, name) in empty {
        driver.go(route);
        album.take(&mut driver, name);
    }
    driver::tutorial(&mut driver, |driver, step| album.take(driver, step));
    driver::write_and_read_the_log(&mut driver, |driver, step| album.take(driver, step));
}
