//! Files of the user's: items as JSON lines, texts, the code of functions, and the system's dialogs.
//!
//! Reading and writing happens on threads that may block.

mod code;
mod items;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use code::load_code;
pub use items::{Counter, Imported, export_items, import_items, save_items};

use super::Error;
use crate::clock::Clock;

/// What a dialog shows first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// `.jsonl`, `.ndjson`, `.json`
    Items,
    Json,
    /// `.zip` and sources.
    Code,
    /// Text of any kind.
    Text,
}

impl FileKind {
    fn filter(self) -> Option<(&'static str, &'static [&'static str])> {
        match self {
            Self::Items => Some(("JSON lines", &["jsonl", "ndjson", "json"])),
            Self::Json => Some(("JSON", &["json"])),
            Self::Code => Some(("Code", &["zip", "js", "mjs", "cjs", "py", "json"])),
            Self::Text => None,
        }
    }
}

/// Asks for a file to read; `None` when the user thinks better of it.
pub async fn pick_open(kind: FileKind) -> Result<Option<PathBuf>, Error> {
    ask(dialog(kind).pick_file()).await
}

/// Asks for a folder; `None` when the user thinks better of it.
pub async fn pick_folder() -> Result<Option<PathBuf>, Error> {
    ask(rfd::AsyncFileDialog::new().pick_folder()).await
}

/// Asks where to write; `None` when the user thinks better of it.
pub async fn pick_save(kind: FileKind, name: String) -> Result<Option<PathBuf>, Error> {
    ask(dialog(kind).set_file_name(name).save_file()).await
}

/// Writes a text; the file that was there stays whole until the new one is.
pub async fn save_text(path: PathBuf, text: String) -> Result<(), Error> {
    blocking(move || {
        write_whole(&path, |file| {
            std::io::Write::write_all(file, text.as_bytes())
        })
    })
    .await
}

/// Reads a text of UTF-8.
pub async fn load_text(path: PathBuf) -> Result<String, Error> {
    blocking(move || std::fs::read_to_string(&path).map_err(|error| unreadable(&path, &error)))
        .await
}

fn dialog(kind: FileKind) -> rfd::AsyncFileDialog {
    let dialog = rfd::AsyncFileDialog::new();
    match kind.filter() {
        Some((name, extensions)) => dialog.add_filter(name, extensions),
        None => dialog,
    }
}

/// Quicker than any hand: the dialog was never there.
const CANCEL_MIN: Duration = Duration::from_millis(120);

async fn ask(
    asked: impl Future<Output = Option<rfd::FileHandle>>,
) -> Result<Option<PathBuf>, Error> {
    let no_dialog =
        || Error::input("this desktop offers no file dialog (no portal, no zenity); type the path");
    let watch = Clock::real().stopwatch();
    let chosen = asked.await.map(|it| it.path().to_owned());
    let too_quick = cfg!(target_os = "linux") && watch.elapsed() < CANCEL_MIN;
    if chosen.is_none() && too_quick {
        return Err(no_dialog());
    }
    Ok(chosen)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::stopped(error.to_string()))?
}

pub(super) fn unreadable(path: &Path, error: &dyn std::fmt::Display) -> Error {
    Error::input(format!("{} cannot be read: {error}", path.display()))
}

/// Writes beside the file and puts the result in its place.
fn write_whole<T>(
    path: &Path,
    write: impl FnOnce(&mut std::io::BufWriter<&std::fs::File>) -> std::io::Result<T>,
) -> Result<T, Error> {
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    let write_to = || {
        let beside = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
        let mut buffer = std::io::BufWriter::new(beside.as_file());
        let value = write(&mut buffer)?;
        std::io::Write::flush(&mut buffer)?;
        drop(buffer);
        beside.persist(path)?;
        Ok(value)
    };
    write_to().map_err(|error: std::io::Error| {
        Error::input(format!("{} cannot be written: {error}", path.display()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_saved_text_is_the_text_that_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        save_text(path.clone(), "old".to_owned()).await.unwrap();
        save_text(path.clone(), "{\"ü\":1}".to_owned())
            .await
            .unwrap();
        assert_eq!(load_text(path).await.unwrap(), "{\"ü\":1}");
    }

    #[tokio::test]
    async fn trouble_with_a_file_names_it() {
        let path = PathBuf::from("/nowhere/at/all.txt");
        let error = save_text(path.clone(), String::new()).await.unwrap_err();
        assert!(
            error
                .message
                .starts_with("/nowhere/at/all.txt cannot be written")
        );
        let error = load_text(path).await.unwrap_err();
        assert!(
            error
                .message
                .starts_with("/nowhere/at/all.txt cannot be read")
        );
    }
}
