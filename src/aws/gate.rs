//! Read-only connections: refuses every operation that would change something, below the console.

/// Begins every refusal.
pub const REFUSED: &str = "This connection is read-only";

/// Open or locked.
#[derive(Debug, Default)]
pub struct Gate;
