//! What became of the seeds.

use super::again;
use crate::batch::Batch;
use crate::case::Case;
use crate::cluster::Summary;
use crate::coverage::Coverage;
use crate::run::Violation;
use std::fmt;

/// A seed that breaks something.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What is broken.
    pub violation: Violation,
    /// The run, written out.
    pub case: Case,
}

impl Failure {
    /// How to see it again, in words: a command with the seed, which is right where the running test or
    /// example [checks](super::Simulation::check) this simulation, and one with a file, which is written
    /// below cargo's target directory.
    #[must_use]
    pub fn again(&self) -> String {
        again::how(&self.case)
    }
}

/// What became of a simulation's seeds.
#[derive(Clone, Debug)]
pub struct Report {
    /// Every run that finished, by seed.
    pub batch: Batch<Summary>,
    /// What was found, by seed.
    pub failures: Vec<Failure>,
    /// What was to happen [sometimes](super::Simulation::sometimes), and did not in any run that holds.
    pub never: Vec<&'static str>,
    /// What the runs that hold have tested.
    pub coverage: Coverage,
}

impl Report {
    /// The first seed that breaks something.
    #[must_use]
    pub fn first_failure(&self) -> Option<&Failure> {
        self.failures.first()
    }

    /// The sum of a figure over all runs that hold, as `report.total(|summary| summary.rescales)`: to see
    /// that what holds was no quiet day.
    #[must_use]
    pub fn total(&self, of: impl Fn(&Summary) -> u64) -> u64 {
        self.batch.runs.iter().filter_map(|run| run.outcome.as_ref().ok()).map(of).sum()
    }

    /// Nothing if all seeds hold, and everything has happened that was to happen sometimes.
    ///
    /// # Panics
    ///
    /// If one does not: the message holds it, what it breaks, and how to see it again. The case is written
    /// to a file below cargo's target directory. If something never happened: the message says what.
    #[track_caller]
    pub fn check(&self) {
        if let Some(failure) = self.first_failure() {
            panic!("{failure}\n{}", failure.again());
        }
        if let Some(mark) = self.never.first() {
            panic!("`{mark}` never happened in {} runs that hold: run more seeds", self.batch.runs.len());
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {} breaks {}", self.case.seed, self.violation)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first_failure() {
            Some(failure) => {
                write!(f, "{} of {} runs fail; {failure}", self.failures.len(), self.batch.runs.len())
            }
            None => write!(
                f,
                "{} runs hold, with {} rescales, {} attempts, {} elections, {} faults",
                self.batch.runs.len(),
                self.total(|summary| summary.rescales),
                self.total(|summary| summary.attempts),
                self.total(|summary| summary.elections),
                self.total(|summary| summary.faults as u64),
            ),
        }
    }
}
