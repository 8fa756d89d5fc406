//! How long something takes: by the wall's clock, and in processor time.
//!
//! Processor time is what the work itself costs, whatever else a machine does meanwhile; where a system does
//! not tell it, the wall's clock stands for it.

use std::time::Instant;

/// A moment, for people who measure.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
pub fn now() -> Instant {
    Instant::now()
}

/// Processor time of this thread so far, in seconds.
#[cfg(unix)]
pub fn thread_seconds() -> f64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 * 1e-9
}

/// Seconds since somebody first asked.
#[cfg(not(unix))]
pub fn thread_seconds() -> f64 {
    static BEGAN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    BEGAN.get_or_init(now).elapsed().as_secs_f64()
}
