//! State on disk, of ten times the memory it may take, beside the same state in memory.
//!
//! `cargo bench --features disk --bench larger_than_memory [-- million keys]`; docs/larger_than_memory.md has
//! the figures. Memory allowed is a tenth of keys and values; the system's own cache of files comes on top.
#![allow(clippy::disallowed_methods, reason = "it measures time")]

use std::{error::Error, fs, time::Instant};

use keygroups::{
    backend::{DiskOptions, StateBackend, StateDescriptor, ValueState},
    checkpoint::{Attempt, CheckpointId, TaskId, VertexId},
    key_group::{self, MaxParallelism, Subtask},
    snapshot::{RestoreReads, SnapshotIdentity, Wanted, index_read},
};

const VALUE_BYTES: usize = 100;

// The types do not matter: keys and values are encoded by the engine.
type Values = ValueState<u64, u64>;
type Answer<T> = Result<T, Box<dyn Error>>;

/// Mebibytes of this process in memory; 0 where the system does not tell.
fn resident_mib() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) >> 8
}

fn report(storage: &str, what: &str, operations: u64, began: Instant, worst_us: u128) {
    let seconds = began.elapsed().as_secs_f64();
    let rate = operations as f64 / seconds / 1e6;
    let (worst, resident) = (worst_us as f64 / 1e3, resident_mib());
    println!("{storage:6} {what:20} {rate:7.3} M/s, longest {worst:8.2} ms, resident {resident:5} MiB");
}

/// The keys of random updates: xorshift, the same in every run.
fn random(keys: u64) -> impl Iterator<Item = u64> {
    let mut word = 0x9E37_79B9_7F4A_7C15_u64;
    std::iter::repeat_with(move || {
        word ^= word << 13;
        word ^= word >> 7;
        word ^= word << 17;
        word % keys
    })
}

fn measure(storage: &str, keys: u64, open: impl Fn(usize) -> Answer<StateBackend>) -> Answer<()> {
    let max_parallelism = MaxParallelism::new(128)?;
    let (mut backend, some) = (open(0)?, keys / 6);
    let values: Values = backend.register(StateDescriptor::value("values"))?;
    let group = |key: u64| key_group::of(&key, max_parallelism);
    let value = [7; VALUE_BYTES];

    let each = |what: &str,
                operations: u64,
                backend: &mut StateBackend,
                one: &dyn Fn(&mut StateBackend, u64) -> Answer<()>| {
        let (began, mut worst) = (Instant::now(), 0);
        let mut numbers = random(keys);
        for number in 0..operations {
            let key = if what == "insert" { number } else { numbers.next().unwrap_or(0) };
            let began = Instant::now();
            one(backend, key)?;
            worst = worst.max(began.elapsed().as_micros());
        }
        report(storage, what, operations, began, worst);
        Answer::Ok(())
    };
    let put = |backend: &mut StateBackend, key: u64| {
        Ok(backend.put_encoded(&values, group(key), &key.to_le_bytes(), &value)?)
    };
    let get = |backend: &mut StateBackend, key: u64| {
        let found = backend.get_encoded(&values, group(key), &key.to_le_bytes())?;
        found.map(|_| ()).ok_or_else(|| "a key is missing".into())
    };
    let update = |backend: &mut StateBackend, key: u64| {
        let encoded = key.to_le_bytes();
        let found = backend.get_encoded(&values, group(key), &encoded)?;
        let mut value = found.ok_or("a key is missing")?.to_vec();
        value[0] = value[0].wrapping_add(1);
        Ok(backend.put_encoded(&values, group(key), &encoded, &value)?)
    };
    each("insert", keys, &mut backend, &put)?;
    each("get", some, &mut backend, &get)?;
    each("update", some, &mut backend, &update)?;
    let began = Instant::now();
    let frozen = backend.freeze();
    report(storage, "freeze", 1, began, began.elapsed().as_micros());
    each("update while frozen", some, &mut backend, &update)?;

    let task = TaskId { vertex: VertexId(0), subtask: Subtask(0) };
    let identity = SnapshotIdentity { attempt: Attempt::default(), task, checkpoint: CheckpointId(1) };
    let began = Instant::now();
    let snapshot = frozen.encode(identity, &[])?;
    report(storage, "encode", keys, began, 0);
    drop((frozen, backend));

    let (handle, bytes) = (snapshot.handle(), snapshot.bytes());
    drop(snapshot);
    let fetch = |range: std::ops::Range<u64>| bytes.slice(range.start as usize..range.end as usize);
    let began = Instant::now();
    let mut restored = open(1)?;
    let wanted = Wanted { key_groups: vec![max_parallelism.all()], ..Wanted::default() };
    let reads = RestoreReads::new(&handle, wanted, &fetch(index_read(&handle)))?;
    let fetched = reads.reads().iter().map(|read| fetch(read.range.clone())).collect();
    restored.restore_groups(&reads.finish(fetched)?.key_groups.ok_or("no key groups")?)?;
    assert_eq!(restored.finish_restore()?, handle.certificate);
    report(storage, "restore", keys, began, 0);
    Ok(())
}

fn main() -> Answer<()> {
    let millions = std::env::args().skip(1).find_map(|argument| argument.parse::<u64>().ok());
    let keys = millions.unwrap_or(3) * 1_000_000;
    let memory_bytes = keys * (8 + VALUE_BYTES as u64) / 10;
    println!("{keys} keys; on disk with {} MiB of memory", memory_bytes >> 20);
    let max_parallelism = MaxParallelism::new(128)?;
    let directory = tempfile::tempdir()?;
    measure("disk", keys, |number| {
        let options = DiskOptions::new(directory.path().join(number.to_string()));
        let options = options.with_memory_bytes(memory_bytes);
        Ok(StateBackend::on_disk(max_parallelism, max_parallelism.all(), options)?)
    })?;
    measure("memory", keys, |_| Ok(StateBackend::new(max_parallelism, max_parallelism.all())?))
}
