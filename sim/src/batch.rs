//! Many seeds on all cores.

use crate::run::{Run, Violation};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

/// What became of a range of seeds.
#[derive(Clone, Debug)]
pub struct Batch<T> {
    /// Every run that finished, by seed. Without an early stop: the whole range.
    pub runs: Vec<Run<T>>,
    /// Real time it took.
    pub took: Duration,
}

impl<T> Batch<T> {
    /// The failed seeds with their violations, in order of seed.
    pub fn failures(&self) -> impl Iterator<Item = (u64, &Violation)> {
        self.runs.iter().filter_map(|run| run.outcome.as_ref().err().map(|violation| (run.seed, violation)))
    }

    /// Runs per second of real time.
    #[must_use]
    pub fn runs_per_second(&self) -> f64 {
        self.runs.len() as f64 / self.took.as_secs_f64().max(f64::EPSILON)
    }
}

/// Runs `one` for every seed of `seeds` and keeps every run: for ranges whose results fit into memory.
///
/// `progress` is called as [`for_each_run`] calls its callback.
///
/// # Panics
/// If `one` panics; [`run`](crate::run::run) does not.
pub fn run_seeds<T: Send>(
    seeds: Range<u64>,
    threads: Option<NonZeroUsize>,
    one: impl Fn(u64) -> Run<T> + Sync,
    mut progress: impl FnMut(&Run<T>) -> ControlFlow<()>,
) -> Batch<T> {
    let mut runs = Vec::new();
    let took = for_each_run(seeds, threads, one, |run| {
        let flow = progress(&run);
        runs.push(run);
        flow
    });
    Batch { runs, took }
}

/// Runs `one` for every seed of `seeds` on `threads` threads (all cores if `None`), hands each run to `each`
/// and keeps none, so that memory stays the same over any number of seeds. Gives the real time it took.
///
/// `each` is called on this thread in the order of `seeds`, whatever the order of completion was: a run that
/// ends before an earlier one waits for it. With [`ControlFlow::Break`] no further seed is begun; those that
/// have begun are finished and handed over too, so what `each` has seen is always a beginning of `seeds`.
///
/// # Panics
/// If `one` panics; [`run`](crate::run::run) does not.
#[expect(clippy::disallowed_methods, reason = "real time is told to people and decides nothing")]
pub fn for_each_run<T: Send>(
    seeds: impl IntoIterator<Item = u64, IntoIter: Send>,
    threads: Option<NonZeroUsize>,
    one: impl Fn(u64) -> Run<T> + Sync,
    mut each: impl FnMut(Run<T>) -> ControlFlow<()>,
) -> Duration {
    let began = Instant::now();
    let threads = threads.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
    let next = Mutex::new(seeds.into_iter().enumerate());
    let stopped = AtomicBool::new(false);
    // A callback that is slower than the runs lets them wait instead of piling them up.
    let (finished, results) = mpsc::sync_channel(threads);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let finished = finished.clone();
            let (next, stopped, one) = (&next, &stopped, &one);
            scope.spawn(move || {
                while !stopped.load(Ordering::Relaxed) {
                    let seed = next.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some((place, seed)) = seed else { break };
                    if finished.send((place, one(seed))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(finished);
        let (mut early, mut due) = (BTreeMap::new(), 0);
        for (place, run) in results {
            early.insert(place, run);
            while let Some(run) = early.remove(&due) {
                due += 1;
                if each(run).is_break() {
                    stopped.store(true, Ordering::Relaxed);
                }
            }
        }
    });
    began.elapsed()
}
