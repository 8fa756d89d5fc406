//! What must not be restored, and why the error says so.

use bytes::Bytes;
use keygroups::{
    ErrorKind,
    backend::BackendError,
    checkpoint::{CheckpointId, ObjectName, StateHandle},
    key_group::KeyGroup,
    snapshot::{
        EncodedSnapshot, KeyGroupSections, RestoreReads, SnapshotError, SnapshotIndex, Wanted, checksum,
        verify,
    },
};

use super::{
    storage,
    support::{Reference, backend, contents, filled, identity, max_parallelism, range, restore, restore_run},
};

fn reference() -> Reference {
    Reference::from([
        ((0, KeyGroup(0), "N14228".to_owned()), 1),
        ((0, KeyGroup(2), "N24211".to_owned()), 2),
        ((1, KeyGroup(2), "N24211".to_owned()), 3),
    ])
}

fn written() -> EncodedSnapshot {
    let max = max_parallelism(4);
    filled(max, max.all(), &reference()).freeze().encode(identity(0, 7), &[]).unwrap()
}

fn all_groups() -> KeyGroupSections {
    restore_run(&written(), range(0, 3)).key_groups.unwrap()
}

fn wanted(first: u16, last: u16) -> Wanted {
    Wanted { key_groups: vec![range(first, last)], operator_items: Vec::new() }
}

/// The object with its header changed by `change`, and checksums that are right again.
fn resealed(snapshot: &EncodedSnapshot, change: impl FnOnce(&mut [u8])) -> Bytes {
    let mut bytes = snapshot.bytes().to_vec();
    change(&mut bytes);
    let header_sum = checksum(&bytes[..66]).to_le_bytes();
    bytes[66..70].copy_from_slice(&header_sum);
    let end = snapshot.index_bytes as usize - 4;
    let index_sum = checksum(&bytes[..end]).to_le_bytes();
    bytes[end..end + 4].copy_from_slice(&index_sum);
    bytes.into()
}

#[test]
fn key_groups_that_are_not_owned_are_refused_and_nothing_is_restored() {
    let mut backend = storage::empty(max_parallelism(4), range(0, 1)).unwrap();
    let refusal = backend.restore_groups(&all_groups()).unwrap_err();
    assert_eq!(refusal, BackendError::NotOwned { key_group: KeyGroup(2), key_groups: range(0, 1) });
    assert_eq!(contents(&mut backend), Reference::new());
    assert_eq!(backend.finish_restore(), Err(BackendError::NotRestored { key_group: KeyGroup(0) }));
}

#[test]
fn key_group_restored_twice_is_refused_also_if_it_is_empty() {
    let max = max_parallelism(4);
    for twice in [KeyGroup(0), KeyGroup(1)] {
        let mut backend = storage::empty(max, max.all()).unwrap();
        let one = restore_run(&written(), range(twice.0, twice.0)).key_groups.unwrap();
        backend.restore_groups(&one).unwrap();
        assert_eq!(backend.restore_groups(&all_groups()), Err(BackendError::NotFresh { key_group: twice }));
        assert_eq!(backend.restore_groups(&one), Err(BackendError::NotFresh { key_group: twice }));
    }
}

#[test]
fn overlapping_runs_are_refused() {
    let snapshot = written();
    let overlapping = Wanted { key_groups: vec![range(0, 1), range(1, 2)], operator_items: Vec::new() };
    let sections = restore(&snapshot.handle(), overlapping, &snapshot.bytes()).unwrap().key_groups.unwrap();
    let mut backend = storage::empty(max_parallelism(4), range(0, 3)).unwrap();
    assert_eq!(backend.restore_groups(&sections), Err(BackendError::NotFresh { key_group: KeyGroup(1) }));
    assert_eq!(contents(&mut backend), Reference::new());
}

#[test]
fn restore_over_entries_is_refused() {
    let max = max_parallelism(4);
    let (mut backend, states) = backend(max, max.all());
    backend.put(&states[0], KeyGroup(2), &"N1".to_owned(), &1).unwrap();
    assert_eq!(backend.restore_groups(&all_groups()), Err(BackendError::NotFresh { key_group: KeyGroup(2) }));
}

#[test]
fn missing_key_group_is_named() {
    let mut backend = storage::empty(max_parallelism(4), range(0, 3)).unwrap();
    for (first, last) in [(0, 0), (2, 3)] {
        backend.restore_groups(&restore_run(&written(), range(first, last)).key_groups.unwrap()).unwrap();
    }
    let refusal = backend.finish_restore().unwrap_err();
    assert_eq!(refusal.to_string(), "key group 1 was not restored");
}

#[test]
fn another_max_parallelism_is_refused() {
    let mut backend = storage::empty(max_parallelism(8), range(0, 3)).unwrap();
    let refusal = backend.restore_groups(&all_groups()).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "state was written at max parallelism 4, and this job has 8: max parallelism never changes"
    );
}

#[test]
fn another_codec_can_be_inspected_but_not_restored() {
    let bytes = resealed(&written(), |bytes| bytes[10] = 9);
    let sections = verify(&bytes).unwrap().key_groups.unwrap();
    let mut backend = storage::empty(max_parallelism(4), range(0, 3)).unwrap();
    let refusal = backend.restore_groups(&sections).unwrap_err();
    assert_eq!(refusal.to_string(), "state was written with codec 9.1, and this build has codec 1.1");
}

#[test]
fn unknown_format_version_says_what_to_do() {
    let bytes = resealed(&written(), |bytes| bytes[8] = 3);
    let refusal = SnapshotIndex::decode(&bytes).unwrap_err();
    assert_eq!(refusal.kind(), ErrorKind::Invalid);
    assert_eq!(
        refusal.to_string(),
        "snapshot format version 3 is unknown: this build reads versions up to 2; \
         use a keygroups release that knows version 3"
    );
}

#[test]
fn misdirected_write_is_refused() {
    let snapshot = written();
    let mut elsewhere = snapshot.handle();
    elsewhere.object = identity(0, 8).object();
    let refusal = restore(&elsewhere, wanted(0, 3), &snapshot.bytes()).unwrap_err();
    assert_eq!(refusal.kind(), ErrorKind::Corrupt);
    assert_eq!(
        refusal.to_string(),
        "this is the snapshot of task 1-0 of attempt 3.2 at checkpoint 7, \
         expected the one of task 1-0 of attempt 3.2 at checkpoint 8"
    );
}

#[test]
fn object_that_differs_from_its_handle_is_refused() {
    let snapshot = written();
    let differing = |change: fn(&mut StateHandle)| {
        let mut handle = snapshot.handle();
        change(&mut handle);
        match RestoreReads::new(&handle, wanted(0, 3), &snapshot.bytes()) {
            Err(SnapshotError::Handle { field, .. }) => field,
            other => panic!("expected a difference, got {other:?}"),
        }
    };
    assert_eq!(differing(|handle| handle.bytes += 1), "length");
    assert_eq!(differing(|handle| handle.index_bytes -= 1), "length of the index");
    assert_eq!(differing(|handle| handle.key_groups = None), "range of key groups");
    assert_eq!(differing(|handle| handle.certificate.digest ^= 1), "certificate");
    assert_eq!(differing(|handle| handle.certificate.entries += 1), "certificate");
}

#[test]
fn handle_of_an_output_object_is_refused() {
    let snapshot = written();
    let mut handle = snapshot.handle();
    let (attempt, checkpoint) = (identity(0, 7).attempt, CheckpointId(7));
    handle.object = ObjectName::OutputList { attempt, checkpoint };
    let refusal = RestoreReads::new(&handle, wanted(0, 3), &snapshot.bytes()).unwrap_err();
    assert_eq!(refusal, SnapshotError::NotAStateObject { object: handle.object });
}

#[test]
fn key_groups_that_are_not_in_the_snapshot_are_refused() {
    let max = max_parallelism(4);
    let snapshot = filled(max, range(1, 2), &reference()).freeze().encode(identity(0, 7), &[]).unwrap();
    let refusal = restore(&snapshot.handle(), wanted(2, 3), &snapshot.bytes()).unwrap_err();
    assert_eq!(refusal.to_string(), "key groups 2–3 are not all in the snapshot: it has 1–2");
}

#[test]
fn one_read_per_run_that_has_bytes() {
    let snapshot = written();
    let reads = |wanted: Wanted| {
        let reads = RestoreReads::new(&snapshot.handle(), wanted, &snapshot.bytes()).unwrap();
        reads.reads().iter().map(|read| read.range.clone()).collect::<Vec<_>>()
    };
    let sections = snapshot.index_bytes..snapshot.bytes().len() as u64;
    assert_eq!(reads(wanted(0, 3)), vec![sections.clone()]);
    assert_eq!(reads(wanted(1, 2)).len(), 1);
    // Nothing lies between them.
    let apart = Wanted { key_groups: vec![range(0, 0), range(2, 3)], ..Wanted::default() };
    assert_eq!(reads(apart), vec![sections]);
    // Key groups 1 and 3 are empty: nothing is read, and yet they are restored.
    assert_eq!(reads(wanted(1, 1)), vec![]);
    let sections = restore_run(&snapshot, range(3, 3)).key_groups.unwrap();
    assert_eq!(
        sections.sections().iter().map(|section| section.key_group()).collect::<Vec<_>>(),
        [KeyGroup(3)]
    );
}

#[test]
fn wrong_number_or_length_of_buffers_is_refused() {
    let snapshot = written();
    let reads = RestoreReads::new(&snapshot.handle(), wanted(0, 3), &snapshot.bytes()).unwrap();
    let refusal = reads.clone().finish(Vec::new()).unwrap_err();
    assert_eq!(refusal, SnapshotError::ReadCount { expected: 1, found: 0 });

    let all = reads.reads()[0].range.clone();
    let short = snapshot.bytes().slice(all.start as usize..all.end as usize - 1);
    let refusal = reads.finish(vec![short]).unwrap_err();
    let length = all.end - all.start;
    assert_eq!(
        refusal.to_string(),
        format!("the read of bytes {}..{} has {} bytes, expected {length}", all.start, all.end, length - 1)
    );
}
