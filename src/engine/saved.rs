//! The control plane's state to and from the data folder, as one document.

use super::call::{Account, Fault};
use super::state::State;
use super::store::{OpenError, Shelf, Store};

const KEY: &[u8] = b"state";

pub fn save(store: &Store, state: &State) -> Result<(), Fault> {
    let bytes = serde_json::to_vec(state).map_err(|error| Fault::internal(error.to_string()))?;
    Ok(store.put(Shelf::Documents, KEY.to_vec(), bytes)?)
}

/// Account of the worlds whose folders do not say it.
const FORMER_ACCOUNT: &str = "000000000000";

/// What was saved, or an empty state of this account. A world keeps the account it began with.
pub fn load(store: &Store, account: &Account) -> Result<State, OpenError> {
    let damaged = |reason: String| OpenError::Damaged(store.folder().to_owned(), reason);
    let saved = store
        .get(Shelf::Documents, KEY)
        .map_err(|error| damaged(error.to_string()))?;
    match saved {
        None => Ok(State {
            account: Some(account.clone()),
            ..State::default()
        }),
        Some(bytes) => {
            let mut state: State =
                serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
            state.account.get_or_insert_with(|| Account {
                id: FORMER_ACCOUNT.to_owned(),
                ..account.clone()
            });
            Ok(state)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::store::Durability;

    fn account(id: &str) -> Account {
        Account {
            id: id.to_owned(),
            region: "eu-west-1".to_owned(),
        }
    }

    #[test]
    fn a_world_keeps_the_account_it_began_with() {
        let store = Store::open(None, Durability::Process).unwrap();
        let state = load(&store, &account("123456789012")).unwrap();
        save(&store, &state).unwrap();
        let again = load(&store, &account("999999999999")).unwrap();
        assert_eq!(again.account, Some(account("123456789012")));
    }

    #[test]
    fn a_folder_that_does_not_say_its_account_is_of_the_former_one() {
        let store = Store::open(None, Durability::Process).unwrap();
        store
            .put(Shelf::Documents, KEY.to_vec(), b"{}".to_vec())
            .unwrap();
        let state = load(&store, &account("123456789012")).unwrap();
        assert_eq!(state.account, Some(account("000000000000")));
    }
}
