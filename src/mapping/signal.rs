//! The last word of one for many who wait for it: tokio's `watch`, but who waits is woken in the order in which they began
//! to wait. `watch` throws dice for that; with this, a world of one thread goes the same way each time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use parking_lot::{RwLock, RwLockReadGuard};
use tokio::sync::Notify;

/// Says it. Those who listen are told when it is dropped.
#[derive(Debug)]
pub struct Sender<T>(Arc<Shared<T>>);

/// Hears it. A clone has heard what this one has.
#[derive(Debug)]
pub struct Receiver<T> {
    shared: Arc<Shared<T>>,
    heard: u64,
}

/// There is nobody any more who would say something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silent;

#[derive(Debug)]
struct Shared<T> {
    said: RwLock<T>,
    /// How often something was said.
    count: AtomicU64,
    is_silent: AtomicBool,
    receivers: AtomicUsize,
    notify: Notify,
}

/// Whoever listens has heard the first word.
pub fn channel<T>(first: T) -> (Sender<T>, Receiver<T>) {
    let sender = Sender::new(first);
    let receiver = sender.subscribe();
    (sender, receiver)
}

impl<T> Sender<T> {
    pub fn new(first: T) -> Self {
        Self(Arc::new(Shared {
            said: RwLock::new(first),
            count: AtomicU64::new(0),
            is_silent: AtomicBool::new(false),
            receivers: AtomicUsize::new(0),
            notify: Notify::new(),
        }))
    }

    /// Hears what is said from now on.
    pub fn subscribe(&self) -> Receiver<T> {
        self.0.receivers.fetch_add(1, Ordering::SeqCst);
        Receiver {
            heard: self.0.count.load(Ordering::SeqCst),
            shared: Arc::clone(&self.0),
        }
    }

    pub fn receiver_count(&self) -> usize {
        self.0.receivers.load(Ordering::SeqCst)
    }

    pub fn send(&self, word: T) {
        self.send_modify(|said| *said = word);
    }

    pub fn send_modify(&self, change: impl FnOnce(&mut T)) {
        self.send_if_modified(|said| {
            change(said);
            true
        });
    }

    /// Nobody is told where `change` says that it changed nothing.
    pub fn send_if_modified(&self, change: impl FnOnce(&mut T) -> bool) {
        let mut said = self.0.said.write();
        if change(&mut said) {
            self.0.count.fetch_add(1, Ordering::SeqCst);
            drop(said);
            self.0.notify.notify_waiters();
        }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.is_silent.store(true, Ordering::SeqCst);
        self.0.notify.notify_waiters();
    }
}

impl<T> Receiver<T> {
    /// The last word, which counts as heard.
    pub fn borrow_and_update(&mut self) -> RwLockReadGuard<'_, T> {
        let said = self.shared.said.read();
        self.heard = self.shared.count.load(Ordering::SeqCst);
        said
    }

    /// What was said so far counts as heard.
    pub fn mark_unchanged(&mut self) {
        self.heard = self.shared.count.load(Ordering::SeqCst);
    }

    /// Whether something was said that was not heard yet.
    pub fn has_changed(&self) -> Result<bool, Silent> {
        if self.shared.is_silent.load(Ordering::SeqCst) {
            return Err(Silent);
        }
        Ok(self.shared.count.load(Ordering::SeqCst) != self.heard)
    }

    /// Resolves when something was said that was not heard yet; then it counts as heard.
    pub async fn changed(&mut self) -> Result<(), Silent> {
        loop {
            // It listens from here on, also before it is awaited.
            let notified = self.shared.notify.notified();
            let count = self.shared.count.load(Ordering::SeqCst);
            if count != self.heard {
                self.heard = count;
                return Ok(());
            }
            if self.shared.is_silent.load(Ordering::SeqCst) {
                return Err(Silent);
            }
            notified.await;
        }
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        self.shared.receivers.fetch_add(1, Ordering::SeqCst);
        Self {
            shared: Arc::clone(&self.shared),
            heard: self.heard,
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.shared.receivers.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;

    use super::*;

    #[tokio::test]
    async fn a_word_is_heard_once_and_a_later_one_covers_it() {
        let (sender, mut receiver) = channel(1);
        assert_eq!(receiver.has_changed(), Ok(false));
        sender.send(2);
        let mut other = receiver.clone();
        sender.send_if_modified(|word| {
            *word = 3;
            false
        });
        sender.send_modify(|word| *word += 1);
        assert_eq!(receiver.has_changed(), Ok(true));
        assert_eq!(receiver.changed().await, Ok(()));
        assert_eq!(receiver.has_changed(), Ok(false));
        assert_eq!(*other.borrow_and_update(), 4);
        assert_eq!(other.has_changed(), Ok(false));
        sender.send(5);
        other.mark_unchanged();
        assert_eq!(other.has_changed(), Ok(false));
    }

    #[tokio::test]
    async fn what_was_said_is_heard_also_when_nobody_speaks_any_more() {
        let (sender, mut receiver) = channel(());
        assert_eq!(sender.receiver_count(), 1);
        sender.send(());
        drop(sender);
        assert_eq!(receiver.changed().await, Ok(()));
        assert_eq!(receiver.changed().await, Err(Silent));
        assert_eq!(receiver.has_changed(), Err(Silent));
    }

    #[tokio::test]
    async fn those_who_wait_are_woken_in_the_order_in_which_they_began() {
        let sender = Sender::new(());
        let woken: Arc<Mutex<Vec<u32>>> = Arc::default();
        for number in 0..50 {
            let (mut receiver, woken) = (sender.subscribe(), Arc::clone(&woken));
            tokio::spawn(async move {
                receiver.changed().await.unwrap();
                woken.lock().push(number);
            });
        }
        tokio::task::yield_now().await;
        sender.send(());
        tokio::task::yield_now().await;
        assert!(woken.lock().iter().copied().eq(0..50), "{woken:?}");
        assert_eq!(sender.receiver_count(), 0);
    }
}
