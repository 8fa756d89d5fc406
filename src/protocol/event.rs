//! What happened, for people, metrics and oracles. Events never influence the protocol.

use serde::{Deserialize, Serialize};

use super::message::{FailureCause, HostId};
use crate::{
    checkpoint::{Attempt, CheckpointId, LeaderEpoch, ManifestVersion, TaskId, VertexId},
    key_group::Parallelism,
};

/// Something a coordinator decided or found out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A standby tries to become leader.
    Campaigned,
    /// Leadership is taken by manifest `version`.
    Elected {
        /// The epoch.
        epoch: LeaderEpoch,
        /// The manifest that says so.
        version: ManifestVersion,
    },
    /// This coordinator is not the leader any more.
    Deposed {
        /// The epoch it led.
        epoch: LeaderEpoch,
    },
    /// The job in the store is not the job this coordinator was started with.
    JobRefused,
    /// The newest manifest cannot be read; somebody must repair it.
    ManifestUnreadable,
    /// A host was heard of for the first time in this life.
    HostJoined {
        /// The host, by its id.
        host: HostId,
        /// How many tasks it has room for.
        slots: u16,
    },
    /// A host is not heard of any more, or came back in a new life.
    HostLost {
        /// The host that is gone, or whose old life is over.
        host: HostId,
    },
    /// There are too few slots to run at any parallelism.
    WaitingForSlots {
        /// How many there are.
        slots: usize,
    },
    /// The newest checkpoint does not fit together; somebody must look at it.
    CannotRestore {
        /// What does not fit, in words for people.
        reason: String,
    },
    /// An attempt was planned and is being deployed.
    Deployed {
        /// The attempt.
        attempt: Attempt,
        /// The job's parallelism.
        parallelism: Parallelism,
        /// What it starts from.
        restore: CheckpointId,
    },
    /// The state that tasks restored is not the state of the checkpoint.
    ConservationViolated {
        /// The attempt.
        attempt: Attempt,
        /// The vertex whose state differs.
        vertex: VertexId,
    },
    /// All tasks of the attempt have restored; they are being started.
    AllReady {
        /// The attempt.
        attempt: Attempt,
    },
    /// All tasks of the attempt process.
    Running {
        /// The attempt.
        attempt: Attempt,
    },
    /// A checkpoint began.
    Triggered {
        /// The attempt.
        attempt: Attempt,
        /// The checkpoint.
        checkpoint: CheckpointId,
        /// Whether the attempt ends with it.
        stop: bool,
    },
    /// All tasks acknowledged the checkpoint; it is not committed yet.
    AllAcknowledged {
        /// The attempt.
        attempt: Attempt,
        /// The checkpoint.
        checkpoint: CheckpointId,
    },
    /// The checkpoint exists.
    Committed {
        /// The attempt.
        attempt: Attempt,
        /// The checkpoint.
        checkpoint: CheckpointId,
        /// The manifest that says so.
        version: ManifestVersion,
    },
    /// The checkpoint will never exist.
    Aborted {
        /// The attempt.
        attempt: Attempt,
        /// The checkpoint.
        checkpoint: CheckpointId,
        /// What ended it.
        reason: AbortReason,
    },
    /// The attempt is over; the next one starts from the newest committed checkpoint.
    Restarting {
        /// The attempt that is over.
        attempt: Attempt,
        /// What ended it.
        reason: RestartReason,
    },
    /// The wanted parallelism is durable.
    RescaleAccepted {
        /// What is wanted.
        parallelism: Parallelism,
        /// The manifest that says so.
        version: ManifestVersion,
    },
    /// The wanted parallelism cannot be had.
    RescaleRefused {
        /// What was wanted.
        parallelism: Parallelism,
        /// What stands in the way.
        reason: RefusalReason,
    },
    /// Garbage is being deleted.
    Collected {
        /// How many objects the deletes name.
        objects: usize,
    },
    /// All input is processed and committed.
    Finished {
        /// The last checkpoint.
        checkpoint: CheckpointId,
    },
}

/// Why a checkpoint was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AbortReason {
    /// It took too long.
    Expired,
    /// A task could not take or upload its snapshot.
    Declined(TaskId),
    /// The attempt ended.
    Restart,
    /// The list of outputs could not be written.
    OutputListConflict,
}

/// Why an attempt was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RestartReason {
    /// A task failed.
    TaskFailed(TaskId, FailureCause),
    /// A host is gone.
    HostLost(HostId),
    /// Too many checkpoints in a row were aborted.
    CheckpointsFailing,
    /// A stop-with-checkpoint was aborted after sources had stopped.
    StopAborted,
    /// The state that tasks restored is not the state of the checkpoint.
    NotConserved,
}

/// Why a rescale request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalReason {
    /// This coordinator does not lead.
    NotLeader,
    /// The parallelism is above the max parallelism of an elastic vertex.
    AboveMaxParallelism,
    /// There is nothing left to run.
    Finished,
}
