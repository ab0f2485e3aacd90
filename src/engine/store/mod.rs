//! The only place that names fjall: ordered bytes on shelves, and commits that are all or nothing.
//!
//! Knows no table, stream or queue; `keys` and `codec` say what the bytes mean.

use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

pub mod codec;
pub mod frozen;
pub mod keys;

/// Where bytes are kept. Every shelf is ordered by key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shelf {
    /// Small documents: the control plane's state, counters.
    Documents,
    Items,
    Indexes,
    Records,
    Logs,
    Messages,
    Code,
    Checkpoints,
}

const SHELVES: [(Shelf, &str); 8] = [
    (Shelf::Documents, "documents"),
    (Shelf::Items, "items"),
    (Shelf::Indexes, "indexes"),
    (Shelf::Records, "records"),
    (Shelf::Logs, "logs"),
    (Shelf::Messages, "messages"),
    (Shelf::Code, "code"),
    (Shelf::Checkpoints, "checkpoints"),
];

/// How much an acknowledged write survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// The process being killed at any instant.
    #[default]
    Process,
    /// Loss of power as well: every commit is synced.
    Power,
}

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(
        "the data folder {0} is open in another Waterwheel; close that one or choose another folder"
    )]
    Locked(PathBuf),
    #[error(
        "the data folder {0} cannot be written: {1}; check its permissions or choose another folder"
    )]
    NotWritable(PathBuf, std::io::Error),
    #[error("the data folder {0} cannot be read: {1}; move it away to start with an empty one")]
    Damaged(PathBuf, String),
}

/// Reading or writing failed below us: the disk is full, a file was taken away.
#[derive(Debug, thiserror::Error)]
#[error("the data folder could not be read or written: {0}")]
pub struct StoreError(String);

impl From<fjall::Error> for StoreError {
    fn from(error: fjall::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<StoreError> for super::call::Fault {
    fn from(error: StoreError) -> Self {
        Self::internal(error.to_string())
    }
}

/// Writes that happen together or not at all.
#[derive(Debug, Default)]
pub struct Commit {
    writes: Vec<(Shelf, Vec<u8>, Option<Vec<u8>>)>,
}

impl Commit {
    pub fn put(&mut self, shelf: Shelf, key: Vec<u8>, value: Vec<u8>) {
        self.writes.push((shelf, key, Some(value)));
    }

    pub fn remove(&mut self, shelf: Shelf, key: Vec<u8>) {
        self.writes.push((shelf, key, None));
    }

    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }
}

pub type Pair = (Vec<u8>, Vec<u8>);

/// A data folder. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    database: Database,
    shelves: Arc<[Keyspace]>,
    durability: Durability,
    folder: PathBuf,
    /// Holds the folder of a world that is not kept; removed with the last clone.
    temporary: Option<Arc<tempfile::TempDir>>,
}

impl Store {
    /// Opens or makes the folder; `None` keeps everything in a temporary one that goes with the store.
    pub fn open(folder: Option<&Path>, durability: Durability) -> Result<Self, OpenError> {
        let (folder, temporary) = if let Some(folder) = folder {
            (folder.to_owned(), None)
        } else {
            let made = tempfile::tempdir()
                .map_err(|error| OpenError::NotWritable(std::env::temp_dir(), error))?;
            (made.path().to_owned(), Some(Arc::new(made)))
        };
        std::fs::create_dir_all(&folder)
            .map_err(|error| OpenError::NotWritable(folder.clone(), error))?;
        let failed = |error: fjall::Error| match error {
            fjall::Error::Locked => OpenError::Locked(folder.clone()),
            fjall::Error::Io(error) => OpenError::NotWritable(folder.clone(), error),
            other => OpenError::Damaged(folder.clone(), other.to_string()),
        };
        let database = Database::builder(&folder).open().map_err(failed)?;
        let shelves = SHELVES
            .iter()
            .map(|(_, name)| database.keyspace(name, KeyspaceCreateOptions::default))
            .collect::<Result<Vec<_>, _>>()
            .map_err(failed)?;
        Ok(Self {
            database,
            shelves: shelves.into(),
            durability,
            folder,
            temporary,
        })
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether the folder goes away with the store.
    pub fn is_temporary(&self) -> bool {
        self.temporary.is_some()
    }

    /// Bytes on disk, roughly.
    pub fn disk_bytes(&self) -> u64 {
        self.database.disk_space().unwrap_or(0)
    }

    pub fn commit(&self, commit: Commit) -> Result<(), StoreError> {
        let mut batch = self
            .database
            .batch()
            .durability(Some(match self.durability {
                Durability::Process => PersistMode::Buffer,
                Durability::Power => PersistMode::SyncData,
            }));
        for (shelf, key, value) in commit.writes {
            let keyspace = self.keyspace(shelf);
            match value {
                Some(value) => batch.insert(keyspace, key, value),
                None => batch.remove(keyspace, key),
            }
        }
        Ok(batch.commit()?)
    }

    pub fn put(&self, shelf: Shelf, key: Vec<u8>, value: Vec<u8>) -> Result<(), StoreError> {
        let mut commit = Commit::default();
        commit.put(shelf, key, value);
        self.commit(commit)
    }

    pub fn remove(&self, shelf: Shelf, key: Vec<u8>) -> Result<(), StoreError> {
        let mut commit = Commit::default();
        commit.remove(shelf, key);
        self.commit(commit)
    }

    pub fn get(&self, shelf: Shelf, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.keyspace(shelf).get(key)?.map(|value| value.to_vec()))
    }

    /// Visits pairs in key order (or the reverse) until `visit` returns false or the range ends.
    pub fn scan(
        &self,
        shelf: Shelf,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        reverse: bool,
        mut visit: impl FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), StoreError> {
        if is_empty(&range) {
            return Ok(());
        }
        let found = self.keyspace(shelf).range::<&[u8], _>(range);
        let mut see = |guard: fjall::Guard| -> Result<bool, StoreError> {
            let (key, value) = guard.into_inner()?;
            Ok(visit(&key, &value))
        };
        if reverse {
            for guard in found.rev() {
                if !see(guard)? {
                    break;
                }
            }
        } else {
            for guard in found {
                if !see(guard)? {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Up to `limit` pairs whose keys begin with `prefix`.
    pub fn list(&self, shelf: Shelf, prefix: &[u8], limit: usize) -> Result<Vec<Pair>, StoreError> {
        let mut pairs = Vec::new();
        let end = prefix_end(prefix);
        let upper = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        if limit > 0 {
            self.scan(
                shelf,
                (Bound::Included(prefix), upper),
                false,
                |key, value| {
                    pairs.push((key.to_vec(), value.to_vec()));
                    pairs.len() < limit
                },
            )?;
        }
        Ok(pairs)
    }

    /// Removes every key that begins with `prefix`, a few thousand to a commit.
    pub fn clear(&self, shelf: Shelf, prefix: &[u8]) -> Result<(), StoreError> {
        const AT_ONCE: usize = 4096;
        loop {
            let pairs = self.list(shelf, prefix, AT_ONCE)?;
            let last = pairs.len() < AT_ONCE;
            let mut commit = Commit::default();
            for (key, _) in pairs {
                commit.remove(shelf, key);
            }
            self.commit(commit)?;
            if last {
                return Ok(());
            }
        }
    }

    fn keyspace(&self, shelf: Shelf) -> &Keyspace {
        let at = SHELVES
            .iter()
            .position(|(it, _)| *it == shelf)
            .unwrap_or_default();
        &self.shelves[at]
    }
}

/// The first key after every key with this prefix; `None` when there is no such key.
pub fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return Some(end);
        }
    }
    None
}

fn is_empty(range: &(Bound<&[u8]>, Bound<&[u8]>)) -> bool {
    match range {
        (Bound::Included(from), Bound::Included(to)) => from > to,
        (Bound::Included(from), Bound::Excluded(to))
        | (Bound::Excluded(from), Bound::Included(to) | Bound::Excluded(to)) => from >= to,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_open_of_the_same_folder_says_that_it_is_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let _first = Store::open(Some(folder.path()), Durability::Process).unwrap();
        let second = Store::open(Some(folder.path()), Durability::Process);
        assert!(matches!(second, Err(OpenError::Locked(_))));
    }

    #[test]
    fn what_was_committed_is_there_after_a_reopen() {
        let folder = tempfile::tempdir().unwrap();
        {
            let store = Store::open(Some(folder.path()), Durability::Process).unwrap();
            let mut commit = Commit::default();
            commit.put(Shelf::Items, b"a1".to_vec(), b"x".to_vec());
            commit.put(Shelf::Records, b"r".to_vec(), b"y".to_vec());
            store.commit(commit).unwrap();
        }
        let store = Store::open(Some(folder.path()), Durability::Process).unwrap();
        assert_eq!(store.get(Shelf::Items, b"a1").unwrap().unwrap(), b"x");
        assert_eq!(store.list(Shelf::Records, b"", 10).unwrap().len(), 1);
        store.clear(Shelf::Items, b"a").unwrap();
        assert!(store.get(Shelf::Items, b"a1").unwrap().is_none());
    }

    #[test]
    fn the_end_of_a_prefix_carries_over() {
        assert_eq!(prefix_end(&[1, 255]), Some(vec![2]));
        assert_eq!(prefix_end(&[255]), None);
    }
}
