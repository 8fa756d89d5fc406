//! What keyed state and its snapshots cost: accesses, freezing, encoding, restoring.
//!
//! State is a `u64` count per aircraft, the shape of the project's main job, spread over 128 key
//! groups. `cargo bench --bench snapshot`.

use divan::{Bencher, black_box, counter::BytesCount, counter::ItemsCount};
use keygroups::{
    backend::{StateBackend, StateDescriptor, ValueState},
    checkpoint::{Attempt, CheckpointId, LeaderEpoch, TaskId, VertexId},
    key_group::{KeyGroup, MaxParallelism, Subtask},
    snapshot::{RestoreReads, SnapshotIdentity, SnapshotIndex, Wanted},
};

/// Nearly nothing; the main job; much.
const ENTRIES: [u64; 3] = [20, 4_000, 400_000];

fn main() {
    divan::main();
}

fn max_parallelism() -> MaxParallelism {
    MaxParallelism::new(128).expect("128 is a legal max parallelism")
}

fn identity() -> SnapshotIdentity {
    SnapshotIdentity {
        attempt: Attempt { epoch: LeaderEpoch(1), run: 1 },
        task: TaskId { vertex: VertexId(0), subtask: Subtask(0) },
        checkpoint: CheckpointId(1),
    }
}

/// Keys in the order records come, which is not the order of keys.
fn keys(entries: u64) -> Vec<(KeyGroup, String)> {
    (0..entries)
        .map(|number| number.wrapping_mul(0x9E37_79B9_7F4A_7C15))
        .map(|scattered| (KeyGroup((scattered >> 57) as u16), format!("N{:08}", scattered % 100_000_000)))
        .collect()
}

fn filled(entries: u64) -> (StateBackend, ValueState<String, u64>) {
    let max = max_parallelism();
    let mut backend = StateBackend::new(max, max.all()).expect("all key groups are within bounds");
    let flights = backend.register(StateDescriptor::value("flights")).expect("the name is new");
    for (key_group, key) in keys(entries) {
        backend.put(&flights, key_group, &key, &1_000).expect("all key groups are owned");
    }
    (backend, flights)
}

#[divan::bench(args = ENTRIES)]
fn get(bencher: Bencher<'_, '_>, entries: u64) {
    let (backend, flights) = filled(entries);
    let keys = keys(entries);
    bencher.counter(ItemsCount::new(entries)).bench_local(|| {
        for (key_group, key) in &keys {
            black_box(backend.get(&flights, *key_group, key)).expect("all key groups are owned");
        }
    });
}

#[divan::bench(args = ENTRIES)]
fn update(bencher: Bencher<'_, '_>, entries: u64) {
    let (mut backend, flights) = filled(entries);
    let keys = keys(entries);
    bencher.counter(ItemsCount::new(entries)).bench_local(|| {
        for (key_group, key) in &keys {
            backend
                .update(&flights, *key_group, key, |count| Some(count.unwrap_or(0) + 1))
                .expect("all key groups are owned");
        }
    });
}

#[divan::bench(args = ENTRIES)]
fn put_into_empty(bencher: Bencher<'_, '_>, entries: u64) {
    bencher.counter(ItemsCount::new(entries)).bench(|| filled(entries));
}

#[divan::bench(args = ENTRIES)]
fn freeze(bencher: Bencher<'_, '_>, entries: u64) {
    let (mut backend, _) = filled(entries);
    bencher.bench_local(|| backend.freeze());
}

#[divan::bench(args = ENTRIES)]
fn encode(bencher: Bencher<'_, '_>, entries: u64) {
    let frozen = filled(entries).0.freeze();
    let encoded = frozen.encode(identity(), &[]).expect("the state is within the format's bounds");
    bencher.counter(BytesCount::new(encoded.bytes().len())).bench(|| frozen.encode(identity(), &[]));
}

#[divan::bench(args = ENTRIES)]
fn decode_index(bencher: Bencher<'_, '_>, entries: u64) {
    let encoded = filled(entries).0.freeze().encode(identity(), &[]).expect("the state is within bounds");
    bencher.bench(|| SnapshotIndex::decode(&encoded.bytes()));
}

/// Verifies every checksum and digest and fills a new backend.
#[divan::bench(args = ENTRIES)]
fn restore(bencher: Bencher<'_, '_>, entries: u64) {
    let max = max_parallelism();
    let encoded = filled(entries).0.freeze().encode(identity(), &[]).expect("the state is within bounds");
    let handle = encoded.handle();
    bencher.counter(BytesCount::new(encoded.bytes().len())).bench(|| {
        let wanted = Wanted { key_groups: vec![max.all()], ..Wanted::default() };
        let reads = RestoreReads::new(&handle, wanted, &encoded.bytes()).expect("the index is sound");
        let buffers = reads
            .reads()
            .iter()
            .map(|read| encoded.bytes().slice(read.range.start as usize..read.range.end as usize))
            .collect();
        let restored = reads.finish(buffers).expect("the sections are sound");
        let mut backend = StateBackend::new(max, max.all()).expect("all key groups are within bounds");
        backend
            .restore_groups(&restored.key_groups.expect("key groups were wanted"))
            .expect("all key groups are owned");
        backend
    });
}
