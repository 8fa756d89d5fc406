//! What makes a job unlike the next one: its data, its pace, and a user who changes his mind.

use super::scenario::ScenarioError;
use super::{Cluster, Scenario};
use keygroups::backend::SectionOptions;
use keygroups::checkpoint::BASES_MAX;
use keygroups::incremental::IncrementalPolicy;
use keygroups::key_group::Parallelism;
use keygroups::snapshot::Compression;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// How a run's input, tasks and user behave. Everything in it ends: afterwards the cluster owes progress.
/// Times are virtual microseconds since the beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Variety {
    /// How many of the partitions of the cluster's own job have no row.
    #[serde(skip_serializing_if = "is_zero")]
    pub empty_partitions: u16,
    /// Bytes that the cluster's own job keeps for each key besides its totals.
    #[serde(skip_serializing_if = "is_zero")]
    pub ballast_bytes: u32,
    /// Messages that may lie between two tasks before the sender has to wait; `None` if
    /// [as many as usual](crate::wire::WINDOW_MESSAGES).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window_messages: Option<u16>,
    /// On how many older snapshots one leans, 0 to 16; the library's default if nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bases_max: Option<u8>,
    /// Snapshots and outputs that are longer go up in parts of so many bytes; as the library does by default, which is
    /// that those of simulated jobs never do, if nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part_bytes: Option<NonZeroU32>,
    /// How key groups are written to snapshots; as the library does by default if nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sections: Option<Sections>,
    /// Partitions in which nothing comes in for a while.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub silences: Vec<Silence>,
    /// Times in which tasks cannot keep up.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub slow: Vec<Slow>,
    /// Parallelisms that the user wants besides those of the scenario, ascending by time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub wishes: Vec<Wish>,
    /// The whole job is cancelled and started again, ascending by time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub restarts: Vec<JobRestart>,
}

/// How key groups are written to snapshots. Those of simulated jobs are so small that by default they are
/// written entry by entry, without compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sections {
    /// As the tables in memory are.
    Tables,
    /// So, and compressed with LZ4.
    TablesLz4,
    /// Entry by entry, and compressed with Zstandard.
    SortedZstd,
}

/// A partition in which nothing comes in for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Silence {
    /// Which.
    pub partition: u16,
    /// From when on.
    pub at_us: u64,
    /// For how long.
    pub for_us: u64,
}

/// A time in which every task that processes takes no more than this in the time of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slow {
    /// From when on.
    pub at_us: u64,
    /// For how long.
    pub for_us: u64,
    /// Records that it takes; those of one message are taken together, at the cost of the next turns.
    pub records: u32,
}

/// A parallelism that the user wants for a while, whatever the job is doing just then. Several at the same
/// time are a burst: each is asked for once, the last one is wanted until its time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    /// When it is asked for first.
    pub at_us: u64,
    /// For how long it is wanted; 0 if it is asked for once and forgotten.
    pub for_us: u64,
    /// What is asked for. There may be too few slots for it.
    pub parallelism: Parallelism,
}

/// All processes go down together, and come up with other options.
///
/// What is in the store decides what goes on then: the parallelism of the options is that of a job that
/// begins, so a job that is in the store keeps the one that was wanted last, and a user who wants another
/// one [asks](Wish) for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobRestart {
    /// When all go down.
    pub at_us: u64,
    /// How long nobody runs.
    pub down_us: u64,
    /// The parallelism in the new coordinators' options.
    pub parallelism: Parallelism,
    /// Slots of each host from then on; at least those of the scenario.
    pub slots: u16,
    /// Checkpoints retained from then on.
    pub checkpoints_retained: usize,
}

/// Beyond this a run would be nothing but waiting.
const END_MAX_US: u64 = 600_000_000;

fn is_zero<T: Default + PartialEq>(number: &T) -> bool {
    *number == T::default()
}

impl Variety {
    /// How snapshots lean on older ones.
    pub(super) fn incremental_policy(&self) -> IncrementalPolicy {
        let default = IncrementalPolicy::default();
        let bounded = self.bases_max.map_or(Ok(default), |max| default.with_bases_max(max.into()));
        bounded.expect("the scenario was checked")
    }

    /// How key groups are written.
    pub(super) fn section_options(&self) -> SectionOptions {
        let default = SectionOptions::default();
        match self.sections {
            None => default,
            Some(Sections::Tables) => default.with_tables_from_bytes(0),
            Some(Sections::TablesLz4) => default.with_tables_from_bytes(0).with_compression(Compression::Lz4),
            Some(Sections::SortedZstd) => default.with_compression(Compression::Zstd),
        }
    }

    /// When all of it is over.
    #[must_use]
    pub fn ends_us(&self) -> u64 {
        let ends = |at_us: u64, for_us: u64| at_us.saturating_add(for_us);
        let silences = self.silences.iter().map(|silence| ends(silence.at_us, silence.for_us));
        let slow = self.slow.iter().map(|slow| ends(slow.at_us, slow.for_us));
        let wishes = self.wishes.iter().map(|wish| ends(wish.at_us, wish.for_us));
        let restarts = self.restarts.iter().map(|restart| ends(restart.at_us, restart.down_us));
        silences.chain(slow).chain(wishes).chain(restarts).max().unwrap_or(0)
    }

    /// Whether the partition is silent at `now_us`.
    pub(super) fn is_silent(&self, partition: u16, now_us: u64) -> bool {
        let silent = |silence: &Silence| {
            silence.partition == partition
                && (silence.at_us..silence.at_us + silence.for_us).contains(&now_us)
        };
        self.silences.iter().any(silent)
    }

    /// What a task may take in one turn, if that is bounded at `now_us`.
    pub(super) fn records_per_turn(&self, now_us: u64) -> Option<u32> {
        let now = |slow: &&Slow| (slow.at_us..slow.at_us + slow.for_us).contains(&now_us);
        self.slow.iter().find(now).map(|slow| slow.records)
    }

    /// Whether it fits the scenario that it is part of.
    pub(super) fn check(&self, scenario: &Scenario) -> Result<(), ScenarioError> {
        if self.empty_partitions >= scenario.partitions {
            return Err(ScenarioError::NoRow);
        }
        if self.window_messages == Some(0) {
            return Err(ScenarioError::Zero { name: "window_messages" });
        }
        if self.ends_us() > END_MAX_US {
            return Err(ScenarioError::TooLong { ends_us: self.ends_us(), max_us: END_MAX_US });
        }
        let asked = self.wishes.iter().map(|wish| wish.parallelism);
        for parallelism in asked.chain(self.restarts.iter().map(|restart| restart.parallelism)) {
            parallelism.within(scenario.max_parallelism)?;
        }
        for restart in &self.restarts {
            if restart.slots < scenario.slots {
                return Err(ScenarioError::FewerSlots { found: restart.slots, before: scenario.slots });
            }
            if restart.checkpoints_retained == 0 {
                return Err(ScenarioError::Zero { name: "checkpoints_retained" });
            }
        }
        if let Some(found) = self.bases_max.filter(|found| usize::from(*found) > BASES_MAX) {
            return Err(ScenarioError::BasesMax { found });
        }
        let ascending = self.wishes.is_sorted_by_key(|wish| wish.at_us)
            && self.restarts.is_sorted_by_key(|restart| restart.at_us);
        if ascending { Ok(()) } else { Err(ScenarioError::Disorder) }
    }
}

impl Cluster {
    /// How many of a partition's `records` have come in.
    pub(super) fn available(&self, partition: u16, records: u64, now_us: u64) -> u64 {
        if self.scenario.variety.is_silent(partition, now_us) {
            return 0;
        }
        self.watch.available(records).min(self.job.available(partition, now_us))
    }
}
