//! Which cloud to talk to. The only place that tells them apart.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Aws, Error};

/// A cloud to open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Connection {
    /// Amazon's, with a profile of the user's `~/.aws` files.
    Aws {
        profile: Option<String>,
        region: Option<String>,
    },
    /// Any emulator.
    Endpoint { url: String, region: String },
    /// The engine inside this process; `None` forgets the world at the end.
    Embedded { folder: Option<PathBuf> },
}
