//! Makes a failing run small: fewer faults, rows, tasks, key groups, processes; shorter and milder
//! faults; the same rule broken.
//!
//! A [`Case`] says everything that a run is made of, so making it smaller is a search among cases: take
//! something away, run it, keep it if the same rule is still broken. Large steps come first. The search
//! ends where no single step is possible any more, or when it is told to.

mod cluster;
mod faults;
mod misfortunes;
mod values;
mod variety;

use crate::case::Case;
use crate::cluster::Summary;
use crate::misfortune::Misfortunes;
use crate::run::Run;
use crate::trace::Recording;

/// What a case is made of, in numbers. Smaller is simpler, the first difference counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Size {
    /// Faults that strike by time or by step, and single messages and requests that chance is listed to strike.
    pub faults: usize,
    /// Faults that last from the beginning to the horizon: kinds of misfortune that links or the store have.
    pub surroundings: usize,
    /// Parallelisms that the job goes through.
    pub parallelisms: usize,
    /// The sum of these.
    pub tasks: u32,
    /// Coordinators and hosts.
    pub processes: u16,
    /// Rows of the input.
    pub rows: usize,
    /// Key groups.
    pub key_groups: u16,
}

impl Size {
    /// The size of a case.
    #[must_use]
    pub fn of(case: &Case) -> Self {
        let scenario = &case.scenario;
        let (coordinators, hosts) = scenario.processes();
        let unlucky = case.plan.misfortunes.as_ref().map_or(0, Misfortunes::len);
        Self {
            faults: case.plan.timed.len() + case.plan.aims.len() + unlucky,
            surroundings: faults::surroundings(&case.plan),
            parallelisms: scenario.parallelisms().len(),
            tasks: scenario.parallelisms().iter().map(|parallelism| u32::from(parallelism.get())).sum(),
            processes: coordinators + hosts,
            rows: scenario.rows(),
            key_groups: scenario.max_parallelism().get(),
        }
    }
}

/// How far a search is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Cases run so far.
    pub runs: usize,
    /// What the smallest failing case is made of.
    pub size: Size,
}

/// The smallest case found.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// It breaks the same rule as the case that was given.
    pub case: Case,
    /// What was run to find it.
    pub runs: usize,
    /// Whether no single step makes it smaller; `false` if the search was told to end.
    pub complete: bool,
}

/// The run holds, so that there is nothing to make small.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("seed {seed} breaks nothing here: there is nothing to shrink")]
pub struct NothingBroken {
    /// The seed of the case.
    pub seed: u64,
}

/// The smallest case that breaks the same rule as `case`. `watch` hears after each run how far the search
/// is, and ends it by returning false.
///
/// # Errors
///
/// [`NothingBroken`] if `case` holds.
///
/// # Panics
///
/// If `case` does not pass [`Case::check`].
pub fn shrink(case: &Case, watch: impl FnMut(Progress) -> bool) -> Result<Shrunk, NothingBroken> {
    shrink_with(case, |case| case.run(Recording::default()), watch)
}

// `run` is a parameter so that tests need no cluster.
fn shrink_with(
    case: &Case,
    run: impl Fn(&Case) -> Run<Summary>,
    mut watch: impl FnMut(Progress) -> bool,
) -> Result<Shrunk, NothingBroken> {
    let broken = |case: &Case| run(case).outcome.err().map(|violation| violation.rule().to_owned());
    let rule = broken(case).ok_or(NothingBroken { seed: case.seed })?;
    let mut best = Case { breaks: Some(rule.clone()), ..case.clone() };
    let mut runs = 1;
    // What one pass takes away often lets another one take more: again, until none does.
    loop {
        let before = best.clone();
        for pass in PASSES {
            let mut candidates = pass(&best).into_iter();
            let mut tried = 0;
            while let Some(candidate) = candidates.next() {
                tried += 1;
                if candidate == best || candidate.check().is_err() {
                    continue;
                }
                runs += 1;
                if broken(&candidate).as_ref() == Some(&rule) {
                    best = candidate;
                    // On from this place: what could not be taken away is not tried again at once.
                    tried -= 1;
                    candidates = pass(&best).into_iter();
                    candidates.by_ref().take(tried).for_each(drop);
                }
                if !watch(Progress { runs, size: Size::of(&best) }) {
                    return Ok(Shrunk { case: best, runs, complete: false });
                }
            }
        }
        if best == before {
            return Ok(Shrunk { case: best, runs, complete: true });
        }
    }
}

/// Gives what may be smaller than a case, the boldest first.
type Pass = fn(&Case) -> Vec<Case>;

const PASSES: &[Pass] = &[
    faults::calmer,
    faults::fewer,
    misfortunes::fewer,
    misfortunes::drawn_anew,
    cluster::fewer_parallelisms,
    variety::less_variety,
    cluster::fewer_rows,
    cluster::lower_parallelisms,
    cluster::fewer_key_groups,
    cluster::fewer_processes,
    cluster::plainer,
    values::smaller,
    misfortunes::named,
];

/// Lists with one stretch left out: halves, then quarters, down to single elements.
fn without_stretches<T: Clone>(list: &[T]) -> Vec<Vec<T>> {
    let mut shorter = Vec::new();
    let mut length = list.len();
    while length > 0 {
        for start in (0..list.len()).step_by(length) {
            let end = (start + length).min(list.len());
            shorter.push([&list[..start], &list[end..]].concat());
        }
        length /= 2;
    }
    shorter
}
