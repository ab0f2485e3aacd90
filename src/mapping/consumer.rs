//! What to do next on one shard. Pure: no async, no clock, no log.

/// Decides, never does.
pub struct ShardConsumer;

/// What to do next.
pub enum Step {}
