//! The window around the console: opened here, with plain words when it cannot be.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use eframe::NativeOptions;
use egui::{IconData, ViewportBuilder};

use super::console::Console;
use super::cx::Settings;
use super::widgets::icon;

const NAME: &str = "waterwheel";
const SIZE: [f32; 2] = [1440.0, 900.0];
const SIZE_MIN: [f32; 2] = [1100.0, 700.0];
/// Most time background work gets to end after the window is closed.
const FAREWELL: Duration = Duration::from_secs(3);
const WORKERS: usize = 2;
const SETTINGS: &str = "settings";
const PACKAGES: &str =
    "libx11-6 libx11-xcb1 libxcursor1 libxi6 libxrandr2 libxkbcommon-x11-0 libgl1";

/// Opens the window and returns when it is closed.
///
/// # Errors
/// One line that says what is missing on this computer and how to get it.
pub fn run() -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    let handle = runtime.handle().clone();
    let options = NativeOptions {
        viewport: ViewportBuilder::default()
            .with_title("Waterwheel")
            .with_app_id(NAME)
            .with_inner_size(SIZE)
            .with_min_inner_size(SIZE_MIN)
            .with_icon(picture()),
        ..NativeOptions::default()
    };
    let ended = guarded(|| {
        eframe::run_native(
            NAME,
            options,
            Box::new(move |cc| {
                let settings = cc
                    .storage
                    .and_then(|storage| eframe::get_value::<Settings>(storage, SETTINGS))
                    .unwrap_or_default();
                let mut console = Console::new(&cc.egui_ctx, handle, settings);
                console.start(&cc.egui_ctx);
                Ok(Box::new(console))
            }),
        )
    });
    runtime.shutdown_timeout(FAREWELL);
    ended
}

impl eframe::App for Console {
    fn logic(&mut self, ctx: &egui::Context, _frame: &mut eframe::Frame) {
        self.update(ctx);
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        self.draw(ui);
    }

    fn save(&mut self, storage: &mut dyn eframe::Storage) {
        eframe::set_value(storage, SETTINGS, self.settings());
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        visuals.panel_fill.to_normalized_gamma_f32()
    }
}

/// Turns a missing display or library into words, even where a library below panics about it.
fn guarded(open: impl FnOnce() -> eframe::Result) -> Result<(), String> {
    let missing = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&missing);
    let before = Arc::new(panic::take_hook());
    let usual = Arc::clone(&before);
    panic::set_hook(Box::new(move |info| {
        let text = info.payload_as_str().unwrap_or_default();
        if is_missing_library(text) {
            seen.store(true, Ordering::Release);
        } else {
            usual(info);
        }
    }));
    let ended = panic::catch_unwind(AssertUnwindSafe(open));
    panic::set_hook(Box::new(move |info| before(info)));
    match ended {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(in_words(&error)),
        Err(_) if missing.load(Ordering::Acquire) => Err(install("libxkbcommon is missing")),
        Err(payload) => panic::resume_unwind(payload),
    }
}

fn is_missing_library(text: &str) -> bool {
    text.contains("could not be loaded") && text.contains("libxkbcommon")
}

fn in_words(error: &eframe::Error) -> String {
    // The libraries below put where they failed before what failed.
    let text = error.to_string();
    let text = text.rsplit(": ").next().unwrap_or(&text);
    let is_display = |name| std::env::var_os(name).is_some_and(|it| !it.is_empty());
    match error {
        eframe::Error::WinitEventLoop(_) | eframe::Error::Winit(_)
            if !is_display("DISPLAY") && !is_display("WAYLAND_DISPLAY") =>
        {
            let hint = if cfg!(target_os = "linux") {
                format!(" a window needs one and, on Debian: apt install {PACKAGES};")
            } else {
                String::new()
            };
            format!(
                "cannot open a window: there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set);{hint} \
                 `waterwheel serve` needs none"
            )
        }
        eframe::Error::WinitEventLoop(_) | eframe::Error::Winit(_)
            if text.contains("connection to X server") =>
        {
            let display = std::env::var("DISPLAY").unwrap_or_default();
            format!("cannot open a window: no X server answers at DISPLAY {display}")
        }
        eframe::Error::WinitEventLoop(_) | eframe::Error::Winit(_) => install(text),
        eframe::Error::NoGlutinConfigs(..)
        | eframe::Error::Glutin(_)
        | eframe::Error::OpenGL(_) => install(&format!("no OpenGL: {text}")),
        eframe::Error::AppCreation(_) => format!("cannot open a window: {text}"),
    }
}

fn install(what: &str) -> String {
    let what = what.lines().next().unwrap_or_default();
    if cfg!(target_os = "linux") {
        format!("cannot open a window: {what}; on Debian: apt install {PACKAGES}")
    } else {
        format!("cannot open a window: {what}")
    }
}

/// The wheel, in the accent's colour on a dark plate.
fn picture() -> IconData {
    const SIDE: u32 = 64;
    icon::picture(icon::Icon::Wheel, SIDE, &super::theme::DARK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_panics_for_want_of_another_becomes_one_line() {
        let error = guarded(|| panic!("Library libxkbcommon-x11.so could not be loaded."));
        let words = error.unwrap_err();
        assert!(words.contains("apt install") && words.contains("libxkbcommon-x11-0"));
        assert_eq!(words.lines().count(), 1);
    }

    #[test]
    fn other_panics_stay_panics() {
        let outcome = panic::catch_unwind(|| guarded(|| panic::resume_unwind(Box::new("bug"))));
        assert!(outcome.is_err());
    }
}
