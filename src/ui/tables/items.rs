//! What is known of a table's items: pages read, rows chosen, the item being written, rows being deleted.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::TableDescription;

use super::calls;
use super::data::{Facts, Sheet, Source, sources};
use super::editor::{Editor, View};
use super::grid::Wish;
use super::query::{ReadForm, Violation};
use super::query_ui::Bar;
use super::transfer::Transfer;
use crate::aws::dynamodb::{
    self, Item, JsonForm, PutRule, ReadRequest, item_to_dynamodb_json, item_to_line,
    item_to_plain_json, key_of, key_text,
};
use crate::aws::{Aws, Error};
use crate::ui::cx::Listing;
use crate::ui::widgets::{Confirm, Selection};
use crate::ui::{Action, Cx, Remote, Toast};

/// Calls made for one page when filters let little through.
const CALLS_MAX: u32 = 10;

/// What pages gave.
#[expect(clippy::struct_field_names, reason = "pages is the field's word")]
pub(super) struct Pages {
    items: Vec<Item>,
    next: Option<Item>,
    scanned: u64,
    consumed: Option<f64>,
    /// Begins anew instead of adding to what is there.
    is_first: bool,
    pages: u32,
}

/// What was read so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Totals {
    pub(super) pages: u32,
    /// Items looked at before the filters.
    pub(super) scanned: u64,
    /// Read capacity units, and those of the last page alone.
    pub(super) consumed: Option<f64>,
    pub(super) last_consumed: Option<f64>,
    /// Where the next page begins.
    pub(super) next: Option<Item>,
}

/// An item on its way into the editor.
pub(super) struct Opening {
    item: Remote<Option<Item>>,
    as_copy: bool,
}

/// The items of one table.
#[derive(Default)]
pub(super) struct ItemsTab {
    pub(super) form: ReadForm,
    pub(super) bar: Bar,
    /// What is shown came from this.
    pub(super) request: Option<ReadRequest>,
    pub(super) reading: Remote<Pages>,
    pub(super) sheet: Sheet,
    pub(super) totals: Totals,
    pub(super) selection: Selection,
    /// Attributes without a column; remembered for each table.
    pub(super) hidden: Option<BTreeSet<String>>,
    pub(super) editor: Option<Editor>,
    /// How items are edited.
    pub(super) view: View,
    pub(super) opening: Option<Opening>,
    /// The question whether to drop what was typed, and the editor to open then.
    pub(super) dropping: Option<(Confirm, Option<Editor>)>,
    pub(super) deleting: Option<(Confirm, Vec<Item>)>,
    pub(super) deleted: Remote<u64>,
    /// What the last deletion took, to be written again.
    pub(super) undo: Vec<Item>,
    pub(super) undone: Remote<()>,
    pub(super) transfer: Option<Transfer>,
    /// Keys to choose again when the page is back.
    chosen_again: Vec<Item>,
    pub(super) scroll_to: Option<u64>,
}

impl ItemsTab {
    /// The table or index that the form reads.
    pub(super) fn source(&self, sources: &[Source]) -> Option<Source> {
        let wanted = sources.iter().find(|it| it.index == self.form.index);
        wanted.or(sources.first()).cloned()
    }

    /// What is wrong with the form.
    pub(super) fn wrong(&self, name: &str, source: &Source) -> Vec<Violation> {
        self.form.request(name, source).err().unwrap_or_default()
    }

    /// Attributes that have a column.
    pub(super) fn shown(&self) -> Vec<&Facts> {
        let facts = self.sheet.facts().iter();
        facts.filter(|it| !self.is_hidden(&it.name)).collect()
    }

    pub(super) fn is_hidden(&self, name: &str) -> bool {
        self.hidden.as_ref().is_some_and(|it| it.contains(name))
    }

    /// Reads from the start what the form says.
    pub(super) fn read(&mut self, cx: &Cx<'_>, table: &TableDescription) {
        let sources = sources(table);
        let Some(source) = self.source(&sources) else {
            return;
        };
        let name = table.table_name().unwrap_or_default();
        match self.form.request(name, &source) {
            Ok(request) => {
                self.bar.attempted = false;
                self.request = Some(request);
                self.undo.clear();
                self.selection.clear();
                self.chosen_again.clear();
                self.start(cx, None, 1);
            }
            Err(_) => self.bar.attempted = true,
        }
    }

    /// Reads an index from the start, with nothing else asked.
    pub(super) fn read_index(&mut self, cx: &Cx<'_>, table: &TableDescription, index: String) {
        self.form = ReadForm {
            index: Some(index),
            page: self.form.page.clone(),
            ..ReadForm::default()
        };
        self.read(cx, table);
    }

    /// Reads the next page.
    pub(super) fn read_more(&mut self, cx: &Cx<'_>) {
        if let Some(next) = self.totals.next.clone() {
            self.start(cx, Some(next), 1);
        }
    }

    /// Reads again what is shown and keeps the chosen rows, or chooses the item with this key.
    pub(super) fn refresh(&mut self, cx: &Cx<'_>, table: &TableDescription, key: Option<Item>) {
        self.chosen_again = match key {
            Some(key) => vec![key],
            None => self.chosen().map(|item| key_of(table, item)).collect(),
        };
        let pages = self.totals.pages.max(1);
        self.start(cx, None, pages);
    }

    fn start(&mut self, cx: &Cx<'_>, start: Option<Item>, pages: u32) {
        if let Some(request) = self.request.clone() {
            let request = ReadRequest { start, ..request };
            self.reading
                .start(cx, read_pages(cx.aws.clone(), request, pages));
        }
    }

    /// Takes what has arrived.
    pub(super) fn poll(&mut self, cx: &Cx<'_>, table: &TableDescription) {
        if self.request.is_none() && self.reading.is_idle() {
            self.read(cx, table);
        }
        if self.hidden.is_none() {
            let kept = cx
                .ctx
                .data_mut(|data| data.get_persisted(columns_id(table)));
            self.hidden = Some(kept.unwrap_or_default());
        }
        if self.reading.poll()
            && let Some(pages) = self.reading.take()
        {
            self.take(pages, table);
        }
        self.poll_opening(cx, table);
        if let Some(editor) = &mut self.editor
            && let Some(item) = editor.poll(cx, table)
        {
            let key = key_text(table, &item);
            cx.send(Action::Toast(Toast::good(format!("Saved {key}"))));
            editor.stored(&item, table);
            self.changed(cx, table, Some(key_of(table, &item)));
        }
        if self.deleted.poll() {
            self.take_deleted(cx, table);
        }
        if self.undone.poll() && self.undone.take().is_some() {
            self.undo.clear();
            cx.send(Action::Toast(Toast::good("Written again")));
            self.changed(cx, table, None);
        }
    }

    /// Gives an attribute its column or takes it away.
    pub(super) fn hide(&mut self, cx: &Cx<'_>, table: &TableDescription, name: &str, hide: bool) {
        let hidden = self.hidden.get_or_insert_default();
        if hide {
            hidden.insert(name.to_owned());
        } else {
            hidden.remove(name);
        }
        let kept = hidden.clone();
        cx.ctx
            .data_mut(|data| data.insert_persisted(columns_id(table), kept));
    }

    fn take(&mut self, pages: Pages, table: &TableDescription) {
        if pages.is_first {
            let sources = sources(table);
            let own = sources.first();
            let read = self.request.as_ref().and_then(|it| it.index.clone());
            let read = sources.iter().find(|it| it.index == read);
            let keys: Vec<&str> = read
                .into_iter()
                .chain(own)
                .flat_map(|it| std::iter::once(&it.partition).chain(&it.sort))
                .map(|it| it.name.as_str())
                .collect();
            let mut sheet = Sheet::new(&keys);
            sheet.sort_as(&self.sheet);
            self.sheet = sheet;
            self.totals = Totals::default();
            self.selection.clear();
        }
        self.sheet.add(pages.items);
        self.totals.pages += pages.pages;
        self.totals.scanned += pages.scanned;
        self.totals.last_consumed = pages.consumed;
        self.totals.consumed = sum(self.totals.consumed, pages.consumed);
        self.totals.next = pages.next;
        if pages.is_first {
            self.choose_again(table);
        }
    }

    fn choose_again(&mut self, table: &TableDescription) {
        for key in std::mem::take(&mut self.chosen_again) {
            let mut items = self.sheet.items();
            let row = items.position(|item| key_of(table, item) == key);
            if let Some(row) = row.and_then(|row| u64::try_from(row).ok()) {
                self.selection.toggle(row);
                self.scroll_to = Some(row);
            }
        }
    }

    /// Items were written or deleted: the page is read again, and the list where counting is free.
    pub(super) fn changed(&mut self, cx: &Cx<'_>, table: &TableDescription, key: Option<Item>) {
        self.refresh(cx, table, key);
        if cx.aws.is_local() {
            cx.send(Action::Reload(Listing::Tables));
        }
    }

    /// The chosen items, in the order shown.
    pub(super) fn chosen(&self) -> impl Iterator<Item = &Item> {
        self.selection.rows().filter_map(|row| self.sheet.get(row))
    }

    /// Shows an item in the editor: whole as it is, or fetched when an index gave only a part of it.
    pub(super) fn open(&mut self, cx: &Cx<'_>, table: &TableDescription, row: u64, as_copy: bool) {
        let Some(item) = self.sheet.get(row).cloned() else {
            return;
        };
        if self.reads_whole(table) {
            return self.show(item, as_copy, table);
        }
        let name = table.table_name().unwrap_or_default().to_owned();
        let mut opening = Opening {
            item: Remote::default(),
            as_copy,
        };
        let get = dynamodb::get_item(cx.aws.clone(), name, key_of(table, &item));
        opening.item.start(cx, get);
        self.opening = Some(opening);
    }

    fn poll_opening(&mut self, cx: &Cx<'_>, table: &TableDescription) {
        let Some(opening) = &mut self.opening else {
            return;
        };
        if !opening.item.poll() {
            return;
        }
        let as_copy = opening.as_copy;
        if let Some(error) = opening.item.error() {
            cx.send(Action::Toast(Toast::bad(error.message.clone())));
        } else if let Some(item) = opening.item.take().flatten() {
            self.show(item, as_copy, table);
        } else {
            cx.send(Action::Toast(Toast::bad("The item is no longer there")));
        }
        self.opening = None;
    }

    fn show(&mut self, item: Item, as_copy: bool, table: &TableDescription) {
        let editor = if as_copy {
            Editor::duplicate(item, table)
        } else {
            Editor::edit(item, table)
        };
        self.replace(Some(editor), table);
    }

    /// Another editor, or none; asks first when something would be lost.
    pub(super) fn replace(&mut self, next: Option<Editor>, table: &TableDescription) {
        let Some(editor) = self.editor.as_ref().filter(|it| it.is_dirty()) else {
            self.put_in_place(next, table);
            return;
        };
        let what = editor.title(table);
        let confirm = Confirm::new("Discard changes")
            .consequence(format!("What you typed for {what} is not saved."));
        self.dropping = Some((confirm, next));
    }

    /// Shows this editor, in the way the last one did.
    pub(super) fn put_in_place(&mut self, mut next: Option<Editor>, table: &TableDescription) {
        if let Some(editor) = &mut next {
            editor.show_as(self.view, table);
        }
        self.editor = next;
    }

    /// Asks whether these items shall be deleted.
    pub(super) fn ask_to_delete(&mut self, cx: &Cx<'_>, table: &TableDescription, items: &[Item]) {
        let keys: Vec<Item> = items.iter().map(|it| key_of(table, it)).collect();
        let name = table.table_name().unwrap_or_default();
        let verb = match items {
            [] => return,
            [item] => format!("Delete item {}", key_text(table, item)),
            items => format!("Delete {} items", items.len()),
        };
        let they = if items.len() == 1 {
            "It is"
        } else {
            "They are"
        };
        let place = match &cx.aws.about().label {
            _ if cx.aws.is_local() => String::new(),
            label => format!(" in {label}, for good"),
        };
        let mut confirm =
            Confirm::new(verb).consequence(format!("{they} removed from {name}{place}."));
        if table.latest_stream_arn().is_some() {
            confirm = confirm.consequence("The stream records it as REMOVE; triggers get it.");
        }
        if !cx.aws.is_local() {
            confirm = confirm.call(calls::delete(name, &keys));
        }
        self.deleting = Some((confirm, keys));
    }

    /// Deletes what was confirmed.
    pub(super) fn delete(&mut self, cx: &Cx<'_>, table: &TableDescription, keys: Vec<Item>) {
        let name = table.table_name().unwrap_or_default().to_owned();
        let aws = cx.aws.clone();
        self.undo = self.whole(table, &keys);
        self.deleted.start(cx, async move {
            match <[Item; 1]>::try_from(keys) {
                Ok([key]) => {
                    dynamodb::delete_item(aws, name, key).await?;
                    Ok(1)
                }
                Err(keys) => dynamodb::delete_items(aws, name, keys).await,
            }
        });
    }

    /// These items as they are known, if they are known whole.
    fn whole(&self, table: &TableDescription, keys: &[Item]) -> Vec<Item> {
        if !self.reads_whole(table) {
            return Vec::new();
        }
        let edited = self.editor.iter().filter_map(|it| it.original.as_ref());
        let known: Vec<&Item> = self.chosen().chain(edited).collect();
        let find = |key: &Item| known.iter().find(|it| key_of(table, it) == *key);
        let found: Option<Vec<Item>> = keys.iter().map(|key| find(key).copied().cloned()).collect();
        found.unwrap_or_default()
    }

    /// Writes again what was deleted, where nobody wrote something else meanwhile.
    pub(super) fn take_back(&mut self, cx: &Cx<'_>, table: &TableDescription) {
        let name = table.table_name().unwrap_or_default().to_owned();
        let (aws, items) = (cx.aws.clone(), self.undo.clone());
        self.undone.start(cx, async move {
            for item in items {
                dynamodb::put_item(aws.clone(), name.clone(), item, PutRule::OnlyNew).await?;
            }
            Ok(())
        });
    }

    fn reads_whole(&self, table: &TableDescription) -> bool {
        let index = self.request.as_ref().and_then(|it| it.index.as_deref());
        let sources = sources(table);
        let mut read = sources.iter().filter(|it| it.index.as_deref() == index);
        read.any(|it| it.is_whole)
    }

    fn take_deleted(&mut self, cx: &Cx<'_>, table: &TableDescription) {
        let Some(count) = self.deleted.take() else {
            self.undo.clear();
            return;
        };
        let words = match count {
            1 => "Deleted 1 item".to_owned(),
            count => format!("Deleted {count} items"),
        };
        cx.send(Action::Toast(Toast::good(words)));
        // The editor of an item that is gone closes; what was typed there stays.
        if self
            .editor
            .as_ref()
            .is_some_and(|it| it.original.is_some() && !it.is_dirty())
        {
            self.editor = None;
        }
        self.selection.clear();
        self.changed(cx, table, None);
    }

    /// Does what the context menu or a key asks.
    pub(super) fn grant(&mut self, cx: &Cx<'_>, table: &TableDescription, wish: Wish) {
        let row = self.selection.cursor();
        match wish {
            Wish::Edit | Wish::Duplicate => {
                if let Some(row) = row {
                    self.open(cx, table, row, wish == Wish::Duplicate);
                }
            }
            Wish::Delete => {
                let items: Vec<Item> = self.chosen().cloned().collect();
                self.ask_to_delete(cx, table, &items);
            }
            Wish::CopyPlain => self.copy(cx, JsonForm::Plain),
            Wish::CopyTyped => self.copy(cx, JsonForm::DynamoDb),
            Wish::SameKey => {
                let item = row.and_then(|row| self.sheet.get(row)).cloned();
                let source = self.source(&sources(table));
                if let (Some(item), Some(source)) = (item, source)
                    && let Some(value) = item.get(&source.partition.name)
                {
                    self.form.partition = dynamodb::attribute_text(value);
                    self.form.sort = super::query::SortForm::default();
                    self.read(cx, table);
                }
            }
        }
    }

    /// One item as indented JSON, more as JSON lines.
    fn copy(&self, cx: &Cx<'_>, form: JsonForm) {
        let items: Vec<&Item> = self.chosen().collect();
        let text = match (items.as_slice(), form) {
            ([], _) => return,
            ([item], JsonForm::Plain) => item_to_plain_json(item),
            ([item], JsonForm::DynamoDb) => item_to_dynamodb_json(item),
            (items, form) => {
                let lines = items.iter().map(|item| item_to_line(item, form));
                lines.collect::<Vec<_>>().join("\n")
            }
        };
        cx.ctx.copy_text(text);
        let words = match items.len() {
            1 => "Copied 1 item".to_owned(),
            many => format!("Copied {many} items, one per line"),
        };
        cx.send(Action::Toast(Toast::good(words)));
    }
}

/// Where the hidden columns of a table are remembered.
fn columns_id(table: &TableDescription) -> egui::Id {
    egui::Id::unique(("hidden columns", table.table_arn().unwrap_or_default()))
}

fn sum(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one + other),
        (one, other) => one.or(other),
    }
}

/// Reads pages from where the request starts. With filters a page goes on until it has something to
/// show, for a bounded number of calls.
async fn read_pages(aws: Aws, mut request: ReadRequest, pages: u32) -> Result<Pages, Error> {
    let mut got = Pages {
        items: Vec::new(),
        next: None,
        scanned: 0,
        consumed: None,
        is_first: request.start.is_none(),
        pages,
    };
    let size = request.limit.map_or(usize::MAX, |it| it as usize);
    for _ in 0..pages {
        let wanted = got.items.len().saturating_add(size);
        for _ in 0..CALLS_MAX {
            let page = dynamodb::read(aws.clone(), request.clone()).await?;
            got.items.extend(page.items);
            got.scanned += page.scanned;
            got.consumed = sum(got.consumed, page.consumed);
            got.next.clone_from(&page.next);
            request.start = page.next;
            if request.start.is_none() {
                return Ok(got);
            }
            if request.filter.is_empty() || got.items.len() >= wanted {
                break;
            }
        }
    }
    Ok(got)
}
