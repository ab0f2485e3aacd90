//! The only place that names fjall: ordered bytes on shelves, and commits that are all or nothing.
//!
//! Knows no table, stream or queue; `keys` and `codec` say what the bytes mean.

use std::fs::{File, TryLockError};
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use smallvec::SmallVec;

pub mod codec;
pub mod frozen;
pub mod keys;
mod sync;
pub mod text;
mod warm;

use sync::Syncs;
pub use warm::Shared;
use warm::{Span, Warm};

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
    Objects,
    Stories,
}

const SHELVES: [(Shelf, &str); 10] = [
    (Shelf::Documents, "documents"),
    (Shelf::Items, "items"),
    (Shelf::Indexes, "indexes"),
    (Shelf::Records, "records"),
    (Shelf::Logs, "logs"),
    (Shelf::Messages, "messages"),
    (Shelf::Code, "code"),
    (Shelf::Checkpoints, "checkpoints"),
    (Shelf::Objects, "objects"),
    (Shelf::Stories, "stories"),
];

/// Bytes of a shelf that are in the journal alone. What is there must be read again when a folder is opened after
/// the process was killed.
const UNSORTED_MAX: u64 = 16 * 1024 * 1024;
/// Bytes of journals after which old shelves are sorted so that a journal can go.
const JOURNALS_MAX: u64 = 64 * 1024 * 1024;

/// Always locked in this order.
const WARM: [Shelf; 2] = [Shelf::Items, Shelf::Indexes];
/// Bytes of a scan after which it is too large to be kept in memory.
const KEPT_MAX: usize = 256 * 1024;

/// How much an acknowledged write survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// The process being killed at any instant.
    #[default]
    Process,
    /// Loss of power as well: what is answered is synced, many commits at once. See [`Store::safe`].
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
    writes: SmallVec<[(Shelf, Shared, Option<Shared>); 4]>,
}

impl Commit {
    pub fn put(&mut self, shelf: Shelf, key: impl Into<Shared>, value: impl Into<Shared>) {
        self.writes.push((shelf, key.into(), Some(value.into())));
    }

    pub fn remove(&mut self, shelf: Shelf, key: impl Into<Shared>) {
        self.writes.push((shelf, key.into(), None));
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
    /// Each is made with its first write: to make them all takes longer than everything else an empty folder needs.
    shelves: Arc<[OnceLock<Keyspace>]>,
    /// Of the shelves that are read by key and range: items, indexes.
    warm: Arc<[(Shelf, Warm)]>,
    /// With [`Durability::Power`].
    syncs: Option<Arc<Syncs>>,
    folder: PathBuf,
    /// Ours for longer than the database holds its own: see [`Self::close`].
    lock: Arc<File>,
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
        let lock = Arc::new(lock(&folder)?);
        let failed = |error: fjall::Error| match error {
            fjall::Error::Locked => OpenError::Locked(folder.clone()),
            fjall::Error::Io(error) => OpenError::NotWritable(folder.clone(), error),
            other => OpenError::Damaged(folder.clone(), other.to_string()),
        };
        // Of two workers the first would do nothing but ask for work while the second sorts.
        let builder = Database::builder(&folder)
            .max_journaling_size(JOURNALS_MAX)
            .worker_threads(1);
        let database = builder.open().map_err(failed)?;
        let shelves = SHELVES.iter().map(|(_, name)| {
            let is_there = database.keyspace_exists(name);
            let known = is_there.then(|| database.keyspace(name, options));
            Ok(known
                .transpose()?
                .map_or_else(OnceLock::new, OnceLock::from))
        });
        let shelves = shelves.collect::<Result<Vec<_>, _>>().map_err(failed)?;
        Ok(Self {
            database,
            shelves: shelves.into(),
            warm: WARM.map(|shelf| (shelf, Warm::default())).into(),
            syncs: (durability == Durability::Power).then(Arc::default),
            folder,
            lock,
            temporary,
        })
    }

    /// Begins to sort everything away, so that the folder opens fast; without it nothing is lost either.
    pub fn settle(&self) -> Result<(), StoreError> {
        for shelf in self.made().filter(|_| !self.is_temporary()) {
            shelf.rotate_memtable()?;
        }
        Ok(())
    }

    /// Whether that is done.
    pub fn is_settled(&self) -> bool {
        self.made().all(|it| it.sealed_memtable_count() == 0)
    }

    /// Closes a settled folder for good. Does nothing while somebody else holds the store.
    pub fn close(self) -> Result<(), StoreError> {
        if self.is_temporary() || Arc::strong_count(&self.shelves) > 1 || !self.is_settled() {
            return Ok(());
        }
        // Nobody may open the folder before its journals are what they have to be.
        let (folder, lock) = (self.folder.clone(), Arc::clone(&self.lock));
        drop(self);
        // Everything in the journals is in the shelves now. The youngest must stay, as an empty one:
        // where a journal is, commits are numbered from the last one on.
        let done = journals(&folder).and_then(|journals| match journals.split_last() {
            None => Ok(()),
            Some((youngest, others)) => {
                File::create(youngest)?.sync_all()?;
                others.iter().try_for_each(std::fs::remove_file)
            }
        });
        drop(lock);
        done.map_err(|error| StoreError(error.to_string()))
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
        for (shelf, ..) in commit.writes.iter().filter(|it| it.2.is_some()) {
            self.make(*shelf)?;
        }
        let mut batch = self.database.batch().durability(Some(PersistMode::Buffer));
        let is_touched = |shelf: Shelf| commit.writes.iter().any(|it| it.0 == shelf);
        let warm = self.warm.iter().filter(|(shelf, _)| is_touched(*shelf));
        let warm = warm.map(|(shelf, warm)| (*shelf, warm.lock()));
        let mut warm: SmallVec<[_; WARM.len()]> = warm.collect();
        let mut changed: SmallVec<[_; 2]> = SmallVec::new();
        for (shelf, key, value) in commit.writes {
            let Some(keyspace) = self.keyspace(shelf) else {
                // There is nothing to remove.
                continue;
            };
            if WARM.contains(&shelf) {
                changed.push((shelf, key.clone(), value.clone()));
            }
            match value {
                Some(value) => batch.insert(keyspace, key, value),
                None => batch.remove(keyspace, key),
            }
        }
        let result = batch.commit();
        if let Some(syncs) = &self.syncs {
            syncs.committed();
        }
        for (shelf, kept) in &mut warm {
            if result.is_err() {
                kept.forget();
            }
            for (_, key, value) in changed.iter().filter(|it| it.0 == *shelf) {
                kept.changed(key, value.as_ref());
            }
        }
        Ok(result?)
    }

    /// Resolves when everything committed so far survives what [`Durability`] promises. No answer may leave earlier,
    /// one that only read included.
    pub async fn safe(&self) -> Result<(), StoreError> {
        let Some(syncs) = &self.syncs else {
            return Ok(());
        };
        let sync = || async {
            let folder = self.folder.clone();
            let done = tokio::task::spawn_blocking(move || sync::sync_journal(&folder)).await;
            done.unwrap_or_else(|error| Err(std::io::Error::other(error)))
        };
        let result = syncs.wait(sync).await;
        result.map_err(|error| StoreError(error.to_string()))
    }

    pub fn put(
        &self,
        shelf: Shelf,
        key: impl Into<Shared>,
        value: impl Into<Shared>,
    ) -> Result<(), StoreError> {
        let mut commit = Commit::default();
        commit.put(shelf, key, value);
        self.commit(commit)
    }

    pub fn remove(&self, shelf: Shelf, key: impl Into<Shared>) -> Result<(), StoreError> {
        let mut commit = Commit::default();
        commit.remove(shelf, key);
        self.commit(commit)
    }

    pub fn get(&self, shelf: Shelf, key: &[u8]) -> Result<Option<Shared>, StoreError> {
        let Some(warm) = self.warm(shelf) else {
            return self.get_cold(shelf, key);
        };
        let commits = match warm.get(key) {
            Ok(known) => return Ok(known),
            Err(commits) => commits,
        };
        let value = self.get_cold(shelf, key)?;
        // A key that is not there is seldom asked for twice.
        if let Some(value) = &value {
            warm.keep(key, value, commits);
        }
        Ok(value)
    }

    fn get_cold(&self, shelf: Shelf, key: &[u8]) -> Result<Option<Shared>, StoreError> {
        match self.keyspace(shelf) {
            Some(keyspace) => Ok(keyspace.get(key)?),
            None => Ok(None),
        }
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
        let (Some(warm), Some(mut span)) = (self.warm(shelf), span(&range)) else {
            return self.scan_cold(shelf, range, reverse, visit);
        };
        while let Some(pairs) = warm.take(&mut span, reverse) {
            if !pairs.iter().all(|(key, value)| visit(key, value)) || span.0 >= span.1 {
                return Ok(());
            }
        }
        let scan = warm.begin();
        let mut seen: Vec<(Shared, Shared)> = Vec::new();
        let mut bytes = 0;
        let mut stopped = None;
        let bounds = (Bound::Included(&*span.0), Bound::Excluded(&*span.1));
        let result = self.scan_cold(shelf, bounds, reverse, |key, value| {
            bytes += key.len() + value.len();
            if bytes <= KEPT_MAX {
                seen.push((key.into(), value.into()));
            }
            let goes_on = visit(key, value);
            if !goes_on {
                stopped = Some(key.to_vec());
            }
            goes_on
        });
        match stopped {
            Some(key) if reverse => span.0 = key,
            Some(key) => span.1 = warm::after(&key),
            None => (),
        }
        let is_worth_it = result.is_ok() && bytes <= KEPT_MAX;
        warm.end(scan, is_worth_it.then_some((span, seen)));
        result
    }

    /// The same, from what lies on disk and what was written lately.
    fn scan_cold(
        &self,
        shelf: Shelf,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        reverse: bool,
        mut visit: impl FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), StoreError> {
        let Some(keyspace) = self.keyspace(shelf) else {
            return Ok(());
        };
        let found = keyspace.range::<&[u8], _>(range);
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

    /// `None` where nothing was ever written.
    fn keyspace(&self, shelf: Shelf) -> Option<&Keyspace> {
        // The order of `SHELVES` is the order of the variants; a test says so.
        self.shelves[shelf as usize].get()
    }

    fn make(&self, shelf: Shelf) -> Result<(), StoreError> {
        if self.keyspace(shelf).is_none() {
            let at = shelf as usize;
            // Whoever makes it at the same time gets the same one.
            let made = self.database.keyspace(SHELVES[at].1, options)?;
            self.shelves[at].get_or_init(|| made);
        }
        Ok(())
    }

    fn made(&self) -> impl Iterator<Item = &Keyspace> {
        self.shelves.iter().filter_map(OnceLock::get)
    }

    fn warm(&self, shelf: Shelf) -> Option<&Warm> {
        let found = self.warm.iter().find(|(it, _)| *it == shelf);
        found.map(|(_, warm)| warm)
    }
}

fn options() -> KeyspaceCreateOptions {
    KeyspaceCreateOptions::default().max_memtable_size(UNSORTED_MAX)
}

/// Takes the folder for this process until the file is dropped.
fn lock(folder: &Path) -> Result<File, OpenError> {
    let not_writable = |error| OpenError::NotWritable(folder.to_owned(), error);
    let mut options = File::options();
    let options = options.create(true).truncate(false).write(true);
    let file = options
        .open(folder.join("waterwheel.lock"))
        .map_err(not_writable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked(folder.to_owned())),
        Err(TryLockError::Error(error)) => Err(not_writable(error)),
    }
}

/// The journals of a closed folder, oldest first.
fn journals(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for file in std::fs::read_dir(folder)? {
        let path = file?.path();
        let number = path
            .file_stem()
            .and_then(|it| it.to_str()?.parse::<u64>().ok());
        if let (Some(number), Some("jnl")) = (number, path.extension().and_then(|it| it.to_str())) {
            found.push((number, path));
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// The bounds as a first key and the key before which the range ends; `None` without an end.
fn span((from, to): &(Bound<&[u8]>, Bound<&[u8]>)) -> Option<Span> {
    let from = match from {
        Bound::Included(key) => key.to_vec(),
        Bound::Excluded(key) => warm::after(key),
        Bound::Unbounded => Vec::new(),
    };
    match to {
        Bound::Included(key) => Some((from, warm::after(key))),
        Bound::Excluded(key) => Some((from, key.to_vec())),
        Bound::Unbounded => None,
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
mod tests;
