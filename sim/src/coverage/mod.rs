//! What went wrong where: a matrix of kinds of faults × points of the protocol, over many runs.
//!
//! A fault *meets* a point if it strikes while the protocol stands there, or if the protocol comes to
//! stand there while the fault lasts. What is never met was never tested, however many seeds have run.

mod points;
mod tracker;

pub use points::{At, POINTS, Point, Points};
pub(crate) use tracker::Tracker;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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

/// Which faults last, and where the protocol stands: fills the matrix of one run.
#[derive(Debug, Default)]
pub(crate) struct Meetings {
    pub(crate) tracker: Tracker,
    coverage: Coverage,
    lasting: BTreeMap<&'static str, u32>,
    before: Points,
}

impl Meetings {
    /// A fault strikes. Unless it lasts, that is all.
    pub(crate) fn strikes(&mut self, kind: &'static str) {
        self.coverage.met(kind, self.tracker.points());
        *self.lasting.entry(kind).or_default() += 1;
    }

    /// It is over.
    pub(crate) fn ends(&mut self, kind: &'static str) {
        if let Some(count) = self.lasting.get_mut(kind) {
            *count -= 1;
            if *count == 0 {
                self.lasting.remove(kind);
            }
        }
    }

    /// The protocol has taken a step, or the store has changed.
    pub(crate) fn moved(&mut self) {
        let points = self.tracker.points();
        let new = points.without(std::mem::replace(&mut self.before, points));
        if !new.is_empty() {
            for kind in self.lasting.keys() {
                self.coverage.met(kind, new);
            }
        }
    }

    pub(crate) fn coverage(&self) -> &Coverage {
        &self.coverage
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Node;
    use keygroups::checkpoint::{Attempt, CheckpointId, LeaderEpoch, ManifestVersion};
    use keygroups::protocol::Event;

    fn elected() -> Event {
        Event::Elected { epoch: LeaderEpoch(1), version: ManifestVersion(1) }
    }

    #[test]
    fn fault_meets_the_points_at_which_it_strikes_and_those_that_come_while_it_lasts() {
        let mut meetings = Meetings::default();
        meetings.tracker.event(Node(2), &elected());
        meetings.tracker.event(Node(3), &elected());
        meetings.moved();
        meetings.strikes("crash");
        meetings.ends("crash");
        let attempt = Attempt::default();
        let checkpoint = CheckpointId(1);
        meetings.tracker.event(
            Node(2),
            &Event::Deployed {
                attempt,
                parallelism: keygroups::key_group::Parallelism::new(1).unwrap(),
                restore: CheckpointId::NONE,
            },
        );
        meetings.strikes("pause");
        meetings.tracker.event(Node(2), &Event::Triggered { attempt, checkpoint, stop: false });
        meetings.moved();
        meetings.moved();
        let coverage = meetings.coverage();
        assert_eq!((coverage.count("crash", At::C17), coverage.count("crash", At::C2)), (1, 0));
        assert_eq!((coverage.count("pause", At::C17), coverage.count("pause", At::C2)), (1, 1));
        let mut sum = coverage.clone();
        sum.add(coverage);
        assert_eq!(sum.count("pause", At::C2), 2);
        assert_eq!(sum.count("pause", At::C3), 0);
    }
}
