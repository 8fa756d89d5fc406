//! What a snapshot costs those who go on: the pause of freezing, updates while it is held, and restoring it.
//!
//! Pauses and single updates by the wall's clock: to read processor time takes as long as an update.

use std::{hint::black_box, time::Instant};

use keygroups::table::Table;

use crate::{
    Key, Keys, change,
    clock::Clock,
    filled, max_parallelism,
    rivals::{Entries, freeze_all},
};

const FREEZES: usize = 100;
const UPDATES_BETWEEN: usize = 10_000;

fn quantile(sorted: &[f64], share: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * share) as usize]
}

fn print(what: &str, unit: &str, mut values: Vec<f64>) {
    values.sort_by(f64::total_cmp);
    let [half, most, nearly_all] = [0.5, 0.99, 0.999].map(|share| quantile(&values, share));
    let max = quantile(&values, 1.0);
    println!("{what:48} p50 {half:8.3} p99 {most:8.3} p99.9 {nearly_all:8.3} max {max:8.3} {unit}");
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn now() -> Instant {
    Instant::now()
}

pub fn run<K: Key>(keys: &Keys<K>) {
    let max = max_parallelism();
    let mut groups: Vec<Table> = filled(keys);
    let mut accesses = keys.accessed.iter().cycle();
    let mut update = |groups: &mut [Table], updates: usize| {
        let latencies = accesses.by_ref().take(updates).map(|key| {
            let began = now();
            Entries::update(&mut groups[key.group(max)], key.bytes(), change);
            began.elapsed().as_secs_f64() * 1e6
        });
        latencies.collect::<Vec<_>>()
    };
    print("update, nothing held", "µs", update(&mut groups, 1 << 20));

    let mut pauses = Vec::new();
    for _ in 0..FREEZES {
        let began = now();
        let frozen = freeze_all(&mut groups);
        pauses.push(began.elapsed().as_secs_f64() * 1e3);
        update(&mut groups, UPDATES_BETWEEN);
        drop(frozen);
        update(&mut groups, UPDATES_BETWEEN);
    }
    print("pause of a snapshot", "ms", pauses);

    let frozen = freeze_all(&mut groups);
    print("update, the first 10,000 while it is held", "µs", update(&mut groups, 10_000));
    print("update, the next 500,000 while it is held", "µs", update(&mut groups, 500_000));
    let live: usize = groups.iter().map(|group| group.memory().live_bytes).sum();
    drop(groups);
    let start = Clock::start();
    let restored: Vec<Table> = frozen
        .iter()
        .map(|frozen| {
            Table::from_parts(frozen.pages().to_vec(), frozen.chunks(), frozen.len(), |_, _| ())
                .expect("a table's own parts are one")
        })
        .collect();
    let seconds = start.seconds();
    let (speed, entries) = (live as f64 / seconds / 1e9, keys.inserted.len() as f64 / seconds / 1e6);
    println!(
        "restored in place, structure verified, without a digest: {speed:.1} GB/s, {entries:.1} M entries/s"
    );
    black_box(restored);
}
