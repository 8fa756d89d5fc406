//! What a user sets of a cluster. The rest is drawn.

use crate::cluster::{Scenario, ScenarioError, Variety};
use crate::fault::Profile;
use keygroups::driver::Timings;
use keygroups::key_group::{MaxParallelism, Parallelism};

#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    pub(super) faults: Profile,
    pub(super) max_parallelism: Option<u32>,
    pub(super) parallelisms: Option<Vec<u32>>,
    pub(super) coordinators: Option<u16>,
    pub(super) hosts: Option<u16>,
    pub(super) slots: Option<u16>,
    pub(super) timings: Option<Timings>,
    pub(super) batches: Option<(usize, u64)>,
    pub(super) disks: Option<bool>,
    pub(super) variety: Option<Variety>,
}

impl Settings {
    /// What `seed` draws for a source with so many records in each partition, as far as nothing is set.
    pub(super) fn scenario(&self, seed: u64, records: &[u64]) -> Result<Scenario, ScenarioError> {
        let max_parallelism = self.max_parallelism.map(MaxParallelism::new).transpose()?;
        let parallelisms = self.parallelisms.as_ref().map(|parallelisms| {
            parallelisms.iter().map(|&parallelism| Parallelism::new(parallelism)).collect::<Result<_, _>>()
        });
        let mut scenario = Scenario::swarm_of(seed, records, self.faults);
        scenario.coordinators = self.coordinators.unwrap_or(scenario.coordinators);
        if let Some(slots) = self.slots {
            // As many in all as before.
            let all = scenario.hosts * scenario.slots;
            scenario.hosts = all.div_ceil(slots.max(1));
            scenario.slots = slots;
        }
        let mut scenario = scenario.with_parallelisms(max_parallelism, parallelisms.transpose()?)?;
        scenario.hosts = self.hosts.unwrap_or(scenario.hosts);
        scenario.disks = self.disks.unwrap_or(scenario.disks);
        scenario.timings = self.timings.clone().unwrap_or(scenario.timings);
        if let Some((records, interval_us)) = self.batches {
            scenario.batch_rows = records;
            scenario.batch_interval_us = interval_us;
        }
        // Drawn last: it fits what was set.
        scenario.variety = self.variety.clone().unwrap_or_else(|| scenario.draw_variety(seed));
        scenario.check()?;
        Ok(scenario)
    }
}
