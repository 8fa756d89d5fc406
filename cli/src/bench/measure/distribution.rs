//! Updates where keys are not all alike: aircraft of real flights, and a million keys of a Zipf distribution.

use std::sync::Arc;

use keygroups::backend::{StateBackend, StateDescriptor, ValueState};
use keygroups::key_group;
use keygroups_sim::input::{DEFAULT_KEY, Table};
use serde::Serialize;

use super::figure::{self, Figure};
use super::state::{self, Key, TASKS, Task, mixed};
use super::statistics::median;
use super::{boxed::BoxedTask, clock, tasks};

const UPDATES: usize = 1 << 20;

/// Millions of updates per second.
#[derive(Clone, Debug, Serialize)]
pub struct Distributions {
    /// Aircraft in a month of flights out of New York.
    aircraft: usize,
    /// Of these, one task counts the flights of each: through the codec, not bytes.
    flights: f64,
    keys: u64,
    /// Both tasks together.
    zipf: f64,
    zipf_boxed: f64,
}

/// Verified: the number of flights; that every updated key is there.
///
/// # Errors
///
/// If the input that is built in cannot be read.
pub fn distributions(keys: u64, rounds: usize) -> anyhow::Result<Distributions> {
    let table = Table::january(DEFAULT_KEY)?;
    let names: Vec<Arc<str>> = table.rows.into_iter().map(|row| row.key).collect();
    let mut aircraft = 0;
    let mut flights = Vec::new();
    for _ in 0..rounds {
        let (seconds, counted) = count(&names)?;
        aircraft = counted;
        flights.push(seconds);
    }
    let by_task = state::keys_by_task(keys);
    let drawn: Vec<Vec<Key>> = by_task.iter().map(|keys| zipf(keys)).collect();
    let values = state::Values::new();
    let mut ours = state::filled(&by_task, keygroups::backend::SectionOptions::default());
    let (mut boxed, _) = tasks::at_once((0..).zip(&by_task).collect(), |(task, keys)| {
        let mut boxed = BoxedTask::empty(state::owned(task, TASKS));
        keys.iter().for_each(|key| boxed.put(*key, values.of(*key)));
        boxed
    });
    let (mut zipf_ours, mut zipf_boxed) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let inputs = ours.iter_mut().zip(&drawn).collect();
        let (_, took) = tasks::at_once(inputs, |(task, keys): (&mut Task, &Vec<Key>)| {
            keys.iter().for_each(|key| task.update(*key));
        });
        zipf_ours.push(took.slowest);
        let inputs = boxed.iter_mut().zip(&drawn).collect();
        let (_, took) = tasks::at_once(inputs, |(task, keys): (&mut BoxedTask, &Vec<Key>)| {
            keys.iter().for_each(|key| task.update(*key));
        });
        zipf_boxed.push(took.slowest);
    }
    let speed = |operations: usize, seconds: Vec<f64>| operations as f64 / median(seconds) / 1e6;
    Ok(Distributions {
        aircraft,
        flights: speed(UPDATES, flights),
        keys,
        zipf: speed(UPDATES * drawn.len(), zipf_ours),
        zipf_boxed: speed(UPDATES * drawn.len(), zipf_boxed),
    })
}

/// Counts the flights of each aircraft, again and again; seconds, and how many aircraft there are.
fn count(names: &[Arc<str>]) -> anyhow::Result<(f64, usize)> {
    let max = state::max_parallelism();
    let mut backend = StateBackend::new(max, max.all())?;
    let flights: ValueState<Arc<str>, u64> = backend.register(StateDescriptor::value("flights"))?;
    let began = clock::thread_seconds();
    for name in names.iter().cycle().take(UPDATES) {
        backend.update(&flights, key_group::of(&**name, max), name, |count| Some(count.unwrap_or(0) + 1))?;
    }
    let seconds = clock::thread_seconds() - began;
    let mut counted = 0;
    for key_group in max.all().iter() {
        for entry in backend.iter(&flights, key_group)? {
            counted += entry?.1;
        }
    }
    anyhow::ensure!(counted == UPDATES as u64, "{counted} of {UPDATES} flights were counted");
    Ok((seconds, backend.memory().entries))
}

/// Keys such that the one at rank r is drawn in proportion to 1/r.
fn zipf(keys: &[Key]) -> Vec<Key> {
    let mut sum = 0.0;
    let ranks = (1..=keys.len()).map(|rank| {
        sum += 1.0 / rank as f64;
        sum
    });
    let shares: Vec<f64> = ranks.collect();
    let draw = |draw: u64| {
        let chance = mixed(!draw) as f64 / u64::MAX as f64 * sum;
        keys[shares.partition_point(|share| *share < chance).min(keys.len() - 1)]
    };
    (0..UPDATES as u64).map(draw).collect()
}

impl Distributions {
    pub fn figures(&self) -> Vec<Figure> {
        vec![
            Figure::new(
                format!("counting flights by {} aircraft, through the codec, one task", self.aircraft),
                format!("{:.1} M updates/s", self.flights),
            ),
            Figure::new(
                format!("update, Zipf of {}, 2 tasks, against boxed tables", figure::keys(self.keys)),
                format!(
                    "{:.1} M/s, {:.2}× of {:.1}",
                    self.zipf,
                    self.zipf / self.zipf_boxed,
                    self.zipf_boxed
                ),
            ),
        ]
    }
}
