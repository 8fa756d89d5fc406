//! The manifest: one step of the job's history, and the only thing that makes a checkpoint exist.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Attempt, Certificate, CheckpointId, JobSpec, LeaderEpoch, ManifestVersion, ObjectName, OutputHandle,
    TaskId, TaskSnapshot, VertexId,
};
use crate::key_group::Parallelism;

/// Whether there is anything left to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// The job runs or is to be run.
    Running,
    /// All input was processed and its effect committed.
    Finished,
}

/// Version `v` of the truth. Immutable; whoever creates version `v + 1` decides that step. Its
/// size is O(parallelism), never O(key groups).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Manifest {
    /// The position in the chain.
    pub version: ManifestVersion,
    /// The leader that created it. Never decreases along the chain.
    pub epoch: LeaderEpoch,
    /// Tells this incarnation of this coordinator from every other, so that a coordinator whose
    /// create was answered ambiguously recognises its own manifest.
    pub nonce: u64,
    /// The job. Never changes: keys would change their groups.
    pub job: JobSpec,
    /// Whether there is anything left to run.
    pub status: JobStatus,
    /// The parallelism the user wants. The job runs at less while slots are missing.
    pub desired_parallelism: Parallelism,
    /// The id the next checkpoint gets.
    pub next_checkpoint: CheckpointId,
    /// The retained checkpoints, ascending by id; recovery starts from the last.
    pub checkpoints: Vec<CheckpointRecord>,
}

impl Manifest {
    /// The checkpoint that recovery starts from; `None` if the job starts empty.
    pub fn newest_checkpoint(&self) -> Option<&CheckpointRecord> {
        self.checkpoints.last()
    }

    /// The id of the newest committed checkpoint, [`CheckpointId::NONE`] if there is none.
    pub fn newest_checkpoint_id(&self) -> CheckpointId {
        self.newest_checkpoint().map_or(CheckpointId::NONE, |record| record.id)
    }

    /// What a leader that takes over creates after it: the same truth under its own epoch and `nonce`.
    pub(crate) fn taken_over(&self, nonce: u64) -> Self {
        let epoch = LeaderEpoch(self.epoch.0 + 1);
        Self { version: self.version.next(), epoch, nonce, ..self.clone() }
    }

    /// The first vertex whose state, as tasks have `restored` it, is not the state of the newest
    /// checkpoint. Before the first checkpoint all state is empty.
    pub fn not_conserved(&self, restored: &BTreeMap<TaskId, Certificate>) -> Option<VertexId> {
        self.job.vertices().map(|(vertex, _)| vertex).find(|vertex| {
            let found: Certificate =
                restored.iter().filter(|(task, _)| task.vertex == *vertex).map(|(_, found)| *found).sum();
            found
                != self
                    .newest_checkpoint()
                    .map_or(Certificate::default(), |record| record.certificate(*vertex))
        })
    }

    /// Every object that this manifest names directly. Older links of the output chain are named
    /// by the newer ones.
    pub fn objects(&self) -> impl Iterator<Item = &ObjectName> {
        self.checkpoints.iter().flat_map(CheckpointRecord::objects)
    }
}

/// A committed checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CheckpointRecord {
    /// Its id.
    pub id: CheckpointId,
    /// The attempt that took it.
    pub attempt: Attempt,
    /// The job's parallelism when it was taken.
    pub parallelism: Parallelism,
    /// One snapshot of every task of the job at that parallelism, ascending by task.
    pub tasks: Vec<TaskSnapshot>,
    /// The head of the chain of committed outputs, up to and with this checkpoint; `None` if
    /// nothing was put out yet.
    pub outputs: Option<ObjectName>,
}

impl CheckpointRecord {
    /// Every object this checkpoint names directly, the bases of its snapshots included: one that
    /// several snapshots lean on comes several times.
    pub fn objects(&self) -> impl Iterator<Item = &ObjectName> {
        self.tasks
            .iter()
            .flat_map(|task| task.state.objects().chain(task.output.as_ref().map(|output| &output.object)))
            .chain(self.outputs.as_ref())
    }

    /// Whether `object` holds keyed or operator state of this checkpoint: it is the snapshot of one of
    /// its tasks or a base of one.
    pub fn has_state(&self, object: &ObjectName) -> bool {
        let names = |task: &TaskSnapshot| task.state.objects().any(|named| named == object);
        let ObjectName::State { task, .. } = object else { return false };
        // Most bases are named by the task of the same number: there are thousands of tasks, each with several bases.
        let same = self.tasks.binary_search_by_key(task, |snapshot| snapshot.task).ok();
        same.and_then(|at| self.tasks.get(at)).is_some_and(names) || self.tasks.iter().any(names)
    }

    /// Entries and digest of all keyed state of `vertex`.
    pub fn certificate(&self, vertex: VertexId) -> Certificate {
        self.tasks.iter().filter(|task| task.task.vertex == vertex).map(|task| task.state.certificate).sum()
    }
}

/// One link of the chain of committed outputs: what one checkpoint committed, and the link before.
/// Written once, before the manifest that names it; readers walk from the newest to the oldest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OutputList {
    /// The checkpoint that committed these outputs.
    pub checkpoint: CheckpointId,
    /// Its outputs, ascending by task.
    pub outputs: Vec<OutputHandle>,
    /// The link before; `None` at the first.
    pub previous: Option<ObjectName>,
}
