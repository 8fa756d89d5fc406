//! What went wrong where: a matrix of kinds of faults × points of the protocol, over many runs.
//!
//! A fault *meets* a point if it strikes while the protocol stands there, or if the protocol comes to
//! stand there while the fault lasts. One that had no effect meets nothing: damage that found nothing to
//! damage, a crash of what is down. What is never met was never tested, however many seeds have run.

mod points;
mod tracker;
mod unasked;

pub use points::{At, POINTS, Point, Points};
pub(crate) use tracker::Tracker;
pub use unasked::unasked;

use crate::nodes::Nodes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How often each kind of fault has met each point.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Coverage {
    kinds: BTreeMap<String, Vec<u64>>,
}

impl Coverage {
    /// A fault of this kind has met these points.
    pub(crate) fn met(&mut self, kind: &str, points: Points) {
        let row = match self.kinds.get_mut(kind) {
            Some(row) => row,
            None => self.kinds.entry(kind.to_owned()).or_insert_with(|| vec![0; POINTS.len()]),
        };
        points.iter().for_each(|point| row[point] += 1);
    }

    /// Adds what other runs have met.
    pub fn add(&mut self, other: &Self) {
        for (kind, theirs) in &other.kinds {
            let ours = self.kinds.entry(kind.clone()).or_insert_with(|| vec![0; POINTS.len()]);
            ours.iter_mut().zip(theirs).for_each(|(ours, theirs)| *ours += theirs);
        }
    }

    /// How often a kind has met a point.
    #[must_use]
    pub fn count(&self, kind: &str, at: At) -> u64 {
        self.kinds.get(kind).and_then(|row| row.get(at as usize)).copied().unwrap_or_default()
    }
}

/// Fills the matrix of one run: it hears of the faults from the injector, and of the protocol from the watch.
/// Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meetings(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    tracker: Tracker,
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

    /// Something is seen of the run, in the middle of a step.
    pub(crate) fn see(&self, see: impl FnOnce(&mut Tracker)) {
        see(&mut self.state().tracker);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Node;
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
        meetings.see(|tracker| {
            tracker.event(Node(2), &elected());
            tracker.event(Node(3), &elected());
        });
        meetings.moved();
        strikes("crash");
        meetings.ends("crash");
        let (attempt, checkpoint) = (Attempt::default(), CheckpointId(1));
        let (parallelism, restore) = (Parallelism::new(1).unwrap(), CheckpointId::NONE);
        meetings.see(|tracker| tracker.event(Node(2), &Event::Deployed { attempt, parallelism, restore }));
        strikes("pause");
        meetings.see(|tracker| {
            tracker.event(Node(2), &Event::Triggered { attempt, checkpoint, stop: false });
        });
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
}
