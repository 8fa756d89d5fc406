//! Identities: each is a number with one meaning, ordered, and written in one way.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::key_group::Subtask;

/// A vertex of the job graph: an operator that runs as one or more subtasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VertexId(pub u16);

/// One subtask of one vertex, whoever runs it. Written `vertex-subtask`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TaskId {
    /// The vertex.
    pub vertex: VertexId,
    /// The subtask of that vertex.
    pub subtask: Subtask,
}

/// A checkpoint of a job. Committed ids strictly increase along the chain of manifests; together
/// with the [`Attempt`] an id names one try and is never used again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CheckpointId(pub u64);

impl CheckpointId {
    /// Before the first checkpoint: what a job that starts empty has restored.
    pub const NONE: Self = Self(0);

    /// The id after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// How often leadership has changed hands. The first leader has epoch 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LeaderEpoch(pub u64);

/// The position of a manifest in the chain. The first has version 1; versions are dense.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ManifestVersion(pub u64);

impl ManifestVersion {
    /// The version after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// One execution of the job. A takeover raises the epoch, a restart or rescale the run; every
/// message and every channel carries it, and receivers drop what is not theirs. Written
/// `epoch.run`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Attempt {
    /// The leader that started it.
    pub epoch: LeaderEpoch,
    /// Which of this leader's executions, from 1.
    pub run: u32,
}

macro_rules! display_number {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

display_number!(VertexId, CheckpointId, LeaderEpoch, ManifestVersion);

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.vertex, self.subtask)
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch, self.run)
    }
}
