//! The control plane's state to and from the data folder, as one document.

use super::call::Fault;
use super::state::State;
use super::store::{OpenError, Shelf, Store};

const KEY: &[u8] = b"state";

pub fn save(store: &Store, state: &State) -> Result<(), Fault> {
    let bytes = serde_json::to_vec(state).map_err(|error| Fault::internal(error.to_string()))?;
    Ok(store.put(Shelf::Documents, KEY.to_vec(), bytes)?)
}

/// An empty state where nothing was saved yet.
pub fn load(store: &Store) -> Result<State, OpenError> {
    let damaged = |reason: String| OpenError::Damaged(store.folder().to_owned(), reason);
    let saved = store
        .get(Shelf::Documents, KEY)
        .map_err(|error| damaged(error.to_string()))?;
    match saved {
        None => Ok(State::default()),
        Some(bytes) => serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string())),
    }
}
