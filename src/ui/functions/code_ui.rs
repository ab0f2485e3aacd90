//! A function's files: edit, save and deploy, load from disk.

use egui::{Key, KeyboardShortcut, Modifiers, Ui};

use crate::aws::lambda::{Code, FunctionDetail};
use crate::aws::{self, files};
use crate::ui::widgets::{CodeEditor, Icon, PathBox, icon};
use crate::ui::{Action, Cx, Remote, Toast, theme};

const SAVE: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, Key::S);

struct File {
    path: String,
    editor: CodeEditor,
    /// As deployed.
    saved: String,
}

#[derive(Default)]
pub(super) struct CodeTab {
    files: Vec<File>,
    shown: usize,
    deploying: Remote<()>,
    source: PathBox,
    picking: Remote<Option<std::path::PathBuf>>,
}

impl CodeTab {
    /// Takes what is deployed; what the user changed and did not deploy is kept.
    pub(super) fn load(&mut self, detail: &FunctionDetail) {
        if self.is_changed() {
            return;
        }
        self.files = detail
            .files
            .iter()
            .map(|(path, text)| File {
                path: path.clone(),
                editor: CodeEditor::new(text.clone(), CodeEditor::language_of(path)),
                saved: text.clone(),
            })
            .collect();
        self.shown = self.shown.min(self.files.len().saturating_sub(1));
    }

    pub(super) fn is_changed(&self) -> bool {
        self.files.iter().any(|it| it.editor.text() != it.saved)
    }

    pub(super) fn go_to(&mut self, line: u32) {
        if let Some(file) = self.files.get_mut(self.shown) {
            file.editor.go_to(line);
        }
    }

    /// True when something was deployed.
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, detail: &FunctionDetail) -> bool {
        let name = detail.configuration.function_name().unwrap_or_default();
        let mut deployed = false;
        if self.deploying.poll() && self.deploying.error().is_none() {
            for file in &mut self.files {
                file.editor.text().clone_into(&mut file.saved);
            }
            cx.send(Action::Toast(Toast::good(format!("Deployed {name}"))));
            deployed = true;
        }
        if self.picking.poll()
            && let Some(path) = self.picking.take().flatten()
        {
            self.source.text = path.display().to_string();
        }
        self.bar_ui(ui, cx, name);
        for error in [self.deploying.error(), self.picking.error()]
            .into_iter()
            .flatten()
        {
            crate::ui::remote::error_ui(ui, error);
        }
        if let Some(unread) = &detail.unread {
            ui.weak(format!("The package cannot be shown: {unread}"));
        }
        if !detail.others.is_empty() {
            ui.weak(format!("{} more files are not text", detail.others.len()));
        }
        if let Some(file) = self.files.get_mut(self.shown) {
            let height = (ui.available_height() - 26.0).max(80.0);
            ui.allocate_ui(egui::vec2(ui.available_width(), height), |ui| {
                file.editor.ui(ui, &file.path);
            });
            let (line, column) = file.editor.cursor();
            ui.weak(format!(
                "Ln {line} Col {column} · {}",
                CodeEditor::language_of(&file.path)
            ));
        }
        deployed
    }

    fn bar_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, name: &str) {
        let save_pressed = ui.input_mut(|input| input.consume_shortcut(&SAVE));
        ui.horizontal(|ui| {
            for (nth, file) in self.files.iter().enumerate() {
                let changed = file.editor.text() != file.saved;
                let label = if changed {
                    format!("{} (changed)", file.path)
                } else {
                    file.path.clone()
                };
                ui.selectable_value(&mut self.shown, nth, label);
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let changed = self.is_changed();
                let busy = self.deploying.is_pending();
                let words = if busy {
                    "Deploying…"
                } else {
                    "Save and deploy"
                };
                let save = ui.add_enabled_ui(changed && !busy, |ui| {
                    icon::primary(ui, Icon::Save, words).on_hover_text("Ctrl S")
                });
                if (save.inner.clicked() || save_pressed) && changed && !busy {
                    self.deploy(cx, name);
                }
                ui.menu_button("Load from disk…", |ui| {
                    self.load_ui(ui, cx, name);
                });
            });
        });
        ui.add_space(2.0);
    }

    fn load_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, name: &str) {
        ui.set_min_width(360.0);
        ui.label("A file, a folder or a zip package");
        if self.source.ui(ui, "Path of the code") {
            self.picking.start(cx, files::pick_folder());
        }
        let path = self.source.path();
        let deploy = ui.add_enabled(path.is_some(), egui::Button::new("Deploy this"));
        if deploy.clicked()
            && let Some(path) = path
        {
            let (aws, name) = (cx.aws.clone(), name.to_owned());
            // What is on disk replaces what is shown.
            self.files.clear();
            self.deploying.start(cx, async move {
                let code = files::load_code(path).await?;
                aws::lambda::update_code(aws, name, code).await?;
                Ok(())
            });
            ui.close();
        }
        ui.add_space(theme::GUTTER);
    }

    fn deploy(&mut self, cx: &Cx<'_>, name: &str) {
        let files = self
            .files
            .iter()
            .map(|it| (it.path.clone(), it.editor.text().to_owned()))
            .collect();
        let update = aws::lambda::update_code(cx.aws.clone(), name.to_owned(), Code::Files(files));
        self.deploying
            .start(cx, async move { update.await.map(|_| ()) });
    }
}
