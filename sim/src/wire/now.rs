//! The virtual time of the simulation that runs on this thread.
//!
//! madsim gives its clock away by counted references; a run looks at it tens of thousands of times, so it
//! is kept at hand.

use madsim::time::{Sleep, TimeHandle};
use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::Duration;

/// What madsim makes of shorter sleeps.
const SLEEP_MIN: Duration = Duration::from_millis(1);

thread_local! {
    static TIME: RefCell<Option<TimeHandle>> = const { RefCell::new(None) };
}

/// Virtual microseconds since the simulation began.
///
/// # Panics
/// Outside a simulation.
#[must_use]
pub fn now_us() -> u64 {
    TIME.with_borrow(|time| us_of(time.as_ref().expect("a simulation runs on this thread")))
}

/// Ends after this much virtual time.
///
/// # Panics
/// Outside a simulation.
pub(crate) fn sleep(duration: Duration) -> Sleep {
    TIME.with_borrow(|time| time.as_ref().expect("a simulation runs on this thread").sleep(duration))
}

/// Wakes `waker` after this much virtual time, as a poll of such a [`sleep`] would. `alarm` is any sleep, to be used
/// again: the timers that it has set stay.
///
/// # Panics
/// Outside a simulation.
pub(crate) fn wake_after(duration: Duration, waker: &Waker, alarm: &mut Option<Sleep>) {
    TIME.with_borrow(|time| {
        let time = time.as_ref().expect("a simulation runs on this thread");
        let mut alarm = Pin::new(alarm.get_or_insert_with(|| time.sleep(duration)));
        alarm.as_mut().reset(time.now_instant() + duration.max(SLEEP_MIN));
        let _ = alarm.poll(&mut Context::from_waker(waker));
    });
}

/// The simulation that runs on this thread begins.
pub(crate) fn begin() {
    TIME.set(Some(TimeHandle::current()));
}

/// It is over, after this many virtual microseconds; none if it has not begun.
pub(crate) fn end() -> u64 {
    TIME.take().as_ref().map_or(0, us_of)
}

fn us_of(time: &TimeHandle) -> u64 {
    let elapsed = time.elapsed();
    elapsed.as_secs() * 1_000_000 + u64::from(elapsed.subsec_micros())
}
