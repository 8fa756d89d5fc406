//! What coordinators, hosts and their drivers say to each other.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{event::Event, restore::Restore};
use crate::{
    checkpoint::{
        Attempt, Certificate, CheckpointId, LeaderEpoch, Manifest, ManifestVersion, ObjectName, OutputList,
        TaskId, TaskSnapshot,
    },
    key_group::{KeyGroupRange, MaxParallelism, Parallelism},
};

/// The address of a coordinator. It survives restarts of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CoordinatorId(pub u16);

/// The address of a host: a process with slots for subtasks (Flink's task manager). It survives
/// restarts of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HostId(pub u16);

/// One life of a host's process. A restarted process has a higher one: a boot time or a durable
/// counter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Incarnation(pub u64);

macro_rules! display_number {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

display_number!(CoordinatorId, HostId, Incarnation);

/// A mark in every data channel: records before it belong to the checkpoint, records after it do
/// not. Source: Carbone et al., 2015; Flink, `CheckpointBarrier`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Barrier {
    /// The checkpoint.
    pub checkpoint: CheckpointId,
    /// The newest checkpoint that was committed when this one was triggered. Output up to it is
    /// committed; a task's output object of `checkpoint` starts after it.
    pub confirmed: CheckpointId,
    /// Nothing may be processed after the snapshot: the attempt ends with this checkpoint.
    pub stop: bool,
}

/// Which host runs which task, in which of its lives.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Layout {
    /// The job's parallelism.
    pub parallelism: Parallelism,
    /// Where each task of the job runs.
    #[serde(with = "pairs")]
    pub tasks: BTreeMap<TaskId, HostId>,
    /// The life of each of these hosts that the attempt was planned for.
    #[serde(with = "pairs")]
    pub hosts: BTreeMap<HostId, Incarnation>,
}

/// Maps as sequences of pairs: in JSON only strings can be keys.
mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<K: Serialize, V: Serialize, S: Serializer>(
        map: &BTreeMap<K, V>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map)
    }

    pub(super) fn deserialize<'de, K, V, D>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
    where
        K: Deserialize<'de> + Ord,
        V: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        Ok(Vec::deserialize(deserializer)?.into_iter().collect())
    }
}

/// Everything a host needs to bring up one task.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Deployment {
    /// The attempt it belongs to.
    pub attempt: Attempt,
    /// Who deploys and wants the answers.
    pub leader: CoordinatorId,
    /// The task.
    pub task: TaskId,
    /// Whether it reads no channels, so that it is triggered directly.
    pub source: bool,
    /// The number of key groups of its vertex; `None` for a vertex without keyed state. From the
    /// manifest, so that no host can put keys into other groups than the job's.
    pub max_parallelism: Option<MaxParallelism>,
    /// The key groups it owns; `None` for a vertex without keyed state.
    pub key_groups: Option<KeyGroupRange>,
    /// What it starts from.
    pub restore: Restore,
    /// Where everybody is, for the data channels.
    pub layout: Arc<Layout>,
}

/// From a coordinator to a host. All but `Deploy` concern every task of the attempt on that host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ToHost {
    /// Bring up this task.
    Deploy(Arc<Deployment>),
    /// Everybody is ready: process.
    Start {
        /// The attempt to start.
        attempt: Attempt,
    },
    /// Sources: record your offsets and emit this barrier.
    Trigger {
        /// The attempt it is for.
        attempt: Attempt,
        /// The barrier to emit.
        barrier: Barrier,
    },
    /// The checkpoint is committed.
    Committed {
        /// The attempt that took it.
        attempt: Attempt,
        /// The checkpoint.
        checkpoint: CheckpointId,
    },
    /// The checkpoint will never be committed.
    Abort {
        /// The attempt it was triggered in.
        attempt: Attempt,
        /// The checkpoint.
        checkpoint: CheckpointId,
    },
    /// This attempt and all before it are over: drop their tasks.
    Cancel {
        /// The last attempt that is over.
        attempt: Attempt,
    },
}

/// Why a task stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum FailureCause {
    /// Its state could not be read for now.
    RestoreUnavailable,
    /// Its state is damaged or missing.
    RestoreCorrupt,
    /// The engine reported a failure: user code, a channel, memory.
    Engine,
}

/// From a host to a coordinator.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ToCoordinator {
    /// I am here; also the heartbeat.
    Register {
        /// Who.
        host: HostId,
        /// Which life.
        incarnation: Incarnation,
        /// How many tasks it has room for.
        slots: u16,
        /// The highest attempt it was ever told of.
        seen: Attempt,
        /// The attempt of the tasks it has now, if any.
        active: Option<Attempt>,
    },
    /// The task has restored its state.
    Ready {
        /// Its attempt.
        attempt: Attempt,
        /// The task.
        task: TaskId,
        /// Where.
        host: HostId,
        /// In which life: a `Ready` of a dead process must not count for the living one.
        incarnation: Incarnation,
        /// What it restored.
        restored: Certificate,
    },
    /// Every task of the attempt on this host was started.
    Started {
        /// The attempt.
        attempt: Attempt,
        /// The host.
        host: HostId,
    },
    /// The task's snapshot is durable.
    Acknowledge {
        /// Its attempt.
        attempt: Attempt,
        /// The checkpoint.
        checkpoint: CheckpointId,
        /// What it took.
        snapshot: Arc<TaskSnapshot>,
    },
    /// The task could not take or upload its snapshot.
    Decline {
        /// Its attempt.
        attempt: Attempt,
        /// The checkpoint.
        checkpoint: CheckpointId,
        /// The task.
        task: TaskId,
    },
    /// The task does not run any more.
    Failed {
        /// Its attempt.
        attempt: Attempt,
        /// The task.
        task: TaskId,
        /// Why.
        cause: FailureCause,
    },
    /// The task has processed all its input.
    Finished {
        /// Its attempt.
        attempt: Attempt,
        /// The task.
        task: TaskId,
    },
}

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
        /// To whom.
        to: HostId,
        /// What.
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
        /// To whom.
        to: CoordinatorId,
        /// What.
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
    /// Stop waiting for the barriers of this checkpoint ([`Aligner`](super::Aligner) input
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
