//! Sees everything that happens: judges it, counts it, tells it to the trace.
//!
//! After every step of every machine all invariants are checked, and every change of the store is judged
//! in the moment it takes effect. The first violation ends the run.

mod steps;
mod store;
mod user;

pub use steps::STEPS;

use super::progress::Progress;
use super::summary::{Restored, Summary};
use super::untyped::{Judge, Untyped};
use super::{Jitter, Scenario};
use crate::coverage::Meetings;
use crate::fault::{Injector, WeakInjector};
use crate::job::Position;
use crate::nodes::{Nodes, ProcessState};
use crate::run::{Violation, World};
use crate::storage::StoreNode;
use crate::trace::Trace;
use crate::wire::{Net, Node};
use bytes::Bytes;
use keygroups::ErrorKind;
use keygroups::backend::{BackendError, StateBackend};
use keygroups::checkpoint::{
    Attempt, Certificate, CheckpointId, CheckpointRecord, JobStatus, Manifest, TaskId,
};
use keygroups::driver::{CopyError, DriverError, RestoredTask};
use keygroups::key_group::KeyGroup;
use keygroups::protocol::invariant::{self, Fact, History, JobView};
use keygroups::protocol::{
    Coordinator, CoordinatorInput, CoordinatorOutput, Deployment, Event, Host, HostInput, HostOutput,
    Options, ToCoordinator,
};
use keygroups::snapshot::KeyGroupSections;
use keygroups::store::Layout;
use keygroups_model::conform::Began;
use object_store::path::Path;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The store's node.
const STORE: &str = "store";

/// The one watcher of a run. Clones are the same.
#[derive(Clone)]
pub(crate) struct Watch {
    net: Net,
    nodes: Nodes,
    trace: Trace,
    layout: Arc<Layout>,
    state: Arc<Mutex<State>>,
}

struct State {
    history: History,
    coordinators: BTreeMap<Node, Coordinator>,
    hosts: BTreeMap<Node, Host>,
    violation: Option<Violation>,
    // Weak: the injector holds the store, the store what observes it, and that is this watch.
    injector: Option<WeakInjector>,
    meetings: Meetings,
    // Nothing goes wrong, so nothing may be given up.
    quiet: bool,
    judge: Box<dyn Judge>,
    progress: Progress,
    // What drivers said of damage.
    reports: BTreeSet<String>,
}

impl Watch {
    pub(super) fn new(world: &World, scenario: &Scenario, job: &dyn Untyped) -> Self {
        let state = State {
            history: History::new(),
            coordinators: BTreeMap::new(),
            hosts: BTreeMap::new(),
            violation: None,
            injector: None,
            meetings: Meetings::default(),
            quiet: scenario.jitter == Jitter::Apart && scenario.variety.restarts.is_empty(),
            judge: job.judge(scenario.max_parallelism),
            progress: Progress::new(scenario, &job.partitions()),
            reports: BTreeSet::new(),
        };
        Self {
            net: world.net.clone(),
            nodes: world.nodes.clone(),
            trace: world.trace.clone(),
            layout: Arc::new(Layout::new(Path::from("job"))),
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// Judges every change of the store from now on.
    pub(super) fn observe(&self, store: &StoreNode) {
        let watch = self.clone();
        store.observe(move |mutation, objects| {
            watch.mutated(mutation, &|path| objects.get(path).map(|object| object.bytes.clone()));
        });
    }

    /// Faults that are aimed at steps strike from now on.
    pub(super) fn aim(&self, injector: &Injector) {
        let mut state = self.state();
        state.injector = Some(injector.downgrade());
        state.meetings = injector.meetings().clone();
        state.quiet &= injector.is_quiet();
    }

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
        state.coordinators.insert(node, machine.clone());
        state.meetings.see(|tracker| tracker.began(node));
        drop(state);
        self.strike(node, &[steps::began(life)]);
    }

    /// A host's process has begun a life.
    pub(crate) fn host_began(&self, node: Node, life: u64, machine: &Host, slots: u16) {
        let began = Began::Host { id: machine.id(), incarnation: machine.incarnation(), slots };
        self.trace.event(&self.net.name(node), "began", &began);
        self.state().hosts.insert(node, machine.clone());
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
        state.meetings.see(|tracker| tracker.coordinator_step(node, input, outputs));
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
                CoordinatorOutput::Send { message: keygroups::protocol::ToHost::Cancel { .. }, .. } => {
                    steps.push("cancelled");
                }
                _ => {}
            }
        }
        // What invariants look at changes only with an event.
        if outputs.iter().any(|output| matches!(output, CoordinatorOutput::Event(_))) {
            state.coordinators.insert(node, machine.clone());
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
        state.meetings.see(|tracker| tracker.host_step(input, outputs));
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
            state.hosts.insert(node, machine.clone());
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

    /// Where objects lie.
    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The newest manifest that there ever was.
    pub(super) fn newest_manifest(&self) -> Option<Arc<Manifest>> {
        self.state().history.newest().cloned()
    }

    /// Every checkpoint that was ever committed, in that order.
    pub(super) fn committed(&self) -> Vec<Arc<CheckpointRecord>> {
        self.state().history.committed().cloned().collect()
    }

    /// How many of a partition's `rows` may have come in so far.
    pub(crate) fn available(&self, rows: u64) -> u64 {
        self.state().progress.available(rows)
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.state().history.newest().is_some_and(|manifest| manifest.status == JobStatus::Finished)
    }

    pub(crate) fn violation(&self) -> Option<Violation> {
        self.state().violation.clone()
    }

    /// Where the job stands, for whoever asks why it does not move.
    pub(crate) fn standing(&self) -> String {
        let state = self.state();
        format!("{} rows committed, {}", state.judge.committed_rows(), state.progress)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn summary(&self, faults: usize) -> Summary {
        let state = self.state();
        let coverage = state.meetings.coverage();
        Summary { faults, coverage, ..state.progress.summary.clone() }
    }

    /// The last word on a job that has finished, whose output a reader finds in these objects.
    pub(super) fn finish(&self, outputs: &[Bytes]) -> Result<Vec<KeyGroupSections>, Violation> {
        self.state().judge.finish(outputs)
    }

    fn judge(&self, state: &mut State, node: &str, fact: &Fact) {
        self.judge_with(state, node, fact, None);
    }

    /// With what people want to know if the fact breaks something.
    fn judge_with(&self, state: &mut State, node: &str, fact: &Fact, more: Option<String>) {
        self.trace.event(node, "fact", fact);
        state.meetings.see(|tracker| tracker.fact(fact));
        if let Err(violation) = state.history.record(fact) {
            let detail = match more {
                Some(more) => format!("{}: {more}", violation.detail),
                None => violation.detail,
            };
            self.broken(state, Violation::broken(violation.invariant, detail));
        }
    }

    fn broken(&self, state: &mut State, violation: Violation) {
        if state.violation.is_none() {
            self.trace.event("watch", "violation", &violation.to_string());
            state.violation = Some(violation);
        }
    }

    /// A process that is crashed in its own step runs on to where it next waits. Nothing of that leaves it,
    /// so nothing of that has happened.
    fn is_dead(&self, node: Node) -> bool {
        matches!(self.nodes.state(node), ProcessState::Down | ProcessState::Absent)
    }

    fn check(&self, mut state: MutexGuard<'_, State>) {
        let State { history, coordinators, hosts, judge, progress, meetings, .. } = &mut *state;
        progress.summary.steps += 1;
        meetings.moved();
        let alive = |node: &Node| !self.is_dead(*node);
        let view = JobView {
            coordinators: coordinators
                .iter()
                .filter(|(node, _)| alive(node))
                .map(|(_, machine)| machine)
                .collect(),
            hosts: hosts.iter().filter(|(node, _)| alive(node)).map(|(_, machine)| machine).collect(),
            history,
        };
        let mut judgement = invariant::check(&view)
            .map_err(|violation| Violation::broken(violation.invariant, violation.detail));
        if judge.judges_steps() {
            judgement = judgement.and_then(|()| judge.step(&view));
        }
        if let Err(violation) = judgement {
            self.broken(&mut state, violation);
        }
    }

    /// Outside the lock: a fault may crash the very process that takes the step.
    fn strike(&self, node: Node, steps: &[&'static str]) {
        let injector = self.state().injector.as_ref().and_then(WeakInjector::upgrade);
        if let Some(injector) = injector {
            for step in steps {
                injector.on_step(node, step);
            }
        }
    }
}

fn certificates(backend: &StateBackend) -> BTreeMap<KeyGroup, Certificate> {
    let groups = backend.key_groups().iter();
    let certificates = groups.filter_map(|group| Some((group, backend.certificate(group).ok()?)));
    certificates.filter(|(_, certificate)| certificate.entries > 0).collect()
}
