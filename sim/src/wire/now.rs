//! The virtual time of the simulation that runs on this thread.
//!
//! madsim gives its clock away by counted references; a run looks at it tens of thousands of times, so it
//! is kept at hand.

use madsim::time::{Sleep, TimeHandle};
use std::cell::RefCell;
use std::time::Duration;

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
