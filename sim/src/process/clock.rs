//! The clock that a process measures its timers with.
//!
//! madsim has one clock for everybody. A process sees it through this one, which may run too fast or too
//! slowly and may jump; its timers go by it, also those that run already.

use crate::wire::{now_us, sleep};
use futures::FutureExt;
use futures::future::BoxFuture;
use madsim::time::Sleep;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// The clock of one process. Clones are the same clock.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    face: Arc<Mutex<Face>>,
}

#[derive(Debug)]
struct Face {
    // Whether it may ever be wrong. One that never is costs nothing.
    may_err: bool,
    // Local microseconds, and the virtual ones at which they were read.
    local_us: i64,
    at_us: u64,
    rate_per_mille: u32,
    // Timers look again when the clock changes.
    changes: u64,
    timers: BTreeMap<u64, Waker>,
    next_timer: u64,
}

impl Default for Face {
    fn default() -> Self {
        Self {
            may_err: false,
            local_us: 0,
            at_us: 0,
            rate_per_mille: RIGHT,
            changes: 0,
            timers: BTreeMap::new(),
            next_timer: 0,
        }
    }
}

const RIGHT: u32 = 1_000;

impl Clock {
    /// Lets it err. Timers that were set before go by the true time.
    pub(crate) fn may_err(&self) {
        self.face().may_err = true;
    }

    /// Lets it count `rate_per_mille` local milliseconds a second from now on.
    pub(crate) fn set_rate(&self, rate_per_mille: u32) {
        let mut face = self.face();
        if face.rate_per_mille != rate_per_mille {
            face.read();
            face.rate_per_mille = rate_per_mille;
            face.changed();
        }
    }

    /// Puts it forward, or back by a negative number.
    pub(crate) fn jump(&self, by_us: i64) {
        let mut face = self.face();
        face.read();
        face.local_us += by_us;
        face.changed();
    }

    /// Ends when this clock has counted `duration`.
    #[must_use]
    pub fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let mut face = self.face();
        if !face.may_err {
            return sleep(duration).boxed();
        }
        face.read();
        let until_us = face.local_us.saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX));
        face.next_timer += 1;
        let number = face.next_timer;
        Timer { clock: self.clone(), until_us, number, seen: 0, sleep: None }.boxed()
    }

    fn face(&self) -> MutexGuard<'_, Face> {
        self.face.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Face {
    fn read(&mut self) {
        let now_us = now_us();
        let passed_us = now_us - self.at_us;
        self.local_us += (passed_us * u64::from(self.rate_per_mille) / u64::from(RIGHT)) as i64;
        self.at_us = now_us;
    }

    fn changed(&mut self) {
        self.changes += 1;
        for (_, timer) in std::mem::take(&mut self.timers) {
            timer.wake();
        }
    }
}

struct Timer {
    clock: Clock,
    until_us: i64,
    number: u64,
    // The change of the clock that `sleep` goes by.
    seen: u64,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Future for Timer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let mut face = this.clock.face();
        loop {
            face.read();
            let left_us = u64::try_from(this.until_us - face.local_us).unwrap_or(0);
            if left_us == 0 {
                return Poll::Ready(());
            }
            if this.seen != face.changes || this.sleep.is_none() {
                this.seen = face.changes;
                let true_us = (left_us * u64::from(RIGHT)).div_ceil(u64::from(face.rate_per_mille));
                this.sleep = Some(Box::pin(sleep(Duration::from_micros(true_us))));
            }
            face.timers.insert(this.number, context.waker().clone());
            match this.sleep.as_mut().map(|sleep| sleep.as_mut().poll(context)) {
                // Rounding may leave a rest.
                Some(Poll::Ready(())) => this.sleep = None,
                Some(Poll::Pending) | None => return Poll::Pending,
            }
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        // The waker may hold what locks again.
        let _waker = self.clock.face().timers.remove(&self.number);
    }
}
