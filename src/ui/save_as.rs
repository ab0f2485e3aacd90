//! "Save as JSON…": a typed path, with a file dialog where the desktop has one.

use std::path::PathBuf;

use egui::Ui;

use super::cx::{Action, Cx, Toast};
use super::remote::{Remote, error_ui};
use super::widgets::{PathBox, form_menu};
use crate::aws::files::{self, FileKind};

/// The state behind one menu.
#[derive(Default)]
pub struct SaveAs {
    path: PathBox,
    picking: Remote<Option<PathBuf>>,
    saving: Remote<()>,
}

impl SaveAs {
    /// A menu button; `name` is offered as file name, `text` is asked for when it is saved.
    pub fn ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, name: &str, text: impl FnOnce() -> String) {
        if self.picking.poll()
            && let Some(path) = self.picking.take().flatten()
        {
            self.path.text = path.display().to_string();
        }
        if self.saving.poll() && self.saving.error().is_none() {
            let words = format!("Saved {}", self.path.text);
            cx.send(Action::Toast(Toast::good(words)));
        }
        form_menu(ui, "Save as JSON…", |ui| {
            ui.set_min_width(360.0);
            ui.label("File");
            if self.path.ui(ui, "File to save to") {
                let pick = files::pick_save(FileKind::Json, name.to_owned());
                self.picking.start(cx, pick);
            }
            for error in [self.picking.error(), self.saving.error()]
                .into_iter()
                .flatten()
            {
                error_ui(ui, error);
            }
            let path = self.path.path();
            let save = ui.add_enabled(path.is_some(), egui::Button::new("Save"));
            if save.clicked()
                && let Some(path) = path
            {
                self.saving.start(cx, files::save_text(path, text()));
                ui.close();
            }
        });
        if let Some(error) = self.saving.error() {
            error_ui(ui, error);
        }
    }
}
