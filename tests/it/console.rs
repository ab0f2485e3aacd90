//! The whole console on an embedded cloud, as a user would see it: clicked and typed at, never drawn.

use egui::accesskit::Role;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use tokio::runtime::Runtime;
use waterwheel::aws::Aws;
use waterwheel::clock::Clock;
use waterwheel::engine::Options;
use waterwheel::ui::{Console, Route, Settings};

use crate::render::CpuRenderer;

/// A console and the runtime its questions run on; the test turns both by hand.
pub(crate) struct Lab {
    pub(crate) runtime: Runtime,
    pub(crate) aws: Aws,
    pub(crate) harness: Harness<'static, Console>,
}

/// Turns of the runtime and the window before a test gives up waiting.
const TURNS_MAX: usize = 400;

impl Lab {
    /// A console on an empty cloud of its own, past the welcome screen.
    pub(crate) fn new() -> Self {
        Self::with(Settings {
            welcomed: true,
            ..Settings::default()
        })
    }

    pub(crate) fn with(settings: Settings) -> Self {
        Self::sized(settings, [1440.0, 900.0], egui::Theme::Dark)
    }

    pub(crate) fn sized(settings: Settings, size: [f32; 2], theme: egui::Theme) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        Self::on(runtime, settings, size, theme)
    }

    /// One where time passes only when a test lets it: see [`Self::pass`].
    pub(crate) fn paused() -> Self {
        Self::paused_sized([1440.0, 900.0])
    }

    pub(crate) fn paused_sized(size: [f32; 2]) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        let settings = Settings {
            welcomed: true,
            ..Settings::default()
        };
        Self::on(runtime, settings, size, egui::Theme::Dark)
    }

    fn on(runtime: Runtime, settings: Settings, size: [f32; 2], theme: egui::Theme) -> Self {
        let aws = {
            let _entered = runtime.enter();
            Aws::embedded(Options::temporary(Clock::real())).unwrap()
        };
        let handle = runtime.handle().clone();
        let shown = aws.clone();
        let harness = Harness::builder()
            .with_size(size)
            .with_theme(theme)
            .with_max_steps(40)
            .with_render_cursor(false)
            .renderer(CpuRenderer::default())
            .build_eframe(move |cc| {
                let mut console = Console::new(&cc.egui_ctx, handle, settings);
                console.connect(&cc.egui_ctx, shown);
                console
            });
        let mut lab = Self {
            runtime,
            aws,
            harness,
        };
        lab.settle();
        lab
    }

    /// Lets the cloud and the window take turns until neither has anything to say.
    pub(crate) fn settle(&mut self) {
        for _ in 0..20 {
            self.turn();
        }
    }

    /// Takes turns until this is true.
    pub(crate) fn until(
        &mut self,
        what: &str,
        mut done: impl FnMut(&Harness<'_, Console>) -> bool,
    ) {
        for _ in 0..TURNS_MAX {
            if done(&self.harness) {
                return;
            }
            self.turn();
        }
        panic!("waited in vain until {what}");
    }

    /// Waits for work on other threads: files are read and written there.
    pub(crate) fn wait_for(
        &mut self,
        what: &str,
        mut done: impl FnMut(&Harness<'_, Console>) -> bool,
    ) {
        for _ in 0..200 {
            if done(&self.harness) {
                return;
            }
            let pause = Clock::real();
            self.runtime
                .block_on(pause.sleep(std::time::Duration::from_millis(10)));
            self.turn();
        }
        panic!("waited in vain for {what}");
    }

    pub(crate) fn turn(&mut self) {
        self.runtime.block_on(async {
            for _ in 0..50 {
                tokio::task::yield_now().await;
            }
        });
        self.harness.run();
    }

    /// Lets so much time pass in a cloud whose time does not pass by itself.
    pub(crate) fn pass(&mut self, time: std::time::Duration) {
        self.runtime.block_on(Clock::real().sleep(time));
        self.settle();
    }

    pub(crate) fn click(&mut self, label: &str) {
        self.harness.get_by_label(label).click();
        self.harness.run();
        self.settle();
    }

    /// Opens a list of choices and takes one.
    pub(crate) fn choose(&mut self, list: &str, choice: &str) {
        let list = self.harness.get_by_role_and_label(Role::ComboBox, list);
        list.click();
        self.harness.run();
        let choice = self.harness.get_by_role_and_label(Role::Button, choice);
        choice.click();
        self.harness.run();
        self.settle();
    }

    pub(crate) fn press(&mut self, modifiers: egui::Modifiers, key: egui::Key) {
        self.harness.key_press_modifiers(modifiers, key);
        self.harness.run();
        self.settle();
    }

    pub(crate) fn go(&mut self, route: Route) {
        self.harness
            .state_mut()
            .wish(waterwheel::ui::Action::Go(route));
        self.harness.step();
        self.settle();
    }

    /// Awaits a verb of the cloud this console looks at.
    pub(crate) fn ask<T>(
        &self,
        verb: impl Future<Output = Result<T, waterwheel::aws::Error>>,
    ) -> T {
        self.runtime.block_on(verb).unwrap()
    }

    /// Asks for all listings again.
    pub(crate) fn reload(&mut self) {
        self.press(NONE, egui::Key::F5);
    }

    /// Replaces what is in a field.
    pub(crate) fn type_into(&mut self, label: &str, text: &str) {
        let field = self.harness.get_by_label(label);
        field.focus();
        self.harness.run();
        self.harness.key_press_modifiers(CTRL, egui::Key::A);
        self.harness.run();
        self.harness.get_by_label(label).type_text(text);
        self.harness.run();
    }

    pub(crate) fn route(&self) -> Route {
        self.harness.state().route().cloned().unwrap()
    }

    pub(crate) fn shows(&self, label: &str) -> bool {
        self.harness.query_all_by_label(label).next().is_some()
    }
}

const CTRL: egui::Modifiers = egui::Modifiers::COMMAND;
const NONE: egui::Modifiers = egui::Modifiers::NONE;

#[test]
fn the_rail_leads_to_its_screens_and_history_leads_back() {
    let mut lab = Lab::new();
    assert_eq!(lab.route(), Route::Overview);
    lab.click("Logs");
    assert_eq!(lab.route(), Route::Logs);
    lab.click("Local cloud");
    assert_eq!(lab.route(), Route::LocalCloud);
    lab.press(egui::Modifiers::ALT, egui::Key::ArrowLeft);
    assert!(lab.shows("Logs"));
    assert_eq!(lab.route(), Route::Logs);
    lab.press(egui::Modifiers::ALT, egui::Key::ArrowRight);
    assert_eq!(lab.route(), Route::LocalCloud);
}

#[test]
fn control_and_a_digit_open_the_screen_at_that_place_in_the_rail() {
    let mut lab = Lab::new();
    lab.press(CTRL, egui::Key::Num2);
    assert_ne!(lab.route(), Route::Overview);
    lab.press(CTRL, egui::Key::Num1);
    assert_eq!(lab.route(), Route::Overview);
}

#[test]
fn the_palette_finds_a_screen_by_a_few_letters() {
    let mut lab = Lab::new();
    lab.press(CTRL, egui::Key::K);
    lab.harness.get_by_label("Palette").type_text("loccl");
    lab.harness.run();
    assert!(lab.shows("Screens: Local cloud"));
    lab.press(NONE, egui::Key::Enter);
    assert_eq!(lab.route(), Route::LocalCloud);
    assert!(!lab.shows("Palette"));
}

#[test]
fn the_palette_runs_commands_and_escape_closes_it() {
    let mut lab = Lab::new();
    lab.press(CTRL, egui::Key::K);
    lab.harness.get_by_label("Palette").type_text("light");
    lab.harness.run();
    lab.press(NONE, egui::Key::Enter);
    assert_eq!(
        lab.harness.state().settings().theme,
        egui::ThemePreference::Light
    );
    lab.press(CTRL, egui::Key::K);
    lab.press(NONE, egui::Key::Escape);
    assert!(!lab.shows("Palette"));
}

#[test]
fn the_welcome_screen_is_answered_by_enter_alone() {
    let mut lab = Lab::with(Settings::default());
    assert!(
        lab.harness
            .get_by_label("Run the demo pipeline")
            .is_focused()
    );
    lab.press(NONE, egui::Key::Enter);
    assert!(lab.harness.state().settings().welcomed);
    assert_eq!(lab.route(), Route::Demo);
}

#[test]
fn starting_empty_shows_the_overview() {
    let mut lab = Lab::with(Settings::default());
    lab.click("Start empty");
    assert_eq!(lab.route(), Route::Overview);
    assert!(!lab.shows("Run the demo pipeline") || lab.shows("Overview"));
}

#[test]
fn the_sheet_of_shortcuts_opens_by_question_mark_and_closes_by_escape() {
    let mut lab = Lab::new();
    lab.harness.event(egui::Event::Text("?".to_owned()));
    lab.settle();
    assert!(lab.shows("Keyboard shortcuts"));
    lab.press(NONE, egui::Key::Escape);
    assert!(!lab.shows("Keyboard shortcuts"));
}

#[test]
fn activity_lists_the_calls_the_user_made() {
    let mut lab = Lab::new();
    lab.click("Show activity");
    lab.until("a call is listed", |harness| {
        harness.query_all_by_role(Role::Row).next().is_some()
    });
}

#[test]
fn zoom_and_rail_are_changed_by_keys() {
    let mut lab = Lab::new();
    lab.press(CTRL, egui::Key::Plus);
    assert!(lab.harness.state().settings().zoom > 1.05);
    lab.press(CTRL, egui::Key::Num0);
    assert!((lab.harness.state().settings().zoom - 1.0).abs() < 1e-6);
    lab.press(CTRL, egui::Key::B);
    assert!(lab.shows("Collapse the rail"));
}

#[test]
fn a_port_for_other_programs_opens_and_closes() {
    let mut lab = Lab::new();
    lab.click("Local cloud");
    lab.until("the status is there", |it| {
        it.query_by_label("Open port").is_some()
    });
    lab.type_into("Port", "0");
    lab.click("Open port");
    lab.until("the port is open", |it| {
        it.query_by_label("Close port").is_some()
    });
    assert!(lab.shows("Copy endpoint"));
    lab.click("Close port");
    lab.until("the port is closed", |it| {
        it.query_by_label("Open port").is_some()
    });
}

#[test]
fn resetting_the_local_cloud_wants_its_word_typed() {
    let mut lab = Lab::new();
    lab.click("Local cloud");
    lab.until("the status is there", |it| {
        it.query_by_label("Reset the local cloud…").is_some()
    });
    lab.click("Reset the local cloud…");
    assert!(lab.shows("Type reset to confirm"));
    lab.press(NONE, egui::Key::Escape);
    assert!(!lab.shows("Type reset to confirm"));
}

#[test]
fn what_was_chosen_before_the_cloud_was_open_is_done_when_it_is() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let handle = runtime.handle().clone();
    let mut harness = Harness::builder()
        .with_size([1440.0, 900.0])
        .with_max_steps(40)
        .build_eframe(move |cc| Console::new(&cc.egui_ctx, handle, Settings::default()));
    harness.run();
    harness.key_press(egui::Key::Enter);
    harness.run();
    let aws = {
        let _entered = runtime.enter();
        Aws::embedded(Options::temporary(Clock::real())).unwrap()
    };
    let ctx = harness.ctx.clone();
    harness.state_mut().connect(&ctx, aws);
    harness.run();
    assert_eq!(harness.state().route(), Some(&Route::Demo));
}

#[test]
fn a_locked_connection_says_so_and_is_unlocked_after_a_question() {
    let mut lab = Lab::new();
    lab.harness.state().aws().unwrap().gate().lock();
    lab.settle();
    lab.click("Read-only");
    assert!(lab.harness.state().aws().unwrap().gate().is_locked());
    lab.click("Unlock for 10 minutes");
    assert!(!lab.harness.state().aws().unwrap().gate().is_locked());
    assert!(!lab.shows("Read-only"));
}

#[test]
fn an_address_that_is_none_is_told_where_it_was_typed() {
    let mut lab = Lab::new();
    lab.go(Route::Connections);
    lab.type_into("Address", "nowhere");
    lab.click("Connect to the endpoint");
    lab.until("the error shows", |it| {
        it.query_by_label_contains("nowhere is not an address")
            .is_some()
    });
    // The open connection stays.
    assert!(lab.harness.state().aws().unwrap().is_local());
}
