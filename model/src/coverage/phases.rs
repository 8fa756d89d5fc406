//! Where machines stand, as far as it is told apart.

use keygroups::{
    checkpoint::{Attempt, TaskId},
    protocol::{CoordinatorPhase, Host, HostInput, TaskPhase, ToHost},
};

/// Every phase of a coordinator, in the order of its life.
pub const COORDINATOR_PHASES: &[&str] = &[
    "standby",
    "reading",
    "claiming",
    "refused",
    "waiting",
    "stopped",
    "deploying",
    "starting",
    "running",
    "collecting",
    "listing",
    "complete",
    "committing",
    "accepting",
    "done",
];

pub(super) fn coordinator(phase: CoordinatorPhase) -> &'static str {
    match phase {
        CoordinatorPhase::Standby => "standby",
        CoordinatorPhase::Reading => "reading",
        CoordinatorPhase::Claiming => "claiming",
        CoordinatorPhase::Refused => "refused",
        CoordinatorPhase::Waiting => "waiting",
        CoordinatorPhase::Stopped => "stopped",
        CoordinatorPhase::Deploying => "deploying",
        CoordinatorPhase::Starting => "starting",
        CoordinatorPhase::Running => "running",
        CoordinatorPhase::Collecting => "collecting",
        CoordinatorPhase::Listing => "listing",
        CoordinatorPhase::Complete => "complete",
        CoordinatorPhase::Committing => "committing",
        CoordinatorPhase::Accepting => "accepting",
        CoordinatorPhase::Done => "done",
    }
}

/// Every phase of the task that a host's input is about; `idle` is a host without tasks, `other` one that
/// has only others.
pub const HOST_PHASES: &[&str] = &["idle", "other", "restoring", "ready", "running", "stopped", "failed"];

/// Where the task stands that `input` is about, or the first one of the attempt, or of the host.
pub(super) fn host(host: &Host, input: &HostInput) -> &'static str {
    let (attempt, task): (Option<Attempt>, Option<TaskId>) = match input {
        HostInput::Boot | HostInput::Heartbeat => (None, None),
        HostInput::Coordinator(message) => match message {
            ToHost::Deploy(deployment) => (Some(deployment.attempt), Some(deployment.task)),
            ToHost::Start { attempt }
            | ToHost::Trigger { attempt, .. }
            | ToHost::Committed { attempt, .. }
            | ToHost::Abort { attempt, .. }
            | ToHost::Cancel { attempt } => (Some(*attempt), None),
        },
        HostInput::Restored { attempt, task, .. }
        | HostInput::Aligned { attempt, task, .. }
        | HostInput::Uploaded { attempt, task, .. }
        | HostInput::Failed { attempt, task }
        | HostInput::Finished { attempt, task } => (Some(*attempt), Some(*task)),
    };
    let mut tasks = host.tasks().peekable();
    if tasks.peek().is_none() {
        return "idle";
    }
    let mut meant = tasks.filter(|(id, found)| {
        attempt.is_none_or(|attempt| found.deployment().attempt == attempt)
            && task.is_none_or(|task| **id == task)
    });
    match meant.next().map(|(_, task)| task.phase()) {
        None => "other",
        Some(TaskPhase::Restoring) => "restoring",
        Some(TaskPhase::Ready { .. }) => "ready",
        Some(TaskPhase::Running) => "running",
        Some(TaskPhase::Stopped) => "stopped",
        Some(TaskPhase::Failed { .. }) => "failed",
    }
}
