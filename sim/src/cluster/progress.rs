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
    // The attempt that runs, and its parallelism.
    running: Option<(Attempt, Parallelism)>,
    // The newest attempt that ever ran, and its parallelism.
    ran: Option<(Attempt, Parallelism)>,
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
            ran: None,
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
    /// time. The next one is due when nine tenths of what has come in are committed, and what was asked for
    /// runs: at exactly the parallelism that the `slots` of all hosts allow that have come and not gone for
    /// good. That some are down is no excuse.
    pub(super) fn wanted(&mut self, committed_rows: u64, slots: usize) -> Option<(Parallelism, bool)> {
        let wanted = self.parallelisms[self.stage];
        let desired = self.newest.as_ref().map(|manifest| manifest.desired_parallelism);
        let achievable = self.achievable(wanted, slots);
        let reached =
            self.running.is_some_and(|(_, running)| running == achievable) && desired == Some(wanted);
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
                // A leader that is deposed and does not know it runs its job with whom it still reaches.
                if self.ran.is_some_and(|(newest, _)| newest > *attempt) {
                    return None;
                }
                let parallelism = *self.deployed_at.get(attempt)?;
                self.running = Some((*attempt, parallelism));
                let (_, before) = self.ran.replace((*attempt, parallelism))?;
                if before == parallelism {
                    return None;
                }
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

    /// The highest parallelism up to the wanted one that fits into the slots. With too few for any it is the
    /// wanted one: then nothing counts as reached.
    fn achievable(&self, wanted: Parallelism, slots: usize) -> Parallelism {
        let achievable = self.newest.as_ref().and_then(|manifest| manifest.job.achievable(wanted, slots));
        achievable.unwrap_or(wanted)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Profile;
    use crate::input::Table;
    use keygroups::checkpoint::{CheckpointId, LeaderEpoch};

    /// Seed 20834 of a swarm: cut off with a single host, the leader of epoch 1 deployed at parallelism 1 and
    /// said that this ran, long after epoch 2 had run at 3. The user believed it, waited for 3, and never
    /// asked for the last parallelism, so that the job could not finish.
    #[test]
    fn what_a_deposed_leader_runs_is_not_what_the_job_runs() {
        let parallelism = |count| Parallelism::new(count).unwrap();
        let table = Arc::new(Table::january("tailnum").unwrap());
        let max = MaxParallelism::new(16).unwrap();
        let scenario =
            Scenario::new(table, max, vec![parallelism(3), parallelism(2)], Profile::Chaos).unwrap();
        let mut progress = Progress::new(&scenario, &[scenario.rows() as u64]);
        let mut runs = |epoch, run, count| {
            let attempt = Attempt { epoch: LeaderEpoch(epoch), run };
            let restore = CheckpointId::NONE;
            progress.happened(&Event::Deployed { attempt, parallelism: parallelism(count), restore });
            progress.happened(&Event::Running { attempt });
            progress.running
        };
        let newest = runs(2, 1, 3);
        assert_eq!(runs(1, 2, 1), newest);
        assert_eq!(newest.map(|(_, parallelism)| parallelism.get()), Some(3));
        assert_ne!(runs(2, 2, 2), newest);
    }
}
