//! A path to type or to choose: completes while typing, so that it works where no file dialog does.

use std::path::{Path, PathBuf};

use egui::{TextEdit, Ui};

use super::icon::{self, Icon};

/// A path as the user typed it, and what could complete it.
#[derive(Clone, Debug, Default)]
pub struct PathBox {
    pub text: String,
    /// Whole paths that begin with the text.
    completions: Vec<String>,
    only_folders: bool,
}

/// Most completions offered and most entries of a folder looked at.
const OFFERED_MAX: usize = 8;
const LOOKED_AT_MAX: usize = 2000;

impl PathBox {
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    /// Offers folders only.
    pub fn folder(text: impl Into<String>) -> Self {
        Self {
            only_folders: true,
            ..Self::new(text)
        }
    }

    /// The path, with `~` for the home folder understood; `None` while nothing is typed.
    pub fn path(&self) -> Option<PathBuf> {
        let text = self.text.trim();
        (!text.is_empty()).then(|| expand(text))
    }

    /// Draws the field with its button; true when the button was clicked: open a file dialog and put the answer into `text`.
    pub fn ui(&mut self, ui: &mut Ui, name: &str) -> bool {
        let mut browse = false;
        let field = ui
            .horizontal(|ui| {
                let field = TextEdit::singleline(&mut self.text)
                    .desired_width(360.0)
                    .font(egui::TextStyle::Monospace)
                    .hint_text("/path/to/…");
                let field = ui.add(field).accessible_name(name);
                browse = icon::button(ui, Icon::Folder, "Browse…").clicked();
                field
            })
            .inner;
        if field.changed() || field.gained_focus() {
            self.completions = completions(&self.text, self.only_folders);
        }
        let mut taken = None;
        if !self.completions.is_empty() {
            egui::Popup::from_response(&field)
                .open(field.has_focus() || field.lost_focus())
                .width(field.rect.width())
                .show(|ui| {
                    for path in &self.completions {
                        if ui.selectable_label(false, path).clicked() {
                            taken = Some(path.clone());
                        }
                    }
                });
        }
        if let Some(path) = taken {
            self.text = path;
            self.completions = completions(&self.text, self.only_folders);
            field.request_focus();
        }
        browse
    }
}

fn expand(text: &str) -> PathBuf {
    let home = || directories::BaseDirs::new().map(|it| it.home_dir().to_owned());
    match text.strip_prefix("~/").zip(home()) {
        Some((rest, home)) => home.join(rest),
        None => PathBuf::from(text),
    }
}

/// Entries of the folder the text is in, that begin with what was typed after the last separator.
fn completions(text: &str, only_folders: bool) -> Vec<String> {
    let Some(cut) = text.rfind(std::path::is_separator) else {
        return Vec::new();
    };
    let (folder, begun) = text.split_at(cut + 1);
    let Ok(entries) = std::fs::read_dir(expand_folder(folder)) else {
        return Vec::new();
    };
    let mut found: Vec<String> = entries
        .take(LOOKED_AT_MAX)
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let is_folder = entry.path().is_dir();
            let hidden = name.starts_with('.') && !begun.starts_with('.');
            let fits = name.starts_with(begun) && !hidden && (is_folder || !only_folders);
            let tail = if is_folder { "/" } else { "" };
            fits.then(|| format!("{folder}{name}{tail}"))
        })
        .collect();
    found.sort();
    found.truncate(OFFERED_MAX);
    found.retain(|path| path != text);
    found
}

fn expand_folder(folder: &str) -> PathBuf {
    let path = expand(folder);
    if path.as_os_str().is_empty() {
        Path::new(".").to_owned()
    } else {
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completions_are_what_the_folder_holds() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["alpha.json", "album.txt", ".hidden"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        std::fs::create_dir(folder.path().join("alcove")).unwrap();
        let typed = |begun: &str| format!("{}/{begun}", folder.path().display());
        assert_eq!(
            completions(&typed("al"), false),
            [typed("album.txt"), typed("alcove/"), typed("alpha.json")]
        );
        assert_eq!(completions(&typed("al"), true), [typed("alcove/")]);
        assert_eq!(completions(&typed("zz"), false), Vec::<String>::new());
        assert_eq!(completions(&typed(".h"), false), [typed(".hidden")]);
    }

    #[test]
    fn a_path_is_absent_until_something_is_typed() {
        assert_eq!(PathBox::new("  ").path(), None);
        assert_eq!(PathBox::new("/a b").path(), Some(PathBuf::from("/a b")));
    }
}
