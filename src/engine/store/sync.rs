//! Commits that survive loss of power: many share one sync of the journal.
//!
//! Commits only reach the operating system. Before an answer leaves, everything that was committed until then is
//! synced: one of those who wait does it for all, while others go on committing for the next one.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::journals;

/// How far the journal is synced.
#[derive(Default)]
pub(super) struct Syncs {
    committed: AtomicU64,
    synced: AtomicU64,
    /// A disk that failed once may lie afterwards.
    failed: AtomicBool,
    turn: tokio::sync::Mutex<()>,
}

impl Syncs {
    /// To be called after every commit.
    pub(super) fn committed(&self) {
        self.committed.fetch_add(1, Ordering::AcqRel);
    }

    /// Resolves once everything that is committed now would survive; `sync` must make it so.
    pub(super) async fn wait<F: Future<Output = std::io::Result<()>>>(
        &self,
        sync: impl Fn() -> F,
    ) -> std::io::Result<()> {
        let wanted = self.committed.load(Ordering::Acquire);
        if self.synced.load(Ordering::Acquire) < wanted {
            let _turn = self.turn.lock().await;
            if self.synced.load(Ordering::Acquire) < wanted && !self.failed.load(Ordering::Acquire)
            {
                let until = self.committed.load(Ordering::Acquire);
                match sync().await {
                    Ok(()) => self.synced.store(until, Ordering::Release),
                    Err(error) => {
                        self.failed.store(true, Ordering::Release);
                        return Err(error);
                    }
                }
            }
        }
        if self.failed.load(Ordering::Acquire) {
            return Err(std::io::Error::other("the disk failed before"));
        }
        Ok(())
    }
}

/// Syncs the youngest journal of an open folder. Older ones were synced before it was begun. Not through the store,
/// which would let nobody commit meanwhile.
pub(super) fn sync_journal(folder: &Path) -> std::io::Result<()> {
    let youngest = journals(folder)?.pop();
    let journal = youngest.ok_or_else(|| std::io::Error::other("the folder has no journal"))?;
    let file = std::fs::OpenOptions::new().append(true).open(journal)?;
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn one_sync_serves_everybody_who_waits_for_it() {
        let (syncs, count) = (Syncs::default(), Cell::new(0));
        let sync = || async {
            count.set(count.get() + 1);
            tokio::task::yield_now().await;
            Ok(())
        };
        syncs.wait(sync).await.unwrap();
        assert_eq!(count.get(), 0, "nothing was committed");
        let commit = || async {
            syncs.committed();
            syncs.wait(sync).await
        };
        let (a, b, c, d) = tokio::join!(commit(), commit(), commit(), commit());
        assert!(a.and(b).and(c).and(d).is_ok());
        assert_eq!(count.get(), 2, "the first alone, then the others together");
        syncs.wait(sync).await.unwrap();
        assert_eq!(count.get(), 2);
    }

    #[tokio::test]
    async fn nothing_is_promised_after_a_disk_failed() {
        let syncs = Syncs::default();
        syncs.committed();
        let fails = || async { Err(std::io::Error::other("no space")) };
        assert!(syncs.wait(fails).await.is_err());
        assert!(syncs.wait(|| async { Ok(()) }).await.is_err());
    }
}
