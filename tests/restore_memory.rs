//! What a restore takes of memory: the state that the task owns, and what is on its way.
//!
//! Everything happens on the thread of the test, whose memory is counted.

#[path = "../fuzz/src/memory.rs"]
mod memory;
#[path = "common/timeless.rs"]
mod timeless;

use std::sync::Arc;

use futures::executor::block_on;
use keygroups::{
    backend::{SectionOptions, StateBackend, StateDescriptor, ValueState},
    checkpoint::{Attempt, CheckpointId, LeaderEpoch, StateHandle, TaskId, VertexId},
    driver::{FrozenTask, RestoredTask, RestoringTask, Timings, Transfer},
    key_group::{KeyGroup, KeyGroupRange, MaxParallelism, Subtask},
    protocol::{Restore, StateRead},
    snapshot::SnapshotIdentity,
    store::{CheckpointStore, Durability},
};

use timeless::Timeless;

#[global_allocator]
static ALLOCATOR: memory::Counting = memory::Counting;

const ENTRIES: u64 = 400_000;
const VALUE: [u8; 100] = [7; 100];
/// Of the driver: pieces of some 8 MiB, four at a time.
const IN_FLIGHT: usize = 4 * (8 << 20);
const MIB: usize = 1 << 20;

fn max_parallelism() -> MaxParallelism {
    MaxParallelism::new(128).unwrap()
}

fn key(number: u64) -> (KeyGroup, [u8; 8]) {
    let scattered = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (KeyGroup((scattered >> 57) as u16), scattered.to_le_bytes())
}

fn state(backend: &mut StateBackend) -> ValueState<u64, Vec<u8>> {
    backend.register(StateDescriptor::value("values")).unwrap()
}

/// The snapshot of a task that owns every key group.
fn written(transfer: &Transfer, options: SectionOptions) -> StateHandle {
    let mut backend = StateBackend::new(max_parallelism(), max_parallelism().all()).unwrap();
    backend.set_section_options(options);
    let state = state(&mut backend);
    for (key_group, key) in (0..ENTRIES).map(key) {
        backend.put_encoded(&state, key_group, &key, &VALUE).unwrap();
    }
    let identity = SnapshotIdentity {
        attempt: Attempt { epoch: LeaderEpoch(1), run: 1 },
        task: TaskId { vertex: VertexId(0), subtask: Subtask(0) },
        checkpoint: CheckpointId(1),
    };
    let frozen = FrozenTask { keyed: Some(backend.freeze()), ..FrozenTask::default() };
    block_on(transfer.upload(identity, frozen)).unwrap().state.clone()
}

/// The task that owns `key_groups`, and the most memory that restoring it took at any time.
fn restored(transfer: &Transfer, handle: &StateHandle, key_groups: KeyGroupRange) -> (RestoredTask, usize) {
    let plan = Restore {
        checkpoint: CheckpointId(1),
        state: vec![StateRead { handle: Arc::new(handle.clone()), key_groups }],
        operator_state: Vec::new(),
    };
    let task = TaskId { vertex: VertexId(0), subtask: Subtask(0) };
    let whose = RestoringTask { task, owned: Some((max_parallelism(), key_groups)), plan: &plan };
    memory::peak(|| block_on(transfer.restore(whose)).unwrap())
}

#[test]
fn restore_holds_what_the_task_owns_and_what_is_on_its_way() {
    let directory = tempfile::tempdir().unwrap();
    let transfer = |store: CheckpointStore| Transfer::new(store, Arc::new(Timeless), Timings::default());
    let mapped = transfer(CheckpointStore::local_mapped(directory.path(), Durability::Unsynced).unwrap());
    let transfer = transfer(CheckpointStore::local(directory.path(), Durability::Unsynced).unwrap());
    let handle = written(&transfer, SectionOptions::default());
    assert!(handle.bytes as usize > 40 * MIB, "the state is larger than what is on its way");
    for (first, last) in [(0, 127), (0, 63), (96, 127)] {
        let key_groups = KeyGroupRange::new(KeyGroup(first), KeyGroup(last)).unwrap();
        let (task, most) = restored(&transfer, &handle, key_groups);
        let owned = task.metrics.bytes_owned as usize;
        assert_eq!(task.metrics.bytes_read, task.metrics.bytes_owned + handle.index_bytes);
        assert!(owned <= most && most <= owned + IN_FLIGHT, "{most} bytes for {owned}");
        // Most of what is on its way is the state itself, which stays where it was read.
        assert!(most <= owned + owned / 8 + MIB, "{most} bytes for {owned}");

        assert_restored(task, key_groups);

        let (task, most) = restored(&mapped, &handle, key_groups);
        assert_eq!(task.metrics.bytes_owned as usize, owned);
        assert!(most <= MIB, "{most} bytes for what lies in the page cache");
        assert_restored(task, key_groups);
    }
}

/// What is filled entry by entry is not in memory twice: not what was read, and the tables it went into.
#[test]
fn restore_of_state_that_was_written_entry_by_entry_drops_what_it_has_filled() {
    let directory = tempfile::tempdir().unwrap();
    let store = CheckpointStore::local(directory.path(), Durability::Unsynced).unwrap();
    let transfer = Transfer::new(store, Arc::new(Timeless), Timings::default());
    let handle = written(&transfer, SectionOptions::default().with_tables_from_bytes(usize::MAX));
    let (task, most) = restored(&transfer, &handle, max_parallelism().all());
    let read = task.metrics.bytes_owned as usize;
    let memory = task.backend.as_ref().unwrap().memory();
    let filled = memory.reserved_bytes + memory.index_bytes;
    assert!(read > IN_FLIGHT && filled > read, "{read} bytes became {filled}");
    // The last of what was read is in the buffers of a piece or two.
    assert!(filled <= most && most <= filled + IN_FLIGHT / 2, "{most} bytes for {filled}, of {read}");
    assert_restored(task, max_parallelism().all());
}

fn assert_restored(task: RestoredTask, key_groups: KeyGroupRange) {
    let mut backend = task.backend.unwrap();
    let memory = backend.memory();
    let state = state(&mut backend);
    let owned = (0..ENTRIES).map(key).filter(|(key_group, _)| key_groups.contains(*key_group));
    let found = owned.map(|(key_group, key)| backend.get_encoded(&state, key_group, &key).unwrap());
    assert_eq!(found.filter(|value| value.as_deref() == Some(&VALUE[..])).count(), memory.entries);
}
