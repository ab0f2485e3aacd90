//! The naive world the engine is compared with: tables as maps in memory, and the history of every change.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::expressions::{Action, Condition, updated};
use super::values::{Item, inner, kind, plain, text_of, to_json};

/// What an index carries beside keys.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Carried {
    All,
    Keys,
    These(&'static [&'static str]),
}

#[derive(Clone, Debug)]
pub(super) struct Index {
    pub(super) name: &'static str,
    pub(super) hash: &'static str,
    pub(super) range: Option<&'static str>,
    pub(super) is_global: bool,
    pub(super) carried: Carried,
}

/// One change of an item, as the stream has to tell it.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) old: Option<Item>,
    pub(super) new: Option<Item>,
}

#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) has_sort: bool,
    pub(super) view: &'static str,
    pub(super) indexes: Vec<Index>,
    pub(super) items: BTreeMap<String, Item>,
}

/// Changes of each item of a table, in order.
pub(super) type History = BTreeMap<String, Vec<Change>>;

/// One write, alone or within a batch or transaction.
#[derive(Clone, Debug)]
pub(super) struct Write {
    pub(super) table: usize,
    pub(super) what: What,
    pub(super) condition: Option<Condition>,
    /// `ReturnValuesOnConditionCheckFailure`
    pub(super) shows_failed: bool,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    /// The item as it is sent.
    Put(Value),
    Delete(Value),
    Update(Value, Vec<Action>),
    Check(Value),
}

/// An error a write is answered with.
#[derive(Debug, PartialEq)]
pub(super) struct Refusal {
    pub(super) code: &'static str,
    pub(super) item: Option<Item>,
}

impl Refusal {
    fn invalid() -> Self {
        Self {
            code: "ValidationException",
            item: None,
        }
    }
}

/// The type every key attribute has to have.
pub(super) fn type_of_key(name: &str) -> &'static str {
    match name {
        "sk" | "h" => "N",
        _ => "S",
    }
}

impl Index {
    pub(super) fn keys(&self) -> Vec<&'static str> {
        std::iter::once(self.hash).chain(self.range).collect()
    }

    fn has(&self, item: &Item) -> bool {
        self.keys().iter().all(|it| item.contains_key(*it))
    }
}

impl Table {
    pub(super) fn keys(&self) -> &'static [&'static str] {
        if self.has_sort {
            &["pk", "sk"]
        } else {
            &["pk"]
        }
    }

    /// The key attributes of an item.
    pub(super) fn key(&self, item: &Item) -> Item {
        let keys = self.keys().iter();
        keys.map(|it| ((*it).to_owned(), item[*it].clone()))
            .collect()
    }

    /// One text for each key.
    pub(super) fn id(&self, item: &Item) -> String {
        let parts = self.keys().iter().map(|it| text_of(inner(&item[*it])));
        parts.collect::<Vec<_>>().join("|")
    }

    pub(super) fn get(&self, key: &Item) -> Option<&Item> {
        self.items.get(&self.id(key))
    }

    /// Attributes an index carries.
    pub(super) fn carries(&self, index: &Index, name: &str) -> bool {
        let is_key = self.keys().contains(&name) || index.keys().contains(&name);
        is_key
            || match &index.carried {
                Carried::All => true,
                Carried::Keys => false,
                Carried::These(names) => names.contains(&name),
            }
    }

    /// Everything in the table or an index, as it is seen there.
    pub(super) fn seen(&self, index: Option<&Index>) -> Vec<Item> {
        let Some(index) = index else {
            return self.items.values().cloned().collect();
        };
        let entries = self.items.values().filter(|it| index.has(it));
        entries
            .map(|item| {
                let mut item = item.clone();
                item.retain(|name, _| self.carries(index, name));
                item
            })
            .collect()
    }

    /// What the write would do.
    pub(super) fn plan(&self, write: &Write) -> Result<Planned, Refusal> {
        let sent = match &write.what {
            What::Put(item) | What::Delete(item) | What::Update(item, _) | What::Check(item) => {
                super::values::normal_item(item)
            }
        };
        if matches!(write.what, What::Put(_)) {
            self.check_index_keys(&sent)?;
        }
        let old = self.get(&sent).cloned();
        let nothing = Item::new();
        if let Some(condition) = &write.condition
            && !condition.holds(old.as_ref().unwrap_or(&nothing))
        {
            return Err(Refusal {
                code: "ConditionalCheckFailedException",
                item: old.filter(|_| write.shows_failed),
            });
        }
        let new = match &write.what {
            What::Put(_) => Some(sent.clone()),
            What::Delete(_) => None,
            What::Check(_) => old.clone(),
            What::Update(_, actions) => {
                let before = old.as_ref().unwrap_or(&nothing);
                let mut next = updated(before, actions).map_err(|_unfit| Refusal::invalid())?;
                let makes = |it: &Action| matches!(it.word(), "SET" | "ADD");
                if old.is_some() || actions.is_empty() || actions.iter().any(makes) {
                    next.extend(self.key(&sent));
                    self.check_index_keys(&next)?;
                    Some(next)
                } else {
                    None
                }
            }
        };
        let key = self.key(&sent);
        Ok(Planned { key, old, new })
    }

    /// Makes it so; what changes nothing leaves no trace.
    pub(super) fn perform(&mut self, planned: Planned, history: &mut History) {
        let Planned { key, old, new } = planned;
        if old == new {
            return;
        }
        let id = self.id(&key);
        match &new {
            Some(new) => drop(self.items.insert(id.clone(), new.clone())),
            None => drop(self.items.remove(&id)),
        }
        history.entry(id).or_default().push(Change { old, new });
    }

    fn check_index_keys(&self, item: &Item) -> Result<(), Refusal> {
        let keys = self.indexes.iter().flat_map(Index::keys);
        for name in keys {
            if let Some(value) = item.get(name)
                && (kind(value) != type_of_key(name) || inner(value) == "")
            {
                return Err(Refusal::invalid());
            }
        }
        Ok(())
    }

    /// `CreateTable` for it.
    pub(super) fn request(&self) -> Value {
        let keys = |keys: &[&str]| {
            let kinds = ["HASH", "RANGE"];
            let elements = keys.iter().zip(kinds);
            let elements =
                elements.map(|(name, kind)| json!({"AttributeName": name, "KeyType": kind}));
            Value::Array(elements.collect())
        };
        let mut names: Vec<&str> = self.keys().to_vec();
        names.extend(self.indexes.iter().flat_map(Index::keys));
        names.sort_unstable();
        names.dedup();
        let attributes = names
            .iter()
            .map(|it| json!({"AttributeName": it, "AttributeType": type_of_key(it)}));
        let mut request = json!({
            "TableName": self.name, "BillingMode": "PAY_PER_REQUEST", "KeySchema": keys(self.keys()),
            "AttributeDefinitions": attributes.collect::<Vec<_>>(),
            "StreamSpecification": {"StreamEnabled": true, "StreamViewType": self.view},
        });
        for index in &self.indexes {
            let projection = match &index.carried {
                Carried::All => json!({"ProjectionType": "ALL"}),
                Carried::Keys => json!({"ProjectionType": "KEYS_ONLY"}),
                Carried::These(names) => {
                    json!({"ProjectionType": "INCLUDE", "NonKeyAttributes": names})
                }
            };
            let member = if index.is_global {
                "GlobalSecondaryIndexes"
            } else {
                "LocalSecondaryIndexes"
            };
            if request.get(member).is_none() {
                request[member] = json!([]);
            }
            request[member].as_array_mut().unwrap().push(json!({
                "IndexName": index.name, "KeySchema": keys(&index.keys()), "Projection": projection,
            }));
        }
        request
    }

    /// The event, old and new image a stream record of this view type shows.
    pub(super) fn told(&self, change: &Change) -> Value {
        let event = match (&change.old, &change.new) {
            (None, _) => "INSERT",
            (_, None) => "REMOVE",
            _ => "MODIFY",
        };
        let shown = |image: &Option<Item>, views: [&str; 2]| {
            let image = image.as_ref().filter(|_| views.contains(&self.view));
            image.map_or(Value::Null, to_json)
        };
        json!({
            "event": event,
            "old": shown(&change.old, ["OLD_IMAGE", "NEW_AND_OLD_IMAGES"]),
            "new": shown(&change.new, ["NEW_IMAGE", "NEW_AND_OLD_IMAGES"]),
        })
    }
}

/// A write that may happen.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) key: Item,
    pub(super) old: Option<Item>,
    pub(super) new: Option<Item>,
}

/// Four tables: every view type, with and without sort keys and indexes.
pub(super) fn tables() -> Vec<Table> {
    let index = |name, hash, range, is_global, carried| Index {
        name,
        hash,
        range,
        is_global,
        carried,
    };
    let table = |name, has_sort, view, indexes| Table {
        name,
        has_sort,
        view,
        indexes,
        items: BTreeMap::new(),
    };
    vec![
        table("plain", false, "KEYS_ONLY", vec![]),
        table(
            "sorted",
            true,
            "NEW_AND_OLD_IMAGES",
            vec![
                index("local", "pk", Some("l"), false, Carried::Keys),
                index("all", "g", Some("h"), true, Carried::All),
                index("keys", "g", None, true, Carried::Keys),
                index(
                    "some",
                    "h",
                    Some("pk"),
                    true,
                    Carried::These(&["alpha", "doc"]),
                ),
            ],
        ),
        table(
            "global",
            false,
            "OLD_IMAGE",
            vec![index("by_h", "h", Some("g"), true, Carried::All)],
        ),
        table(
            "local",
            true,
            "NEW_IMAGE",
            vec![
                index("by_l", "pk", Some("l"), false, Carried::All),
                index("by_h", "pk", Some("h"), false, Carried::These(&["beta"])),
            ],
        ),
    ]
}

/// A key whose number parts are given.
pub(super) fn key(table: &Table, pk: &str, sk: i128) -> Value {
    let mut key = json!({"pk": {"S": pk}});
    if table.has_sort {
        key["sk"] = json!({"N": plain(sk * 1_000_000)});
    }
    key
}
