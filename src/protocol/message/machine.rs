//! What machines hear from their drivers and want done by them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Barrier, CoordinatorId, Deployment, FailureCause, HostId, ToCoordinator, ToHost};
use crate::{
    checkpoint::{
        Attempt, Certificate, CheckpointId, LeaderEpoch, Manifest, ManifestVersion, ObjectName, OutputList,
        TaskId, TaskSnapshot,
    },
    key_group::Parallelism,
    protocol::event::Event,
};

/// How a put-if-absent of a manifest ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum CreateOutcome {
    /// It was created by this call.
    Created,
    /// That version exists: ours or another's.
    Exists,
    /// It may have been created, may still be, or not.
    Unknown,
    /// It was certainly not created by this call.
    Failed,
}

/// How a write of a write-once object ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PutOutcome {
    /// It is there with our bytes.
    Written,
    /// It may be there or not, or is certainly not there: repeat.
    Retry,
    /// It is there with other bytes.
    Conflict,
}

/// How a read of the newest manifest ended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ReadOutcome {
    /// The newest manifest.
    Found(Arc<Manifest>),
    /// There is none: the job has never run.
    Absent,
    /// The store did not answer, or with an error.
    Unavailable,
    /// It cannot be read. Never skipped for an older one.
    Corrupt,
}

/// What a sweep looks at, and for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SweepRequest {
    /// The leader that asks. An answer to an earlier leadership of the same coordinator has seen
    /// less of the chain of outputs.
    pub epoch: LeaderEpoch,
    /// The oldest attempt of interest.
    pub from: Attempt,
    /// Where the chain of outputs starts.
    pub head: Option<ObjectName>,
}

/// What a sweep found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Swept {
    /// Objects that exist, of the attempts asked for.
    pub objects: Vec<ObjectName>,
    /// All outputs and output lists reachable from the head asked for, of the attempts asked for.
    pub committed: Vec<ObjectName>,
}

/// Timers of a coordinator. The driver knows how long each is; setting one that runs restarts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum CoordinatorTimer {
    /// A standby has heard of no leader for too long. Drivers add jitter per coordinator.
    LeaderSilence,
    /// The leader says that it is alive and repeats what was not answered.
    Heartbeat,
    /// A host was not heard of for too long.
    HostSilence(HostId),
    /// Time to begin an attempt: the pause after a failure, and room for hosts to register.
    Restart,
    /// Time for the next checkpoint.
    Checkpoint,
    /// The pending checkpoint takes too long.
    Expiry(CheckpointId),
    /// Time to repeat a store request that failed.
    StoreRetry,
    /// Time to look for garbage.
    Sweep,
    /// Slots have been there long enough to rescale up.
    Stabilize,
}

/// What a coordinator hears.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum CoordinatorInput {
    /// The process is up. The first input.
    Boot,
    /// A timer went off.
    Timer(CoordinatorTimer),
    /// A host speaks.
    Host(ToCoordinator),
    /// Another coordinator leads with this epoch.
    PeerAlive(LeaderEpoch),
    /// The user wants another parallelism.
    Rescale(Parallelism),
    /// Answer to [`CoordinatorOutput::ReadLatest`].
    Latest {
        /// As it was asked.
        after: ManifestVersion,
        /// How it ended.
        outcome: ReadOutcome,
    },
    /// Answer to [`CoordinatorOutput::CreateManifest`].
    Create {
        /// The version asked for.
        version: ManifestVersion,
        /// How it ended.
        outcome: CreateOutcome,
    },
    /// Answer to [`CoordinatorOutput::PutOutputList`].
    OutputList {
        /// The object asked for.
        name: ObjectName,
        /// How it ended.
        outcome: PutOutcome,
    },
    /// Answer to [`CoordinatorOutput::Sweep`].
    Swept {
        /// As it was asked.
        request: SweepRequest,
        /// What was found; `None` if the store could not be listed.
        swept: Option<Swept>,
    },
}

/// What a coordinator wants done. Every store request but `Delete` and `PruneManifests` is
/// answered by exactly one input; a driver's own time-out counts as an answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum CoordinatorOutput {
    /// Send to a host. May be lost.
    Send {
        /// The host to send it to.
        to: HostId,
        /// The message, as the host will hear it.
        message: ToHost,
    },
    /// Tell the other coordinators that this epoch's leader is alive. May be lost.
    TellPeers(LeaderEpoch),
    /// Read the newest manifest.
    ReadLatest {
        /// The version whose create was answered before this read is begun; 0 for none. It is
        /// echoed: a read that was begun before a create proves nothing about it.
        after: ManifestVersion,
    },
    /// Put if absent.
    CreateManifest(Arc<Manifest>),
    /// Write once.
    PutOutputList {
        /// The object's name.
        name: ObjectName,
        /// Its contents.
        list: Arc<OutputList>,
    },
    /// List all objects of attempts from [`from`](SweepRequest::from) on, and walk the chain of
    /// outputs from its head down to that attempt.
    Sweep(SweepRequest),
    /// Delete; those that are not there are fine. Not answered: the next sweep repeats.
    Delete(Vec<ObjectName>),
    /// Delete all manifests below this version. Not answered.
    PruneManifests {
        /// The oldest version to keep.
        below: ManifestVersion,
    },
    /// Start or restart a timer.
    SetTimer(CoordinatorTimer),
    /// Stop a timer, if it runs.
    CancelTimer(CoordinatorTimer),
    /// Something worth telling people.
    Event(Event),
}

/// What a host hears.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum HostInput {
    /// The process is up. The first input.
    Boot,
    /// Time for the next heartbeat.
    Heartbeat,
    /// A coordinator speaks.
    Coordinator(ToHost),
    /// Answer to [`HostOutput::Restore`].
    Restored {
        /// The attempt it was for.
        attempt: Attempt,
        /// The task.
        task: TaskId,
        /// What was restored.
        outcome: Result<Certificate, FailureCause>,
    },
    /// The task's channels are aligned on this barrier.
    Aligned {
        /// The attempt of the channels.
        attempt: Attempt,
        /// The task.
        task: TaskId,
        /// The barrier.
        barrier: Barrier,
    },
    /// Answer to [`HostOutput::Snapshot`]; `None` if it could not be taken or uploaded.
    Uploaded {
        /// The attempt it was for.
        attempt: Attempt,
        /// The task.
        task: TaskId,
        /// The checkpoint.
        checkpoint: CheckpointId,
        /// What is durable now.
        snapshot: Option<Arc<TaskSnapshot>>,
    },
    /// The task failed in the engine.
    Failed {
        /// Its attempt.
        attempt: Attempt,
        /// The task.
        task: TaskId,
    },
    /// The task has processed all its input, and all inputs have ended.
    Finished {
        /// Its attempt.
        attempt: Attempt,
        /// The task.
        task: TaskId,
    },
}

/// What a host wants done.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum HostOutput {
    /// Send to one coordinator. May be lost.
    Send {
        /// The coordinator to send it to.
        to: CoordinatorId,
        /// The message, as the coordinator will hear it.
        message: ToCoordinator,
    },
    /// Send to every coordinator. May be lost.
    SendAll(ToCoordinator),
    /// Read and verify the task's state, then answer [`HostInput::Restored`].
    Restore(Arc<Deployment>),
    /// Let the task process.
    Run {
        /// Its attempt.
        attempt: Attempt,
        /// The task.
        task: TaskId,
    },
    /// Freeze the task's state **now**, put the barrier into all its output channels before any
    /// further record, go on (or, with [`Barrier::stop`], do not), upload in the background, then
    /// answer [`HostInput::Uploaded`].
    Snapshot {
        /// Its attempt.
        attempt: Attempt,
        /// The task.
        task: TaskId,
        /// The barrier; its `confirmed` is where the output object starts.
        barrier: Barrier,
    },
    /// The checkpoint is committed: output up to it can be forgotten, external effects may
    /// follow. True, in order, at most once per checkpoint, possibly skipping some.
    Commit {
        /// The task's attempt.
        attempt: Attempt,
        /// The task.
        task: TaskId,
        /// The checkpoint.
        checkpoint: CheckpointId,
    },
    /// Stop waiting for the barriers of this checkpoint ([`Aligner`](crate::protocol::Aligner) input
    /// `Aborted`).
    CancelAlignment {
        /// The task's attempt.
        attempt: Attempt,
        /// The task.
        task: TaskId,
        /// The checkpoint.
        checkpoint: CheckpointId,
    },
    /// Tear the task down and forget its state in memory.
    Drop {
        /// Its attempt.
        attempt: Attempt,
        /// The task.
        task: TaskId,
    },
    /// Start or restart the heartbeat timer.
    SetHeartbeat,
}
