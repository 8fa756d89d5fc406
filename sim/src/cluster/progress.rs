//! How far the job is: what the user wants next, what runs, what was counted.

use super::Scenario;
use super::summary::Summary;
use keygroups::checkpoint::{Attempt, Manifest};
use keygroups::key_group::{MaxParallelism, Parallelism};
use keygroups::protocol::Event;
use keygroups::rescale::RescalePlan;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Follows one run.
pub(super) struct Progress {
    /// The newest manifest.
    pub(super) newest: Option<Arc<Manifest>>,
    pub(super) summary: Summary,
    // The attempt that ran last, and its parallelism.
    running: Option<(Attempt, Parallelism)>,
    ran_at: Option<Parallelism>,
    deployed_at: BTreeMap<Attempt, Parallelism>,
    max_parallelism: MaxParallelism,
    // Which of the scenario's parallelisms is wanted now.
    stage: usize,
    // The last of them has been reached.
    last_runs: bool,
    parallelisms: Vec<Parallelism>,
    // Partitions round down, each by less than a row.
    rounding: u64,
}

impl Progress {
    /// `records` of each partition.
    pub(super) fn new(scenario: &Scenario, records: &[u64]) -> Self {
        Self {
            newest: None,
            summary: Summary { rows: records.iter().sum(), ..Summary::default() },
            running: None,
            ran_at: None,
            deployed_at: BTreeMap::new(),
            max_parallelism: scenario.max_parallelism,
            stage: 0,
            last_runs: false,
            parallelisms: scenario.parallelisms.clone(),
            rounding: records.len().max(8) as u64,
        }
    }

    /// How many of a partition's `rows` have come in so far. Further input comes in when the parallelism
    /// that was asked for is running, so that every rescale has a stream to interrupt; the last row comes
    /// in when the last one runs.
    pub(super) fn available(&self, rows: u64) -> u64 {
        let come = self.share(rows);
        if self.last_runs { come } else { come.min(rows.saturating_sub(1)) }
    }

    /// The parallelism to ask for, while it is not durably accepted, and whether it is asked for the first
    /// time. The next one is due when nine tenths of what has come in are committed.
    pub(super) fn wanted(&mut self, committed_rows: u64) -> Option<(Parallelism, bool)> {
        let wanted = self.parallelisms[self.stage];
        let desired = self.newest.as_ref().map(|manifest| manifest.desired_parallelism);
        let reached = self.running.is_some_and(|(_, running)| running == wanted) && desired == Some(wanted);
        let last = self.stage + 1 == self.parallelisms.len();
        self.last_runs |= reached && last;
        let due = self.share(self.summary.rows);
        let nearly = committed_rows + self.rounding >= due || committed_rows * 10 >= due * 9;
        if reached && nearly && !last {
            self.stage += 1;
            return Some((self.parallelisms[self.stage], true));
        }
        desired.is_some_and(|desired| desired != wanted).then_some((wanted, false))
    }

    /// Counts what a coordinator decided. The rescale that is complete with it, in words.
    pub(super) fn happened(&mut self, event: &Event) -> Option<String> {
        match event {
            Event::Elected { .. } => self.summary.elections += 1,
            Event::Committed { .. } => self.summary.checkpoints_committed += 1,
            Event::Aborted { .. } => self.summary.checkpoints_aborted += 1,
            Event::Deployed { attempt, parallelism, .. } => {
                self.summary.attempts += 1;
                self.deployed_at.insert(*attempt, *parallelism);
            }
            Event::Running { attempt } => {
                let parallelism = *self.deployed_at.get(attempt)?;
                self.running = Some((*attempt, parallelism));
                let before = self.ran_at.replace(parallelism).filter(|before| *before != parallelism)?;
                self.summary.rescales += 1;
                let plan = RescalePlan::between(self.max_parallelism, before, parallelism).ok()?;
                let (moved, kept) = (plan.moved_key_groups(), plan.kept_key_groups());
                self.summary.moved_key_groups += moved as u64;
                return Some(format!(
                    "rescaled {before} → {parallelism}: {moved} key groups moved, {kept} stayed"
                ));
            }
            Event::Restarting { attempt, .. } => {
                self.running = self.running.filter(|(running, _)| running != attempt);
            }
            _ => {}
        }
        None
    }

    fn share(&self, rows: u64) -> u64 {
        rows * (self.stage as u64 + 1) / self.parallelisms.len() as u64
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(manifest) = &self.newest {
            write!(
                f,
                "manifest {} of epoch {}, parallelism {} wanted, ",
                manifest.version, manifest.epoch, manifest.desired_parallelism
            )?;
        }
        match self.running {
            Some((attempt, parallelism)) => write!(f, "attempt {attempt} ran last at {parallelism}"),
            None => write!(f, "nothing runs"),
        }
    }
}
