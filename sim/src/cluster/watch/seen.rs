//! What invariants look at: what has happened, and the machines as they were last seen.

use super::super::untyped::Judge;
use crate::nodes::{Nodes, ProcessState};
use crate::run::Violation;
use crate::wire::Node;
use keygroups::protocol::invariant::{self, Fact, History, JobView};
use keygroups::protocol::{Coordinator, Host};
use std::collections::BTreeMap;

/// What was seen of a run so far.
pub(super) struct Seen {
    history: History,
    coordinators: BTreeMap<Node, Coordinator>,
    hosts: BTreeMap<Node, Host>,
    // The changes of processes when machines were judged last; none if anything else that concerns them has changed
    // since.
    judged_at: Option<u64>,
}

impl Seen {
    pub(super) fn new() -> Self {
        Self {
            history: History::new(),
            coordinators: BTreeMap::new(),
            hosts: BTreeMap::new(),
            judged_at: None,
        }
    }

    pub(super) fn history(&self) -> &History {
        &self.history
    }

    /// A coordinator as it is from now on.
    pub(super) fn coordinator(&mut self, node: Node, machine: &Coordinator) {
        self.judged_at = None;
        self.coordinators.insert(node, machine.clone());
    }

    /// A host as it is from now on.
    pub(super) fn host(&mut self, node: Node, machine: &Host) {
        self.judged_at = None;
        self.hosts.insert(node, machine.clone());
    }

    /// Judges what has happened, and remembers it.
    pub(super) fn happened(&mut self, fact: &Fact) -> Result<(), invariant::Violation> {
        if fact.concerns_views() {
            self.judged_at = None;
        }
        self.history.record(fact)
    }

    /// Judges a step by all that judges machines. Most steps change nothing of what such invariants look at:
    /// neither a machine, nor the chain of manifests, nor who is alive. They are judged already.
    pub(super) fn judge(&mut self, nodes: &Nodes, judge: &mut dyn Judge) -> Result<(), Violation> {
        let now = Some(nodes.changes());
        let (judges_steps, is_judged) = (judge.judges_steps(), self.judged_at == now);
        if is_judged && !judges_steps {
            return Ok(());
        }
        self.judged_at = now;
        let alive = |node: &Node| !matches!(nodes.state(*node), ProcessState::Down | ProcessState::Absent);
        let coordinators = self.coordinators.iter().filter(|(node, _)| alive(node));
        let hosts = self.hosts.iter().filter(|(node, _)| alive(node));
        let view = JobView {
            coordinators: coordinators.map(|(_, machine)| machine).collect(),
            hosts: hosts.map(|(_, machine)| machine).collect(),
            history: &self.history,
        };
        if !is_judged {
            invariant::check(&view)
                .map_err(|violation| Violation::broken(violation.invariant, violation.detail))?;
        }
        if judges_steps { judge.step(&view) } else { Ok(()) }
    }
}
