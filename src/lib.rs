//! Waterwheel: a console for DynamoDB tables, their streams and the functions they trigger.
//!
//! Read the modules in this order:
//!
//! 1. [`mapping`]: what lies between a stream and a function. Pure decisions (`ShardConsumer`), one driver.
//! 2. [`engine`]: a simulated AWS that answers HTTP, in process or on a loopback port.
//! 3. [`aws`]: what the console may ask for, over the official SDK clients, whatever cloud is behind them.
//! 4. [`ui`]: the panels.
//!
//! [`arn`], [`clock`] and [`ids`] are leaves. `docs/architecture.md` tells the rest.

pub mod arn;
pub mod aws;
pub mod clock;
pub mod engine;
pub mod ids;
pub mod mapping;
pub mod ui;
