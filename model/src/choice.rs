//! What can happen next, component by component, and what it is charged to.

use keygroups::{
    checkpoint::ObjectName,
    key_group::Parallelism,
    protocol::{CoordinatorTimer as Timer, HostId},
};

use crate::{
    action::{Action, Ending},
    engine::Phase,
    process::{CoordinatorProcess, HostProcess},
    story::{Budget, Story},
    zoo::Twist,
};

/// The part of the budget that something is charged to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Purse {
    Checkpoints,
    Expiries,
    Sweeps,
    /// Only while exactly this is left, because each time the user asks for something else.
    Rescales {
        left: u8,
    },
    HostCrashes,
    CoordinatorCrashes,
    Campaigns,
    HostSuspicions,
    StoreFaults,
    UploadFailures,
    TaskFailures,
    Heartbeats,
}

impl Purse {
    /// What is left after it was charged; `None` if it is empty.
    pub(crate) fn charge(self, mut budget: Budget) -> Option<Budget> {
        let left = match self {
            Self::Checkpoints => &mut budget.checkpoints,
            Self::Expiries => &mut budget.expiries,
            Self::Sweeps => &mut budget.sweeps,
            Self::Rescales { left } if left != budget.rescales => return None,
            Self::Rescales { .. } => &mut budget.rescales,
            Self::HostCrashes => &mut budget.host_crashes,
            Self::CoordinatorCrashes => &mut budget.coordinator_crashes,
            Self::Campaigns => &mut budget.campaigns,
            Self::HostSuspicions => &mut budget.host_suspicions,
            Self::StoreFaults => &mut budget.store_faults,
            Self::UploadFailures => &mut budget.upload_failures,
            Self::TaskFailures => &mut budget.task_failures,
            Self::Heartbeats => &mut budget.heartbeats,
        };
        *left = left.checked_sub(1)?;
        Some(budget)
    }

    /// Another number for each purse.
    pub(crate) fn number(self) -> u32 {
        match self {
            Self::Checkpoints => 0,
            Self::Expiries => 1,
            Self::Sweeps => 2,
            Self::HostCrashes => 3,
            Self::CoordinatorCrashes => 4,
            Self::Campaigns => 5,
            Self::HostSuspicions => 6,
            Self::StoreFaults => 7,
            Self::UploadFailures => 8,
            Self::TaskFailures => 9,
            Self::Heartbeats => 10,
            Self::Rescales { left } => 11 + u32::from(left),
        }
    }

    /// What `action` is charged to where this is left; `None` if it may happen as often as it can.
    pub(crate) fn of(action: &Action, left: Budget) -> Option<Self> {
        match action {
            Action::Fire(_, Timer::LeaderSilence) => Some(Self::Campaigns),
            Action::Fire(_, Timer::HostSilence(_)) => Some(Self::HostSuspicions),
            Action::Fire(_, Timer::Checkpoint) => Some(Self::Checkpoints),
            Action::Fire(_, Timer::Expiry(_)) => Some(Self::Expiries),
            Action::Fire(_, Timer::Sweep) => Some(Self::Sweeps),
            Action::Rescale(..) => Some(Self::Rescales { left: left.rescales }),
            Action::Store(_, _, Ending::AnswerLost | Ending::Delayed | Ending::Refused)
            | Action::FailRestore(..) => Some(Self::StoreFaults),
            Action::Heartbeat(_) => Some(Self::Heartbeats),
            Action::FailUpload(..) => Some(Self::UploadFailures),
            Action::FailTask(..) => Some(Self::TaskFailures),
            Action::CrashHost(_) => Some(Self::HostCrashes),
            Action::CrashCoordinator(_) => Some(Self::CoordinatorCrashes),
            Action::Fire(_, Timer::Heartbeat | Timer::Restart | Timer::StoreRetry | Timer::Stabilize)
            | Action::Deliver(_)
            | Action::Store(_, _, Ending::Answered)
            | Action::Land(_)
            | Action::Restore(..)
            | Action::Read(..)
            | Action::Take { .. }
            | Action::Upload(..) => None,
        }
    }
}

/// What the user asks for while `left` wishes are left.
pub(crate) fn next_rescale(story: &Story, left: u8) -> Option<Parallelism> {
    let asked = story.rescales.len().checked_sub(usize::from(left))?;
    Parallelism::new(*story.rescales.get(asked)?).ok()
}

/// What a coordinator can do and what can happen to it, messages and wishes of the user apart.
pub(crate) fn of_coordinator(process: &CoordinatorProcess, actions: &mut Vec<Action>) {
    let id = process.machine.id();
    actions.extend(process.timers.iter().map(|timer| Action::Fire(id, *timer)));
    of_requests(process, actions);
    actions.push(Action::CrashCoordinator(id));
}

/// How a request may end that is in flight.
fn of_requests(process: &CoordinatorProcess, actions: &mut Vec<Action>) {
    let id = process.machine.id();
    let mut before = None;
    for request in &process.requests {
        if before.replace(request) == Some(request) {
            continue;
        }
        let endings: &[Ending] = if request.has_effect() {
            &[Ending::Answered, Ending::AnswerLost, Ending::Delayed]
        } else {
            &[Ending::Answered, Ending::Refused]
        };
        actions.extend(endings.iter().map(|ending| Action::Store(id, request.clone(), *ending)));
    }
}

/// What a host can do and what can happen to it, messages apart.
pub(crate) fn of_host(process: &HostProcess, story: &Story, twist: &dyn Twist, actions: &mut Vec<Action>) {
    let host: HostId = process.machine.id();
    actions.push(Action::Heartbeat(host));
    actions.push(Action::CrashHost(host));
    for (id, task) in &process.tasks {
        if task.phase == Phase::Restoring {
            actions.push(Action::Restore(host, *id));
            if task.reads_state() {
                actions.push(Action::FailRestore(host, *id));
            }
        }
        if task.phase == Phase::Running {
            actions.push(Action::FailTask(host, *id));
        }
        if task.can_read(story) {
            actions.push(Action::Read(host, *id));
        }
        actions.extend(task.takable(twist).filter_map(|channel| {
            let (from, element) = task.front(channel)?;
            Some(Action::Take { host, task: *id, channel, from, element })
        }));
        for (checkpoint, frozen) in &task.uploads {
            actions.push(Action::Upload(host, *id, *checkpoint));
            let names = task.objects(*checkpoint, frozen);
            let left_behind = subsets(&names).map(|names| Action::FailUpload(host, *id, *checkpoint, names));
            actions.extend(left_behind);
        }
    }
}

// They are written at the same time, so any of them may have arrived.
fn subsets(names: &[ObjectName]) -> impl Iterator<Item = Vec<ObjectName>> {
    (0..1_u32 << names.len()).map(|chosen| {
        let chosen = (0..names.len()).filter(|index| chosen & 1 << index != 0);
        chosen.map(|index| names[index]).collect()
    })
}
