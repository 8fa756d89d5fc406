//! What was tested, over many runs: a matrix of kinds of faults × points of the protocol, and what happened sometimes.
//!
//! A fault *meets* a point if it strikes while the protocol stands there, or if the protocol comes to
//! stand there while the fault lasts. One that had no effect meets nothing: damage that found nothing to
//! damage, a crash of what is down. What is never met was never tested, however many seeds have run.
//!
//! [`MARKS`] are turns of a job that are no faults: that a leader is deposed, that a task restores from a local copy.
//! Operators set marks of their own by [`Context::sometimes`](crate::job::Context::sometimes).

mod marks;
mod meetings;
mod points;
mod tracker;
mod unasked;
mod witness;

pub use marks::{MARKS, Mark, Sometimes};
pub(crate) use meetings::Meetings;
pub use points::{At, POINTS, Point, Points};
pub use unasked::unasked;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How often each kind of fault has met each point, and how often what happens sometimes has happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    kinds: BTreeMap<String, Vec<u64>>,
    marks: BTreeMap<String, u64>,
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

    /// What this mark stands for has happened so often.
    pub(crate) fn happened(&mut self, mark: &str, times: u64) {
        match self.marks.get_mut(mark) {
            Some(before) => *before += times,
            None => drop(self.marks.insert(mark.to_owned(), times)),
        }
    }

    /// Adds what other runs have met.
    pub fn add(&mut self, other: &Self) {
        for (kind, theirs) in &other.kinds {
            let ours = self.kinds.entry(kind.clone()).or_insert_with(|| vec![0; POINTS.len()]);
            ours.iter_mut().zip(theirs).for_each(|(ours, theirs)| *ours += theirs);
        }
        other.marks.iter().for_each(|(mark, times)| self.happened(mark, *times));
    }

    /// How often what this mark stands for has happened: one of [`MARKS`] by its name, or an operator's own.
    #[must_use]
    pub fn times(&self, mark: &str) -> u64 {
        self.marks.get(mark).copied().unwrap_or_default()
    }

    /// How often a kind has met a point.
    #[must_use]
    pub fn count(&self, kind: &str, at: At) -> u64 {
        self.kinds.get(kind).and_then(|row| row.get(at as usize)).copied().unwrap_or_default()
    }
}
