//! What pollers did lately: the batch story, told from `Progress` alone.

/// The last steps of every poller.
#[derive(Default)]
pub struct Live;
