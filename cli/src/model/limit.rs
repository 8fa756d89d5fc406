//! Where a search ends that nobody stops.

use std::cell::Cell;
use std::fmt;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::bail;
use keygroups_model::Limits;
use serde::Serialize;

use crate::progress::now;

/// A limit that a search has reached.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Limit {
    Minutes(f64),
    /// Units of 10^9 bytes.
    Gigabytes(f64),
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Minutes(1.0) => write!(f, "the limit of 1 minute"),
            Self::Minutes(minutes) => write!(f, "the limit of {minutes} minutes"),
            Self::Gigabytes(gigabytes) => write!(f, "the limit of {gigabytes} GB"),
        }
    }
}

/// What one model may take, from now on: its search and the one for recoveries together.
pub(crate) struct Allowance {
    limits: Limits,
    began: Instant,
    weighed: Cell<Duration>,
    reached: Cell<Option<Limit>>,
}

/// Asking for the memory in use takes as long as expanding some states.
const WEIGHED_EVERY: Duration = Duration::from_millis(100);

impl Allowance {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, began: now(), weighed: Cell::new(Duration::ZERO), reached: Cell::new(None) }
    }

    /// As much as it takes.
    pub(crate) fn unlimited() -> Self {
        Self::new(Limits::default())
    }

    /// Whether no limit is reached. Once one is, it stays so.
    pub(crate) fn lasts(&self) -> bool {
        if self.reached.get().is_none() {
            self.reached.set(self.reaches());
        }
        self.reached.get().is_none()
    }

    /// The limit that was reached first.
    pub(crate) fn reached(&self) -> Option<Limit> {
        self.reached.get()
    }

    fn reaches(&self) -> Option<Limit> {
        let elapsed = self.began.elapsed();
        if let Some(minutes) = self.limits.minutes
            && elapsed.as_secs_f64() >= minutes * 60.0
        {
            return Some(Limit::Minutes(minutes));
        }
        let gigabytes = self.limits.gigabytes?;
        if elapsed.saturating_sub(self.weighed.get()) < WEIGHED_EVERY {
            return None;
        }
        self.weighed.set(elapsed);
        (resident_bytes()? as f64 >= gigabytes * 1e9).then_some(Limit::Gigabytes(gigabytes))
    }
}

/// The limit called `text`: any number above 0.
///
/// # Errors
///
/// One line that says what is expected.
pub(crate) fn parse_limit(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(limit) if limit > 0.0 && limit.is_finite() => Ok(limit),
        _ => Err("a number above 0 is needed".to_owned()),
    }
}

/// # Errors
///
/// If the system does not say how much memory is in use.
pub(crate) fn check_measurable() -> anyhow::Result<()> {
    if resident_bytes().is_none() {
        bail!("--gigabytes needs /proc/self/status, which this system does not have");
    }
    Ok(())
}

/// What the process holds in memory (`VmRSS`): what somebody sees who watches it, values, tables and
/// what the allocator has kept included. `None` where the system is not Linux.
fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}
