//! Where state and output lie: names of objects, and handles that say what is in them.

use serde::{Deserialize, Serialize};

use super::{Attempt, Certificate, CheckpointId, TaskId, envelope::checksum};
use crate::key_group::KeyGroupRange;

/// The name of a write-once object. It holds the attempt, so that a zombie can litter but never
/// overwrite. Its text ([`Display`](std::fmt::Display), [`FromStr`](std::str::FromStr), and serde in
/// readable formats) is the object's path below the root of its store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub enum ObjectName {
    /// A task's snapshot.
    State {
        /// The attempt that took it.
        attempt: Attempt,
        /// The task that took it.
        task: TaskId,
        /// The checkpoint it was taken for.
        checkpoint: CheckpointId,
    },
    /// What a task put out since the newest checkpoint that was committed when it took this one.
    Output {
        /// The attempt that wrote it.
        attempt: Attempt,
        /// The task that wrote it.
        task: TaskId,
        /// The checkpoint that commits it.
        checkpoint: CheckpointId,
    },
    /// A link of the chain of committed outputs; see [`super::OutputList`].
    OutputList {
        /// The attempt that is committed.
        attempt: Attempt,
        /// The checkpoint that commits it.
        checkpoint: CheckpointId,
    },
}

impl ObjectName {
    /// The attempt in the name.
    pub const fn attempt(&self) -> Attempt {
        match self {
            Self::State { attempt, .. } | Self::Output { attempt, .. } | Self::OutputList { attempt, .. } => {
                *attempt
            }
        }
    }

    /// The checkpoint in the name.
    pub const fn checkpoint(&self) -> CheckpointId {
        match self {
            Self::State { checkpoint, .. }
            | Self::Output { checkpoint, .. }
            | Self::OutputList { checkpoint, .. } => *checkpoint,
        }
    }
}

/// How operator state (state of a subtask that belongs to no key) is spread over new subtasks.
///
/// Source: Flink, `OperatorStateHandle.Mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RedistributionMode {
    /// Items are dealt out evenly; each goes to exactly one new subtask.
    SplitDistribute,
    /// Every new subtask gets all items of all old ones.
    Union,
    /// All old subtasks hold equal copies; every new subtask gets one copy.
    Broadcast,
}

/// One named operator state in a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OperatorStateInfo {
    /// Its name, unique within the snapshot.
    pub name: String,
    /// How it is redistributed.
    pub mode: RedistributionMode,
    /// How many items it has here.
    pub items: u32,
}

/// On how many other objects a snapshot may lean. The manifest repeats their names for every task, so
/// this keeps it O(parallelism); a restore reads at least one range of each, so it bounds requests.
pub const BASES_MAX: usize = 16;

/// Where one subtask's snapshot lies, and what it must contain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StateHandle {
    /// The object.
    pub object: ObjectName,
    /// Length of the whole object in bytes.
    pub bytes: u64,
    /// Length of header and index in bytes: one read of `0..index_bytes` tells where the rest is.
    pub index_bytes: u64,
    /// The key groups in it; `None` for a vertex without keyed state.
    pub key_groups: Option<KeyGroupRange>,
    /// Entries and digest over all its key groups.
    pub certificate: Certificate,
    /// The operator states in it, ascending by name.
    pub operator_state: Vec<OperatorStateInfo>,
    /// Older snapshots that hold the key groups which did not change since, ascending, at most
    /// [`BASES_MAX`]; empty for a full snapshot. Its index says what lies where. They live as long as
    /// a manifest names this handle (FLINK-24611).
    #[serde(default)]
    pub bases: Vec<ObjectName>,
}

impl StateHandle {
    /// The object and the bases: all that must exist for the state to be readable.
    pub fn objects(&self) -> impl Iterator<Item = &ObjectName> {
        std::iter::once(&self.object).chain(&self.bases)
    }

    /// The first base that cannot be one, if there is: bases are snapshots of the same vertex, of older
    /// checkpoints and of no newer attempts; they ascend, and there are at most [`BASES_MAX`].
    pub fn impossible_base(&self) -> Option<&ObjectName> {
        let ObjectName::State { attempt, task, checkpoint } = self.object else { return self.bases.first() };
        let possible = |base: &ObjectName| match *base {
            ObjectName::State { attempt: written_by, task: owner, checkpoint: taken_at } => {
                owner.vertex == task.vertex && written_by <= attempt && taken_at < checkpoint
            }
            ObjectName::Output { .. } | ObjectName::OutputList { .. } => false,
        };
        let disorder = || self.bases.windows(2).find(|pair| pair[0] >= pair[1]).map(|pair| &pair[1]);
        let impossible = self.bases.iter().find(|base| !possible(base));
        impossible.or_else(disorder).or_else(|| self.bases.get(BASES_MAX))
    }
}

/// Where one subtask's output of one checkpoint lies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OutputHandle {
    /// The object.
    pub object: ObjectName,
    /// Length in bytes.
    pub bytes: u64,
    /// Number of output records.
    pub records: u64,
    /// CRC-32C (Castagnoli) of the bytes: damage, or another object under this name, is noticed before
    /// anybody takes the output for what was committed.
    pub checksum: u32,
}

impl OutputHandle {
    /// The handle of `records` output records that are encoded in `bytes`.
    pub fn of(object: ObjectName, bytes: &[u8], records: u64) -> Self {
        Self { object, bytes: bytes.len() as u64, records, checksum: checksum(bytes) }
    }

    /// Whether `bytes` are what was written.
    pub fn describes(&self, bytes: &[u8]) -> bool {
        self.bytes == bytes.len() as u64 && self.checksum == checksum(bytes)
    }
}

/// What a task acknowledges a checkpoint with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TaskSnapshot {
    /// Who took it.
    pub task: TaskId,
    /// Its state. Always there, also when nothing is in it: a task that is missing from a manifest
    /// would lose its older state (Arroyo, commit 7f844b05).
    pub state: StateHandle,
    /// Its output since the previous committed checkpoint; `None` if there was none.
    pub output: Option<OutputHandle>,
}
