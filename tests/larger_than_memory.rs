//! State of ten times the memory that it may take: written, updated, frozen while it is updated, restored at
//! another parallelism; and a directory that fails.

#[path = "common/anonymous.rs"]
mod anonymous;

use std::{
    fs,
    path::{Path, PathBuf},
};

use keygroups::{
    ErrorKind,
    backend::{BackendError, DiskOptions, SectionOptions, StateBackend, StateDescriptor, ValueState},
    checkpoint::{Attempt, Certificate, CheckpointId, LeaderEpoch, TaskId, VertexId},
    key_group::{self, KeyGroup, MaxParallelism, Parallelism, Subtask, assign},
    snapshot::{Compression, RestoreReads, SnapshotIdentity, Wanted, index_read},
};

const MEMORY_BYTES: u64 = 4 << 20;
const VALUE_BYTES: usize = 100;
/// Keys and values of ten times that.
const KEYS: u64 = 10 * MEMORY_BYTES / (8 + VALUE_BYTES as u64) + 1;

type Values = ValueState<u64, Vec<u8>>;

fn max_parallelism() -> MaxParallelism {
    MaxParallelism::new(128).unwrap()
}

fn identity() -> SnapshotIdentity {
    SnapshotIdentity {
        attempt: Attempt { epoch: LeaderEpoch(1), run: 1 },
        task: TaskId { vertex: VertexId(0), subtask: Subtask(0) },
        checkpoint: CheckpointId(1),
    }
}

fn on_disk(directory: &Path, parallelism: u16, subtask: u16) -> (StateBackend, Values) {
    let options = DiskOptions::new(directory).with_memory_bytes(MEMORY_BYTES);
    let parallelism = Parallelism::new(u32::from(parallelism)).unwrap();
    let owned = assign::range(max_parallelism(), parallelism, Subtask(subtask)).unwrap();
    let mut backend = StateBackend::on_disk(max_parallelism(), owned, options).unwrap();
    let values = backend.register(StateDescriptor::value("values")).unwrap();
    (backend, values)
}

fn group(key: u64) -> KeyGroup {
    key_group::of(&key, max_parallelism())
}

/// Differs in every eight bytes, so that nothing makes it smaller.
fn value(key: u64, version: u64) -> Vec<u8> {
    let words =
        (0..).map(|word: u64| (key ^ version << 32).wrapping_add(word).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    words.flat_map(u64::to_le_bytes).take(VALUE_BYTES).collect()
}

fn write(backend: &mut StateBackend, values: &Values, keys: impl Iterator<Item = u64>, version: u64) {
    keys.for_each(|key| backend.put(values, group(key), &key, &value(key, version)).unwrap());
}

/// Bytes of memory of this process, where the system tells.
fn resident_bytes() -> Option<u64> {
    let statm = fs::read_to_string("/proc/self/statm").ok()?;
    statm.split(' ').nth(1)?.parse::<u64>().ok().map(|pages| pages * 4096)
}

#[test]
fn state_of_ten_times_the_memory_is_written_updated_frozen_and_restored_within_it() {
    let directory = tempfile::tempdir().unwrap();
    let before = resident_bytes();
    let (mut backend, values) = on_disk(&directory.path().join("whole"), 1, 0);
    write(&mut backend, &values, 0..KEYS, 1);
    let every_third = || (0..KEYS).step_by(3);
    write(&mut backend, &values, every_third(), 2);

    // Several snapshots are in flight while everything is written again, and some is removed.
    let first = backend.freeze();
    write(&mut backend, &values, 0..KEYS, 3);
    // What cannot be compressed is kept like everything else.
    backend.set_section_options(SectionOptions::default().with_compression(Compression::Lz4));
    let second = backend.freeze();
    for key in every_third() {
        assert!(backend.remove(&values, group(key), &key).unwrap());
    }
    for key in (0..KEYS).step_by(1_001) {
        let newest = (key % 3 != 0).then(|| value(key, 3));
        assert_eq!(backend.get(&values, group(key), &key).unwrap(), newest);
    }
    // A bound with room for what the system's allocator keeps, and far below what was written.
    if let Some((before, now)) = before.zip(resident_bytes()) {
        let grown = now.saturating_sub(before);
        assert!(grown < 4 * MEMORY_BYTES, "{} KiB more than before", grown >> 10);
    }
    let left = backend.total_certificate().unwrap().entries;
    assert_eq!(left, KEYS - every_third().count() as u64);
    drop(backend);

    for (frozen, version) in [(first, [2, 1]), (second, [3, 3])] {
        let before = anonymous::bytes();
        let snapshot = frozen.encode(identity(), &[]).unwrap();
        // Sections lie on disk until they are stored; the last 8 MiB do not.
        if let Some((before, now)) = before.zip(anonymous::bytes()) {
            let grown = now.saturating_sub(before);
            assert!(grown < snapshot.object_bytes() / 4 * 3, "{} KiB more than before", grown >> 10);
        }
        drop(frozen);
        let (handle, bytes) = (snapshot.handle(), snapshot.bytes());
        let fetch = |range: std::ops::Range<u64>| bytes.slice(range.start as usize..range.end as usize);
        let mut restored = Certificate::default();
        for subtask in 0..2 {
            let (mut backend, values) = on_disk(&directory.path().join(subtask.to_string()), 2, subtask);
            let wanted = Wanted { key_groups: vec![backend.key_groups()], ..Wanted::default() };
            let reads = RestoreReads::new(&handle, wanted, &fetch(index_read(&handle))).unwrap();
            let fetched = reads.reads().iter().map(|read| fetch(read.range.clone())).collect();
            backend.restore_groups(&reads.finish(fetched).unwrap().key_groups.unwrap()).unwrap();
            restored = restored + backend.total_certificate().unwrap();
            for key in (0..KEYS).filter(|key| backend.key_groups().contains(group(*key))).step_by(101) {
                let then = value(key, version[usize::from(key % 3 != 0)]);
                assert_eq!(backend.get(&values, group(key), &key).unwrap(), Some(then), "key {key}");
            }
        }
        assert_eq!(restored, handle.certificate);
        assert_eq!(restored.entries, KEYS);
    }
}

fn opened(directory: &Path) -> Result<StateBackend, BackendError> {
    let max_parallelism = max_parallelism();
    StateBackend::on_disk(max_parallelism, max_parallelism.all(), DiskOptions::new(directory))
}

#[test]
fn directory_with_anything_in_it_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let precious = directory.path().join("thesis.txt");
    fs::write(&precious, "years").unwrap();
    let refusal = opened(directory.path()).unwrap_err();
    assert_eq!(refusal.kind(), ErrorKind::Invalid);
    assert_eq!(
        refusal.to_string(),
        format!(
            "{} holds thesis.txt, which is nothing that a backend on disk has left: give it a directory of its own",
            directory.path().display()
        )
    );
    assert_eq!(fs::read_to_string(precious).unwrap(), "years");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

/// A directory named `state` need not be ours.
#[test]
fn directory_of_our_names_without_our_mark_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("state")).unwrap();
    assert!(matches!(opened(directory.path()), Err(BackendError::ForeignDirectory { .. })));
}

#[test]
fn directory_of_a_living_backend_is_refused_and_of_a_dead_one_emptied() {
    let directory = tempfile::tempdir().unwrap();
    let (mut backend, values) = on_disk(directory.path(), 1, 0);
    write(&mut backend, &values, 0..1_000, 1);
    let in_use = BackendError::DirectoryInUse { directory: directory.path().to_owned() };
    assert_eq!(opened(directory.path()).unwrap_err(), in_use);
    assert_eq!(in_use.kind(), ErrorKind::Retry);
    // What is frozen still lies there.
    let frozen = backend.freeze();
    drop(backend);
    assert_eq!(opened(directory.path()).unwrap_err(), in_use);
    assert_eq!(frozen.encode(identity(), &[]).unwrap().certificate.entries, 1_000);
    drop(frozen);

    // As a process that was killed leaves it.
    fs::create_dir_all(directory.path().join("state/tables")).unwrap();
    fs::write(directory.path().join("state/tables/7"), "half a table").unwrap();
    assert_eq!(opened(directory.path()).unwrap().total_certificate().unwrap(), Certificate::default());
}

#[test]
fn key_that_the_store_cannot_hold_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let mut backend = opened(directory.path()).unwrap();
    let state = backend.register(StateDescriptor::<String, u64>::value("state")).unwrap();
    // Three bytes for the length.
    let longest = "k".repeat(65_531 - 3);
    backend.put(&state, KeyGroup(0), &longest, &7).unwrap();
    assert_eq!(backend.get(&state, KeyGroup(0), &longest).unwrap(), Some(7));
    let refusal = backend.put(&state, KeyGroup(0), &format!("{longest}k"), &7).unwrap_err();
    assert_eq!(refusal.to_string(), "a key has 65532 bytes: a backend on disk takes keys of at most 65531");
    assert_eq!(backend.get(&state, KeyGroup(0), &format!("{longest}k")).unwrap(), None);
}

fn tables(directory: &Path) -> PathBuf {
    directory.join("state").join("tables")
}

/// A value of nearly 4 GiB was accepted and then lost: the tree writes the length of a block in 32 bits.
#[test]
fn value_longer_than_a_gibibyte_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (mut backend, values) = on_disk(directory.path(), 1, 0);
    // Zeros that nobody looks at take no memory.
    let long = vec![0; (1 << 30) + 1];
    let refusal = backend.put_encoded(&values, KeyGroup(0), b"key", &long).unwrap_err();
    assert_eq!(refusal.kind(), ErrorKind::Invalid);
    let text = "a value has 1073741825 bytes: a backend on disk takes values of at most 1073741824";
    assert_eq!(refusal.to_string(), text);
    let update = backend.update_encoded(&values, KeyGroup(0), b"key", |_| Some(&long)).unwrap_err();
    assert_eq!(update, refusal);
    assert_eq!(backend.get_encoded(&values, KeyGroup(0), b"key").unwrap(), None);
}

/// Where the store cannot write, the writer hears what and where; nothing that it was told is
/// written is lost, and once there is a place again, writing goes on.
#[test]
fn disk_that_cannot_be_written_is_an_answer_and_can_be_mended() {
    let directory = tempfile::tempdir().unwrap();
    let (mut backend, values) = on_disk(directory.path(), 1, 0);
    let aside = directory.path().join("aside");
    fs::rename(tables(directory.path()), &aside).unwrap();

    let refused =
        |backend: &mut StateBackend, key| backend.put(&values, group(key), &key, &value(key, 1)).err();
    let (written, error) = (0..KEYS).find_map(|key| Some((key, refused(&mut backend, key)?))).unwrap();
    assert_eq!(error.kind(), ErrorKind::Retry);
    let text = error.to_string();
    let begins = format!("cannot write state in {}: ", directory.path().display());
    assert!(text.starts_with(&begins) && text.contains("restore the newest checkpoint"), "{text}");
    for key in 0..written {
        assert_eq!(backend.get(&values, group(key), &key).unwrap(), Some(value(key, 1)));
    }

    fs::rename(&aside, tables(directory.path())).unwrap();
    let mended = (0..KEYS).find(|_| refused(&mut backend, written).is_none());
    assert!(mended.is_some());
    write(&mut backend, &values, written..KEYS, 1);
    assert_eq!(backend.total_certificate().unwrap().entries, KEYS);
}
