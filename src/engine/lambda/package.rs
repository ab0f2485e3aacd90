//! The files of a function. Pure.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

/// The files of a deployment package, by path relative to `/var/task`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Package {
    pub files: BTreeMap<String, Bytes>,
    /// Which of them may be executed.
    pub executables: BTreeSet<String>,
}

impl Package {
    /// A file's text; `None` where there is no such file or it is no UTF-8.
    pub fn text(&self, path: &str) -> Option<&str> {
        std::str::from_utf8(self.files.get(path)?).ok()
    }

    /// Whether any file lies below this path.
    pub fn has_folder(&self, path: &str) -> bool {
        if path.is_empty() {
            return !self.files.is_empty();
        }
        let prefix = format!("{path}/");
        self.files
            .range(prefix.clone()..)
            .next()
            .is_some_and(|(file, _)| file.starts_with(&prefix))
    }
}
