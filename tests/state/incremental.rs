//! Snapshots that lean on older ones.

use std::collections::BTreeMap;

use bytes::Bytes;
use keygroups::{
    ErrorKind,
    backend::{StateBackend, ValueState},
    checkpoint::{CheckpointId, ObjectName, RedistributionMode, StateHandle},
    incremental::IncrementalPolicy,
    key_group::{KeyGroup, KeyGroupRange, MaxParallelism, Parallelism, assign},
    snapshot::{
        EncodedSnapshot, OperatorState, RestoreReads, SnapshotError, SnapshotIdentity, SnapshotIndex, Wanted,
        index_read, inspect, inspect_with, verify_with,
    },
};
use proptest::prelude::*;

use super::{
    storage,
    support::{Reference, contents, identity, max_parallelism, range, register},
};

/// Objects by name: a store.
type Objects = BTreeMap<ObjectName, Bytes>;

const MAX: u16 = 16;

/// One subtask, with what a leader would know of it.
struct Task {
    subtask: u16,
    backend: StateBackend,
    states: Vec<ValueState<String, u64>>,
}

impl Task {
    /// It owns what the assignment says, and starts from `handles`.
    fn restored(
        max: MaxParallelism,
        parallelism: u16,
        subtask: u16,
        handles: &[StateHandle],
        objects: &Objects,
    ) -> Self {
        let parallelism = Parallelism::new(u32::from(parallelism)).unwrap();
        let owned = assign::range(max, parallelism, keygroups::key_group::Subtask(subtask)).unwrap();
        let mut backend = storage::empty(max, owned).unwrap();
        for handle in handles {
            if let Some(run) = handle.key_groups.and_then(|has| has.intersection(owned)) {
                let sections = read(handle, run, objects).unwrap().key_groups.unwrap();
                backend.restore_groups(&sections).unwrap();
            }
        }
        let states = register(&mut backend);
        Self { subtask, backend, states }
    }

    fn write(&mut self, key_group: u16, key: &str, value: u64) {
        self.backend.put(&self.states[0], KeyGroup(key_group), &key.to_owned(), &value).unwrap();
    }

    fn snapshot(&mut self, checkpoint: u64, confirmed: u64) -> EncodedSnapshot {
        let frozen = self.backend.freeze_at(CheckpointId(checkpoint), CheckpointId(confirmed));
        frozen.encode(identity(self.subtask, checkpoint), &[]).unwrap()
    }
}

/// Does what a driver does.
fn read(
    handle: &StateHandle,
    run: KeyGroupRange,
    objects: &Objects,
) -> Result<keygroups::snapshot::Restored, SnapshotError> {
    let fetch = |object: &ObjectName, range: std::ops::Range<u64>| {
        objects[object].slice(range.start as usize..range.end as usize)
    };
    let wanted = Wanted { key_groups: vec![run], ..Wanted::default() };
    let reads = RestoreReads::new(handle, wanted, &fetch(&handle.object, index_read(handle)))?;
    let buffers = reads.reads().iter().map(|read| fetch(&read.object, read.range.clone())).collect();
    reads.finish(buffers)
}

fn single() -> Task {
    Task::restored(max_parallelism(128), 1, 0, &[], &Objects::new())
}

/// A task of 128 key groups with 10 entries each, its first checkpoint, and the second after key group 17
/// has changed.
fn two_checkpoints() -> (Task, [EncodedSnapshot; 2]) {
    let mut task = single();
    for key_group in 0..128 {
        (0..10).for_each(|key| task.write(key_group, &format!("key {key}"), 1_000));
    }
    let first = task.snapshot(1, 0);
    task.write(17, "key 3", 2_000);
    let second = task.snapshot(2, 1);
    (task, [first, second])
}

fn stored(snapshots: &[EncodedSnapshot]) -> Objects {
    snapshots.iter().map(|snapshot| (snapshot.identity.object(), snapshot.bytes().clone())).collect()
}

#[test]
fn second_checkpoint_writes_the_key_groups_that_changed() {
    let (_, [first, second]) = two_checkpoints();
    let sections = |snapshot: &EncodedSnapshot| snapshot.bytes().len() as u64 - snapshot.index_bytes;
    assert_eq!(sections(&second) * 128, sections(&first));
    assert_eq!(second.bases, [first.identity.object()]);
    assert_eq!(first.bases, []);
    assert_eq!(second.certificate.entries, first.certificate.entries);
    assert_ne!(second.certificate, first.certificate);
}

#[test]
fn restore_reads_one_range_per_contiguous_run_of_each_object() {
    let (mut task, [first, second]) = two_checkpoints();
    let handle = second.handle();
    let wanted = Wanted { key_groups: vec![range(10, 29)], ..Wanted::default() };
    let reads = RestoreReads::new(&handle, wanted, &second.bytes()).unwrap();
    let objects: Vec<_> = reads.reads().iter().map(|read| read.object).collect();
    let [old, new] = [first.identity.object(), second.identity.object()];
    assert_eq!(objects, [old, old, new]);
    let bytes: u64 = reads.reads().iter().map(|read| read.range.end - read.range.start).sum();
    assert_eq!(bytes, 20 * (first.bytes().len() as u64 - first.index_bytes) / 128);

    let objects = stored(&[first, second]);
    let mut restored = Task::restored(max_parallelism(128), 1, 0, &[handle], &objects);
    assert_eq!(contents(&mut restored.backend), contents(&mut task.backend));
}

#[test]
fn policy_of_full_snapshots_leans_on_nothing() {
    let (mut task, _) = two_checkpoints();
    task.backend.set_incremental_policy(IncrementalPolicy::FULL);
    assert_eq!(task.snapshot(3, 2).bases, []);
}

#[test]
fn checkpoint_that_was_not_encoded_is_not_leant_on() {
    let mut task = single();
    task.write(3, "key", 1);
    let _declined = task.backend.freeze_at(CheckpointId(1), CheckpointId(0));
    assert_eq!(task.snapshot(2, 1).bases, []);
}

/// Encoded first for an attempt that was given up, then for the next, a checkpoint was leant on under the name that was never
/// stored: only the number of the checkpoint was compared.
#[test]
fn checkpoint_encoded_under_two_names_is_not_leant_on() {
    let mut task = single();
    task.write(3, "key", 1);
    let frozen = task.backend.freeze_at(CheckpointId(1), CheckpointId(0));
    let mut later = identity(0, 1);
    later.attempt.run += 1;
    let given_up = frozen.encode(identity(0, 1), &[]).unwrap();
    let stored = frozen.encode(later, &[]).unwrap();
    assert_ne!(given_up.identity.object(), stored.identity.object());
    task.write(4, "key", 1);
    let second = task.backend.freeze_at(CheckpointId(2), CheckpointId(1));
    let second = second.encode(SnapshotIdentity { checkpoint: CheckpointId(2), ..later }, &[]).unwrap();
    assert_eq!(second.bases, []);
    task.write(5, "key", 1);
    let third = task.backend.freeze_at(CheckpointId(3), CheckpointId(2));
    let third = third.encode(SnapshotIdentity { checkpoint: CheckpointId(3), ..later }, &[]).unwrap();
    assert_eq!(third.bases, [second.identity.object()], "only the ambiguous one is forgotten");
}

/// With other operator state the key groups of the same checkpoint begin elsewhere, and later ones leant on the offsets of the
/// first encoding, which the stored object did not have.
#[test]
fn checkpoint_encoded_with_other_operator_state_is_not_leant_on() {
    let mut task = single();
    task.write(3, "key", 1);
    let operator_state = |items: usize| OperatorState {
        name: "offsets".into(),
        mode: RedistributionMode::Union,
        items: vec![Bytes::from_static(b"7"); items],
    };
    let frozen = task.backend.freeze_at(CheckpointId(1), CheckpointId(0));
    let _given_up = frozen.encode(identity(0, 1), &[operator_state(1)]).unwrap();
    let first = frozen.encode(identity(0, 1), &[operator_state(3)]).unwrap();
    task.write(4, "key", 1);
    let second = task.snapshot(2, 1);
    assert_eq!(second.bases, []);
    verify_with(&second.bytes(), &stored(&[first])).unwrap();
}

#[test]
fn checkpoint_encoded_twice_to_the_same_bytes_is_leant_on() {
    let mut task = single();
    task.write(3, "key", 1);
    let frozen = task.backend.freeze_at(CheckpointId(1), CheckpointId(0));
    let [first, again] = [(); 2].map(|()| frozen.encode(identity(0, 1), &[]).unwrap());
    assert_eq!(first, again);
    task.write(4, "key", 1);
    let second = task.snapshot(2, 1);
    assert_eq!(second.bases, [first.identity.object()]);
    verify_with(&second.bytes(), &stored(&[first])).unwrap();
}

/// FLINK-24611: what a later checkpoint reused was deleted with an aborted one. Nothing is reused of an
/// aborted one.
#[test]
fn nothing_leans_on_what_an_aborted_checkpoint_wrote() {
    let (mut task, [first, second]) = two_checkpoints();
    let third = task.snapshot(3, 1);
    assert_eq!(third.bases, [first.identity.object()]);
    assert_eq!(third.bytes().len(), second.bytes().len());
    assert_eq!(third.certificate, second.certificate);
}

/// Arroyo, commit 7f844b05: a task without new data left its older objects out of the manifest.
#[test]
fn task_without_new_data_still_names_where_its_state_lies() {
    let (mut task, [first, second]) = two_checkpoints();
    let third = task.snapshot(3, 2);
    assert_eq!(third.bases, [first.identity.object(), second.identity.object()]);
    assert_eq!(third.bytes().len() as u64, third.index_bytes);
    assert_eq!(third.certificate, second.certificate);
}

#[test]
fn number_of_bases_is_bounded_and_the_emptiest_is_written_again() {
    let (mut task, [first, second]) = two_checkpoints();
    let policy = IncrementalPolicy::default().with_bases_max(2).unwrap();
    task.backend.set_incremental_policy(policy);
    let mut objects = stored(&[first.clone(), second]);
    let mut newest = None;
    for checkpoint in 3..40_u64 {
        (0..checkpoint % 3 + 1).for_each(|part| {
            task.write((checkpoint * 7 + part) as u16 % 128, "key 3", checkpoint);
        });
        let snapshot = task.snapshot(checkpoint, checkpoint - 1);
        assert!(snapshot.bases.len() <= 2);
        assert!(snapshot.bytes().len() < first.bytes().len());
        objects.extend(stored(std::slice::from_ref(&snapshot)));
        newest = Some(snapshot);
    }
    let newest = newest.unwrap();
    let mut restored = Task::restored(max_parallelism(128), 1, 0, &[newest.handle()], &objects);
    assert_eq!(contents(&mut restored.backend), contents(&mut task.backend));
}

#[test]
fn damage_in_a_base_names_the_base_and_the_key_group() {
    let (_, [first, second]) = two_checkpoints();
    let index = SnapshotIndex::decode(&first.bytes()).unwrap();
    let mut damaged = first.bytes().to_vec();
    damaged[index.groups()[40].offset as usize + 30] ^= 1;
    let objects = Objects::from([
        (first.identity.object(), damaged.into()),
        (second.identity.object(), second.bytes().clone()),
    ]);
    for error in [
        read(&second.handle(), range(30, 60), &objects).unwrap_err(),
        verify_with(&second.bytes(), &objects).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        let text = error.to_string();
        let begins = format!(
            "in {}, on which the snapshot leans: key group 40: the checksum",
            first.identity.object()
        );
        assert!(text.starts_with(&begins), "{text}");
    }
    assert!(read(&second.handle(), range(41, 60), &objects).is_ok());
}

#[test]
fn missing_base_is_named_with_its_key_groups() {
    let (_, [first, second]) = two_checkpoints();
    let error = verify_with(&second.bytes(), &Objects::new()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "{} is missing, on which the snapshot leans for key groups 0–16, 18–127",
            first.identity.object()
        )
    );
}

#[test]
fn inspection_looks_at_bases_and_goes_on_after_damage() {
    let (_, [first, second]) = two_checkpoints();
    let mut objects = stored(&[first.clone(), second.clone()]);
    let whole = inspect_with(&second.bytes(), &objects).unwrap();
    assert_eq!((whole.problems, whole.entries), (vec![], vec![0, 1_280]));
    assert_eq!(inspect(&second.bytes()).unwrap().entries, [0, 10]);

    let index = SnapshotIndex::decode(&first.bytes()).unwrap();
    let mut damaged = first.bytes().to_vec();
    for key_group in [3, 17, 40] {
        damaged[index.groups()[key_group].offset as usize + 30] ^= 1;
    }
    objects.insert(first.identity.object(), damaged.into());
    let inspection = inspect_with(&second.bytes(), &objects).unwrap();
    let groups: Vec<_> = inspection.problems.iter().map(SnapshotError::key_group).collect();
    // Nobody needs key group 17 of the base any more.
    assert_eq!(groups, [Some(KeyGroup(3)), Some(KeyGroup(40))]);
    assert!(
        inspection.problems.iter().all(|problem| problem.to_string().contains("on which the snapshot leans"))
    );

    let alone = inspect_with(&second.bytes(), &Objects::new()).unwrap();
    assert!(matches!(alone.problems[..], [SnapshotError::MissingBase { .. }]));
}

#[test]
fn handle_with_other_bases_than_its_object_is_refused() {
    let (_, [_, second]) = two_checkpoints();
    let mut handle = second.handle();
    handle.bases.clear();
    let wanted = Wanted { key_groups: vec![range(0, 3)], ..Wanted::default() };
    let refusal = RestoreReads::new(&handle, wanted, &second.bytes()).unwrap_err();
    assert!(matches!(refusal, SnapshotError::Handle { field: "list of bases", .. }), "{refusal}");
}

/// Every bit of the front, behind right checksums: what is accepted leans only on what its table names,
/// within its bounds, each section once.
#[test]
fn changed_index_with_right_checksums_is_refused_or_stays_within_bounds() {
    let (_, [_, second]) = two_checkpoints();
    let front = second.index_bytes as usize;
    let mut accepted = 0;
    for at in 12..front - 4 {
        if (66..70).contains(&at) {
            continue;
        }
        let mut bytes = second.bytes().to_vec();
        bytes[at] ^= 1;
        super::damage::reseal(&mut bytes);
        let Ok(index) = SnapshotIndex::decode(&bytes) else { continue };
        accepted += 1;
        let mut ends = BTreeMap::new();
        for entry in index.groups().iter().filter(|entry| entry.base.is_some()) {
            let object = index.object_of(entry);
            let base = index.bases().iter().find(|base| base.object() == object).unwrap();
            let end = ends.insert(object, entry.offset + entry.bytes).unwrap_or(0);
            assert!(end <= entry.offset && entry.offset + entry.bytes <= base.bytes);
        }
    }
    // Digests, checksums, numbers of entries and names may be anything.
    assert!(accepted > 0 && accepted < front - 12);
}

/// What happens to a job between two checkpoints.
#[derive(Clone, Debug)]
struct Round {
    writes: Vec<(u16, String, u64)>,
    removes: Vec<(u16, String)>,
    commits: bool,
    rescale: Option<u16>,
}

fn round() -> impl Strategy<Value = Round> {
    let writes = prop::collection::vec((0..MAX, "[a-c]{0,2}", 0..400_u64), 0..6);
    let removes = prop::collection::vec((0..MAX, "[a-c]{0,2}"), 0..3);
    let rescale = prop::option::weighted(0.3, 1..=4_u16);
    (writes, removes, prop::bool::weighted(0.7), rescale)
        .prop_map(|(writes, removes, commits, rescale)| Round { writes, removes, commits, rescale })
}

proptest! {
    #![proptest_config(storage::cases())]
    /// The whole promise: whatever is written, committed, aborted and rescaled, the newest committed
    /// checkpoint holds what the job held then, and its objects are those that its predecessor or itself
    /// names: everything else can be deleted at once.
    #[test]
    fn chain_of_incremental_checkpoints_restores_what_was_there(
        rounds in prop::collection::vec(round(), 1..12),
        bases_max in 0..4_usize,
    ) {
        let max = max_parallelism(u32::from(MAX));
        let policy = IncrementalPolicy::default().with_bases_max(bases_max).unwrap();
        let (mut objects, mut committed) = (Objects::new(), Vec::<StateHandle>::new());
        let (mut reference, mut confirmed) = (Reference::new(), 0);
        let mut expected = Reference::new();
        let mut parallelism = 1;
        let mut tasks = vec![Task::restored(max, 1, 0, &[], &objects)];
        for (checkpoint, round) in (1..).zip(rounds) {
            for task in &mut tasks {
                task.backend.set_incremental_policy(policy);
                let owned = task.backend.key_groups();
                for (group, key, value) in round.writes.iter().filter(|(group, ..)| owned.contains(KeyGroup(*group))) {
                    task.write(*group, key, *value);
                    reference.insert((0, KeyGroup(*group), key.clone()), *value);
                }
                for (group, key) in round.removes.iter().filter(|(group, _)| owned.contains(KeyGroup(*group))) {
                    task.backend.remove(&task.states[0], KeyGroup(*group), key).unwrap();
                    reference.remove(&(0, KeyGroup(*group), key.clone()));
                }
            }
            let named: Vec<ObjectName> = committed.iter().flat_map(StateHandle::objects).copied().collect();
            let snapshots: Vec<_> = tasks.iter_mut().map(|task| task.snapshot(checkpoint, confirmed)).collect();
            for snapshot in &snapshots {
                prop_assert!(snapshot.bases.len() <= bases_max);
                prop_assert!(snapshot.bases.iter().all(|base| named.contains(base)));
                prop_assert!(snapshot.handle().impossible_base().is_none());
            }
            objects.extend(stored(&snapshots));
            if round.commits {
                committed = snapshots.iter().map(EncodedSnapshot::handle).collect();
                confirmed = checkpoint;
                expected = reference.clone();
            }
            // Whatever no manifest names is gone at once.
            let named: Vec<ObjectName> = committed.iter().flat_map(StateHandle::objects).copied().collect();
            objects.retain(|name, _| named.contains(name));
            if let Some(next) = round.rescale {
                parallelism = next;
                tasks = (0..parallelism).map(|subtask| Task::restored(max, parallelism, subtask, &committed, &objects)).collect();
                reference = expected.clone();
            }
        }
        let mut restored = Reference::new();
        for subtask in 0..parallelism {
            let mut task = Task::restored(max, parallelism, subtask, &committed, &objects);
            if confirmed > 0 {
                task.backend.finish_restore().unwrap();
            }
            restored.extend(contents(&mut task.backend));
        }
        prop_assert_eq!(restored, expected);
    }
}
