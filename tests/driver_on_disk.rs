//! Tasks whose state is larger than memory, restored by the driver.

#[path = "common/anonymous.rs"]
mod anonymous;
#[path = "common/timeless.rs"]
mod timeless;

use std::{fs, path::Path, sync::Arc};

use futures::executor::block_on;
use keygroups::{
    ErrorKind,
    backend::{BackendError, DiskOptions, StateBackend, StateDescriptor, ValueState},
    checkpoint::{Attempt, Certificate, CheckpointId, LeaderEpoch, StateHandle, TaskId, VertexId},
    driver::{DriverError, FrozenTask, RestoredTask, RestoringTask, StateOnDisk, Timings, Transfer},
    key_group::{self, KeyGroupRange, MaxParallelism, Parallelism, Subtask, assign},
    protocol::{Restore, StateRead},
    snapshot::SnapshotIdentity,
    store::{CheckpointStore, Durability},
};

use timeless::Timeless;

const MEMORY_BYTES: u64 = 4 << 20;
/// Of values alone, ten times that.
const KEYS: u64 = 420_000;

fn max_parallelism() -> MaxParallelism {
    MaxParallelism::new(128).unwrap()
}

fn task(subtask: u16) -> TaskId {
    TaskId { vertex: VertexId(0), subtask: Subtask(subtask) }
}

fn value(key: u64) -> [u8; 100] {
    std::array::from_fn(|at| (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (at % 8 * 8)) as u8)
}

fn state(backend: &mut StateBackend) -> ValueState<u64, Vec<u8>> {
    backend.register(StateDescriptor::value("values")).unwrap()
}

fn transfer(directory: &Path) -> Transfer {
    let store = CheckpointStore::local(directory.join("store"), Durability::Unsynced).unwrap();
    let disk = StateOnDisk::new(directory.join("scratch"), MEMORY_BYTES);
    Transfer::new(store, Arc::new(Timeless), Timings::default()).with_state_on_disk(disk)
}

/// The snapshot of a task that owns all key groups, on disk.
fn uploaded(transfer: &Transfer, directory: &Path, keys: u64) -> StateHandle {
    let options = DiskOptions::new(directory.join("written")).with_memory_bytes(MEMORY_BYTES);
    let mut backend = StateBackend::on_disk(max_parallelism(), max_parallelism().all(), options).unwrap();
    let state = state(&mut backend);
    for key in 0..keys {
        let key_group = key_group::of(&key, max_parallelism());
        backend.put_encoded(&state, key_group, &key.to_le_bytes(), &value(key)).unwrap();
    }
    let attempt = Attempt { epoch: LeaderEpoch(1), run: 1 };
    let identity = SnapshotIdentity { attempt, task: task(0), checkpoint: CheckpointId(1) };
    let frozen = FrozenTask { keyed: Some(backend.freeze()), ..FrozenTask::default() };
    drop(backend);
    block_on(transfer.upload(identity, frozen)).unwrap().state.clone()
}

fn restored(
    transfer: &Transfer,
    handle: &StateHandle,
    subtask: u16,
) -> Result<(RestoredTask, KeyGroupRange), Box<DriverError>> {
    let parallelism = Parallelism::new(2).unwrap();
    let owned = assign::range(max_parallelism(), parallelism, Subtask(subtask)).unwrap();
    let read = StateRead { handle: Arc::new(handle.clone()), key_groups: owned };
    let plan = Restore { checkpoint: CheckpointId(1), state: vec![read], operator_state: Vec::new() };
    let whose = RestoringTask { task: task(subtask), owned: Some((max_parallelism(), owned)), plan: &plan };
    Ok((block_on(transfer.restore(whose))?, owned))
}

#[test]
fn state_of_ten_times_the_memory_is_uploaded_and_restored_within_it() {
    let directory = tempfile::tempdir().unwrap();
    let transfer = transfer(directory.path());
    let before = anonymous::bytes();
    let handle = uploaded(&transfer, directory.path(), KEYS);
    assert!(handle.bytes > 10 * MEMORY_BYTES, "{} bytes", handle.bytes);
    let mut certificate = Certificate::default();
    let mut tasks = Vec::new();
    for subtask in 0..2 {
        let (mut task, owned) = restored(&transfer, &handle, subtask).unwrap();
        // A few key groups at a time, each time with the index.
        let metrics = task.metrics;
        assert!(metrics.bytes_owned > handle.bytes / 3, "{metrics:?}");
        assert!(metrics.bytes_read > metrics.bytes_owned + 2 * handle.index_bytes, "{metrics:?}");
        let backend = task.backend.as_mut().unwrap();
        certificate = certificate + backend.total_certificate().unwrap();
        let state = state(backend);
        for key in (0..KEYS).step_by(101) {
            let key_group = key_group::of(&key, max_parallelism());
            if owned.contains(key_group) {
                let found = backend.get_encoded(&state, key_group, &key.to_le_bytes()).unwrap();
                assert_eq!(found.as_deref(), Some(&value(key)[..]));
            }
        }
        // All of them are there at once, each in a directory of its own.
        tasks.push(task);
    }
    assert_eq!(certificate, handle.certificate);
    assert_eq!(certificate.entries, KEYS);
    // What three backends may take, the 8 MiB that are gathered, and what the system's allocator keeps of all that; below
    // what a snapshot or the restored state would take alone.
    if let Some((before, now)) = before.zip(anonymous::bytes()) {
        let grown = now.saturating_sub(before);
        assert!(grown < handle.bytes / 4 * 3, "{} KiB more than before", grown >> 10);
    }
    assert!(directory.path().join("scratch/1").is_dir());
    drop(tasks);
}

#[test]
fn directory_that_holds_something_else_is_an_error_that_names_it() {
    let directory = tempfile::tempdir().unwrap();
    let transfer = transfer(directory.path());
    // Little, because memory is counted beside this.
    let handle = uploaded(&transfer, directory.path(), 100);
    fs::create_dir_all(directory.path().join("scratch/0")).unwrap();
    fs::write(directory.path().join("scratch/0/thesis.txt"), "years").unwrap();
    let error = restored(&transfer, &handle, 0).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let DriverError::Backend { source, .. } = *error else { panic!("{error}") };
    assert!(matches!(source, BackendError::ForeignDirectory { .. }), "{source}");
}
