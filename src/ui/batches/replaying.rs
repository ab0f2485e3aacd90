//! Delivering a batch once more: which of its records, with which event. What was typed stays until it is discarded.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::attempt_ui::Tab;
use super::{BatchesPanel, Target};
use crate::aws::Error;
use crate::aws::control::{self, Of, Replay};
use crate::mapping::record::SequenceNumber;
use crate::ui::widgets::json_view::pretty;
use crate::ui::widgets::{CodeEditor, Mark};
use crate::ui::{Cx, Remote};

/// A batch: its mapping, shard and number.
pub(super) type Place = (String, Arc<str>, u64);

/// Which records are delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Choice {
    #[default]
    Batch,
    FirstHalf,
    SecondHalf,
    Records,
}

/// What the replay tab holds.
#[derive(Default)]
pub(super) struct Replaying {
    pub(super) choice: Choice,
    /// Those ticked.
    pub(super) records: BTreeSet<SequenceNumber>,
    /// Edited events; each is its batch's own.
    pub(super) drafts: BTreeMap<Place, Draft>,
    /// What a dry run showed.
    pub(super) event: Option<(Place, String)>,
    fetching: Remote<Fetched>,
    sending: Remote<Sent>,
    /// A replay the story has not told of yet.
    awaited: Option<Sent>,
}

/// An event being edited.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) editor: CodeEditor,
    /// Why it is no JSON.
    pub(super) fault: Option<String>,
}

struct Fetched {
    place: Place,
    event: String,
    is_to_edit: bool,
}

/// The shard and the request id.
type Sent = (Arc<str>, String);

impl Draft {
    fn new(text: String) -> Self {
        Self {
            editor: CodeEditor::new(text, "json"),
            fault: None,
        }
    }

    /// The event, unless it is no JSON: then the line that is wrong is marked.
    pub(super) fn check(&mut self) -> Option<Value> {
        match serde_json::from_str(self.editor.text()) {
            Ok(event) => {
                self.fault = None;
                self.editor.set_marks(Vec::new());
                Some(event)
            }
            Err(error) => {
                let line = u32::try_from(error.line()).unwrap_or(1).max(1);
                let message = format!("This is not JSON: {error}");
                self.editor.set_marks(vec![Mark {
                    line,
                    message: "not JSON from here on".to_owned(),
                }]);
                self.fault = Some(message);
                None
            }
        }
    }
}

impl Replaying {
    /// Takes what has arrived; the replay whose answer is to be shown.
    pub(super) fn settle(&mut self, cx: &Cx<'_>) -> Option<Sent> {
        if self.fetching.poll()
            && let Some(fetched) = self.fetching.take()
        {
            let text = serde_json::from_str::<Value>(&fetched.event);
            let text = text.map_or(fetched.event, |event| pretty(&event));
            if fetched.is_to_edit {
                self.edit(fetched.place, text);
            } else {
                self.event = Some((fetched.place, text));
            }
        }
        if self.sending.poll()
            && let Some(sent) = self.sending.take()
        {
            self.awaited = Some(sent);
            cx.ctx.request_repaint();
        }
        self.awaited.clone()
    }

    /// Puts an event into the editor.
    pub(super) fn edit(&mut self, place: Place, event: String) {
        self.drafts.insert(place, Draft::new(event));
        self.event = None;
    }

    /// The awaited answer is on the screen.
    pub(super) fn shown(&mut self) {
        self.awaited = None;
    }

    pub(super) fn is_pending(&self) -> bool {
        self.sending.is_pending() || self.fetching.is_pending() || self.awaited.is_some()
    }

    pub(super) fn error(&self) -> Option<&Error> {
        self.sending.error().or_else(|| self.fetching.error())
    }

    /// What is chosen.
    pub(super) fn of(&self) -> Of {
        match self.choice {
            Choice::Batch => Of::Batch,
            Choice::FirstHalf => Of::FirstHalf,
            Choice::SecondHalf => Of::SecondHalf,
            Choice::Records => Of::Records(self.records.iter().cloned().collect()),
        }
    }

    pub(super) fn send(&mut self, cx: &Cx<'_>, replay: Replay) {
        self.fetching.clear();
        let shard: Arc<str> = replay.shard.as_str().into();
        let sent = control::replay(cx.aws.clone(), replay);
        self.sending
            .start(cx, async move { sent.await.map(|id| (shard, id)) });
    }

    /// Asks for the event that would be sent: to be shown, or to be edited.
    pub(super) fn fetch(&mut self, cx: &Cx<'_>, place: &Place, is_to_edit: bool) {
        self.sending.clear();
        let replay = replay(place, self.of());
        let event = control::replayed_event(cx.aws.clone(), replay);
        let place = place.clone();
        self.fetching.start(cx, async move {
            event.await.map(|event| Fetched {
                place,
                event,
                is_to_edit,
            })
        });
    }
}

/// A replay of a batch, or of some of it.
pub(super) fn replay((uuid, shard, batch): &Place, of: Of) -> Replay {
    Replay {
        uuid: uuid.clone(),
        shard: shard.to_string(),
        batch: Some(*batch),
        of,
    }
}

impl BatchesPanel {
    /// The batch whose part is looked at.
    pub(super) fn place(&self) -> Option<Place> {
        let selected = self.selected.as_ref()?;
        let Target::Part(batch, _) = selected.target else {
            return None;
        };
        let shard = Arc::clone(&selected.shard);
        Some((self.mapping.clone()?, shard, batch))
    }

    /// Delivers the batch that is looked at once more, whole.
    pub(super) fn replay_batch(&mut self, cx: &Cx<'_>) {
        let Some(place) = self.place().filter(|_| cx.aws.is_local()) else {
            return;
        };
        if !self.replaying.is_pending() {
            // Where it is refused, the tab says why.
            self.tab = Tab::Replay;
            self.replaying.send(cx, replay(&place, Of::Batch));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_json_is_told_with_its_line_and_stays() {
        let mut draft = Draft::new("{\n  \"Records\": [,]\n}".to_owned());
        assert_eq!(draft.check(), None);
        let fault = draft.fault.clone().unwrap();
        assert!(fault.starts_with("This is not JSON: "), "{fault}");
        assert!(fault.contains("line 2"), "{fault}");
        assert!(draft.editor.text().contains("[,]"));
        draft.editor.set_text("{\"Records\": []}");
        assert!(draft.check().is_some());
        assert_eq!(draft.fault, None);
    }
}
