//! What a snapshot costs those who go on: the pause of freezing, and updates while what was frozen is held.
//!
//! By the wall's clock: to read processor time is a system call, which takes as long as an update. So long a loop meets the
//! system's own interruptions often enough that they, and not updates, are what is slowest.

use keygroups::backend::SectionOptions;
use keygroups::checkpoint::CheckpointId;
use serde::Serialize;

use super::figure::{self, Figure};
use super::state::{self, Key, Task};
use super::statistics::quantile;
use super::{clock, tasks};

/// Of each task: enough for a 99th percentile that is not the slowest of all.
const FREEZES: usize = 200;
const UPDATES_BETWEEN: usize = 10_000;

/// Milliseconds and microseconds, over both tasks. Both tasks freeze at the same time.
#[derive(Clone, Debug, Serialize)]
pub struct Pause {
    keys: u64,
    freeze_ms_p50: f64,
    freeze_ms_p99: f64,
    freeze_ms_max: f64,
    update_held_us_p50: f64,
    update_held_us_p99: f64,
    update_held_us_p999: f64,
    update_first_held_us_p999: f64,
    update_free_us_p999: f64,
}

#[derive(Default)]
struct Samples {
    freeze: Vec<f64>,
    // While the first is held: what is copied for that is copied into fresh memory.
    first_held: Vec<f64>,
    // While a later one is: into memory that copies were made into before.
    held: Vec<f64>,
    free: Vec<f64>,
}

/// Freezes again and again; after each freeze, updates are measured one by one while what was frozen is
/// held, and then while nothing is.
pub fn pause(keys: u64) -> Pause {
    let by_task = state::keys_by_task(keys);
    let filled = state::filled(&by_task, SectionOptions::default());
    let drawn = by_task.iter().map(|keys| state::drawn(keys, 2 * FREEZES * UPDATES_BETWEEN));
    let inputs = filled.into_iter().zip(drawn).collect();
    let (samples, _) = tasks::at_once(inputs, |(task, keys): (Task, Vec<Key>)| of_task(task, &keys));
    let all = |which: fn(&Samples) -> &Vec<f64>| -> Vec<f64> {
        samples.iter().flat_map(|samples| which(samples).iter().copied()).collect()
    };
    let (freeze, free) = (all(|samples| &samples.freeze), all(|samples| &samples.free));
    let (first_held, held) = (all(|samples| &samples.first_held), all(|samples| &samples.held));
    Pause {
        keys,
        freeze_ms_p50: quantile(freeze.clone(), 0.5) * 1e3,
        freeze_ms_p99: quantile(freeze.clone(), 0.99) * 1e3,
        freeze_ms_max: quantile(freeze, 1.0) * 1e3,
        update_held_us_p50: quantile(held.clone(), 0.5) * 1e6,
        update_held_us_p99: quantile(held.clone(), 0.99) * 1e6,
        update_held_us_p999: quantile(held, 0.999) * 1e6,
        update_first_held_us_p999: quantile(first_held, 0.999) * 1e6,
        update_free_us_p999: quantile(free, 0.999) * 1e6,
    }
}

fn of_task(mut task: Task, keys: &[Key]) -> Samples {
    let mut samples = Samples::default();
    let timed = |work: &mut dyn FnMut()| {
        let began = clock::now();
        work();
        began.elapsed().as_secs_f64()
    };
    for (checkpoint, keys) in (1..).zip(keys.chunks_exact(2 * UPDATES_BETWEEN)) {
        let (first, second) = keys.split_at(UPDATES_BETWEEN);
        let mut frozen = None;
        let (checkpoint, confirmed) = (CheckpointId(checkpoint), CheckpointId(checkpoint - 1));
        let freeze = &mut || frozen = Some(task.backend.freeze_at(checkpoint, confirmed));
        samples.freeze.push(timed(freeze));
        let held = if samples.first_held.is_empty() { &mut samples.first_held } else { &mut samples.held };
        held.extend(first.iter().map(|key| timed(&mut || task.update(*key))));
        drop(frozen);
        samples.free.extend(second.iter().map(|key| timed(&mut || task.update(*key))));
    }
    samples
}

impl Pause {
    pub fn figures(&self) -> Vec<Figure> {
        let keys = figure::keys(self.keys);
        let (p99, p999) = (self.freeze_ms_p99, self.update_held_us_p999);
        vec![
            Figure::new(
                format!("pause of a snapshot, {keys}"),
                format!(
                    "p50 {:.2} ms, **p99 {p99:.2} ms**, max {:.2} ms",
                    self.freeze_ms_p50, self.freeze_ms_max
                ),
            )
            .aiming("p99 < 1 ms", p99 < 1.0),
            Figure::new(
                format!("an update while it is held, {keys}"),
                format!(
                    "p50 {:.1} µs, p99 {:.1} µs, **p99.9 {p999:.1} µs** ({:.1} µs with nothing held)",
                    self.update_held_us_p50, self.update_held_us_p99, self.update_free_us_p999
                ),
            )
            .aiming("p99.9 < 20 µs", p999 < 20.0),
            Figure::new(
                format!("the same with the first snapshot, for which copies go into fresh memory, {keys}"),
                format!("p99.9 {:.1} µs", self.update_first_held_us_p999),
            ),
        ]
    }
}
