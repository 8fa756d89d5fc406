//! What makes states that differ only in what cannot matter one state.
//!
//! Each reduction is checked against the raw space (`tests/reductions.rs`): the raw states, reduced at
//! the end, are the states that are reached when every step is reduced. docs/model.md says why.

use keygroups::protocol::{CoordinatorInput, Host, ToCoordinator, invariant::History};

use crate::{
    engine::{EngineTask, Step},
    network::Message,
    process::{CoordinatorProcess, HostProcess},
    zoo::Faithful,
};

/// Whether `message` is [stale](Host::is_stale) for a host.
pub(crate) fn is_stale_for_host(process: &HostProcess, message: &Message) -> bool {
    match message {
        Message::ToHost(_, message) => process.machine.is_stale(message),
        Message::ToCoordinator(..) | Message::ToPeer(..) => false,
    }
}

/// Whether `message` is [stale](keygroups::protocol::Coordinator::is_stale) for a coordinator.
pub(crate) fn is_stale_for_coordinator(process: &CoordinatorProcess, message: &Message) -> bool {
    match message {
        Message::ToCoordinator(_, message) => process.machine.is_stale(message),
        Message::ToHost(..) | Message::ToPeer(..) => false,
    }
}

/// Lets the tasks of a host take what nobody else notices: records, and barriers that have to wait for
/// others. When a snapshot is frozen everything before its barrier was taken and nothing after it, in
/// whatever order, so it makes no difference when.
pub(crate) fn calm_host(process: &mut HostProcess) {
    process.tasks.values_mut().for_each(EngineTask::calm);
}

impl EngineTask {
    fn calm(&mut self) {
        let quiet = |task: &Self| {
            task.takable(&Faithful).find_map(|channel| {
                let mut after = task.clone();
                (after.take(channel, &Faithful) == Step::Quiet).then_some(after)
            })
        };
        while let Some(after) = quiet(self) {
            *self = after;
        }
        self.forget_the_order_of_output();
    }
}

/// Lets a coordinator hear what only adds to what it waits for: neither does it say or want anything,
/// nor does anything else depend on when it has heard.
pub(crate) fn calm_coordinator<'m>(
    process: &mut CoordinatorProcess,
    mail: impl Iterator<Item = &'m Message> + Clone,
) {
    let hear = |process: &CoordinatorProcess, message: &Message| {
        let Message::ToCoordinator(_, message) = message else { return None };
        // Not `Finished`: a leader that has heard of it does not scale up any more.
        let (ToCoordinator::Ready { .. } | ToCoordinator::Started { .. } | ToCoordinator::Acknowledge { .. }) =
            message
        else {
            return None;
        };
        let mut machine = process.machine.clone();
        let mut out = Vec::new();
        machine.handle(CoordinatorInput::Host(message.clone()), &mut out);
        (out.is_empty() && machine != process.machine).then_some(machine)
    };
    while let Some(machine) = mail.clone().find_map(|message| hear(process, message)) {
        process.machine = machine;
    }
}

/// Forgets what no invariant asks for again.
pub(crate) fn calm_history<'h>(history: &mut History, hosts: impl Iterator<Item = &'h Host>) {
    history.forget();
    hosts.for_each(|host| history.forget_notices(host));
}
