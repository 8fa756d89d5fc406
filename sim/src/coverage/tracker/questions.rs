//! What a witness wants to know of where the protocol stands.

use super::{Checkpoint, Tracker};
use keygroups::checkpoint::{Attempt, CheckpointId, TaskId};

impl Tracker {
    /// Whether this checkpoint was given up.
    pub(in super::super) fn gave_up(&self, attempt: Attempt, id: CheckpointId) -> bool {
        let it = self.checkpoint.as_ref().filter(|it| it.attempt == attempt && it.id == id);
        it.is_some_and(|it| it.given_up)
    }

    /// Whether the last checkpoint is committed and no leader has said so.
    pub(in super::super) fn is_committed_unknown(&self) -> bool {
        self.checkpoint.as_ref().is_some_and(|it| it.created && !it.committed && !it.given_up)
    }

    /// Whether tasks have taken snapshots for a checkpoint that is neither committed nor given up.
    pub(in super::super) fn takes_snapshots(&self) -> bool {
        let pending = |it: &Checkpoint| !it.created && !it.committed && !it.given_up;
        self.checkpoint.as_ref().is_some_and(|it| pending(it) && !it.frozen.is_empty())
    }

    /// Whether the last checkpoint was committed and some task of its attempt has not heard of that.
    pub(in super::super) fn commit_is_unheard(&self) -> bool {
        let Some(it) = self.checkpoint.as_ref().filter(|it| it.committed) else { return false };
        let attempt = self.attempt.as_ref().filter(|attempt| attempt.id == it.attempt);
        attempt.is_some_and(|attempt| it.notified.len() < attempt.tasks.len())
    }

    /// Whether this attempt was planned last and all its tasks have run.
    pub(in super::super) fn ran(&self, id: Attempt) -> bool {
        self.attempt.as_ref().is_some_and(|attempt| attempt.id == id && attempt.runs)
    }

    /// Whether another parallelism is durable and has committed nothing.
    pub(in super::super) fn is_rescaled(&self) -> bool {
        self.rescale.is_some()
    }

    /// Tasks that process, of any attempt.
    pub(in super::super) fn running(&self) -> impl Iterator<Item = (Attempt, TaskId)> {
        self.running.keys().copied()
    }
}
