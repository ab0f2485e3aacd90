//! What an update does to an item. Every right-hand side and every list index means the item as it was.

use super::ast::{Element, Path};
use super::projection::Projection;
use super::update::{Action, Source, Update};
use crate::engine::call::Fault;
use crate::engine::dynamodb::value::{Attribute, Item, Number, check_depth};
use crate::engine::state::KeySchema;

/// An item after an update.
#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    pub item: Item,
    /// What stood at the touched paths, nested as in the item: `UPDATED_OLD`.
    pub updated_old: Item,
    /// What stands at the touched paths now: `UPDATED_NEW`. As on AWS, an element set beyond the end of a list is not
    /// among it, and the element that closed up to a removed one is.
    pub updated_new: Item,
}

impl Update {
    /// Applies it to an item, which is empty when there is none; key attributes of a new item are the caller's.
    pub fn apply(&self, item: &Item, keys: &KeySchema) -> Result<Applied, Fault> {
        self.check_keys(keys)?;
        let mut changes = Vec::with_capacity(self.actions.len());
        for action in &self.actions {
            let change = action.change(item).map_err(|fault| {
                if self.is_legacy && fault == wrong_type() {
                    return Fault::validation("Type mismatch for attribute to update");
                }
                fault
            });
            changes.push((action.path(), change?));
        }
        let mut next = item.clone();
        let mut appended = Vec::new();
        let mut removed = Vec::new();
        for (path, change) in changes {
            match change {
                Change::Put(value) => {
                    if let Some(value) = put(&mut next, path, value)? {
                        appended.push((path, value));
                    }
                }
                Change::Remove | Change::Nothing if item.is_empty() => (),
                Change::Remove => removed.push(check_parent(&mut next, path)?),
                Change::Nothing => drop(check_parent(&mut next, path)?),
            }
        }
        append(&mut next, appended);
        remove(&mut next, removed);
        for path in self.paths() {
            next.get(path.head()).map_or(Ok(()), check_depth)?;
        }
        let touched = Projection::new(self.paths().cloned().collect());
        Ok(Applied {
            updated_old: touched.apply(item),
            updated_new: touched.apply(&next),
            item: next,
        })
    }
}

enum Change {
    Put(Attribute),
    Remove,
    /// The path is still checked.
    Nothing,
}

impl Action {
    fn change(&self, item: &Item) -> Result<Change, Fault> {
        match self {
            Self::Set(_, source) => Ok(Change::Put(source.value(item)?)),
            // What an append puts there must not go instead.
            Self::Remove(path) if path.find(item).is_none() => Ok(Change::Nothing),
            Self::Remove(_) => Ok(Change::Remove),
            Self::Add(path, value) => match path.find(item) {
                None => Ok(Change::Put(value.clone())),
                Some(old) => Ok(Change::Put(add(old, value)?)),
            },
            Self::Delete(path, value) => match path.find(item) {
                None => Ok(Change::Nothing),
                Some(old) => Ok(delete(old, value)?.map_or(Change::Remove, Change::Put)),
            },
        }
    }
}

impl Source {
    fn value(&self, item: &Item) -> Result<Attribute, Fault> {
        match self {
            Self::Path(path) => path.find(item).cloned().ok_or_else(|| {
                Fault::validation(
                    "The provided expression refers to an attribute that does not exist in the item",
                )
            }),
            Self::Value(value) => Ok(value.clone()),
            Self::Plus(left, right) => left
                .number(item)?
                .add(&right.number(item)?)
                .map(Attribute::N),
            Self::Minus(left, right) => left
                .number(item)?
                .subtract(&right.number(item)?)
                .map(Attribute::N),
            Self::IfNotExists(path, other) => match path.find(item) {
                Some(value) => Ok(value.clone()),
                None => other.value(item),
            },
            Self::ListAppend(first, second) => {
                let mut list = first.list(item)?;
                list.extend(second.list(item)?);
                Ok(Attribute::L(list))
            }
        }
    }

    fn number(&self, item: &Item) -> Result<Number, Fault> {
        match self.value(item)? {
            Attribute::N(number) => Ok(number),
            _ => Err(wrong_type()),
        }
    }

    fn list(&self, item: &Item) -> Result<Vec<Attribute>, Fault> {
        match self.value(item)? {
            Attribute::L(list) => Ok(list),
            _ => Err(wrong_type()),
        }
    }
}

fn add(old: &Attribute, value: &Attribute) -> Result<Attribute, Fault> {
    Ok(match (old, value) {
        (Attribute::N(old), Attribute::N(value)) => Attribute::N(old.add(value)?),
        (Attribute::Ss(old), Attribute::Ss(value)) => Attribute::Ss(old | value),
        (Attribute::Ns(old), Attribute::Ns(value)) => Attribute::Ns(old | value),
        (Attribute::Bs(old), Attribute::Bs(value)) => Attribute::Bs(old | value),
        _ => return Err(wrong_type()),
    })
}

/// What is left; a set never becomes empty, it goes.
fn delete(old: &Attribute, value: &Attribute) -> Result<Option<Attribute>, Fault> {
    let left = match (old, value) {
        (Attribute::Ss(old), Attribute::Ss(value)) => Attribute::Ss(old - value),
        (Attribute::Ns(old), Attribute::Ns(value)) => Attribute::Ns(old - value),
        (Attribute::Bs(old), Attribute::Bs(value)) => Attribute::Bs(old - value),
        _ => return Err(wrong_type()),
    };
    let is_empty = match &left {
        Attribute::Ss(set) => set.is_empty(),
        Attribute::Ns(set) => set.is_empty(),
        Attribute::Bs(set) => set.is_empty(),
        _ => false,
    };
    Ok((!is_empty).then_some(left))
}

/// Puts a value in its place; gives it back when it belongs to the end of a list.
fn put(item: &mut Item, path: &Path, value: Attribute) -> Result<Option<Attribute>, Fault> {
    let Some(end) = path.rest().last() else {
        item.insert(path.head().to_owned(), value);
        return Ok(None);
    };
    match (path.find_parent_mut(item), end) {
        (Some(Attribute::M(map)), Element::Name(name)) => {
            map.insert(name.clone(), value);
            Ok(None)
        }
        (Some(Attribute::L(list)), Element::Index(index)) => match list.get_mut(*index) {
            None => Ok(Some(value)),
            Some(slot) => {
                *slot = value;
                Ok(None)
            }
        },
        _ => Err(wrong_path()),
    }
}

fn check_parent<'p>(item: &mut Item, path: &'p Path) -> Result<&'p Path, Fault> {
    if path.is_nested() && path.find_parent_mut(item).is_none() {
        return Err(wrong_path());
    }
    Ok(path)
}

/// Elements set beyond the end of a list follow each other in the order of their indexes.
fn append(item: &mut Item, mut appended: Vec<(&Path, Attribute)>) {
    appended.sort_by_key(|(path, _)| *path);
    for (path, value) in appended {
        if let Some(Attribute::L(list)) = path.find_parent_mut(item) {
            list.push(value);
        }
    }
}

/// From the last index to the first, so that each still means the list as it was.
fn remove(item: &mut Item, mut removed: Vec<&Path>) {
    removed.sort_by(|one, two| two.cmp(one));
    for path in removed {
        let Some(end) = path.rest().last() else {
            item.remove(path.head());
            continue;
        };
        match (path.find_parent_mut(item), end) {
            (Some(Attribute::M(map)), Element::Name(name)) => {
                map.remove(name);
            }
            (Some(Attribute::L(list)), Element::Index(index)) if *index < list.len() => {
                list.remove(*index);
            }
            _ => (),
        }
    }
}

fn wrong_type() -> Fault {
    Fault::validation("An operand in the update expression has an incorrect data type")
}

fn wrong_path() -> Fault {
    Fault::validation("The document path provided in the update expression is invalid for update")
}
