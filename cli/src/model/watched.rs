//! Searches through a model that a person watches, and ends with Ctrl-C; or a limit ends them.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use keygroups_model::liveness;
use keygroups_model::model::JobModel;
use keygroups_model::survey::{Progress, Survey, survey};

use super::Allowance;
use crate::progress::{Ticker, stopped_by_ctrl_c};
use crate::sim::style::{counted, thousands};

/// Runs searches one after the other, until all are done or the user has seen enough.
pub(crate) struct Watched {
    pub(crate) threads: usize,
    stop: Arc<AtomicBool>,
}

impl Watched {
    /// Searches with so many threads, or with one for each core.
    ///
    /// # Errors
    ///
    /// If the system does not let us listen to Ctrl-C.
    pub(crate) fn new(threads: Option<NonZeroUsize>) -> anyhow::Result<Self> {
        let threads =
            threads.unwrap_or_else(|| thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)).get();
        Ok(Self { threads, stop: stopped_by_ctrl_c()? })
    }

    /// Whether the user wants no more.
    pub(crate) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Looks at every reachable state while it may; also says how many seconds it took.
    pub(crate) fn safety(&self, name: &str, model: &JobModel, may: &Allowance) -> (Survey, f64) {
        let mut ticker = Ticker::new();
        let found = survey(model, self.threads, usize::MAX, |progress| {
            ticker.tick(|took| how_far(name, progress, took));
            !self.stopped() && may.lasts()
        });
        (found, ticker.clear())
    }

    /// Asks each reachable state whether every goal stays reachable while it may; also says how many seconds
    /// it took.
    pub(crate) fn recovery(&self, name: &str, model: &JobModel, may: &Allowance) -> (liveness::Report, f64) {
        let mut ticker = Ticker::new();
        let report = liveness::check(model, usize::MAX, |progress| {
            ticker.tick(|took| how_far_recovered(name, progress, took));
            !self.stopped() && may.lasts()
        });
        (report, ticker.clear())
    }
}

/// How far a survey is, in one line.
pub(crate) fn how_far(name: &str, progress: Progress, took: Duration) -> String {
    format!(
        "{name}: {}, {}/s, depth {}, {} queued",
        counted(progress.unique as u64, "state"),
        thousands((progress.unique as f64 / took.as_secs_f64().max(1e-9)) as u64),
        progress.depth,
        thousands(progress.queue as u64)
    )
}

/// How far a check of recovery is, in one line.
pub(crate) fn how_far_recovered(name: &str, progress: liveness::Progress, took: Duration) -> String {
    let liveness::Progress { search, effort } = progress;
    format!(
        "{name}: recovery from {}, {}/s, depth {}, {} asked, {} queued",
        counted(search.unique as u64, "state"),
        thousands((search.unique as f64 / took.as_secs_f64().max(1e-9)) as u64),
        search.depth,
        thousands(effort.asked as u64),
        thousands(search.queue as u64)
    )
}
