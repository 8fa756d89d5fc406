//! Where a coordinator stands, in one word: for people, and to see which of its ways were taken.

use serde::{Deserialize, Serialize};

use super::{
    Coordinator, Role,
    attempt::Execution,
    checkpoint::Stage,
    leader::{Leader, Purpose},
};

/// Where a coordinator stands. Never influences the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CoordinatorPhase {
    /// Another leads, or nobody yet.
    Standby,
    /// It reads the newest manifest, to claim the version after it.
    Reading,
    /// It creates the manifest that would make it leader.
    Claiming,
    /// The job in the store is another one.
    Refused,
    /// It leads; the next attempt begins after a pause or when there are slots.
    Waiting,
    /// It leads; the last attempt ended with a committed checkpoint.
    Stopped,
    /// Tasks restore.
    Deploying,
    /// All tasks have restored; hosts are told to start them.
    Starting,
    /// All tasks process; no checkpoint is pending.
    Running,
    /// Tasks owe acknowledgements of the pending checkpoint.
    Collecting,
    /// The list of the pending checkpoint's outputs is being written.
    Listing,
    /// The pending checkpoint is complete, and another create must be decided first.
    Complete,
    /// The pending checkpoint's manifest is being created.
    Committing,
    /// The manifest that makes a wanted parallelism durable is being created.
    Accepting,
    /// All input is processed and committed.
    Done,
}

impl Coordinator {
    /// Where it stands.
    pub fn phase(&self) -> CoordinatorPhase {
        match &self.role {
            Role::Standby => CoordinatorPhase::Standby,
            Role::Reading => CoordinatorPhase::Reading,
            Role::Claiming(_) => CoordinatorPhase::Claiming,
            Role::Refused => CoordinatorPhase::Refused,
            Role::Leading(leader) => leader.phase(),
        }
    }
}

impl Leader {
    fn phase(&self) -> CoordinatorPhase {
        match &self.write {
            Some((_, Purpose::Commit(_))) => return CoordinatorPhase::Committing,
            Some((_, Purpose::Rescale)) => return CoordinatorPhase::Accepting,
            None => {}
        }
        match &self.execution {
            Execution::Waiting => CoordinatorPhase::Waiting,
            Execution::Stopped => CoordinatorPhase::Stopped,
            Execution::Deploying(_) => CoordinatorPhase::Deploying,
            Execution::Starting(_) => CoordinatorPhase::Starting,
            Execution::Running(running) => match running.checkpoint.as_ref().map(|pending| &pending.stage) {
                None => CoordinatorPhase::Running,
                Some(Stage::Collecting) => CoordinatorPhase::Collecting,
                Some(Stage::Listing { .. }) => CoordinatorPhase::Listing,
                Some(Stage::Complete { .. }) => CoordinatorPhase::Complete,
            },
            Execution::Done => CoordinatorPhase::Done,
        }
    }
}
