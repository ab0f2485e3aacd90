//! Small signs with a word: what a record is, how a thing went. Colour is never the only signal.

use egui::{Color32, Response, Sense, TextStyle, Ui, Vec2};

use super::icon::{self, Icon};
use crate::ui::theme::{self, Tokens};

/// How something went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Health {
    Ok,
    /// Retrying, backing off, throttled, or a setting that deserves a look.
    Retry,
    Failed,
    /// Given up, with the details kept at the on-failure destination.
    Delivered,
    /// No filter let it through.
    Filtered,
    InFlight,
    /// Nothing to say yet.
    Idle,
}

impl Health {
    pub fn color(self, tokens: &Tokens) -> Color32 {
        match self {
            Self::Ok => tokens.ok,
            Self::Retry => tokens.retry,
            Self::Failed | Self::Delivered => tokens.failed,
            Self::Filtered => tokens.filtered,
            Self::InFlight => tokens.accent,
            Self::Idle => tokens.text_muted,
        }
    }

    /// The sign that says the same without colour.
    pub fn sign(self) -> Icon {
        match self {
            Self::Ok => Icon::Ok,
            Self::Retry => Icon::Half,
            Self::Failed => Icon::Failed,
            Self::Delivered => Icon::Envelope,
            Self::Filtered | Self::Idle => Icon::Filtered,
            Self::InFlight => Icon::ChevronRight,
        }
    }
}

/// What happened to an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    Insert,
    Modify,
    Remove,
}

impl Change {
    /// From AWS's `INSERT`, `MODIFY`, `REMOVE`.
    pub fn of(event_name: &str) -> Option<Self> {
        match event_name {
            "INSERT" => Some(Self::Insert),
            "MODIFY" => Some(Self::Modify),
            "REMOVE" => Some(Self::Remove),
            _ => None,
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Insert => "INSERT",
            Self::Modify => "MODIFY",
            Self::Remove => "REMOVE",
        }
    }

    pub fn color(self, tokens: &Tokens) -> Color32 {
        match self {
            Self::Insert => tokens.insert,
            Self::Modify => tokens.modify,
            Self::Remove => tokens.remove,
        }
    }
}

/// `INSERT` on its hue.
pub fn change(ui: &mut Ui, change: Change) -> Response {
    let color = change.color(theme::of(ui));
    plate(ui, None, change.word(), color)
}

/// A sign and words: `enabled`, `retrying 3`, `failed`.
pub fn health(ui: &mut Ui, health: Health, words: &str) -> Response {
    let color = health.color(theme::of(ui));
    plate(ui, Some(health.sign()), words, color)
}

/// A sign alone, for table cells; `words` say what it means, on hover and to screen readers.
pub fn dot(ui: &mut Ui, health: Health, words: &str) -> Response {
    let color = health.color(theme::of(ui));
    icon::show(ui, health.sign(), color)
        .accessible_name(words)
        .on_hover_text(words)
}

/// A quiet chip without a verdict: a type, a count, a mode.
pub fn plain(ui: &mut Ui, words: &str) -> Response {
    let color = theme::of(ui).text_muted;
    plate(ui, None, words, color)
}

const HEIGHT: f32 = 18.0;
const PADDING: f32 = 6.0;
const SIGN: f32 = 12.0;

fn plate(ui: &mut Ui, sign: Option<Icon>, words: &str, color: Color32) -> Response {
    let font = TextStyle::Small.resolve(ui.style());
    let galley = ui.painter().layout_no_wrap(words.to_owned(), font, color);
    let lead = if sign.is_some() { SIGN + 4.0 } else { 0.0 };
    let size = Vec2::new(galley.size().x + lead + 2.0 * PADDING, HEIGHT);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, words));
    let painter = ui.painter();
    painter.rect_filled(rect, 4.0, color.gamma_multiply(0.14));
    if let Some(sign) = sign {
        let at = egui::pos2(rect.left() + PADDING + SIGN / 2.0, rect.center().y);
        icon::paint(painter, at, sign, SIGN, color);
    }
    let at = egui::pos2(
        rect.left() + PADDING + lead,
        rect.center().y - galley.size().y / 2.0,
    );
    painter.galley(at, galley, color);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_have_the_words_of_aws() {
        for word in ["INSERT", "MODIFY", "REMOVE"] {
            assert_eq!(Change::of(word).map(Change::word), Some(word));
        }
        assert_eq!(Change::of("UPDATE"), None);
    }

    #[test]
    fn neighbouring_states_never_share_both_sign_and_colour() {
        let all = [
            Health::Ok,
            Health::Retry,
            Health::Failed,
            Health::Delivered,
            Health::Filtered,
            Health::InFlight,
            Health::Idle,
        ];
        for (nth, one) in all.iter().enumerate() {
            for other in &all[nth + 1..] {
                let same = one.sign() == other.sign()
                    && one.color(&theme::DARK) == other.color(&theme::DARK);
                assert!(!same, "{one:?} and {other:?}");
            }
        }
    }
}
