//! A value that arrives later. The only file of the console that spawns.

use std::future::Future;
use std::time::Duration;

use egui::Ui;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use super::cx::Cx;
use super::theme;
use crate::aws;
use crate::aws::local::Follower;
use crate::mapping::Progress;

/// A slot for one question's answer. Asking again drops the former question, so a late answer to an
/// old question cannot arrive; the value of the former answer stays until the new one comes.
/// Dropping a question does not undo a write that was already sent.
pub struct Remote<T> {
    value: Option<T>,
    error: Option<aws::Error>,
    pending: Option<(oneshot::Receiver<Result<T, aws::Error>>, AbortHandle)>,
}

impl<T> Default for Remote<T> {
    fn default() -> Self {
        Self {
            value: None,
            error: None,
            pending: None,
        }
    }
}

impl<T: Send + 'static> Remote<T> {
    /// Asks. The answer wakes the window.
    pub fn start(
        &mut self,
        cx: &Cx<'_>,
        work: impl Future<Output = Result<T, aws::Error>> + Send + 'static,
    ) {
        self.start_on(cx.runtime, cx.ctx, work);
    }

    /// The same while there is no connection yet.
    pub fn start_on(
        &mut self,
        runtime: &Handle,
        ctx: &egui::Context,
        work: impl Future<Output = Result<T, aws::Error>> + Send + 'static,
    ) {
        self.cancel();
        let (send, receive) = oneshot::channel();
        let ctx = ctx.clone();
        let task = runtime.spawn(async move {
            let answer = work.await;
            // Nobody listens any more when the question was dropped.
            send.send(answer).ok();
            ctx.request_repaint();
        });
        self.pending = Some((receive, task.abort_handle()));
    }

    /// Takes what has arrived; true once for each answer, good or bad.
    pub fn poll(&mut self) -> bool {
        let Some((receive, _)) = &mut self.pending else {
            return false;
        };
        let answer = match receive.try_recv() {
            Ok(answer) => answer,
            Err(oneshot::error::TryRecvError::Empty) => return false,
            Err(oneshot::error::TryRecvError::Closed) => {
                Err(aws::Error::stopped("the request ended without an answer"))
            }
        };
        self.pending = None;
        match answer {
            Ok(value) => {
                self.value = Some(value);
                self.error = None;
            }
            Err(error) => self.error = Some(error),
        }
        true
    }

    pub fn value(&self) -> Option<&T> {
        self.value.as_ref()
    }

    pub fn value_mut(&mut self) -> Option<&mut T> {
        self.value.as_mut()
    }

    /// Takes the value out; the slot is empty afterwards.
    pub fn take(&mut self) -> Option<T> {
        self.value.take()
    }

    /// Why the last question failed.
    pub fn error(&self) -> Option<&aws::Error> {
        self.error.as_ref()
    }

    pub fn is_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// Never asked, or emptied.
    pub fn is_idle(&self) -> bool {
        self.value.is_none() && self.error.is_none() && self.pending.is_none()
    }

    pub fn clear(&mut self) {
        self.cancel();
        self.value = None;
        self.error = None;
    }

    /// Calls the question off; the value of a former answer stays.
    pub fn stop(&mut self) {
        self.cancel();
    }

    fn cancel(&mut self) {
        if let Some((_, task)) = self.pending.take() {
            task.abort();
        }
    }

    /// Draws waiting, failing or the value. Returns what `body` returned.
    pub fn ui<R>(&self, ui: &mut Ui, body: impl FnOnce(&mut Ui, &T) -> R) -> Option<R> {
        if let Some(error) = &self.error {
            error_ui(ui, error);
        }
        if let Some(value) = &self.value {
            Some(body(ui, value))
        } else {
            if self.pending.is_some() {
                loading_ui(ui);
            }
            None
        }
    }
}

impl<T> Drop for Remote<T> {
    fn drop(&mut self) {
        if let Some((_, task)) = self.pending.take() {
            task.abort();
        }
    }
}

/// Wakes the window when something worth a frame is broadcast; stops when it is dropped.
pub struct Waker(AbortHandle);

/// Frames that a stream of news may cause in a second: one in this time.
const FRAME_EVERY: Duration = Duration::from_millis(33);

impl Waker {
    /// Listens to what pollers do. Many steps in a short time make one frame.
    pub fn new(
        runtime: &Handle,
        ctx: &egui::Context,
        mut feed: Follower,
        worth_a_frame: fn(&Progress) -> bool,
    ) -> Self {
        let ctx = ctx.clone();
        let task = runtime.spawn(async move {
            while let Some(news) = feed.next().await {
                if worth_a_frame(&news) {
                    // What has come meanwhile is drawn by the same frame.
                    feed.skip_to_end();
                    ctx.request_repaint_after(FRAME_EVERY);
                }
            }
        });
        Self(task.abort_handle())
    }
}

impl Drop for Waker {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Three dots; quiet, and known to tests and screen readers as a progress indicator.
pub fn loading_ui(ui: &mut Ui) {
    let response = ui.weak("Loading…");
    response
        .widget_info(|| egui::WidgetInfo::labeled(egui::Role::ProgressIndicator, true, "Loading"));
}

/// What failed, in the service's own words, and a way to copy them.
pub fn error_ui(ui: &mut Ui, error: &aws::Error) {
    let tokens = theme::of(ui);
    egui::Frame::new()
        .stroke(egui::Stroke::new(1.0, tokens.failed))
        .inner_margin(theme::GUTTER)
        .corner_radius(4)
        .show(ui, |ui| {
            ui.horizontal_wrapped(|ui| {
                ui.colored_label(tokens.failed, error.title());
                ui.label(&error.message);
                if ui.small_button("Copy details").clicked() {
                    ui.copy_text(error.details());
                }
            });
        });
}
