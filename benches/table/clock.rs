//! How long something takes.

/// Measures the processor time of this thread: what else the machine does does not count, unless it
/// takes the cache.
#[cfg(unix)]
pub struct Clock(rustix::time::Timespec);

#[cfg(unix)]
impl Clock {
    pub fn start() -> Self {
        Self(rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime))
    }

    pub fn seconds(&self) -> f64 {
        let Self(now) = Self::start();
        (now.tv_sec - self.0.tv_sec) as f64 + (now.tv_nsec - self.0.tv_nsec) as f64 * 1e-9
    }
}

/// Measures what the wall's clock says.
#[cfg(not(unix))]
pub struct Clock(std::time::Instant);

#[cfg(not(unix))]
#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
impl Clock {
    pub fn start() -> Self {
        Self(std::time::Instant::now())
    }

    pub fn seconds(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}
