//! A function's files: edit, save and deploy, load from disk.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use egui::{Key, KeyboardShortcut, Modifiers, Ui};

use crate::aws::folders::{self, Followed};
use crate::aws::lambda::{Code, FunctionDetail};
use crate::aws::{self, files};
use crate::ui::widgets::{CodeEditor, Icon, PathBox, form_menu, icon};
use crate::ui::{Action, Cx, Remote, Toast, theme, time};

/// How soon it is seen that another program saved something.
const LOOK_EVERY: Duration = Duration::from_millis(500);
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
    picking: Remote<Option<PathBuf>>,
    unfollowing: Remote<()>,
    /// When what the function follows was deployed, as far as it is shown.
    shown_of: Option<SystemTime>,
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
        self.unfollowing.poll();
        self.bar_ui(ui, cx, name);
        let errors = [
            self.deploying.error(),
            self.picking.error(),
            self.unfollowing.error(),
        ];
        for error in errors.into_iter().flatten() {
            crate::ui::remote::error_ui(ui, error);
        }
        if let Some(followed) = folders::followed(cx.aws, name) {
            cx.ctx.request_repaint_after(LOOK_EVERY);
            self.followed_ui(ui, cx, name, &followed);
            if followed.deployed != self.shown_of {
                self.shown_of = followed.deployed;
                deployed = true;
            }
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
                form_menu(ui, "Load from disk…", |ui| {
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
        let button = |ui: &mut Ui, words: &str| {
            let button = egui::Button::new(words);
            ui.add_enabled(path.is_some(), button).clicked()
        };
        let once = button(ui, "Deploy this");
        let follow = cx.aws.is_local() && button(ui, "Deploy this, and again whenever it is saved");
        if let Some(path) = path.filter(|_| once || follow) {
            self.load_from(cx, name, path, follow);
            ui.close();
        }
        ui.add_space(theme::GUTTER);
    }

    /// What is on disk replaces what is shown.
    fn load_from(&mut self, cx: &Cx<'_>, name: &str, path: PathBuf, follow: bool) {
        self.files.clear();
        let (aws, name) = (cx.aws.clone(), name.to_owned());
        if follow {
            let follow = folders::follow(aws, name, path);
            self.deploying.start(cx, follow);
            return;
        }
        self.deploying.start(cx, async move {
            let code = files::load_code(path).await?;
            aws::lambda::update_code(aws, name, code).await?;
            Ok(())
        });
    }

    fn followed_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, name: &str, followed: &Followed) {
        ui.horizontal(|ui| {
            let tokens = theme::of(ui);
            icon::show(ui, Icon::Folder, tokens.text_muted);
            let words = format!("Deployed whenever {} is saved.", followed.path.display());
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if ui.button("Stop following").clicked() {
                    let (aws, name) = (cx.aws.clone(), name.to_owned());
                    self.unfollowing.start(cx, folders::unfollow(aws, name));
                }
                if let Some(at) = followed.deployed {
                    ui.weak(format!("Last at {}", time::clock_secs(at)));
                }
                ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                    ui.add(egui::Label::new(words).truncate());
                });
            });
        });
        if let Some(problem) = &followed.problem {
            ui.colored_label(theme::of(ui).failed, format!("Not deployed: {problem}"));
        }
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
