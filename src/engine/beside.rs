//! Slow work beside the runtime's own threads. Knows no work by name.

use super::Engine;
use super::call::Fault;

/// Where slow work is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Threads {
    /// On threads of its own, so that it holds nobody up.
    #[default]
    Many,
    /// Where it is asked for, so that a world on a runtime of one thread goes the same way each time. Functions in
    /// JavaScript and [`super::Durability::Power`] have threads all the same.
    One,
}

impl Engine {
    /// Does work where [`Threads`] says. `Err` when it panicked on a thread of its own.
    pub(super) async fn beside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Fault> {
        if self.0.options.threads == Threads::One {
            return Ok(work());
        }
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|error| Fault::internal(error.to_string()))
    }
}
