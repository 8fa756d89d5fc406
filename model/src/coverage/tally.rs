//! Counts of kinds.

use std::{collections::BTreeMap, ops::AddAssign};

use keygroups::protocol::{Coordinator, CoordinatorInput, Event, Host, HostInput};
use serde::Serialize;

use super::{
    kinds::{self, ActionKind},
    phases,
};
use crate::action::{Action, Ending};

/// Which machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Machine {
    /// [`Coordinator`].
    Coordinator,
    /// [`Host`].
    Host,
}

/// A machine in some phase hears an input of some kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Transition {
    /// Which machine.
    pub machine: Machine,
    /// What it hears.
    pub input: &'static str,
    /// Where it stood before.
    pub phase: &'static str,
}

/// How often what was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Actions of the model.
    pub actions: BTreeMap<ActionKind, u64>,
    /// Transitions of the machines.
    pub transitions: BTreeMap<Transition, u64>,
    /// Events of coordinators.
    pub events: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// A coordinator hears `input`; `ending` says how a request ended, if the input is its answer.
    pub(crate) fn coordinator_heard(
        &mut self,
        machine: &Coordinator,
        input: &CoordinatorInput,
        ending: Option<Ending>,
    ) {
        let (input, action) = kinds::coordinator_input(input, ending);
        let phase = phases::coordinator(machine.phase());
        self.stepped(Transition { machine: Machine::Coordinator, input, phase }, action);
    }

    /// A host hears `input`.
    pub(crate) fn host_heard(&mut self, machine: &Host, input: &HostInput) {
        let phase = phases::host(machine, input);
        let (input, action) = kinds::host_input(input);
        self.stepped(Transition { machine: Machine::Host, input, phase }, action);
    }

    fn stepped(&mut self, transition: Transition, action: Option<ActionKind>) {
        *self.transitions.entry(transition).or_default() += 1;
        if let Some(action) = action {
            *self.actions.entry(action).or_default() += 1;
        }
    }

    /// A coordinator tells of something.
    pub(crate) fn happened(&mut self, event: &Event) {
        *self.events.entry(kinds::event(event)).or_default() += 1;
    }

    /// A request has its effect when nobody waits for it.
    pub(crate) fn landed_late(&mut self, which: &'static str) {
        *self.actions.entry(kinds::landing(which)).or_default() += 1;
    }

    /// A process has died.
    pub(crate) fn crashed(&mut self, machine: Machine) {
        *self.actions.entry(kinds::crash(machine)).or_default() += 1;
    }

    /// The model does `action`.
    pub(crate) fn acted(&mut self, action: &Action) {
        *self.actions.entry(kinds::action(action)).or_default() += 1;
    }
}

impl AddAssign<&Self> for Tally {
    fn add_assign(&mut self, other: &Self) {
        for (action, count) in &other.actions {
            *self.actions.entry(*action).or_default() += count;
        }
        for (transition, count) in &other.transitions {
            *self.transitions.entry(*transition).or_default() += count;
        }
        for (event, count) in &other.events {
            *self.events.entry(event).or_default() += count;
        }
    }
}
