//! Event source mappings: what lies between a stream and a function.
//!
//! `consumer` decides, `poller` does; everything else here is plain data or pure.

pub mod answer;
pub mod assumed;
pub mod config;
pub mod consumer;
pub mod filter;
mod lineage;
pub mod pace;
mod payload;
pub mod poller;
pub mod progress;
pub mod record;
pub mod replay;
pub mod signal;
pub mod whatif;
pub mod window;
pub(crate) mod words;

pub use config::MappingConfig;
pub use consumer::{ShardConsumer, Step};
pub use payload::PAYLOAD_BYTES_MAX;
pub use progress::Progress;
pub use record::Record;
