//! What coordinators and hosts say to each other over the network.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{CoordinatorId, HostId, Incarnation};
use crate::{
    checkpoint::{Attempt, Certificate, CheckpointId, TaskId, TaskSnapshot},
    key_group::{KeyGroupRange, MaxParallelism, Parallelism},
    protocol::restore::Restore,
};

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
        /// The host that says so.
        host: HostId,
        /// The life that it is in: one of its process, which forgets all when it ends.
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
        /// The host that it has restored on.
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
        /// What it failed of.
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

impl ToHost {
    /// The attempt it is about.
    pub fn attempt(&self) -> Attempt {
        match self {
            Self::Deploy(deployment) => deployment.attempt,
            Self::Start { attempt }
            | Self::Trigger { attempt, .. }
            | Self::Committed { attempt, .. }
            | Self::Abort { attempt, .. }
            | Self::Cancel { attempt } => *attempt,
        }
    }
}

impl ToCoordinator {
    /// The attempt it is about; `None` if it is about the host.
    pub fn attempt(&self) -> Option<Attempt> {
        match self {
            Self::Register { .. } => None,
            Self::Ready { attempt, .. }
            | Self::Started { attempt, .. }
            | Self::Acknowledge { attempt, .. }
            | Self::Decline { attempt, .. }
            | Self::Failed { attempt, .. }
            | Self::Finished { attempt, .. } => Some(*attempt),
        }
    }
}
