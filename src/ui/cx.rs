//! All a panel may reach or ask.

use std::cell::RefCell;
use std::time::{Duration, SystemTime};

use super::catalog::Catalog;
use super::live::Live;
use crate::aws::Aws;

/// What a panel sees of the rest; read-only. Wishes go through [`Cx::send`].
pub struct Cx<'a> {
    pub aws: &'a Aws,
    pub catalog: &'a Catalog,
    /// What pollers did lately.
    pub live: &'a Live,
    pub runtime: &'a tokio::runtime::Handle,
    pub ctx: &'a egui::Context,
    /// The cloud's time at this frame.
    pub now: SystemTime,
    /// How long the cloud has been open at this frame; goes on while its time stands still.
    pub uptime: Duration,
    pub settings: &'a Settings,
    pub wishes: &'a RefCell<Vec<Action>>,
}

impl Cx<'_> {
    /// How long ago the cloud had this uptime.
    pub fn since(&self, uptime: Duration) -> Duration {
        self.uptime.saturating_sub(uptime)
    }

    /// Asks the console; granted after the frame.
    pub fn send(&self, action: Action) {
        self.wishes.borrow_mut().push(action);
    }
}

/// Three wishes, closed on purpose: results land in the slot that asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    Go(Route),
    Toast(Toast),
    Reload(Listing),
}

/// Every screen and object has one: links, history and the palette are made of them.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Route {
    Overview,
    /// The overview, with the demo pipeline built and its writer running.
    Demo,
    Tables,
    /// A table's items.
    Table(String),
    /// The create-table wizard.
    NewTable,
    /// A stream's records, by stream ARN.
    Stream(String),
    Streams,
    Functions,
    Function(String),
    /// A function's code with the cursor on a line, counted from 1.
    FunctionLine(String, u32),
    NewFunction,
    /// A function's test tab, with this event as JSON text.
    TestEvent(String, String),
    Roles,
    Role(String),
    /// The same, with what would mend it for a trigger, by UUID, shown before it is done.
    FixRole {
        role: String,
        trigger: String,
    },
    NewRole,
    Triggers,
    /// A mapping by UUID.
    Trigger(String),
    /// The same, and its poller is held or let go.
    Hold(String, Hold),
    /// The trigger wizard, with the stream ARN and function name where they are known.
    NewTrigger {
        stream_arn: Option<String>,
        function: Option<String>,
    },
    /// Other settings of a mapping tried on its records, by UUID.
    WhatIf(String),
    Batches,
    /// A batch of a mapping: UUID, shard id, batch number.
    Batch(String, String, u64),
    Logs,
    /// A log group by name.
    LogGroup(String),
    /// The lines of one invocation: log group and request id.
    Invocation(String, String),
    LocalCloud,
    Connections,
}

/// What can be asked of the poller of a trigger, in the local cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Hold {
    Pause,
    Resume,
    /// Let one poll of every shard through.
    StepPoll,
    /// Let one attempt through on every shard.
    StepBatch,
    /// Ask whether the record that blocks a shard is to be skipped.
    Skip,
}

impl Route {
    /// What history and the next start lead back to: to the place, never to what was done there.
    #[must_use]
    pub fn place(&self) -> Self {
        match self {
            Self::Demo => Self::Overview,
            Self::Hold(uuid, _) => Self::Trigger(uuid.clone()),
            Self::FixRole { role, .. } => Self::Role(role.clone()),
            other => other.clone(),
        }
    }
}

/// Shared listings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    Tables,
    Functions,
    Roles,
    Mappings,
    Queues,
    Topics,
    Buckets,
    All,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Good,
    Bad,
    Neutral,
}

/// A short message that goes away by itself and stays listed among the notifications.
#[derive(Clone, Debug, PartialEq)]
pub struct Toast {
    pub tone: Tone,
    pub text: String,
    /// A button: its label and where it leads.
    pub link: Option<(String, Route)>,
}

impl Toast {
    pub fn good(text: impl Into<String>) -> Self {
        Self {
            tone: Tone::Good,
            text: text.into(),
            link: None,
        }
    }

    pub fn bad(text: impl Into<String>) -> Self {
        Self {
            tone: Tone::Bad,
            text: text.into(),
            link: None,
        }
    }
}

/// What the user chose, kept between runs.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Settings {
    pub theme: egui::ThemePreference,
    /// 0.8 to 2.0.
    pub zoom: f32,

    pub reduced_motion: bool,
    pub last_route: Option<Route>,
    pub connection: Option<crate::aws::Connection>,
    /// The welcome screen was answered.
    pub welcomed: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: egui::ThemePreference::System,
            zoom: 1.0,

            reduced_motion: false,
            last_route: None,
            connection: None,
            welcomed: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_done_again_by_going_back() {
        let uuid = || "u".to_owned();
        let hold = Route::Hold(uuid(), Hold::StepBatch);
        assert_eq!(hold.place(), Route::Trigger(uuid()));
        let fix = Route::FixRole {
            role: "r".to_owned(),
            trigger: uuid(),
        };
        assert_eq!(fix.place(), Route::Role("r".to_owned()));
        assert_eq!(Route::Demo.place(), Route::Overview);
        assert_eq!(Route::Batches.place(), Route::Batches);
    }
}
