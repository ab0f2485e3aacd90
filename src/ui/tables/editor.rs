//! One item being written: what is typed, what is wrong with it, and what happens when it is saved.
//! What was typed is lost only when the user says so.

use aws_sdk_dynamodb::types::TableDescription;

use super::calls;
use super::data::{Source, sources};
use super::rules::{Problem, problems, retyped};
use super::tree;
use crate::aws::dynamodb::{
    self, Item, PutRule, item_from_dynamodb_json, item_from_plain_json, item_to_dynamodb_json,
    item_to_plain_json, key_of, key_text,
};
use crate::aws::error::Kind;
use crate::ui::widgets::diff_view::{self, Difference};
use crate::ui::widgets::{AttributeTree, CodeEditor, Confirm, Mark};
use crate::ui::{Cx, Remote};

/// How the item is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum View {
    #[default]
    Tree,
    Plain,
    Typed,
}

/// What the stored item turned out to be when a save was refused.
pub(super) struct Conflict {
    pub(super) stored: Remote<Option<Item>>,
    pub(super) only_changed: bool,
}

/// An open editor.
pub(super) struct Editor {
    /// The item as it is stored, as far as we know; `None` while it is new.
    pub(super) original: Option<Item>,
    /// Types to bring plain JSON back to.
    model: Item,
    /// What a fresh editor showed.
    start: Item,
    pub(super) view: View,
    pub(super) tree: AttributeTree,
    pub(super) text: CodeEditor,
    /// The item typed, or why there is none.
    pub(super) typed: Result<Item, String>,
    pub(super) problems: Vec<Problem>,
    /// The user asked for it to be saved: say all that is wrong.
    attempted: bool,
    pub(super) saving: Remote<()>,
    sent: Option<Item>,
    pub(super) conflict: Option<Conflict>,
    /// Shown before a call leaves for a cloud that is not ours.
    pub(super) confirm: Option<(Confirm, PutRule)>,
}

impl Editor {
    /// A new item: keys to fill in.
    pub(super) fn create(table: &TableDescription) -> Self {
        let mut item = Item::new();
        if let Some(source) = sources(table).into_iter().next() {
            for part in std::iter::once(source.partition).chain(source.sort) {
                let empty = super::query::Kind::of_key(&part.kind).empty();
                item.insert(part.name, empty);
            }
        }
        Self::open(None, item, table)
    }

    /// An item that is stored.
    pub(super) fn edit(item: Item, table: &TableDescription) -> Self {
        Self::open(Some(item.clone()), item, table)
    }

    /// A new item that begins as a copy.
    pub(super) fn duplicate(item: Item, table: &TableDescription) -> Self {
        Self::open(None, item, table)
    }

    fn open(original: Option<Item>, item: Item, table: &TableDescription) -> Self {
        let mut editor = Self {
            original,
            model: item.clone(),
            start: item.clone(),
            view: View::default(),
            tree: AttributeTree::default(),
            text: CodeEditor::new(String::new(), "json"),
            typed: Ok(Item::new()),
            problems: Vec::new(),
            attempted: false,
            saving: Remote::default(),
            sent: None,
            conflict: None,
            confirm: None,
        };
        editor.write(item, table);
        editor
    }

    /// What the editor is about: `New item`, or the key.
    pub(super) fn title(&self, table: &TableDescription) -> String {
        match &self.original {
            Some(item) => key_text(table, item),
            None => "New item".to_owned(),
        }
    }

    /// Something was typed that is not stored.
    pub(super) fn is_dirty(&self) -> bool {
        match &self.typed {
            Ok(item) => *item != self.start,
            Err(_) => true,
        }
    }

    /// There is something to save. Whether it can be is found out by trying.
    pub(super) fn is_worth_saving(&self) -> bool {
        (self.original.is_none() || self.is_dirty()) && !self.saving.is_pending()
    }

    /// A form that nobody touched is not wrong yet.
    pub(super) fn complains(&self) -> bool {
        self.attempted || self.is_dirty()
    }

    /// Shows the item in another way; stays when what is typed is no item.
    pub(super) fn show_as(&mut self, view: View, table: &TableDescription) {
        if let Ok(item) = self.typed.clone() {
            self.model.clone_from(&item);
            self.view = view;
            self.write(item, table);
        }
    }

    /// What was sent is stored: it is what changes are measured by from now on.
    pub(super) fn stored(&mut self, item: &Item, table: &TableDescription) {
        self.original = Some(item.clone());
        self.start.clone_from(item);
        self.model.clone_from(item);
        self.conflict = None;
        self.attempted = false;
        self.judge(table);
    }

    /// Goes back to what is stored.
    pub(super) fn revert(&mut self, table: &TableDescription) {
        self.write(self.start.clone(), table);
        self.conflict = None;
        self.saving.clear();
    }

    fn write(&mut self, item: Item, table: &TableDescription) {
        match self.view {
            View::Tree => {
                let keys = key_names(table);
                self.tree = AttributeTree::new(tree::members(&item, &keys), keys);
            }
            View::Plain => self.text.set_text(item_to_plain_json(&item)),
            View::Typed => self.text.set_text(item_to_dynamodb_json(&item)),
        }
        self.typed = Ok(item);
        self.judge(table);
    }

    /// Reads what was typed.
    pub(super) fn read(&mut self, table: &TableDescription) {
        let text = self.text.text();
        self.typed = match self.view {
            View::Tree => tree::item(self.tree.members()),
            View::Plain => item_from_plain_json(text)
                .map(|item| retyped(item, &self.model))
                .map_err(|error| error.message),
            View::Typed => item_from_dynamodb_json(text).map_err(|error| error.message),
        };
        self.judge(table);
    }

    fn judge(&mut self, table: &TableDescription) {
        self.text.set_marks(Vec::new());
        self.problems.clear();
        match &self.typed {
            Ok(item) => {
                let sources = sources(table);
                self.problems = problems(item, &sources);
                if let (Some(original), Some(source)) = (&self.original, sources.first()) {
                    self.problems.extend(moved_key(original, item, source));
                }
            }
            Err(message) => {
                if let Some(line) = line_of(message) {
                    let message = message.clone();
                    self.text.set_marks(vec![Mark { line, message }]);
                }
            }
        }
    }

    /// The user wants it saved: at once in our own cloud, after a look at the call elsewhere.
    pub(super) fn save(&mut self, cx: &Cx<'_>, table: &TableDescription) {
        let rule = match &self.original {
            Some(original) => PutRule::OnlyIfUnchanged(original.clone()),
            None => PutRule::OnlyNew,
        };
        self.ask(cx, table, rule);
    }

    /// Writes over what a conflict found, as long as it is still that.
    pub(super) fn overwrite(&mut self, cx: &Cx<'_>, table: &TableDescription) {
        let stored = self.conflict.as_ref().and_then(|it| it.stored.value());
        let rule = match stored.cloned().flatten() {
            Some(stored) => PutRule::OnlyIfUnchanged(stored),
            None => PutRule::OnlyNew,
        };
        self.ask(cx, table, rule);
    }

    /// Edits what is stored instead of what was typed.
    pub(super) fn reload(&mut self, table: &TableDescription) {
        let stored = self.conflict.as_ref().and_then(|it| it.stored.value());
        *self = match stored.cloned().flatten() {
            Some(stored) => Self::edit(stored, table).viewed_as(self.view, table),
            None => Self::create(table).viewed_as(self.view, table),
        };
    }

    fn viewed_as(mut self, view: View, table: &TableDescription) -> Self {
        self.show_as(view, table);
        self
    }

    fn ask(&mut self, cx: &Cx<'_>, table: &TableDescription, rule: PutRule) {
        self.attempted = true;
        if self.typed.is_err() || !self.problems.is_empty() {
            return;
        }
        let Ok(item) = &self.typed else { return };
        if cx.aws.is_local() {
            return self.send(cx, table, rule);
        }
        let name = table.table_name().unwrap_or_default();
        let partition = sources(table).into_iter().next();
        let partition = partition.map(|it| it.partition.name).unwrap_or_default();
        let key = key_text(table, item);
        let call = calls::put(name, &partition, item, rule.clone());
        let place = &cx.aws.about().label;
        let confirm = Confirm::new(format!("Save {key}"))
            .consequence(format!("Writes the item into {name} in {place}."))
            .call(call);
        self.confirm = Some((confirm, rule));
    }

    pub(super) fn send(&mut self, cx: &Cx<'_>, table: &TableDescription, rule: PutRule) {
        let Ok(item) = &self.typed else { return };
        self.sent = Some(item.clone());
        let name = table.table_name().unwrap_or_default().to_owned();
        let put = dynamodb::put_item(cx.aws.clone(), name, item.clone(), rule);
        self.saving.start(cx, put);
    }

    /// Takes what has arrived; the item when it was stored.
    pub(super) fn poll(&mut self, cx: &Cx<'_>, table: &TableDescription) -> Option<Item> {
        if let Some(conflict) = &mut self.conflict {
            conflict.stored.poll();
        }
        if !self.saving.poll() {
            return None;
        }
        let refused = self.saving.error();
        let is_conflict = refused.is_some_and(|error| {
            error.kind == Kind::Service && error.code == "ConditionalCheckFailedException"
        });
        let sent = self.sent.take()?;
        if is_conflict {
            let name = table.table_name().unwrap_or_default().to_owned();
            let mut stored = Remote::default();
            let get = dynamodb::get_item(cx.aws.clone(), name, key_of(table, &sent));
            stored.start(cx, get);
            self.saving.clear();
            self.conflict = Some(Conflict {
                stored,
                only_changed: true,
            });
            return None;
        }
        if refused.is_some() {
            return None;
        }
        self.conflict = None;
        Some(sent)
    }

    /// What is stored, against what was typed.
    pub(super) fn against_stored(&self) -> Option<Vec<Difference>> {
        let stored = self.conflict.as_ref()?.stored.value()?.as_ref()?;
        let typed = self.typed.as_ref().ok()?;
        Some(diff_view::differences(
            Some(&calls::typed(stored)),
            Some(&calls::typed(typed)),
        ))
    }

    /// What others changed since the item was loaded, in one line.
    pub(super) fn changed_meanwhile(&self) -> Option<String> {
        let stored = self.conflict.as_ref()?.stored.value()?.as_ref()?;
        let original = self.original.as_ref()?;
        let found =
            diff_view::differences(Some(&calls::typed(original)), Some(&calls::typed(stored)));
        Some(diff_view::summary(&found))
    }
}

/// Names of the key attributes, partition first.
fn key_names(table: &TableDescription) -> Vec<String> {
    let source = sources(table).into_iter().next();
    let parts = source.map(|it| std::iter::once(it.partition).chain(it.sort));
    parts.into_iter().flatten().map(|it| it.name).collect()
}

/// A put under another key would leave the old item where it is.
fn moved_key(original: &Item, item: &Item, source: &Source) -> Option<Problem> {
    let parts = std::iter::once(&source.partition).chain(&source.sort);
    let moved = parts
        .filter(|part| item.contains_key(&part.name))
        .find(|part| original.get(&part.name) != item.get(&part.name))?;
    Some(Problem {
        path: moved.name.clone(),
        message: "The key of an item cannot change; duplicate the item instead".to_owned(),
    })
}

/// The line a JSON error names.
fn line_of(message: &str) -> Option<u32> {
    let (_, rest) = message.rsplit_once(" at line ")?;
    rest.split(' ').next()?.parse().ok()
}
