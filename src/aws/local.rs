//! What only the cloud inside this process can do.

use crate::engine::Engine;

#[derive(Clone)]
pub struct Local {
    engine: Engine,
}

impl Local {
    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }
}
