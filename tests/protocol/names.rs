//! Names and answers, short to write.

use keygroups::{
    checkpoint::{Attempt, LeaderEpoch, ManifestVersion, TaskId, VertexId},
    key_group::Subtask,
    protocol::{CoordinatorInput, ReadOutcome},
};

/// The task at a place in the job.
pub fn task(vertex: u16, subtask: u16) -> TaskId {
    TaskId { vertex: VertexId(vertex), subtask: Subtask(subtask) }
}

/// What a read of the newest manifest brought.
pub fn latest(after: u64, outcome: ReadOutcome) -> CoordinatorInput {
    CoordinatorInput::Latest { after: ManifestVersion(after), outcome }
}

/// Number `run` of a leader.
pub fn attempt(epoch: u64, run: u32) -> Attempt {
    Attempt { epoch: LeaderEpoch(epoch), run }
}
