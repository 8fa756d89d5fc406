//! Many seeds on all cores.

use crate::run::{Run, Violation};
use std::num::NonZeroUsize;
use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
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

/// Runs `one` for every seed of `seeds` on `threads` threads (all cores if `None`).
///
/// `progress` is called on this thread after each run, in order of completion; with
/// [`ControlFlow::Break`] no further seed is begun, and those that run are finished. The batch lists its
/// runs by seed, whatever the order of completion was.
///
/// # Panics
/// If `one` panics; [`run`](crate::run::run) does not.
#[expect(clippy::disallowed_methods, reason = "real time is told to people and decides nothing")]
pub fn run_seeds<T: Send>(
    seeds: Range<u64>,
    threads: Option<NonZeroUsize>,
    one: impl Fn(u64) -> Run<T> + Sync,
    mut progress: impl FnMut(&Run<T>) -> ControlFlow<()>,
) -> Batch<T> {
    let began = Instant::now();
    let threads = threads.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
    let next = AtomicU64::new(seeds.start);
    let stopped = AtomicBool::new(false);
    let (finished, results) = mpsc::channel();
    let mut runs = std::thread::scope(|scope| {
        for _ in 0..threads {
            let finished = finished.clone();
            scope.spawn(|| {
                let finished = finished;
                while !stopped.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end || finished.send(one(seed)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(finished);
        let mut runs = Vec::new();
        for run in results {
            if progress(&run).is_break() {
                stopped.store(true, Ordering::Relaxed);
            }
            runs.push(run);
        }
        runs
    });
    runs.sort_by_key(|run| run.seed);
    Batch { runs, took: began.elapsed() }
}
