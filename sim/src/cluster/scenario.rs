//! What a cluster is made of and what it is to do.

mod error;
mod nodes;
mod swarm;

pub use error::ScenarioError;

use super::variety::Variety;
use crate::fault::Profile;
use crate::input::Table;
use keygroups::checkpoint::{JobSpec, Scaling, VertexId, VertexSpec};
use keygroups::driver::Timings;
use keygroups::key_group::{MaxParallelism, Parallelism};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// The vertex that reads the input.
pub(crate) const SOURCE: VertexId = VertexId(0);
/// The vertex that processes.
pub(crate) const OPERATOR: VertexId = VertexId(1);

/// A bug planted into the simulated engine, to see that the oracle catches it; one that the model's zoo
/// does not have. The machines and the driver are as in production.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EngineBug {
    /// Every 31st record is counted twice. Of the cluster's own job only.
    CountsTwice,
    /// Sources begin anew after every restore.
    ForgetsOffsets,
    /// A host that is told to restore a task takes the newest copy of that task's state on its disk for it, by
    /// its name, and reads it unverified: whichever attempt took it, and for whichever checkpoint.
    TrustsLocalCopies,
}

/// How much longer than the others a coordinator waits before it campaigns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Jitter {
    /// At random: two may campaign at the same moment, and the second then deposes the first, for nothing.
    #[default]
    Random,
    /// Each by so much that the first is heard before the next campaigns.
    Apart,
}

/// A job, a cluster for it, and what befalls them. Equal scenarios and seeds give equal runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What the cluster's own job reads. A job of a user's own has a source of its own, and no row here.
    #[serde(default, skip_serializing_if = "Table::is_empty")]
    pub(crate) input: Arc<Table>,
    pub(crate) partitions: u16,
    pub(crate) max_parallelism: MaxParallelism,
    pub(crate) parallelisms: Vec<Parallelism>,
    pub(crate) faults: Profile,
    pub(crate) coordinators: u16,
    pub(crate) hosts: u16,
    pub(crate) slots: u16,
    pub(crate) batch_rows: usize,
    pub(crate) batch_interval_us: u64,
    pub(crate) checkpoints_retained: usize,
    /// How many manifests are kept.
    #[serde(default = "manifests_retained")]
    pub(crate) manifests_retained: u64,
    /// Hosts that are not there unless a fault lets them join.
    #[serde(default)]
    pub(crate) spares: u16,
    /// How coordinators draw their jitter.
    #[serde(default)]
    pub(crate) jitter: Jitter,
    pub(crate) timings: Timings,
    pub(crate) store_timeout_us: u64,
    pub(crate) horizon_us: u64,
    pub(crate) liveness_us: u64,
    pub(crate) bug: Option<EngineBug>,
    /// Hosts keep local copies on their disks.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) disks: bool,
    /// What makes this job unlike the next one.
    #[serde(default)]
    pub(crate) variety: Variety,
}

/// Every task is a handful of events per checkpoint and a channel to every source; beyond this a run
/// takes minutes.
const PARALLELISM_MAX: u16 = 64;
/// As many as the largest parallelism can need.
const PROCESSES_MAX: u16 = 2 * PARALLELISM_MAX;

impl Scenario {
    /// The main job: all of `input`, at the first of `parallelisms`, then rescaled to each of the
    /// others when its share of the input was committed; two coordinators, hosts of four slots, one
    /// more than needed.
    ///
    /// # Errors
    ///
    /// [`ScenarioError`] says which number does not fit.
    pub fn new(
        input: Arc<Table>,
        max_parallelism: MaxParallelism,
        parallelisms: Vec<Parallelism>,
        faults: Profile,
    ) -> Result<Self, ScenarioError> {
        let most = *parallelisms.iter().max().ok_or(ScenarioError::NoParallelism)?;
        for parallelism in &parallelisms {
            parallelism.within(max_parallelism)?;
        }
        if most.get() > PARALLELISM_MAX {
            return Err(ScenarioError::TooParallel { found: most.get(), max: PARALLELISM_MAX });
        }
        let slots = 4;
        // One task of each vertex for each unit of parallelism.
        let hosts = (2 * most.get()).div_ceil(slots) + 1;
        let partitions = 8;
        let batch_interval_us = 100_000;
        // Thirty seconds of input without failures.
        let batches = 300 * usize::from(partitions);
        Ok(Self {
            batch_rows: input.rows.len().div_ceil(batches).max(1),
            input,
            partitions,
            max_parallelism,
            parallelisms,
            faults,
            coordinators: 2,
            hosts,
            slots,
            batch_interval_us,
            checkpoints_retained: 1,
            manifests_retained: manifests_retained(),
            spares: 0,
            jitter: if faults == Profile::None { Jitter::Apart } else { Jitter::Random },
            timings: timings(),
            store_timeout_us: 1_000_000,
            horizon_us: 30_000_000,
            liveness_us: 120_000_000,
            bug: None,
            disks: false,
            variety: Variety::default(),
        })
    }

    /// Whether it can be run.
    ///
    /// # Errors
    ///
    /// [`ScenarioError`] says which number does not fit.
    pub fn check(&self) -> Result<(), ScenarioError> {
        let most = *self.parallelisms.iter().max().ok_or(ScenarioError::NoParallelism)?;
        most.within(self.max_parallelism)?;
        if most.get() > PARALLELISM_MAX {
            return Err(ScenarioError::TooParallel { found: most.get(), max: PARALLELISM_MAX });
        }
        let counts = [
            ("partitions", u64::from(self.partitions)),
            ("coordinators", u64::from(self.coordinators)),
            ("hosts", u64::from(self.hosts)),
            ("slots", u64::from(self.slots)),
            ("batch_rows", self.batch_rows as u64),
            ("batch_interval_us", self.batch_interval_us),
            ("checkpoints_retained", self.checkpoints_retained as u64),
            ("manifests_retained", self.manifests_retained),
            ("store_timeout_us", self.store_timeout_us),
        ];
        match counts.into_iter().find(|(_, count)| *count == 0) {
            Some((name, _)) => return Err(ScenarioError::Zero { name }),
            None if self.coordinators > PROCESSES_MAX
                || self.hosts.saturating_add(self.spares) > PROCESSES_MAX =>
            {
                return Err(ScenarioError::TooManyProcesses {
                    coordinators: self.coordinators,
                    hosts: self.hosts.saturating_add(self.spares),
                    max: PROCESSES_MAX,
                });
            }
            None if self.hosts < self.hosts_min() => {
                let (hosts, slots, needed) = (self.hosts, self.slots, self.hosts_min());
                return Err(ScenarioError::TooFewHosts { hosts, slots, needed });
            }
            None => {}
        }
        if self.batch_interval_us > self.horizon_us {
            let (interval_us, horizon_us) = (self.batch_interval_us, self.horizon_us);
            return Err(ScenarioError::TooSlow { interval_us, horizon_us });
        }
        self.variety.check(self)?;
        Ok(self.timings.check()?)
    }

    /// Whether the cluster's own job can be run by it.
    pub(crate) fn check_input(&self) -> Result<(), ScenarioError> {
        if self.input.is_empty() { Err(ScenarioError::NoRow) } else { Ok(()) }
    }

    /// How much goes wrong in what a seed draws.
    #[must_use]
    pub fn faults(&self) -> Profile {
        self.faults
    }

    /// When all faults that a seed draws are over at the latest, in virtual microseconds.
    #[must_use]
    pub fn horizon_us(&self) -> u64 {
        self.horizon_us
    }

    /// The same with the input coming in over so many virtual seconds, and faults until then; as many batches in
    /// larger pauses. At least 1 second. From 600 on with production's timings: nobody waits for
    /// the timers of a long run.
    #[must_use]
    pub fn over_seconds(mut self, seconds: u32) -> Self {
        self.horizon_us = u64::from(seconds.max(1)) * 1_000_000;
        let most = self.input.rows.len().div_ceil(usize::from(self.partitions));
        let batches = most.div_ceil(self.batch_rows).max(1) as u64;
        self.batch_interval_us = (self.horizon_us / batches).max(1_000);
        if seconds >= LONG_SECONDS {
            self.timings = Timings::default();
            self.store_timeout_us *= TIMINGS_SHARE;
            self.liveness_us *= TIMINGS_SHARE;
        }
        self
    }

    /// The same with a bug in the engine.
    #[must_use]
    pub fn with_engine_bug(mut self, bug: EngineBug) -> Self {
        self.bug = Some(bug);
        self
    }

    /// The same with hosts that keep local copies on their disks, or with hosts that keep none.
    #[must_use]
    pub fn with_disks(mut self, disks: bool) -> Self {
        self.disks = disks;
        self
    }

    /// Whether hosts keep local copies on their disks.
    #[must_use]
    pub fn disks(&self) -> bool {
        self.disks
    }

    /// The same with this variety.
    ///
    /// # Errors
    ///
    /// [`ScenarioError`] says what of it does not fit.
    pub fn with_variety(mut self, variety: Variety) -> Result<Self, ScenarioError> {
        variety.check(&self)?;
        self.variety = variety;
        Ok(self)
    }

    /// What makes its job unlike the next one.
    #[must_use]
    pub fn variety(&self) -> &Variety {
        &self.variety
    }

    /// How many rows of the input it reads.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.input.rows.len()
    }

    /// The first parallelism and those it is rescaled to.
    #[must_use]
    pub fn parallelisms(&self) -> &[Parallelism] {
        &self.parallelisms
    }

    /// The number of key groups.
    #[must_use]
    pub fn max_parallelism(&self) -> MaxParallelism {
        self.max_parallelism
    }

    /// How many processes there are: coordinators, and hosts.
    #[must_use]
    pub fn processes(&self) -> (u16, u16) {
        (self.coordinators, self.hosts)
    }

    /// How many tasks each host has room for.
    #[must_use]
    pub fn slots(&self) -> u16 {
        self.slots
    }

    /// The same job and cluster with this max parallelism and these parallelisms, where given. What is
    /// not given is brought within the bounds of what is; hosts are added if there are too few slots.
    ///
    /// # Errors
    ///
    /// [`ScenarioError`] says which of the given numbers does not fit.
    pub fn with_parallelisms(
        mut self,
        max_parallelism: Option<MaxParallelism>,
        parallelisms: Option<Vec<Parallelism>>,
    ) -> Result<Self, ScenarioError> {
        if let Some(parallelisms) = parallelisms {
            let most = *parallelisms.iter().max().ok_or(ScenarioError::NoParallelism)?;
            if most.get() > PARALLELISM_MAX {
                return Err(ScenarioError::TooParallel { found: most.get(), max: PARALLELISM_MAX });
            }
            let enough = MaxParallelism::new(u32::from(most.get()))?;
            most.within(max_parallelism.unwrap_or(enough))?;
            self.max_parallelism = self.max_parallelism.max(enough);
            self.hosts = self.hosts.max((2 * most.get()).div_ceil(self.slots));
            self.parallelisms = parallelisms;
        }
        if let Some(max) = max_parallelism {
            let most = Parallelism::new(u32::from(max.get()))?;
            self.parallelisms.iter_mut().for_each(|parallelism| *parallelism = most.min(*parallelism));
            self.max_parallelism = max;
        }
        Ok(self)
    }

    /// How many hosts the smallest parallelism needs that is wanted.
    fn hosts_min(&self) -> u16 {
        let least = self.parallelisms.iter().min().map_or(1, |least| least.get());
        (2 * least).div_ceil(self.slots.max(1))
    }

    /// How long partitions of so many records take at the least, in virtual microseconds.
    pub(crate) fn input_us(&self, records: &[u64]) -> u64 {
        let most = records.iter().max().copied().unwrap_or(0);
        most.div_ceil(self.batch_rows as u64) * self.batch_interval_us
    }

    /// Sources and the vertex `operator`; both follow the job's parallelism.
    pub(crate) fn job(&self, operator: &str) -> JobSpec {
        let source = VertexSpec {
            name: "source".to_owned(),
            max_parallelism: None,
            scaling: Scaling::Elastic,
            inputs: Vec::new(),
        };
        let operator = VertexSpec {
            name: operator.to_owned(),
            max_parallelism: Some(self.max_parallelism),
            scaling: Scaling::Elastic,
            inputs: vec![SOURCE],
        };
        JobSpec::new(vec![source, operator]).expect("the second reads the first")
    }
}

/// How much longer production's timings are than [`timings`], about.
const TIMINGS_SHARE: u64 = 10;

/// A run of so many virtual seconds has production's timings.
const LONG_SECONDS: u32 = 600;

/// A tenth of production's: a run should not wait for its own timers.
fn timings() -> Timings {
    Timings::default()
        .with_heartbeat(Duration::from_millis(250))
        .with_leader_silence(Duration::from_millis(1_200))
        .with_host_silence(Duration::from_millis(1_200))
        .with_restart_pause(Duration::from_millis(400))
        .with_checkpoint_interval(Duration::from_millis(1_000))
        .with_checkpoint_expiry(Duration::from_millis(3_000))
        .with_store_retry(Duration::from_millis(100))
        .with_request_timeout(Duration::from_millis(1_500))
        .with_transfer_timeout(Duration::from_millis(3_000))
        .with_sweep_interval(Duration::from_millis(5_000))
        .with_stabilize(Duration::from_millis(800))
}

fn manifests_retained() -> u64 {
    4
}

fn is_false(it: &bool) -> bool {
    !it
}
