//! Sees everything that happens: judges it, counts it, tells it to the trace.
//!
//! After every step of every machine all invariants are checked, and every change of the store is judged
//! in the moment it takes effect. The first violation ends the run.

mod process;
mod seen;
mod steps;
mod store;
mod user;

pub use steps::STEPS;

use super::progress::Progress;
use super::summary::Summary;
use super::untyped::{Judge, Untyped};
use super::{Jitter, Scenario};
use crate::coverage::Meetings;
use crate::fault::{Injector, WeakInjector};
use crate::nodes::{Nodes, ProcessState};
use crate::run::{Violation, World};
use crate::storage::StoreNode;
use crate::trace::Trace;
use crate::wire::{Net, Node};
use bytes::Bytes;
use keygroups::checkpoint::{CheckpointRecord, JobStatus, Manifest};
use keygroups::protocol::invariant::Fact;
use keygroups::snapshot::KeyGroupSections;
use keygroups::store::Layout;
use object_store::path::Path;
use seen::Seen;
use std::collections::BTreeSet;
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
    seen: Seen,
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
            seen: Seen::new(),
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

    /// Where objects lie.
    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The newest manifest that there ever was.
    pub(super) fn newest_manifest(&self) -> Option<Arc<Manifest>> {
        self.state().seen.history().newest().cloned()
    }

    /// Every checkpoint that was ever committed, in that order.
    pub(super) fn committed(&self) -> Vec<Arc<CheckpointRecord>> {
        self.state().seen.history().committed().cloned().collect()
    }

    /// How many of a partition's `rows` may have come in so far.
    pub(crate) fn available(&self, rows: u64) -> u64 {
        self.state().progress.available(rows)
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.state().seen.history().newest().is_some_and(|manifest| manifest.status == JobStatus::Finished)
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

    /// What the run was like so far; so many `faults` had an effect.
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
        state.meetings.fact(fact);
        if let Err(violation) = state.seen.happened(fact) {
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
        let State { seen, judge, progress, meetings, .. } = &mut *state;
        progress.summary.steps += 1;
        meetings.lives(&self.nodes);
        meetings.moved();
        if let Err(violation) = seen.judge(&self.nodes, &mut **judge) {
            self.broken(&mut state, violation);
        }
    }

    /// Outside the lock: a fault may crash the very process that takes the step.
    fn strike(&self, node: Node, steps: &[&'static str]) {
        if steps.is_empty() {
            return;
        }
        let injector = self.state().injector.as_ref().and_then(WeakInjector::upgrade);
        if let Some(injector) = injector {
            for step in steps {
                injector.on_step(node, step);
            }
        }
    }
}
