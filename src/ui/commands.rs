//! Everything the console itself can do: one list for keys, the palette and the sheet of shortcuts.

use egui::{Key, KeyboardShortcut, Modifiers};

use super::cx::Route;
use super::widgets::Icon;

/// What can be asked of the console by key, by palette or by button.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Palette,
    Shortcuts,
    Back,
    Forward,
    Refresh,
    NewTable,
    NewFunction,
    NewTrigger,
    NewRole,
    Demo,
    Connections,
    Unlock,
    Lock,
    Activity,
    Rail,
    Dark,
    Light,
    System,
    Larger,
    Smaller,
    ActualSize,
}

const COMMAND_SHIFT: Modifiers = Modifiers::COMMAND.plus(Modifiers::SHIFT);

impl Command {
    pub(super) const ALL: [Self; 21] = [
        Self::Palette,
        Self::Shortcuts,
        Self::Back,
        Self::Forward,
        Self::Refresh,
        Self::NewTable,
        Self::NewFunction,
        Self::NewTrigger,
        Self::NewRole,
        Self::Demo,
        Self::Connections,
        Self::Unlock,
        Self::Lock,
        Self::Activity,
        Self::Rail,
        Self::Dark,
        Self::Light,
        Self::System,
        Self::Larger,
        Self::Smaller,
        Self::ActualSize,
    ];

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Palette => "Search or run a command",
            Self::Shortcuts => "Keyboard shortcuts",
            Self::Back => "Back",
            Self::Forward => "Forward",
            Self::Refresh => "Refresh",
            Self::NewTable => "New table…",
            Self::NewFunction => "New function…",
            Self::NewTrigger => "New trigger…",
            Self::NewRole => "New role…",
            Self::Demo => "Run the demo pipeline",
            Self::Connections => "Choose a connection…",
            Self::Unlock => "Unlock writes for 10 minutes…",
            Self::Lock => "Lock writes",
            Self::Activity => "Show or hide activity",
            Self::Rail => "Expand or collapse the rail",
            Self::Dark => "Dark theme",
            Self::Light => "Light theme",
            Self::System => "Theme of the system",
            Self::Larger => "Larger",
            Self::Smaller => "Smaller",
            Self::ActualSize => "Actual size",
        }
    }

    #[expect(clippy::match_same_arms, reason = "one line for each command")]
    pub(super) fn icon(self) -> Icon {
        match self {
            Self::Palette => Icon::Search,
            Self::Shortcuts => Icon::Keyboard,
            Self::Back => Icon::ArrowLeft,
            Self::Forward => Icon::ArrowRight,
            Self::Refresh => Icon::Refresh,
            Self::NewTable | Self::NewFunction | Self::NewTrigger | Self::NewRole => Icon::Plus,
            Self::Demo => Icon::Play,
            Self::Connections => Icon::Plug,
            Self::Unlock => Icon::Unlock,
            Self::Lock => Icon::Lock,
            Self::Activity => Icon::Terminal,
            Self::Rail => Icon::Columns,
            Self::Dark => Icon::Moon,
            Self::Light => Icon::Sun,
            Self::System => Icon::Settings,
            Self::Larger => Icon::Plus,
            Self::Smaller => Icon::Minus,
            Self::ActualSize => Icon::Search,
        }
    }

    /// Its first key is the one that is shown.
    pub(super) fn keys(self) -> &'static [KeyboardShortcut] {
        const fn keys(modifiers: Modifiers, key: Key) -> KeyboardShortcut {
            KeyboardShortcut::new(modifiers, key)
        }
        const COMMAND: Modifiers = Modifiers::COMMAND;
        const NONE: Modifiers = Modifiers::NONE;
        match self {
            Self::Palette => const { &[keys(COMMAND, Key::K)] },
            Self::Back => const { &[keys(Modifiers::ALT, Key::ArrowLeft)] },
            Self::Forward => const { &[keys(Modifiers::ALT, Key::ArrowRight)] },
            Self::Refresh => const { &[keys(NONE, Key::F5), keys(COMMAND, Key::R)] },
            Self::NewTable => const { &[keys(COMMAND, Key::T)] },
            Self::Activity => const { &[keys(COMMAND, Key::J)] },
            Self::Rail => const { &[keys(COMMAND, Key::B)] },
            Self::Connections => const { &[keys(COMMAND_SHIFT, Key::O)] },
            Self::Larger => const { &[keys(COMMAND, Key::Plus), keys(COMMAND, Key::Equals)] },
            Self::Smaller => const { &[keys(COMMAND, Key::Minus)] },
            Self::ActualSize => const { &[keys(COMMAND, Key::Num0)] },
            // `?` is heard apart: it is a character, on whatever key it lies.
            _ => &[],
        }
    }

    /// Where it leads, for those that only lead somewhere.
    pub(super) fn route(self) -> Option<Route> {
        Some(match self {
            Self::NewTable => Route::NewTable,
            Self::NewFunction => Route::NewFunction,
            Self::NewRole => Route::NewRole,
            Self::NewTrigger => Route::NewTrigger {
                stream_arn: None,
                function: None,
            },
            Self::Demo => Route::Demo,
            Self::Connections => Route::Connections,
            _ => return None,
        })
    }
}

/// The commands whose keys were pressed in this frame; their keys are taken.
pub(super) fn pressed(ctx: &egui::Context) -> Vec<Command> {
    let typing = ctx.egui_wants_keyboard_input();
    ctx.input_mut(|input| {
        let mut found: Vec<Command> = Command::ALL
            .into_iter()
            .filter(|command| {
                let mut keys = command.keys().iter();
                keys.any(|keys| input.consume_shortcut(keys))
            })
            .collect();
        let asked = |event: &egui::Event| matches!(event, egui::Event::Text(text) if text == "?");
        if !typing && input.events.iter().any(asked) {
            input.events.retain(|event| !asked(event));
            found.push(Command::Shortcuts);
        }
        found
    })
}

/// The number pressed with Ctrl, counted from 0.
pub(super) fn pressed_digit(ctx: &egui::Context) -> Option<usize> {
    const DIGITS: [Key; 9] = [
        Key::Num1,
        Key::Num2,
        Key::Num3,
        Key::Num4,
        Key::Num5,
        Key::Num6,
        Key::Num7,
        Key::Num8,
        Key::Num9,
    ];
    ctx.input_mut(|input| {
        DIGITS
            .iter()
            .position(|key| input.consume_key(Modifiers::COMMAND, *key))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_means_two_things() {
        let all: Vec<_> = Command::ALL.iter().flat_map(|it| it.keys()).collect();
        for (nth, keys) in all.iter().enumerate() {
            assert!(!all[nth + 1..].contains(keys), "{keys:?}");
        }
    }
}
