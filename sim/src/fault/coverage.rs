//! Which kinds of faults met which steps of the protocol.

use std::collections::BTreeMap;

/// How often each kind of fault met each step, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    cells: BTreeMap<(&'static str, &'static str), Met>,
}

/// How often a kind of fault met a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Met {
    /// It was aimed at the step, and struck.
    pub struck: u64,
    /// It lasted while the step was taken.
    pub active: u64,
}

impl Coverage {
    pub(super) fn struck(&mut self, kind: &'static str, step: &'static str) {
        self.cells.entry((kind, step)).or_default().struck += 1;
    }

    pub(super) fn active(&mut self, kind: &'static str, step: &'static str) {
        self.cells.entry((kind, step)).or_default().active += 1;
    }

    /// Every kind and step that met, in order of name.
    pub fn cells(&self) -> impl Iterator<Item = (&'static str, &'static str, Met)> {
        self.cells.iter().map(|(&(kind, step), &met)| (kind, step, met))
    }

    /// Adds what happened in another run.
    pub fn add(&mut self, other: &Self) {
        for (&cell, met) in &other.cells {
            let sum = self.cells.entry(cell).or_default();
            sum.struck += met.struck;
            sum.active += met.active;
        }
    }
}
