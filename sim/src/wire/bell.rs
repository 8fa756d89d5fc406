//! A bell that several queues ring and one task hears.
//!
//! A simulated process waits on many things at once: its mailbox, its input channels, room in its output
//! channels. One shared bell replaces a `select!` over all of them; madsim's timers make every poll of
//! such a `select!` leave a timer behind.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};

/// Rings until heard; clones are the same bell. At most one task may wait for it at a time.
#[derive(Clone, Debug, Default)]
pub struct Bell {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    rung: bool,
    waiting: Option<Waker>,
}

impl Bell {
    /// A silent bell.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Wakes the waiting task, or lets the next wait return at once.
    pub fn ring(&self) {
        let waiting = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.rung = true;
            state.waiting.take()
        };
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }

    /// Returns once the bell has rung since the last return; several rings count once, so whoever wakes
    /// looks at everything that can ring.
    pub async fn heard(&self) {
        poll_fn(|context| {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if std::mem::take(&mut state.rung) {
                return Poll::Ready(());
            }
            // Most who wait look more often than it rings.
            if !state.waiting.as_ref().is_some_and(|waiting| waiting.will_wake(context.waker())) {
                state.waiting = Some(context.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }
}
