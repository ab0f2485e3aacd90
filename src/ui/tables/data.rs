//! Tables and items as the screen shows them: keys, columns, cells, order. Pure.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::types::{
    AttributeValue, KeySchemaElement, KeyType, Projection, ProjectionType, ScalarAttributeType,
    TableDescription,
};

use crate::aws::dynamodb::{Item, KeyPart, attribute_to_plain_json};

/// What can be read: a table, or one of its indexes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Source {
    /// `None` is the table itself.
    pub(super) index: Option<String>,
    pub(super) partition: KeyPart,
    pub(super) sort: Option<KeyPart>,
    /// Reading it gives whole items.
    pub(super) is_whole: bool,
}

/// The table first, then its indexes by name.
pub(super) fn sources(table: &TableDescription) -> Vec<Source> {
    let whole = |projection: Option<&Projection>| {
        projection.and_then(Projection::projection_type) == Some(&ProjectionType::All)
    };
    let source = |index: Option<&str>, keys: &[KeySchemaElement], is_whole| {
        Some(Source {
            index: index.map(str::to_owned),
            partition: key_part(table, keys, &KeyType::Hash)?,
            sort: key_part(table, keys, &KeyType::Range),
            is_whole,
        })
    };
    let local = table.local_secondary_indexes().iter().map(|it| {
        let is_whole = whole(it.projection());
        source(it.index_name(), it.key_schema(), is_whole)
    });
    let global = table.global_secondary_indexes().iter().map(|it| {
        let is_whole = whole(it.projection());
        source(it.index_name(), it.key_schema(), is_whole)
    });
    let mut indexes: Vec<_> = local.chain(global).flatten().collect();
    indexes.sort_by(|one, other| one.index.cmp(&other.index));
    let table = source(None, table.key_schema(), true);
    table.into_iter().chain(indexes).collect()
}

fn key_part(
    table: &TableDescription,
    keys: &[KeySchemaElement],
    kind: &KeyType,
) -> Option<KeyPart> {
    let name = keys.iter().find(|key| key.key_type() == kind)?;
    let name = name.attribute_name();
    let defined = table.attribute_definitions().iter();
    let found = defined.into_iter().find(|it| it.attribute_name() == name);
    Some(KeyPart {
        name: name.to_owned(),
        kind: found.map_or(ScalarAttributeType::S, |it| it.attribute_type().clone()),
    })
}

/// The stream is on.
pub(super) fn has_stream(table: &TableDescription) -> bool {
    let stream = table.stream_specification();
    stream.is_some_and(aws_sdk_dynamodb::types::StreamSpecification::stream_enabled)
}

/// AWS's letter for the type of a value.
pub(super) fn kind_of(value: &AttributeValue) -> &'static str {
    match value {
        AttributeValue::S(_) => "S",
        AttributeValue::N(_) => "N",
        AttributeValue::B(_) => "B",
        AttributeValue::Bool(_) => "BOOL",
        AttributeValue::L(_) => "L",
        AttributeValue::M(_) => "M",
        AttributeValue::Ss(_) => "SS",
        AttributeValue::Ns(_) => "NS",
        AttributeValue::Bs(_) => "BS",
        _ => "NULL",
    }
}

/// Longest text of a cell; more would never be seen.
const CELL_MAX: usize = 240;

/// A value as a cell shows it: texts bare, numbers with every digit, the rest compact and in one line.
pub(super) fn cell_text(value: &AttributeValue) -> String {
    let text = match value {
        AttributeValue::S(text) => text.clone(),
        AttributeValue::N(digits) => digits.clone(),
        AttributeValue::Bool(flag) => flag.to_string(),
        AttributeValue::B(bytes) => bytes_text(bytes.as_ref().len()),
        AttributeValue::Bs(blobs) => {
            let blobs: Vec<_> = blobs
                .iter()
                .map(|it| bytes_text(it.as_ref().len()))
                .collect();
            format!("{{{}}}", blobs.join(", "))
        }
        AttributeValue::Ss(texts) => format!("{{{}}}", texts.join(", ")),
        AttributeValue::Ns(digits) => format!("{{{}}}", digits.join(", ")),
        AttributeValue::L(_) | AttributeValue::M(_) => attribute_to_plain_json(value),
        _ => "null".to_owned(),
    };
    let text: String = text.chars().take(CELL_MAX).collect();
    text.replace(['\r', '\n', '\t'], " ")
}

fn bytes_text(length: usize) -> String {
    if length == 1 {
        "1 byte".to_owned()
    } else {
        format!("{length} bytes")
    }
}

/// The moment a number may mean: seconds or milliseconds since 1970, in the years 2000 to 2100.
pub(super) fn moment(digits: &str) -> Option<SystemTime> {
    const SECS: std::ops::Range<u64> = 946_684_800..4_102_444_800;
    let number: u64 = digits.parse().ok()?;
    let since = if SECS.contains(&number) {
        Duration::from_secs(number)
    } else if SECS.contains(&(number / 1000)) {
        Duration::from_millis(number)
    } else {
        return None;
    };
    SystemTime::UNIX_EPOCH.checked_add(since)
}

/// An attribute that some items have.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Facts {
    pub(super) name: String,
    pub(super) is_key: bool,
    /// AWS's letters of the types seen.
    pub(super) kinds: BTreeSet<&'static str>,
    /// Characters of the longest text seen.
    pub(super) longest: usize,
    seen: usize,
}

impl Facts {
    fn key(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            is_key: true,
            kinds: BTreeSet::new(),
            longest: 0,
            seen: 0,
        }
    }

    /// `N`, or `N, S` where items differ.
    pub(super) fn note(&self) -> String {
        let kinds: Vec<_> = self.kinds.iter().copied().collect();
        kinds.join(", ")
    }

    fn is_document(&self) -> bool {
        self.kinds.contains("M") || self.kinds.contains("L")
    }

    pub(super) fn is_numeric(&self) -> bool {
        self.kinds.len() == 1 && self.kinds.contains("N")
    }
}

/// Items that were read, what attributes they have, and the order they are shown in.
#[derive(Clone, Debug, Default)]
pub(super) struct Sheet {
    items: Vec<Item>,
    facts: Vec<Facts>,
    /// Positions in `items`.
    order: Vec<usize>,
    sorted: Option<(String, bool)>,
}

impl Sheet {
    /// An empty sheet whose first columns are these keys.
    pub(super) fn new(keys: &[&str]) -> Self {
        let mut facts: Vec<Facts> = Vec::new();
        for key in keys {
            if !facts.iter().any(|it| it.name == *key) {
                facts.push(Facts::key(key));
            }
        }
        Self {
            facts,
            ..Self::default()
        }
    }

    pub(super) fn len(&self) -> u64 {
        u64::try_from(self.items.len()).unwrap_or(u64::MAX)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The item in this row.
    pub(super) fn get(&self, row: u64) -> Option<&Item> {
        let at = *self.order.get(usize::try_from(row).ok()?)?;
        self.items.get(at)
    }

    /// All items, in the order shown.
    pub(super) fn items(&self) -> impl Iterator<Item = &Item> {
        self.order.iter().filter_map(|at| self.items.get(*at))
    }

    pub(super) fn facts(&self) -> &[Facts] {
        &self.facts
    }

    pub(super) fn sorted(&self) -> Option<(&str, bool)> {
        let (name, ascending) = self.sorted.as_ref()?;
        Some((name, *ascending))
    }

    /// Adds a page. Columns that are there stay where they are; new ones come at the end, the
    /// most frequent first, and of those documents last.
    pub(super) fn add(&mut self, items: Vec<Item>) {
        let known = self.facts.len();
        let mut at: BTreeMap<String, usize> = self
            .facts
            .iter()
            .enumerate()
            .map(|(nth, it)| (it.name.clone(), nth))
            .collect();
        for item in &items {
            let sorted: BTreeMap<_, _> = item.iter().collect();
            for (name, value) in sorted {
                let nth = *at.entry(name.clone()).or_insert_with(|| {
                    self.facts.push(Facts {
                        is_key: false,
                        ..Facts::key(name)
                    });
                    self.facts.len() - 1
                });
                let facts = &mut self.facts[nth];
                facts.seen += 1;
                facts.kinds.insert(kind_of(value));
                facts.longest = facts.longest.max(cell_text(value).chars().count());
            }
        }
        let place = |it: &Facts| {
            (
                std::cmp::Reverse(it.seen),
                it.is_document(),
                it.name.clone(),
            )
        };
        self.facts[known..].sort_by_key(place);
        self.items.extend(items);
        self.arrange();
    }

    /// Orders the rows by a column: up, then down, then as they were read.
    pub(super) fn sort_by(&mut self, name: &str) {
        self.sorted = match self.sorted.take() {
            Some((was, true)) if was == name => Some((was, false)),
            Some((was, false)) if was == name => None,
            _ => Some((name.to_owned(), true)),
        };
        self.arrange();
    }

    /// Keeps the order of another sheet.
    pub(super) fn sort_as(&mut self, other: &Self) {
        self.sorted.clone_from(&other.sorted);
        self.arrange();
    }

    fn arrange(&mut self) {
        self.order = (0..self.items.len()).collect();
        if let Some((name, ascending)) = &self.sorted {
            self.order.sort_by(|one, other| {
                let value = |at: &usize| self.items[*at].get(name);
                match (value(one), value(other)) {
                    // Items without the attribute stay at the end either way.
                    (Some(one), Some(other)) if *ascending => compare(one, other),
                    (Some(one), Some(other)) => compare(other, one),
                    (one, other) => other.is_some().cmp(&one.is_some()),
                }
            });
        }
    }
}

/// For looking at: numbers by size, the rest by their text; types apart.
fn compare(one: &AttributeValue, other: &AttributeValue) -> Ordering {
    match (one, other) {
        (AttributeValue::N(one), AttributeValue::N(other)) => {
            let number = |digits: &str| digits.parse::<f64>().unwrap_or(f64::NAN);
            number(one).total_cmp(&number(other))
        }
        _ => kind_of(one)
            .cmp(kind_of(other))
            .then_with(|| cell_text(one).cmp(&cell_text(other))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::dynamodb::item_from_dynamodb_json;
    use aws_sdk_dynamodb::primitives::Blob;

    fn item(json: &str) -> Item {
        item_from_dynamodb_json(json).unwrap()
    }

    #[test]
    fn keys_come_first_and_frequent_attributes_before_rare_ones() {
        let mut sheet = Sheet::new(&["pk", "sk", "pk"]);
        sheet.add(vec![
            item(r#"{"pk":{"S":"a"},"rare":{"S":"x"},"total":{"N":"1"}}"#),
            item(r#"{"pk":{"S":"b"},"total":{"S":"two"}}"#),
        ]);
        let names: Vec<_> = sheet.facts().iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["pk", "sk", "total", "rare"]);
        assert_eq!(sheet.facts()[2].note(), "N, S");
        assert!(!sheet.facts()[2].is_numeric());
        sheet.add(vec![item(r#"{"pk":{"S":"c"},"again":{"S":"x"}}"#)]);
        assert_eq!(sheet.facts()[4].name, "again");
    }

    #[test]
    fn rows_are_sorted_up_then_down_then_not_at_all() {
        let mut sheet = Sheet::new(&["n"]);
        sheet.add(vec![
            item(r#"{"n":{"N":"10"}}"#),
            item(r#"{"other":{"N":"1"}}"#),
            item(r#"{"n":{"N":"9"}}"#),
        ]);
        let shown = |sheet: &Sheet| -> Vec<String> {
            let text = |it: &Item| it.get("n").map(cell_text).unwrap_or_default();
            sheet.items().map(text).collect()
        };
        sheet.sort_by("n");
        assert_eq!(shown(&sheet), ["9", "10", ""]);
        sheet.sort_by("n");
        assert_eq!(shown(&sheet), ["10", "9", ""]);
        sheet.sort_by("n");
        assert_eq!(shown(&sheet), ["10", "", "9"]);
    }

    #[test]
    fn cells_are_exact_and_stay_in_one_line() {
        let digits = "12345678901234567890123456789012345678";
        assert_eq!(cell_text(&AttributeValue::N(digits.to_owned())), digits);
        assert_eq!(cell_text(&AttributeValue::S("a\nb".to_owned())), "a b");
        assert_eq!(
            cell_text(&AttributeValue::B(Blob::new([1, 2, 3]))),
            "3 bytes"
        );
        let set = AttributeValue::Ss(vec!["b".to_owned(), "a".to_owned()]);
        assert_eq!(cell_text(&set), "{b, a}");
    }

    #[test]
    fn numbers_that_look_like_moments_are_recognized() {
        let secs = |secs| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(secs));
        assert_eq!(moment("1762041600"), secs(1_762_041_600));
        assert_eq!(moment("1762041600000"), secs(1_762_041_600));
        for other in ["42", "1762041600.5", "-1762041600", "99999999999999"] {
            assert_eq!(moment(other), None, "{other}");
        }
    }
}
