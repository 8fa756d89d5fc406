//! Seeds, one after the other, until one of them catches a bug.

use super::Hunted;
use crate::batch::run_seeds;
use crate::case::Case;
use crate::run::Violation;
use crate::trace::Recording;
use serde::Serialize;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// The first run that broke a rule which the bug must break.
#[derive(Clone, Debug, Serialize)]
pub struct Catch {
    /// Its seed.
    pub seed: u64,
    /// How many seeds it took, this one counted.
    pub seeds: u64,
    /// The rule.
    pub rule: String,
    /// What it saw.
    pub detail: String,
}

/// What a sweep found.
#[derive(Clone, Debug, Serialize)]
pub struct Sweep {
    /// Where it began.
    pub first_seed: u64,
    /// `None` if it was given up before.
    pub caught: Option<Catch>,
    /// How many runs were begun; each was finished.
    pub runs: u64,
    /// How many of them broke a rule that says nothing of the bug, by rule.
    pub beside_the_point: BTreeMap<String, u64>,
    /// Real time that it took, in seconds.
    pub seconds: f64,
}

/// Runs `case` with the bug in it for every seed from `first_seed` on, on all cores, until it is caught,
/// `limit` is over or `go_on`, which is told how many runs have ended, says no.
///
/// The catch is that of the lowest seed that catches the bug, whatever the order in which runs end, so
/// only time and the number of runs depend on the machine.
#[expect(clippy::disallowed_methods, reason = "a sweep is given up after real time; no run knows of it")]
pub fn sweep(
    hunted: &Hunted,
    first_seed: u64,
    limit: Duration,
    case: impl Fn(u64) -> Case + Sync,
    mut go_on: impl FnMut(u64) -> bool,
) -> Sweep {
    let mutant = hunted.mutant();
    let began = Instant::now();
    let one = |seed| case(seed).with_mutant(mutant).run(Recording::default()).map(drop);
    let mut runs = 0;
    let batch = run_seeds(first_seed..u64::MAX, None, one, |run| {
        let caught = run.outcome.as_ref().is_err_and(|violation| hunted.is_caught_by(violation.rule()));
        runs += 1;
        let over = caught || began.elapsed() >= limit || !go_on(runs);
        if over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let mut sweep = Sweep {
        first_seed,
        caught: None,
        runs: batch.runs.len() as u64,
        beside_the_point: BTreeMap::new(),
        seconds: batch.took.as_secs_f64(),
    };
    for (seed, violation) in batch.failures() {
        if hunted.is_caught_by(violation.rule()) {
            let seeds = seed - first_seed + 1;
            sweep.caught =
                Some(Catch { seed, seeds, rule: violation.rule().to_owned(), detail: detail(violation) });
            break;
        }
        *sweep.beside_the_point.entry(violation.rule().to_owned()).or_default() += 1;
    }
    sweep
}

fn detail(violation: &Violation) -> String {
    match violation {
        Violation::Broken { detail, .. } => detail.clone(),
        Violation::Panicked { location, message } => format!("at {location}: {message}"),
    }
}
