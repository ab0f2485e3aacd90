//! Drives the real console without a display: clicks, types, waits for real time to pass. Shared with `examples/tour.rs`.

use std::time::Duration;

use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use tokio::runtime::Runtime;
use waterwheel::aws::Connection;
use waterwheel::clock::Clock;
use waterwheel::ui::{Action, Console, Route, Settings};

use crate::render::CpuRenderer;

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_mins(1);
const TURN: Duration = Duration::from_millis(20);

pub(crate) struct Driver {
    pub(crate) runtime: Runtime,
    pub(crate) harness: Harness<'static, Console>,
    clock: Clock,
}

impl Driver {
    /// The console as it starts: `welcomed` shows an empty cloud of its own, otherwise the welcome screen.
    pub(crate) fn start(welcomed: bool) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let settings = Settings {
            welcomed,
            connection: Some(Connection::Embedded { folder: None }),
            theme: egui::ThemePreference::Dark,
            ..Settings::default()
        };
        let handle = runtime.handle().clone();
        let harness = Harness::builder()
            .with_size([1440.0, 900.0])
            .with_theme(egui::Theme::Dark)
            .with_max_steps(40)
            .with_render_cursor(false)
            .renderer(CpuRenderer::default())
            .build_eframe(move |cc| {
                let mut console = Console::new(&cc.egui_ctx, handle, settings);
                console.start(&cc.egui_ctx);
                console
            });
        let mut driver = Self {
            runtime,
            harness,
            clock: Clock::real(),
        };
        driver.turns(5);
        driver
    }

    /// A few frames with real time between them.
    pub(crate) fn turns(&mut self, count: u32) {
        for _ in 0..count {
            self.runtime.block_on(self.clock.sleep(TURN));
            self.harness.step();
        }
    }

    /// Lets this much real time pass, drawing as a window would.
    pub(crate) fn pass(&mut self, time: Duration) {
        let until = self.clock.now() + time;
        while self.clock.now() < until {
            self.turns(2);
        }
    }

    pub(crate) fn shows(&self, label: &str) -> bool {
        self.harness.query_all_by_label(label).next().is_some()
    }

    /// Something on the screen contains these words.
    pub(crate) fn says(&self, words: &str) -> bool {
        let mut found = self.harness.query_all_by_label_contains(words);
        found.next().is_some()
    }

    /// Waits until something contains these words.
    pub(crate) fn until_says(&mut self, words: &str) {
        let end = self.clock.now() + PATIENCE;
        while !self.says(words) {
            assert!(self.clock.now() < end, "waited in vain for \"{words}\"");
            self.turns(2);
        }
    }

    /// Waits for a control of this name and clicks it; the last one where there are several.
    pub(crate) fn click(&mut self, label: &str) {
        self.until_shows(label);
        let all: Vec<_> = self.harness.query_all_by_label(label).collect();
        if let Some(node) = all.last() {
            node.click();
        }
        drop(all);
        self.turns(4);
    }

    /// Replaces what is in a field.
    pub(crate) fn fill(&mut self, label: &str, text: &str) {
        self.until_shows(label);
        let field = self
            .harness
            .query_all_by_label(label)
            .find(|node| is_text(node))
            .unwrap_or_else(|| panic!("no text field \"{label}\""));
        field.focus();
        self.turns(2);
        self.harness
            .key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
        self.turns(1);
        let field = self
            .harness
            .query_all_by_label(label)
            .find(|node| is_text(node));
        if let Some(field) = field {
            field.type_text(text);
        }
        self.turns(3);
    }

    /// Opens a drop-down and chooses.
    pub(crate) fn choose(&mut self, label: &str, choice: &str) {
        self.click(label);
        self.click(choice);
        self.turns(2);
    }

    pub(crate) fn press(&mut self, modifiers: egui::Modifiers, key: egui::Key) {
        self.harness.key_press_modifiers(modifiers, key);
        self.turns(4);
    }

    pub(crate) fn go(&mut self, route: Route) {
        self.harness.state_mut().wish(Action::Go(route));
        self.turns(10);
    }

    pub(crate) fn until_shows(&mut self, label: &str) {
        let end = self.clock.now() + PATIENCE;
        while !self.shows(label) {
            assert!(self.clock.now() < end, "waited in vain for a \"{label}\"");
            self.turns(2);
        }
    }
}

fn is_text(node: &egui_kittest::Node<'_>) -> bool {
    use egui::accesskit::Role;
    let role = node.accesskit_node().role();
    matches!(role, Role::TextInput | Role::MultilineTextInput)
}

/// AWS's tutorial by hand: role, function, test, table, stream, trigger, items, log. `look` is told after each step.
pub(crate) fn tutorial(driver: &mut Driver, mut look: impl FnMut(&mut Driver, &str)) {
    driver.go(Route::NewRole);
    driver.fill("Role name", "lambda-dynamodb-role");
    look(driver, "new role");
    driver.click("Create role");
    driver.until_says("AWSLambdaDynamoDBExecutionRole");

    driver.go(Route::NewFunction);
    driver.fill("Function name", "ProcessDynamoDBRecords");
    driver.click("Use an existing role");
    driver.choose("Execution role", "lambda-dynamodb-role");
    look(driver, "new function");
    driver.click("Create function");
    driver.until_says("Created function ProcessDynamoDBRecords");
    driver.until_says("Save and deploy");
    look(driver, "function code");
    driver.click("Test");
    driver.click("Test");
    driver.until_says("Execution result: succeeded");
    look(driver, "function test");

    driver.go(Route::NewTable);
    driver.fill("Table name", "lambda-dynamodb-stream");
    driver.fill("Partition key", "id");
    if driver.shows("Key attributes only") {
        driver.click("Key attributes only");
    } else {
        driver.click("Record every change in a stream");
        driver.click("Key attributes only");
    }
    look(driver, "new table");
    driver.click("Create table");
    driver.until_says("Created table lambda-dynamodb-stream");

    driver.go(Route::NewTrigger {
        stream_arn: None,
        function: Some("ProcessDynamoDBRecords".to_owned()),
    });
    driver.choose("DynamoDB table", "lambda-dynamodb-stream");
    driver.until_says("may do all");
    look(driver, "new trigger");
    driver.click("Create trigger");
    driver.until_says("Created the trigger");
    driver.until_says("Enabled");
    look(driver, "trigger");
}

/// Goes on from [`tutorial`]: writes, changes and deletes an item, and reads the function's log.
pub(crate) fn write_and_read_the_log(driver: &mut Driver, mut look: impl FnMut(&mut Driver, &str)) {
    use waterwheel::aws::dynamodb::{self, PutRule};

    let aws = driver.harness.state().aws().cloned().unwrap();
    let table = || "lambda-dynamodb-stream".to_owned();
    let item = |text: &str| {
        let json = serde_json::json!({"id": {"S": "1"}, "message": {"S": text}});
        dynamodb::item_from_dynamodb_json(&json.to_string()).unwrap()
    };
    let key = dynamodb::item_from_dynamodb_json(r#"{"id": {"S": "1"}}"#).unwrap();
    driver.pass(Duration::from_millis(600));
    driver.runtime.block_on(async {
        let put = |text: &str| dynamodb::put_item(aws.clone(), table(), item(text), PutRule::Any);
        put("New item!").await.unwrap();
        put("This item has changed").await.unwrap();
        dynamodb::delete_item(aws.clone(), table(), key)
            .await
            .unwrap();
    });
    driver.go(Route::Streams);
    driver.until_says("REMOVE, key 1");
    look(driver, "stream records");
    driver.go(Route::LogGroup(
        "/aws/lambda/ProcessDynamoDBRecords".to_owned(),
    ));
    for kind in ["INSERT", "MODIFY", "REMOVE"] {
        driver.until_says(kind);
    }
    driver.until_says("KEYS_ONLY");
    look(driver, "log");
}
