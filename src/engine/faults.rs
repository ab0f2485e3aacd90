//! Injected faults by rule and seed: they act before or after a call, never inside.

/// The rules in force.
#[derive(Default)]
pub struct Faults;
