//! What many runs have done together.

use keygroups_sim::cluster::Summary;
use keygroups_sim::run::Run;
use serde::{Deserialize, Serialize};

use super::{Plan, ViolationDocument};

/// The most failures that are kept. All are counted; beyond this many, memory is worth more than one more.
const FAILURES_KEPT: usize = 1_000;

/// What all runs that hold have done together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sums {
    pub(crate) rows: u64,
    pub(crate) checkpoints_committed: u64,
    pub(crate) checkpoints_aborted: u64,
    pub(crate) attempts: u64,
    pub(crate) rescales: u64,
    pub(crate) elections: u64,
    pub(crate) moved_key_groups: u64,
    pub(crate) restore_bytes_read: u64,
    pub(crate) restore_bytes_owned: u64,
    #[serde(default)]
    pub(crate) restore_bytes_local: u64,
    #[serde(default)]
    pub(crate) copies_used: u64,
    #[serde(default)]
    pub(crate) copies_refused: u64,
    #[serde(default)]
    pub(crate) uploads_in_parts: u64,
    #[serde(default)]
    pub(crate) uploads_unfinished: u64,
    pub(crate) faults: u64,
    pub(crate) steps: u64,
    pub(crate) virtual_us: u64,
}

impl Sums {
    fn of(summary: &Summary, virtual_us: u64) -> Self {
        Self {
            rows: summary.rows,
            checkpoints_committed: summary.checkpoints_committed,
            checkpoints_aborted: summary.checkpoints_aborted,
            attempts: summary.attempts,
            rescales: summary.rescales,
            elections: summary.elections,
            moved_key_groups: summary.moved_key_groups,
            restore_bytes_read: summary.restore_bytes_read,
            restore_bytes_owned: summary.restore_bytes_owned,
            restore_bytes_local: summary.restore_bytes_local,
            copies_used: summary.copies_used,
            copies_refused: summary.copies_refused,
            uploads_in_parts: summary.uploads_in_parts,
            uploads_unfinished: summary.uploads_unfinished,
            faults: summary.faults as u64,
            steps: summary.steps,
            virtual_us,
        }
    }

    /// Adds `other`. Sums may come from a file, so none can overflow.
    pub(crate) fn add(&mut self, other: &Self) {
        for (sum, more) in [
            (&mut self.rows, other.rows),
            (&mut self.checkpoints_committed, other.checkpoints_committed),
            (&mut self.checkpoints_aborted, other.checkpoints_aborted),
            (&mut self.attempts, other.attempts),
            (&mut self.rescales, other.rescales),
            (&mut self.elections, other.elections),
            (&mut self.moved_key_groups, other.moved_key_groups),
            (&mut self.restore_bytes_read, other.restore_bytes_read),
            (&mut self.restore_bytes_owned, other.restore_bytes_owned),
            (&mut self.restore_bytes_local, other.restore_bytes_local),
            (&mut self.copies_used, other.copies_used),
            (&mut self.copies_refused, other.copies_refused),
            (&mut self.uploads_in_parts, other.uploads_in_parts),
            (&mut self.uploads_unfinished, other.uploads_unfinished),
            (&mut self.faults, other.faults),
            (&mut self.steps, other.steps),
            (&mut self.virtual_us, other.virtual_us),
        ] {
            *sum = sum.saturating_add(more);
        }
    }
}

/// A seed whose run broke something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Failure {
    pub(crate) seed: u64,
    pub(crate) violation: ViolationDocument,
    /// The command that shows it again.
    pub(crate) replay: String,
}

/// What a run adds to the sums, or how it failed.
pub(crate) fn outcome(plan: &Plan, run: &Run<Summary>) -> Result<Sums, Failure> {
    match &run.outcome {
        Ok(summary) => Ok(Sums::of(summary, run.virtual_us)),
        Err(violation) => {
            Err(Failure { seed: run.seed, violation: violation.into(), replay: plan.replay(run.seed) })
        }
    }
}

/// Runs, counted. Its size does not grow with them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Tally {
    pub(crate) runs: u64,
    pub(crate) failed: u64,
    pub(crate) sums: Sums,
    /// The first ones, in the order they were added.
    pub(crate) failures: Vec<Failure>,
}

impl Tally {
    pub(crate) fn add_run(&mut self, plan: &Plan, run: &Run<Summary>) {
        match outcome(plan, run) {
            Ok(sums) => self.add(1, &sums, &[]),
            Err(failure) => self.add(1, &Sums::default(), &[failure]),
        }
    }

    /// Adds `runs` runs of which the `failures` failed.
    pub(crate) fn add(&mut self, runs: u64, sums: &Sums, failures: &[Failure]) {
        self.runs = self.runs.saturating_add(runs);
        self.failed = self.failed.saturating_add(failures.len() as u64);
        self.sums.add(sums);
        let room = FAILURES_KEPT.saturating_sub(self.failures.len());
        self.failures.extend(failures.iter().take(room).cloned());
    }
}
