//! Short names for what every test of this theme needs.

use std::collections::BTreeMap;

use bytes::Bytes;
use keygroups::{
    backend::{StateBackend, StateDescriptor, ValueState},
    checkpoint::{Attempt, CheckpointId, LeaderEpoch, StateHandle, TaskId, VertexId},
    key_group::{KeyGroup, KeyGroupRange, MaxParallelism, Subtask},
    snapshot::{
        EncodedSnapshot, RestoreReads, Restored, SnapshotError, SnapshotIdentity, Wanted, index_read,
    },
};

use super::storage;

/// The states that tests write to; the second sorts before the first.
pub const STATES: [&str; 2] = ["flights", "delays"];

/// (state, key group, key) to value: what a backend must hold.
pub type Reference = BTreeMap<(usize, KeyGroup, String), u64>;

pub fn identity(subtask: u16, checkpoint: u64) -> SnapshotIdentity {
    SnapshotIdentity {
        attempt: Attempt { epoch: LeaderEpoch(3), run: 2 },
        task: TaskId { vertex: VertexId(1), subtask: Subtask(subtask) },
        checkpoint: CheckpointId(checkpoint),
    }
}

pub fn max_parallelism(count: u32) -> MaxParallelism {
    MaxParallelism::new(count).expect("tests use legal max parallelisms")
}

pub fn range(first: u16, last: u16) -> KeyGroupRange {
    KeyGroupRange::new(KeyGroup(first), KeyGroup(last)).expect("tests use legal ranges")
}

/// An empty backend, and the handles of [`STATES`].
pub fn backend(max: MaxParallelism, owned: KeyGroupRange) -> (StateBackend, Vec<ValueState<String, u64>>) {
    let mut backend = storage::empty(max, owned).unwrap();
    let states = register(&mut backend);
    (backend, states)
}

pub fn register(backend: &mut StateBackend) -> Vec<ValueState<String, u64>> {
    STATES.iter().map(|name| backend.register(StateDescriptor::value(name)).unwrap()).collect()
}

/// A backend that holds what of `reference` lies in `owned`.
pub fn filled(max: MaxParallelism, owned: KeyGroupRange, reference: &Reference) -> StateBackend {
    let (mut backend, states) = backend(max, owned);
    for ((state, key_group, key), value) in reference {
        if owned.contains(*key_group) {
            backend.put(&states[*state], *key_group, key, value).unwrap();
        }
    }
    backend
}

/// All that `backend` holds in [`STATES`].
pub fn contents(backend: &mut StateBackend) -> Reference {
    let states = register(backend);
    let mut contents = Reference::new();
    for (number, state) in states.iter().enumerate() {
        for key_group in backend.key_groups().iter() {
            for entry in backend.iter(state, key_group).unwrap() {
                let (key, value) = entry.unwrap();
                contents.insert((number, key_group, key), value);
            }
        }
    }
    contents
}

/// Does what a driver does, with a store that holds one object.
pub fn restore(handle: &StateHandle, wanted: Wanted, object: &Bytes) -> Result<Restored, SnapshotError> {
    let read = |range: std::ops::Range<u64>| object.slice(range.start as usize..range.end as usize);
    let reads = RestoreReads::new(handle, wanted, &read(index_read(handle)))?;
    let buffers = reads.reads().iter().map(|one| read(one.range.clone())).collect();
    reads.finish(buffers)
}

/// `snapshot`'s key groups of `run`.
pub fn restore_run(snapshot: &EncodedSnapshot, run: KeyGroupRange) -> Restored {
    let wanted = Wanted { key_groups: vec![run], operator_items: Vec::new() };
    restore(&snapshot.handle(), wanted, &snapshot.bytes()).unwrap()
}
