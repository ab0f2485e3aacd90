//! Objects in the store: what is known of each, and its bytes, under the bucket's number.

use std::ops::Bound;

use super::meta::Meta;
use crate::engine::call::Fault;
use crate::engine::store::{Commit, Shelf, Store, StoreError, prefix_end};

/// What is known of an object, as JSON.
const META: u8 = 0;
const BYTES: u8 = 1;
/// Bytes before the name in a key.
const HEAD: usize = 9;

/// One entry of a listing.
#[derive(Debug, PartialEq)]
pub(super) enum Entry {
    Object(String, Meta),
    /// All names that begin so, up to and with a delimiter.
    Group(String),
}

impl Entry {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Object(name, _) | Self::Group(name) => name,
        }
    }
}

/// Where a listing goes on.
#[derive(Clone, Copy, Debug)]
pub(super) enum After<'a> {
    /// Behind this name.
    Name(&'a str),
    /// Behind every name that begins so.
    Group(&'a str),
}

/// Which entries are wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) prefix: &'a str,
    /// Not empty.
    pub(super) delimiter: Option<&'a str>,
    pub(super) after: Option<After<'a>>,
    pub(super) most: usize,
}

pub(super) fn put(
    store: &Store,
    bucket: u64,
    name: &str,
    meta: &Meta,
    bytes: &[u8],
) -> Result<(), Fault> {
    let text = serde_json::to_vec(meta).map_err(|error| Fault::internal(error.to_string()))?;
    let mut commit = Commit::default();
    commit.put(Shelf::Objects, key(bucket, META, name), text);
    commit.put(Shelf::Objects, key(bucket, BYTES, name), bytes.to_vec());
    Ok(store.commit(commit)?)
}

pub(super) fn meta(store: &Store, bucket: u64, name: &str) -> Result<Option<Meta>, Fault> {
    let text = store.get(Shelf::Objects, &key(bucket, META, name))?;
    text.map(|text| read(&text)).transpose()
}

pub(super) fn bytes(store: &Store, bucket: u64, name: &str) -> Result<Vec<u8>, Fault> {
    let bytes = store.get(Shelf::Objects, &key(bucket, BYTES, name))?;
    let bytes = bytes.map(|it| it.to_vec());
    bytes.ok_or_else(|| Fault::internal(format!("the bytes of the object {name} are missing")))
}

/// Removes what is there of these names, all at once.
pub(super) fn remove<'a>(
    store: &Store,
    bucket: u64,
    names: impl IntoIterator<Item = &'a str>,
) -> Result<(), StoreError> {
    let mut commit = Commit::default();
    for name in names {
        commit.remove(Shelf::Objects, key(bucket, META, name));
        commit.remove(Shelf::Objects, key(bucket, BYTES, name));
    }
    store.commit(commit)
}

pub(super) fn is_empty(store: &Store, bucket: u64) -> Result<bool, StoreError> {
    let any = store.list(Shelf::Objects, &bucket.to_be_bytes(), 1)?;
    Ok(any.is_empty())
}

/// Entries in the order of their bytes, and whether there are more. Reads nothing of what a group stands for but its
/// first name.
pub(super) fn list(
    store: &Store,
    bucket: u64,
    wanted: Wanted<'_>,
) -> Result<(Vec<Entry>, bool), Fault> {
    let start = key(bucket, META, wanted.prefix);
    let Some(end) = prefix_end(&start) else {
        return Ok((Vec::new(), false));
    };
    let from = match wanted.after {
        None => None,
        Some(After::Name(name)) => Some(Bound::Excluded(key(bucket, META, name))),
        Some(After::Group(group)) => prefix_end(&key(bucket, META, group)).map(Bound::Included),
    };
    let mut from = match from {
        Some(Bound::Included(key) | Bound::Excluded(key)) if key < start => Bound::Included(start),
        Some(from) => from,
        None => Bound::Included(start),
    };
    let mut found: Vec<Result<Entry, Fault>> = Vec::new();
    while found.len() <= wanted.most {
        let mut behind = None;
        let lower = from.as_ref().map(Vec::as_slice);
        let range = (lower, Bound::Excluded(end.as_slice()));
        store.scan(Shelf::Objects, range, false, |key, text| {
            let name = String::from_utf8_lossy(&key[HEAD..]);
            if let Some(group) = group(&name, wanted) {
                behind = prefix_end(&key[..HEAD + group.len()]);
                found.push(Ok(Entry::Group(group.to_owned())));
                return false;
            }
            found.push(read(text).map(|meta| Entry::Object(name.into_owned(), meta)));
            found.len() <= wanted.most
        })?;
        match behind {
            Some(next) => from = Bound::Included(next),
            None => break,
        }
    }
    let is_truncated = found.len() > wanted.most;
    found.truncate(wanted.most);
    let found = found.into_iter().collect::<Result<_, _>>()?;
    Ok((found, is_truncated))
}

/// The name up to and with the first delimiter behind the prefix.
fn group<'a>(name: &'a str, wanted: Wanted<'_>) -> Option<&'a str> {
    let delimiter = wanted.delimiter?;
    let at = name.get(wanted.prefix.len()..)?.find(delimiter)?;
    name.get(..wanted.prefix.len() + at + delimiter.len())
}

fn key(bucket: u64, kind: u8, name: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(HEAD + name.len());
    key.extend_from_slice(&bucket.to_be_bytes());
    key.push(kind);
    key.extend_from_slice(name.as_bytes());
    key
}

fn read(text: &[u8]) -> Result<Meta, Fault> {
    serde_json::from_slice(text).map_err(|error| Fault::internal(error.to_string()))
}
