//! Keyed state at full size and against more rivals: `cargo bench -p keygroups-cli --bench state`. Prints the
//! table of docs/performance.md; `keygroups bench` is the short version.
//!
//! `-- --keys 1000000` measures at one size, `-- --rounds 9` more often. Restores are measured twice: with
//! memory that the system gives anew each time, and with memory that is used again.

#![allow(missing_docs, reason = "nothing here is for others")]

#[path = "../../src/bench/measure/mod.rs"]
mod measure;
mod recycling;
mod serialised;

use std::path::Path;

use measure::{
    accesses::accesses,
    compression::compressions,
    distribution::distributions,
    durable::durable,
    figure::{Figure, markdown},
    growth::Growth,
    hash::hash,
    incremental::incremental,
    pause::pause,
    restore::{Restore, restore},
    snapshot::{Snapshot, snapshot},
};
use recycling::Blocks;

#[global_allocator]
static ALLOCATOR: recycling::Recycling = recycling::Recycling;

const COMPRESSED_KEYS: u64 = 200_000;
const ZIPF_KEYS: u64 = 1_000_000;
/// About a gigabyte.
const INCREMENTAL_KEYS: u64 = 8_000_000;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let option = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)?.parse::<u64>().ok()
    };
    // Without the flag that `cargo bench` gives, somebody is testing: a glance is enough.
    let is_bench = arguments.iter().any(|argument| argument == "--bench");
    let glance = (!is_bench).then_some(20_000);
    let one_size = option("--keys").or(glance);
    let rounds = option("--rounds").unwrap_or(if is_bench { 5 } else { 1 }) as usize;
    let figures = all(one_size, rounds, Path::new(env!("CARGO_TARGET_TMPDIR")))?;
    print!("{}", markdown(&figures, "`cargo bench -p keygroups-cli --bench state`"));
    Ok(())
}

fn sizes<const N: usize>(one_size: Option<u64>, sizes: [u64; N]) -> Vec<u64> {
    one_size.map_or(sizes.to_vec(), |keys| vec![keys])
}

fn all(one_size: Option<u64>, rounds: usize, directory: &Path) -> anyhow::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    let at_most = |keys: u64| one_size.map_or(keys, |one| one.min(keys));
    for keys in sizes(one_size, [1_000_000, 5_000_000]) {
        eprintln!("reads and writes of {keys} keys");
        figures.extend(accesses(keys, rounds).figures());
    }
    eprintln!("pauses");
    figures.extend(pause(at_most(5_000_000)).figures());

    let mut snapshots: Vec<Snapshot> = Vec::new();
    for keys in sizes(one_size, [1_000_000, 5_000_000, 10_000_000]) {
        eprintln!("snapshots of {keys} keys");
        snapshots.push(snapshot(keys, rounds));
    }
    figures.extend(snapshots.iter().flat_map(Snapshot::figures));
    for keys in sizes(one_size, [1_000_000, 5_000_000]) {
        eprintln!("snapshots of {keys} keys on disk");
        figures.extend(durable(keys, rounds, directory)?.figures());
    }

    let mut restores: Vec<Restore> = Vec::new();
    for (memory, large_blocks) in [("fresh memory", Blocks::Fresh), ("recycled memory", Blocks::Recycled)] {
        recycling::set(large_blocks);
        for keys in sizes(one_size, [1_000_000, 5_000_000, 10_000_000]) {
            eprintln!("restores of {keys} keys, {memory}");
            let ours = restore(keys, rounds, directory)?;
            figures.extend(ours.figures(memory));
            figures.push(serialised::restore(keys, rounds, directory)?.figure(&ours, memory));
            restores.push(ours);
        }
    }
    recycling::set(Blocks::AsEver);

    eprintln!("incremental checkpoints, growth, hashes, compression, hot keys");
    figures.extend(incremental(at_most(INCREMENTAL_KEYS), directory)?.figures());
    // The recycled ones: what the system takes to give memory is no matter of size.
    let recycled = &restores[restores.len() / 2..];
    if let ([small, .., large], [small_restore, .., large_restore]) = (&*snapshots, recycled) {
        figures.extend(Growth::new([small, large], [small_restore, large_restore]).figures());
    }
    figures.extend(hash(rounds).figures());
    figures.extend(compressions(at_most(COMPRESSED_KEYS), rounds)?.figures());
    figures.extend(distributions(at_most(ZIPF_KEYS), rounds)?.figures());
    Ok(figures)
}
