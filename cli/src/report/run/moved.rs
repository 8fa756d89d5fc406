//! What attempts have brought from the store, and how many key groups changed their owner.

use std::collections::BTreeMap;

use keygroups::checkpoint::Attempt;
use keygroups::key_group::{MaxParallelism, Parallelism};
use keygroups::protocol::Event;
use keygroups::rescale::RescalePlan;
use keygroups_sim::cluster::Restored;

use crate::replay::words::Told;
use crate::report::diagram::{At, Moved};

#[derive(Default)]
pub(super) struct Bytes {
    attempts: BTreeMap<Attempt, Moved>,
    deployed: BTreeMap<Attempt, Parallelism>,
    ran: Option<Parallelism>,
}

impl Bytes {
    pub(super) fn take(&mut self, at: At, told: Told<'_>, max: Option<MaxParallelism>) {
        match told.kind {
            "restored" => {
                let Some(restored) = told.read::<Restored>() else { return };
                let moved = self.attempts.entry(restored.attempt).or_default();
                moved.at = at;
                moved.keys += restored.entries;
                moved.bytes_read += restored.bytes_read;
                moved.bytes_owned += restored.bytes_owned;
            }
            "event" => match told.read() {
                Some(Event::Deployed { attempt, parallelism, .. }) => {
                    self.deployed.insert(attempt, parallelism);
                }
                Some(Event::Running { attempt }) => self.runs(at, attempt, max),
                _ => {}
            },
            _ => {}
        }
    }

    fn runs(&mut self, at: At, attempt: Attempt, max: Option<MaxParallelism>) {
        let Some(&parallelism) = self.deployed.get(&attempt) else { return };
        let before = self.ran.replace(parallelism);
        // Nothing has moved to the first attempt.
        let Some(moved) = self.attempts.get_mut(&attempt) else { return };
        moved.at = at;
        let plan =
            before.zip(max).and_then(|(before, max)| RescalePlan::between(max, before, parallelism).ok());
        moved.key_groups = plan.map(|plan| plan.moved_key_groups() as u64);
    }

    pub(super) fn until_the_end(self) -> Vec<Moved> {
        let Self { attempts, deployed, .. } = self;
        let named = |(attempt, moved): (Attempt, Moved)| Moved {
            attempt: attempt.to_string(),
            parallelism: deployed.get(&attempt).map_or(0, |parallelism| u64::from(parallelism.get())),
            ..moved
        };
        attempts.into_iter().map(named).collect()
    }
}
