//! The store as it was at one moment, whatever is written since.

use std::ops::Bound;

use fjall::{Readable as _, Snapshot};

use super::{Shelf, Store, StoreError, prefix_end};

/// Costs nothing to take; what is deleted meanwhile stays on disk as long as it is held.
pub struct Frozen {
    snapshot: Snapshot,
    store: Store,
}

impl Store {
    /// The store as it is now.
    pub fn frozen(&self) -> Frozen {
        Frozen {
            snapshot: self.database.snapshot(),
            store: self.clone(),
        }
    }
}

impl Frozen {
    /// Visits pairs whose keys begin with `prefix` in their order, or the reverse, until `visit` returns false.
    pub fn scan(
        &self,
        shelf: Shelf,
        prefix: &[u8],
        reverse: bool,
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        let end = prefix_end(prefix);
        let end = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let range = (Bound::Included(prefix), end);
        let Some(keyspace) = self.store.keyspace(shelf) else {
            return Ok(());
        };
        let mut pairs = self.snapshot.range::<&[u8], _>(keyspace, range);
        while let Some(guard) = if reverse {
            pairs.next_back()
        } else {
            pairs.next()
        } {
            let (key, value) = guard.into_inner()?;
            if !visit(&key, &value)? {
                break;
            }
        }
        Ok(())
    }
}
