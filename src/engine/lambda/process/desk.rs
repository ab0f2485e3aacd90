//! What lies between an invocation and the program that asks for it: one event to be taken, one answer to be given.
//!
//! Knows neither HTTP nor processes.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc};

use crate::engine::lambda::environment::{Failure, Invocation};

/// The program's side of an environment.
pub(super) struct Desk {
    now: Mutex<Now>,
    laid: Notify,
    tell: mpsc::UnboundedSender<Heard>,
}

#[derive(Default)]
struct Now {
    /// The program asked for its first event.
    is_ready: bool,
    waiting: Option<Order>,
    /// The request whose answer is awaited.
    running: Option<Arc<str>>,
}

/// An event on its way to the program.
pub(super) struct Order {
    pub(super) invocation: Invocation,
    /// By the machine's wall clock, in milliseconds since 1970.
    pub(super) deadline_millis: u64,
}

/// What the program said.
#[derive(Debug)]
pub(super) enum Heard {
    /// It has started.
    Ready,
    CannotStart(Failure),
    Answered(String),
    Failed(Failure),
}

/// Why the program is not heard, in the words of the Runtime API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Nobody awaits an answer to this request.
    UnknownRequest,
    /// It cannot be said at this time.
    WrongState,
}

impl Desk {
    pub(super) fn new() -> (Arc<Self>, mpsc::UnboundedReceiver<Heard>) {
        let (tell, heard) = mpsc::unbounded_channel();
        let desk = Self {
            now: Mutex::default(),
            laid: Notify::new(),
            tell,
        };
        (Arc::new(desk), heard)
    }

    /// Lays an event down for whoever asks next.
    pub(super) fn lay(&self, order: Order) {
        self.now.lock().waiting = Some(order);
        self.laid.notify_one();
    }

    /// Takes an event back that nobody asked for.
    pub(super) fn take_back(&self) -> Option<Order> {
        self.now.lock().waiting.take()
    }

    /// Waits for the next event.
    pub(super) async fn next(&self) -> Result<Order, Refused> {
        {
            let mut now = self.now.lock();
            if now.running.is_some() {
                return Err(Refused::WrongState);
            }
            if !now.is_ready {
                now.is_ready = true;
                self.say(Heard::Ready);
            }
        }
        loop {
            {
                let mut now = self.now.lock();
                if let Some(order) = now.waiting.take() {
                    now.running = Some(order.invocation.request_id.as_str().into());
                    return Ok(order);
                }
            }
            self.laid.notified().await;
        }
    }

    pub(super) fn is_running(&self, request_id: &str) -> bool {
        self.now.lock().running.as_deref() == Some(request_id)
    }

    /// The answer to a request.
    pub(super) fn answer(&self, request_id: &str, heard: Heard) -> Result<(), Refused> {
        let mut now = self.now.lock();
        if now.running.as_deref() != Some(request_id) {
            return Err(Refused::UnknownRequest);
        }
        now.running = None;
        drop(now);
        self.say(heard);
        Ok(())
    }

    pub(super) fn cannot_start(&self, failure: Failure) -> Result<(), Refused> {
        if self.now.lock().is_ready {
            return Err(Refused::WrongState);
        }
        self.say(Heard::CannotStart(failure));
        Ok(())
    }

    /// Nobody hears it when the environment is gone.
    fn say(&self, heard: Heard) {
        self.tell.send(heard).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(request_id: &str) -> Order {
        Order {
            invocation: Invocation {
                request_id: request_id.to_owned(),
                function_arn: String::new(),
                event: "{}".to_owned(),
                client_context: None,
                trace_id: String::new(),
            },
            deadline_millis: 0,
        }
    }

    #[tokio::test]
    async fn an_answer_is_for_the_request_that_runs() {
        let (desk, mut heard) = Desk::new();
        desk.lay(order("1"));
        let taken = desk.next().await.ok().unwrap();
        assert_eq!(taken.invocation.request_id, "1");
        assert!(matches!(heard.recv().await, Some(Heard::Ready)));
        let other = desk.answer("2", Heard::Answered(String::new()));
        assert_eq!(other, Err(Refused::UnknownRequest));
        assert_eq!(desk.next().await.err(), Some(Refused::WrongState));
        assert!(desk.is_running("1"));
        desk.answer("1", Heard::Answered("2".to_owned())).unwrap();
        assert!(matches!(heard.recv().await, Some(Heard::Answered(text)) if text == "2"));
        let again = desk.answer("1", Heard::Answered(String::new()));
        assert_eq!(again, Err(Refused::UnknownRequest));
    }

    #[tokio::test]
    async fn who_has_started_cannot_fail_to_start() {
        let failure = || Failure::of_program("Runtime.Unknown", "1", "x");
        let (desk, mut heard) = Desk::new();
        desk.cannot_start(failure()).unwrap();
        assert!(matches!(heard.recv().await, Some(Heard::CannotStart(_))));
        desk.lay(order("1"));
        assert!(desk.take_back().is_some());
        desk.lay(order("2"));
        drop(desk.next().await);
        assert_eq!(desk.cannot_start(failure()), Err(Refused::WrongState));
        assert!(desk.take_back().is_none());
    }
}
