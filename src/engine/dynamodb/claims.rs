//! Items that ongoing transactions are at work on: others who want to change one of them meanwhile are refused.
//!
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html>

use std::collections::BTreeSet;

use parking_lot::Mutex;

use crate::engine::call::Fault;

/// Keys in the store of the items at work.
#[derive(Default)]
pub(super) struct Claims(Mutex<BTreeSet<Vec<u8>>>);

/// Given back when it is dropped.
pub(super) struct Claim<'a> {
    claims: &'a Claims,
    keys: BTreeSet<Vec<u8>>,
}

impl Claims {
    /// Claims all items, or none when others have claimed one; says for each whether it was free. An item without a
    /// proper key (`None`) is free.
    pub(super) fn claim(
        &self,
        keys: &[Option<Vec<u8>>],
    ) -> (Option<Claim<'_>>, Vec<Result<(), Fault>>) {
        let mut claimed = self.0.lock();
        let results: Vec<_> = keys
            .iter()
            .map(|key| match key {
                Some(key) if claimed.contains(key) => Err(conflict()),
                _ => Ok(()),
            })
            .collect();
        if results.iter().any(Result::is_err) {
            return (None, results);
        }
        let keys: BTreeSet<_> = keys.iter().flatten().cloned().collect();
        claimed.extend(keys.iter().cloned());
        (Some(Claim { claims: self, keys }), results)
    }

    /// Refuses an item that a transaction is at work on.
    pub(super) fn check(&self, key: &[u8]) -> Result<(), Fault> {
        if self.0.lock().contains(key) {
            return Err(conflict());
        }
        Ok(())
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let mut claimed = self.claims.0.lock();
        for key in &self.keys {
            claimed.remove(key);
        }
    }
}

fn conflict() -> Fault {
    Fault::new(
        400,
        "TransactionConflictException",
        "Transaction is ongoing for the item",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One for each name; `-` is an item without a key.
    fn keys(names: &[&str]) -> Vec<Option<Vec<u8>>> {
        let names = names.iter();
        names
            .map(|it| (*it != "-").then(|| it.as_bytes().to_vec()))
            .collect()
    }

    #[test]
    fn an_item_is_claimed_by_one_transaction_until_that_is_over() {
        let claims = Claims::default();
        let (first, free) = claims.claim(&keys(&["a", "-", "b", "a"]));
        assert!(first.is_some() && free.iter().all(Result::is_ok));
        let (second, free) = claims.claim(&keys(&["c", "b", "-"]));
        assert!(second.is_none());
        assert_eq!(free, [Ok(()), Err(conflict()), Ok(())]);
        assert_eq!(claims.check(b"a"), Err(conflict()));
        assert_eq!(claims.check(b"c"), Ok(()));
        drop(first);
        assert_eq!(claims.check(b"a"), Ok(()));
        assert!(claims.claim(&keys(&["b", "c"])).0.is_some());
    }
}
