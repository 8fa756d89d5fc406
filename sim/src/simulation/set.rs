//! What a user can say of a simulation before it is run.

use super::Simulation;
use crate::cluster::{Process, Scenario, Variety};
use crate::fault::{Aim, Fault, FaultPlan, Profile};
use crate::job::{AtEnd, Committed, Invariant, Job, Judgement, OnCommit, OutputOf};
use keygroups::driver::Timings;
use object_store::ObjectStore;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Arc;

impl<J: Job> Simulation<J> {
    /// The seeds to run.
    pub fn seeds(mut self, seeds: Range<u64>) -> Self {
        self.seeds = seeds;
        self
    }

    /// How many seeds run at the same time; by default one for each core.
    pub fn threads(mut self, threads: NonZeroUsize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// How much goes wrong, drawn from the seed.
    pub fn faults(mut self, profile: Profile) -> Self {
        self.settings.faults = profile;
        self
    }

    /// Exactly these faults instead of drawn ones: `plan` gets the seed, and the scenario whose
    /// [targets](Scenario::targets) they hit.
    pub fn fault_plan(mut self, plan: impl Fn(u64, &Scenario) -> FaultPlan + Send + Sync + 'static) -> Self {
        self.draw_plan = Some(Arc::new(plan));
        self
    }

    /// One fault more, at `at_us` virtual microseconds.
    pub fn fault(mut self, at_us: u64, fault: Fault) -> Self {
        self.timed.push((at_us, fault));
        self
    }

    /// One fault more, at a step of the protocol.
    pub fn aim(mut self, aim: Aim) -> Self {
        self.aims.push(aim);
        self
    }

    /// The number of key groups, 1 to 32768.
    pub fn max_parallelism(mut self, max_parallelism: u32) -> Self {
        self.settings.max_parallelism = Some(max_parallelism);
        self
    }

    /// The first parallelism, and those that the job is rescaled to while it runs.
    pub fn parallelisms(mut self, parallelisms: impl Into<Vec<u32>>) -> Self {
        self.settings.parallelisms = Some(parallelisms.into());
        self
    }

    /// How many coordinators there are.
    pub fn coordinators(mut self, coordinators: u16) -> Self {
        self.settings.coordinators = Some(coordinators);
        self
    }

    /// How many hosts there are. Two slots are needed for each unit of parallelism: with fewer the job runs
    /// at less, and never reaches the parallelisms that it waits for.
    pub fn hosts(mut self, hosts: u16) -> Self {
        self.settings.hosts = Some(hosts);
        self
    }

    /// How many tasks each host has room for.
    pub fn slots(mut self, slots: u16) -> Self {
        self.settings.slots = Some(slots);
        self
    }

    /// Whether hosts keep local copies on disks of their own; faults of these are drawn then, too.
    pub fn disks(mut self, disks: bool) -> Self {
        self.settings.disks = Some(disks);
        self
    }

    /// All timers, and the bounds of requests to the store.
    pub fn timings(mut self, timings: Timings) -> Self {
        self.settings.timings = Some(timings);
        self
    }

    /// A source reads `records` of each partition every `interval_us` virtual microseconds.
    pub fn batches(mut self, records: usize, interval_us: u64) -> Self {
        self.settings.batches = Some((records, interval_us));
        self
    }

    /// Silences, slow tasks, small channels, a user who changes his mind, cancelled jobs, instead of drawn ones.
    pub fn variety(mut self, variety: Variety) -> Self {
        self.settings.variety = Some(variety);
        self
    }

    /// Puts something around the store of each life of each process, as a cache: `wrap` gets its client. It
    /// must be deterministic: no clock and no randomness of its own, no threads.
    ///
    /// The checks watch what is inside. What never arrives there has not happened.
    pub fn store(
        mut self,
        wrap: impl Fn(Process, Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore> + Send + Sync + 'static,
    ) -> Self {
        self.stores.wrap = Some(Arc::new(wrap));
        self
    }

    /// A store instead of the simulated one: `make` is called for each run, and all its processes share what
    /// it gives. It must be deterministic, too.
    ///
    /// Requests to it take up to 20 virtual milliseconds, and no fault of network or store befalls them. A
    /// change is judged when the store says that it is done. Copies, which the library does not use, are
    /// refused.
    pub fn own_store(mut self, make: impl Fn() -> Arc<dyn ObjectStore> + Send + Sync + 'static) -> Self {
        self.stores.own = Some(Arc::new(make));
        self
    }

    /// Something that must happen in one of the runs at least: a mark of the operator's
    /// ([`Context::sometimes`](crate::job::Context::sometimes)), or one of [`MARKS`](crate::coverage::MARKS) by its name.
    /// Runs in which it never does hold for nothing: they have not tested what they are meant to.
    pub fn sometimes(mut self, mark: &'static str) -> Self {
        self.sometimes.push(mark);
        self
    }

    /// Something else that must hold. `make` is called for every run.
    pub fn invariant<I>(mut self, make: impl Fn() -> I + Send + Sync + 'static) -> Self
    where
        I: Invariant<OutputOf<J>> + 'static,
    {
        self.rules.push(Arc::new(move || Box::new(make())));
        self
    }

    /// A rule for every committed checkpoint.
    pub fn on_commit<F>(self, name: &'static str, rule: F) -> Self
    where
        F: Fn(&Committed<'_, OutputOf<J>>) -> Judgement + Clone + Send + Sync + 'static,
    {
        self.invariant(move || OnCommit(name, rule.clone()))
    }

    /// A rule for the end: the last checkpoint with all output.
    pub fn at_end<F>(self, name: &'static str, rule: F) -> Self
    where
        F: Fn(&Committed<'_, OutputOf<J>>) -> Judgement + Clone + Send + Sync + 'static,
    {
        self.invariant(move || AtEnd(name, rule.clone()))
    }
}
