//! A story: the job, the machines it runs on, and what may go wrong how often.

use std::collections::BTreeMap;

use keygroups::{
    checkpoint::{Certificate, JobSpec, ObjectName, RedistributionMode, Scaling, VertexId, VertexSpec},
    key_group::{KeyGroup, MaxParallelism, Parallelism, Subtask, assign},
    protocol::{Layout, Options, invariant::Contents},
};

use crate::part::hash_of;

/// The vertex that reads the log. Its offsets are operator state.
pub const SOURCE: VertexId = VertexId(0);
/// The vertex that remembers every record by key group, and puts every record out.
pub const COUNT: VertexId = VertexId(1);
/// The name of the source's operator state: one item for each split it reads.
pub const OFFSETS: &str = "offsets";

/// On how many objects a snapshot leans: few, so that a third checkpoint has to write something again.
pub const LEANS_ON_MAX: usize = 1;

// So that a recovery need not sweep 64 times to find what landed late.
const SWEEPS_PER_FULL_SWEEP: u32 = 2;

/// A part of the source's log that one subtask reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Split(pub u8);

/// One record of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Record {
    /// Where it was read.
    pub split: Split,
    /// Its position there, from 0.
    pub offset: u8,
    /// The key group of its key.
    pub group: KeyGroup,
}

/// The next record to read of each split.
pub type Offsets = BTreeMap<Split, u8>;

/// Keyed state: the records seen, ascending, each as often as it was seen. A loss, a duplicate and
/// a record in a wrong key group all differ from what a sequential run gives.
pub type Groups = BTreeMap<KeyGroup, Vec<Record>>;

/// The objects in which key groups lie.
pub type Places = BTreeMap<KeyGroup, ObjectName>;

/// How often something may still happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Budget {
    /// The checkpoint timer fires.
    pub checkpoints: u8,
    /// A pending checkpoint expires.
    pub expiries: u8,
    /// The sweep timer fires.
    pub sweeps: u8,
    /// The user asks for the next parallelism of [`Story::rescales`].
    pub rescales: u8,
    /// A host's process dies and comes back with nothing in memory.
    pub host_crashes: u8,
    /// A coordinator's process dies and comes back.
    pub coordinator_crashes: u8,
    /// A coordinator hears of no leader, rightly or wrongly. Without a limit two coordinators can
    /// overtake each other for ever, each claiming the next epoch before the other has read back
    /// its own.
    pub campaigns: u8,
    /// A coordinator believes that a host is gone.
    pub host_suspicions: u8,
    /// A store request is answered ambiguously or with an error.
    pub store_faults: u8,
    /// A snapshot cannot be uploaded.
    pub upload_failures: u8,
    /// A task fails.
    pub task_failures: u8,
    /// A host's heartbeat says something new.
    pub heartbeats: u8,
}

/// What one model explores.
#[derive(Clone, Debug)]
pub struct Story {
    /// Its name.
    pub name: &'static str,
    /// What it is about, in one sentence.
    pub about: &'static str,
    /// For each split the key groups of its records.
    pub log: &'static [&'static [u16]],
    /// Whether a source notices the end of the log. Otherwise it waits there for more.
    pub ends: bool,
    /// The number of key groups.
    pub max_parallelism: u32,
    /// How many subtasks the source has; `None` if it follows the job's parallelism.
    pub sources: Option<u32>,
    /// How the source's offsets are redistributed. Of [`RedistributionMode::Union`] each subtask restores
    /// all, and keeps those of the splits that it [reads](Self::reader).
    pub offsets: RedistributionMode,
    /// Whether there is a vertex with keyed state and output behind the source.
    pub counting: bool,
    /// What the job starts with.
    pub parallelism: u32,
    /// What the user asks for, in this order.
    pub rescales: &'static [u32],
    /// How many coordinators there are.
    pub coordinators: u16,
    /// The slots of each host.
    pub hosts: &'static [u16],
    /// How many manifests are kept.
    pub manifests_retained: u64,
    /// How many checkpoints in a row may be aborted before the attempt is restarted.
    pub checkpoint_failures_max: u32,
    /// Whether snapshots lean on older ones, at most on [one](LEANS_ON_MAX). Otherwise each is full.
    pub incremental: bool,
    /// What may happen how often.
    pub budget: Budget,
}

impl Story {
    /// What its coordinators run.
    ///
    /// # Panics
    ///
    /// If the story itself is impossible: stories are written by hand.
    pub fn options(&self) -> Options {
        let parallelism = |count| Parallelism::new(count).expect("a story has a legal parallelism");
        let scaling = self.sources.map_or(Scaling::Elastic, |count| Scaling::Fixed(parallelism(count)));
        let max = MaxParallelism::new(self.max_parallelism).expect("a story has a legal max parallelism");
        let source = VertexSpec { name: "source".into(), max_parallelism: None, scaling, inputs: Vec::new() };
        let count = VertexSpec {
            name: "count".into(),
            max_parallelism: Some(max),
            scaling: Scaling::Elastic,
            inputs: vec![SOURCE],
        };
        let vertices = if self.counting { vec![source, count] } else { vec![source] };
        let job = JobSpec::new(vertices).expect("both vertices are in the order data flows");
        Options::new(job, parallelism(self.parallelism))
            .and_then(|options| options.with_manifests_retained(self.manifests_retained))
            .expect("a story has options that work")
            .with_checkpoint_failures_max(self.checkpoint_failures_max)
            .with_sweeps_per_full_sweep(SWEEPS_PER_FULL_SWEEP)
    }

    /// The splits that subtask `index` of `of` reads in a job that starts empty.
    pub fn first_splits(&self, index: usize, of: usize) -> Offsets {
        let splits = (0..self.log.len()).map(|split| Split(split as u8));
        splits.filter(|split| self.reader(*split, of) == index).map(|split| (split, 0)).collect()
    }

    /// Which of `of` subtasks reads a split where nothing else was restored.
    pub fn reader(&self, split: Split, of: usize) -> usize {
        usize::from(split.0) % of
    }

    /// The subtask that owns `group` in an attempt with this layout.
    pub fn owner(&self, group: KeyGroup, layout: &Layout) -> Subtask {
        let max = MaxParallelism::new(self.max_parallelism).expect("a story has a legal max parallelism");
        assign::owner(group, max, layout.parallelism)
    }

    /// The record at `offset` of `split`, unless the log ends before.
    pub fn record(&self, split: Split, offset: u8) -> Option<Record> {
        let group = *self.log.get(usize::from(split.0))?.get(usize::from(offset))?;
        Some(Record { split, offset, group: KeyGroup(group) })
    }

    /// What a sequential run over the log up to `offsets` leaves behind and puts out. A split that is
    /// missing there is lost, because nobody would ever read it: all of it is expected.
    pub fn sequential_run(&self, offsets: &Offsets) -> Contents {
        let splits = (0..self.log.len()).map(|split| Split(split as u8));
        let records = splits.flat_map(|split| {
            let end = offsets.get(&split).copied().unwrap_or(u8::MAX);
            (0..end).map_while(move |offset| self.record(split, offset))
        });
        let (state, output) =
            records.map(|record| (of_entry(record.group, record), of_output(record))).unzip();
        let (state, output): (Vec<_>, Vec<_>) = (state, output);
        Contents { state: state.into_iter().sum(), output: output.into_iter().sum() }
    }
}

/// The certificate of one entry of keyed state.
fn of_entry(group: KeyGroup, record: Record) -> Certificate {
    Certificate { entries: 1, digest: u128::from(hash_of(&("entry", group, record))) }
}

/// The certificate of one record of output.
pub fn of_output(record: Record) -> Certificate {
    Certificate { entries: 1, digest: u128::from(hash_of(&("output", record))) }
}

/// The certificate of each key group.
pub fn certificates(groups: &Groups) -> BTreeMap<KeyGroup, Certificate> {
    groups
        .iter()
        .map(|(group, records)| (*group, records.iter().map(|record| of_entry(*group, *record)).sum()))
        .collect()
}
