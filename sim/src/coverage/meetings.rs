//! What one run adds to the coverage.

use super::tracker::Tracker;
use super::witness::Witness;
use super::{Coverage, Points};
use crate::nodes::Nodes;
use crate::wire::Node;
use keygroups::driver::{CopyError, RestoreMetrics};
use keygroups::protocol::invariant::Fact;
use keygroups::protocol::{CoordinatorInput, CoordinatorOutput, HostInput, HostOutput};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Measures the coverage of one run: it hears of the faults from the injector, and of everything else from the watch.
/// Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meetings(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    tracker: Tracker,
    witness: Witness,
    coverage: Coverage,
    // Faults that last, by kind.
    lasting: BTreeMap<&'static str, u32>,
    before: Points,
    // Changes of the state of processes that the tracker has heard of.
    changes: u64,
}

impl Meetings {
    /// Where the protocol stands now, for a fault that is about to strike.
    pub(crate) fn stand(&self, nodes: &Nodes) -> Points {
        self.lives(nodes);
        self.state().tracker.points()
    }

    /// A fault has struck where the protocol stood at these points, and had an effect.
    pub(crate) fn struck(&self, kind: &'static str, before: Points) {
        let mut state = self.state();
        state.before = before;
        state.coverage.met(kind, before);
        *state.lasting.entry(kind).or_default() += 1;
    }

    /// It is over.
    pub(crate) fn ends(&self, kind: &'static str) {
        let lasting = &mut self.state().lasting;
        if let Some(count) = lasting.get_mut(kind) {
            *count -= 1;
            if *count == 0 {
                lasting.remove(kind);
            }
        }
    }

    /// All are.
    pub(crate) fn heal(&self) {
        self.state().lasting.clear();
    }

    /// Tells the tracker whose memory is lost, if any process has come, gone or crashed.
    pub(crate) fn lives(&self, nodes: &Nodes) {
        let mut state = self.state();
        let changes = nodes.changes();
        if std::mem::replace(&mut state.changes, changes) != changes {
            state.tracker.keep(|node| nodes.is_up(node));
        }
    }

    /// A process begins a life.
    pub(crate) fn began(&self, node: Node) {
        let mut state = self.state();
        state.tracker.lost(node);
        state.witness.lost(node);
    }

    /// A coordinator takes a step.
    pub(crate) fn coordinator_step(
        &self,
        node: Node,
        input: &CoordinatorInput,
        outputs: &[CoordinatorOutput],
    ) {
        let mut state = self.state();
        let State { tracker, witness, .. } = &mut *state;
        witness.coordinator_step(tracker, node, input, outputs);
        tracker.coordinator_step(node, input, outputs);
        state.witnessed();
    }

    /// A host takes a step.
    pub(crate) fn host_step(&self, node: Node, input: &HostInput, outputs: &[HostOutput]) {
        let mut state = self.state();
        let State { tracker, witness, .. } = &mut *state;
        witness.host_step(tracker, outputs);
        tracker.host_step(node, input, outputs);
        state.witnessed();
    }

    /// Something is so.
    pub(crate) fn fact(&self, fact: &Fact) {
        let mut state = self.state();
        state.tracker.fact(fact);
        state.witness.fact(fact);
        state.witnessed();
    }

    /// A task has taken over its state.
    pub(crate) fn restored(&self, metrics: &RestoreMetrics) {
        let mut state = self.state();
        state.witness.restored(metrics);
        state.witnessed();
    }

    /// Something could not be done with a local copy.
    pub(crate) fn copy_error(&self, error: &CopyError) {
        let mut state = self.state();
        state.witness.copy_error(error);
        state.witnessed();
    }

    /// The user cancels the job, which goes on later.
    pub(crate) fn cancelled(&self) {
        let mut state = self.state();
        state.witness.cancelled();
        state.witnessed();
    }

    /// What an operator's own mark stands for has happened.
    pub(crate) fn happened(&self, mark: &str) {
        self.state().coverage.happened(mark, 1);
    }

    /// A step of a machine, or a change of the store, is complete: what the protocol has come to meets what lasts.
    pub(crate) fn moved(&self) {
        let mut state = self.state();
        let State { tracker, coverage, lasting, before, .. } = &mut *state;
        if lasting.is_empty() {
            return;
        }
        let Some(points) = tracker.moved() else { return };
        let new = points.without(std::mem::replace(before, points));
        if !new.is_empty() {
            lasting.keys().for_each(|kind| coverage.met(kind, new));
        }
    }

    pub(crate) fn coverage(&self) -> Coverage {
        self.state().coverage.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn witnessed(&mut self) {
        let Self { witness, coverage, .. } = self;
        witness.seen().for_each(|mark| coverage.happened(mark.name(), 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coverage::At;
    use keygroups::checkpoint::{Attempt, CheckpointId, LeaderEpoch, ManifestVersion};
    use keygroups::key_group::Parallelism;
    use keygroups::protocol::Event;

    fn elected() -> Event {
        Event::Elected { epoch: LeaderEpoch(1), version: ManifestVersion(1) }
    }

    #[test]
    fn fault_meets_the_points_at_which_it_strikes_and_those_that_come_while_it_lasts() {
        let meetings = Meetings::default();
        let strikes = |kind| {
            let stand = meetings.state().tracker.points();
            meetings.struck(kind, stand);
        };
        let tell = |node, event| {
            let outputs = [CoordinatorOutput::Event(event)];
            meetings.coordinator_step(node, &CoordinatorInput::Boot, &outputs);
        };
        tell(Node(2), elected());
        tell(Node(3), elected());
        meetings.moved();
        strikes("crash");
        meetings.ends("crash");
        let (attempt, checkpoint) = (Attempt::default(), CheckpointId(1));
        let (parallelism, restore) = (Parallelism::new(1).unwrap(), CheckpointId::NONE);
        tell(Node(2), Event::Deployed { attempt, parallelism, restore });
        strikes("pause");
        tell(Node(2), Event::Triggered { attempt, checkpoint, stop: false });
        meetings.moved();
        meetings.moved();
        let coverage = meetings.coverage();
        assert_eq!((coverage.count("crash", At::C17), coverage.count("crash", At::C2)), (1, 0));
        assert_eq!((coverage.count("pause", At::C17), coverage.count("pause", At::C2)), (1, 1));
        let mut sum = coverage.clone();
        sum.add(&coverage);
        assert_eq!(sum.count("pause", At::C2), 2);
        assert_eq!(sum.count("pause", At::C3), 0);
    }

    #[test]
    fn marks_are_counted_by_name_those_of_the_run_and_those_of_operators() {
        let meetings = Meetings::default();
        let refused = CoordinatorOutput::Event(Event::Deposed { epoch: LeaderEpoch(1) });
        meetings.coordinator_step(Node(2), &CoordinatorInput::Boot, &[refused]);
        ["hot", "cold", "hot"].into_iter().for_each(|mark| meetings.happened(mark));
        let mut coverage = meetings.coverage();
        coverage.add(&coverage.clone());
        let times = ["leader-deposed", "hot", "cold", "never"].map(|mark| coverage.times(mark));
        assert_eq!(times, [2, 4, 2, 0]);
    }
}
