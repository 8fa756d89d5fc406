//! What processes do: their lives, their machines' steps, what becomes of their tasks' state.

use super::{Watch, steps};
use crate::cluster::summary::Restored;
use crate::fault::WeakInjector;
use crate::job::Position;
use crate::run::Violation;
use crate::wire::Node;
use keygroups::ErrorKind;
use keygroups::backend::{BackendError, StateBackend};
use keygroups::checkpoint::{Attempt, Certificate, CheckpointId, TaskId};
use keygroups::driver::{CopyError, DriverError, RestoredTask};
use keygroups::key_group::KeyGroup;
use keygroups::protocol::invariant::Fact;
use keygroups::protocol::{
    Coordinator, CoordinatorInput, CoordinatorOutput, Deployment, Event, Host, HostInput, HostOutput,
    Options, ToCoordinator, ToHost,
};
use keygroups_model::conform::Began;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

impl Watch {
    /// A coordinator's process has begun a life.
    pub(crate) fn coordinator_began(
        &self,
        node: Node,
        life: u64,
        machine: &Coordinator,
        nonce: u64,
        options: &Options,
    ) {
        let began = Began::Coordinator { id: machine.id(), nonce, options: Cow::Borrowed(options) };
        self.trace.event(&self.net.name(node), "began", &began);
        let mut state = self.state();
        state.seen.coordinator(node, machine);
        state.meetings.began(node);
        drop(state);
        self.strike(node, &[steps::began(life)]);
    }

    /// A host's process has begun a life.
    pub(crate) fn host_began(&self, node: Node, life: u64, machine: &Host, slots: u16) {
        let began = Began::Host { id: machine.id(), incarnation: machine.incarnation(), slots };
        self.trace.event(&self.net.name(node), "began", &began);
        let mut state = self.state();
        state.seen.host(node, machine);
        state.meetings.began(node);
        drop(state);
        self.strike(node, &[steps::began(life)]);
    }

    pub(crate) fn coordinator_step(
        &self,
        node: Node,
        machine: &Coordinator,
        input: &CoordinatorInput,
        outputs: &[CoordinatorOutput],
    ) {
        if self.is_dead(node) {
            return;
        }
        let name = self.net.name(node);
        self.trace.event(&name, "input", input);
        let mut state = self.state();
        state.meetings.coordinator_step(node, input, outputs);
        let (mut steps, mut elected) = (Vec::new(), false);
        for output in outputs {
            if let Some(fact) = Fact::of_coordinator(output) {
                self.judge(&mut state, &name, &fact);
            }
            match output {
                CoordinatorOutput::Event(event) => {
                    self.trace.event(&name, "event", event);
                    if let (true, Some(failover)) = (state.quiet, steps::failover(event)) {
                        self.broken(&mut state, Violation::broken("a_quiet_run_has_no_failover", failover));
                    }
                    elected |= matches!(event, Event::Elected { .. });
                    steps.extend(steps::of(event));
                    if let Some(rescaled) = state.progress.happened(event) {
                        self.trace.event("job", "moved", &rescaled);
                    }
                }
                CoordinatorOutput::CreateManifest(_) => steps.push("creating-manifest"),
                CoordinatorOutput::Send { message: ToHost::Cancel { .. }, .. } => {
                    steps.push("cancelled");
                }
                _ => {}
            }
        }
        // What invariants look at changes only with an event.
        if outputs.iter().any(|output| matches!(output, CoordinatorOutput::Event(_))) {
            state.seen.coordinator(node, machine);
        }
        if let (true, Some(injector)) = (elected, state.injector.as_ref().and_then(WeakInjector::upgrade)) {
            injector.elected(node);
        }
        self.check(state);
        self.strike(node, &steps);
    }

    pub(crate) fn host_step(&self, node: Node, machine: &Host, input: &HostInput, outputs: &[HostOutput]) {
        if self.is_dead(node) {
            return;
        }
        let name = self.net.name(node);
        self.trace.event(&name, "input", input);
        let mut state = self.state();
        state.meetings.host_step(node, input, outputs);
        let mut steps = Vec::new();
        for output in outputs {
            if let Some(fact) = Fact::of_host(machine, output) {
                self.judge(&mut state, &name, &fact);
            }
            match output {
                HostOutput::Restore(_) => steps.push("restoring"),
                HostOutput::Run { .. } => steps.push("started"),
                HostOutput::Snapshot { .. } => steps.push("frozen"),
                HostOutput::Commit { .. } => steps.push("notified"),
                HostOutput::Send { message: ToCoordinator::Ready { .. }, .. } => steps.push("restored"),
                HostOutput::Send { message: ToCoordinator::Acknowledge { .. }, .. } => {
                    steps.push("acknowledged")
                }
                _ => {}
            }
        }
        let tasks_changed = |output: &HostOutput| {
            matches!(output, HostOutput::Run { .. } | HostOutput::Drop { .. } | HostOutput::Restore(_))
        };
        if outputs.iter().any(tasks_changed) {
            state.seen.host(node, machine);
        }
        self.check(state);
        self.strike(node, &steps);
    }

    pub(crate) fn driver_error(&self, node: Node, error: &DriverError) {
        if self.is_dead(node) {
            return;
        }
        let text = error.to_string();
        self.trace.event(&self.net.name(node), "error", &text);
        if error.kind() == ErrorKind::Corrupt {
            self.state().reports.insert(text);
        }
    }

    /// Something could not be done with local copies. Nobody may depend on that.
    pub(crate) fn copy_error(&self, node: Node, error: &CopyError) {
        if self.is_dead(node) {
            return;
        }
        self.trace.event(&self.net.name(node), "error", &error.to_string());
        let mut state = self.state();
        state.meetings.copy_error(error);
        let summary = &mut state.progress.summary;
        match error {
            CopyError::NotKept { .. } => summary.copies_not_kept += 1,
            CopyError::Refused { .. } => summary.copies_refused += 1,
            _ => {}
        }
    }

    /// Every error that says that something is damaged or missing.
    pub(crate) fn reports(&self) -> BTreeSet<String> {
        self.state().reports.clone()
    }

    /// A task has taken over its state.
    pub(crate) fn restored(&self, node: Node, deployment: &Deployment, restored: &RestoredTask) {
        if self.is_dead(node) {
            return;
        }
        let name = self.net.name(node);
        let groups = restored.backend.as_ref().map(certificates).unwrap_or_default();
        let entries: u64 = groups.values().map(|certificate| certificate.entries).sum();
        let mut state = self.state();
        state.meetings.restored(&restored.metrics);
        state.progress.summary.restore_bytes_read += restored.metrics.bytes_read;
        state.progress.summary.restore_bytes_local += restored.metrics.bytes_local;
        state.progress.summary.copies_used += restored.metrics.copies_used;
        state.progress.summary.restore_bytes_owned += restored.metrics.bytes_owned;
        let (attempt, task) = (deployment.attempt, deployment.task);
        if let (Some(key_groups), true) = (deployment.key_groups, restored.metrics.bytes_read > 0) {
            let event = Restored {
                attempt,
                task,
                key_groups,
                entries,
                bytes_read: restored.metrics.bytes_read,
                bytes_local: restored.metrics.bytes_local,
                bytes_owned: restored.metrics.bytes_owned,
                requests: restored.metrics.requests,
            };
            self.trace.event(&name, "restored", &event);
        }
        self.judge(&mut state, &name, &Fact::Restored { attempt, task, groups });
    }

    /// A task stands at its barrier with this state.
    pub(crate) fn frozen(
        &self,
        node: Node,
        attempt: Attempt,
        task: TaskId,
        checkpoint: CheckpointId,
        backend: &StateBackend,
    ) {
        if self.is_dead(node) {
            return;
        }
        let groups = certificates(backend);
        let name = self.net.name(node);
        self.judge(&mut self.state(), &name, &Fact::Frozen { attempt, task, checkpoint, groups });
    }

    /// What these marks of an operator stand for has happened.
    pub(crate) fn happened(&self, marks: &[&'static str]) {
        let state = self.state();
        marks.iter().for_each(|mark| state.meetings.happened(mark));
    }

    /// A record came to a task that does not own its key.
    pub(crate) fn misrouted(&self, deployment: &Deployment, key_group: KeyGroup, error: &BackendError) {
        let what = format!(
            "task {} of attempt {}: key group {key_group}: {error}",
            deployment.task, deployment.attempt
        );
        self.broken(&mut self.state(), Violation::broken("router_and_owner_agree", what));
    }

    /// An operator could not process a record that is its own.
    pub(crate) fn operator_failed(&self, deployment: &Deployment, at: Position, error: &BackendError) {
        let what = format!(
            "task {} of attempt {}, record {} of partition {}: {error}",
            deployment.task, deployment.attempt, at.offset, at.partition
        );
        self.broken(&mut self.state(), Violation::broken("operator_processes_its_records", what));
    }
}

fn certificates(backend: &StateBackend) -> BTreeMap<KeyGroup, Certificate> {
    let certificates = backend.certificates();
    let certificates = certificates.filter_map(|(group, certificate)| Some((group, certificate.ok()?)));
    certificates.filter(|(_, certificate)| certificate.entries > 0).collect()
}
