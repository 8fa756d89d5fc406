//! State written at one parallelism and restored at another.

use std::collections::BTreeMap;

use keygroups::{
    backend::{SectionOptions, StateBackend},
    checkpoint::Certificate,
    key_group::{KeyGroup, KeyGroupRange, MaxParallelism, Parallelism, assign},
    snapshot::{Compression, EncodedSnapshot, verify},
};
use proptest::prelude::*;

use super::{
    storage,
    support::{Reference, contents, filled, identity, max_parallelism, restore_run},
};

fn ranges(max: MaxParallelism, parallelism: u16) -> Vec<KeyGroupRange> {
    let parallelism = Parallelism::new(u32::from(parallelism)).unwrap();
    parallelism.subtasks().map(|subtask| assign::range(max, parallelism, subtask).unwrap()).collect()
}

fn write(max: MaxParallelism, parallelism: u16, reference: &Reference) -> Vec<EncodedSnapshot> {
    write_as(SectionOptions::default(), max, parallelism, reference)
}

fn write_as(
    options: SectionOptions,
    max: MaxParallelism,
    parallelism: u16,
    reference: &Reference,
) -> Vec<EncodedSnapshot> {
    (0..)
        .zip(ranges(max, parallelism))
        .map(|(subtask, owned)| {
            let mut backend = filled(max, owned, reference);
            backend.set_section_options(options);
            backend.freeze().encode(identity(subtask, 7), &[]).unwrap()
        })
        .collect()
}

/// Every way to write sections.
fn options() -> impl Strategy<Value = SectionOptions> {
    let compression = prop_oneof![Just(Compression::None), Just(Compression::Lz4), Just(Compression::Zstd)];
    (prop_oneof![Just(0), Just(500), Just(usize::MAX)], compression).prop_map(|(bytes, compression)| {
        SectionOptions::default().with_tables_from_bytes(bytes).with_compression(compression)
    })
}

/// The backend of `owned`, restored from every snapshot that has some of it.
fn read(max: MaxParallelism, owned: KeyGroupRange, snapshots: &[EncodedSnapshot]) -> StateBackend {
    let mut backend = storage::empty(max, owned).unwrap();
    for snapshot in snapshots {
        if let Some(run) = snapshot.key_groups.and_then(|has| has.intersection(owned)) {
            backend.restore_groups(&restore_run(snapshot, run).key_groups.unwrap()).unwrap();
        }
    }
    backend
}

/// A max parallelism, two parallelisms within it, and contents.
fn job() -> impl Strategy<Value = (MaxParallelism, u16, u16, Reference)> {
    (1..40_u16).prop_flat_map(|max| {
        let parallelism = || 1..=max.min(7);
        let entry = ((0..2_usize, (0..max).prop_map(KeyGroup), "[a-z]{0,8}"), any::<u64>());
        let entries = prop::collection::btree_map(entry.0, entry.1, 0..60);
        (Just(max_parallelism(u32::from(max))), parallelism(), parallelism(), entries)
    })
}

proptest! {
    #![proptest_config(storage::cases())]
    #[test]
    fn each_key_group_has_its_contents_at_any_other_parallelism(
        (max, old, new, reference) in job(),
        options in options(),
    ) {
        let snapshots = write_as(options, max, old, &reference);
        let before: Certificate = snapshots.iter().map(|snapshot| snapshot.certificate).sum();
        prop_assert_eq!(before.entries, reference.len() as u64);

        let mut after = Certificate::default();
        let mut restored = Reference::new();
        for owned in ranges(max, new) {
            let mut backend = read(max, owned, &snapshots);
            let certificate = backend.finish_restore().unwrap();
            prop_assert_eq!(certificate, backend.total_certificate().unwrap());
            after = after + certificate;
            restored.extend(contents(&mut backend));
        }
        prop_assert_eq!(restored, reference);
        prop_assert_eq!(after, before);
    }

    #[test]
    fn decoding_gives_what_was_encoded((max, parallelism, _, reference) in job(), options in options()) {
        let snapshots = write_as(options, max, parallelism, &reference);
        for (owned, snapshot) in ranges(max, parallelism).into_iter().zip(snapshots) {
            let decoded = verify(&snapshot.bytes()).unwrap();
            prop_assert_eq!(decoded.index.handle(), snapshot.handle());
            let backend = filled(max, owned, &reference);
            let sections = decoded.key_groups.unwrap();
            for (section, key_group) in sections.sections().iter().zip(owned.iter()) {
                prop_assert_eq!(section.key_group(), key_group);
                prop_assert_eq!(section.certificate(), backend.certificate(key_group).unwrap());
                for frame in section.frames() {
                    let name = &sections.states()[frame.state()].name;
                    let found: BTreeMap<_, _> =
                        frame.entries().map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
                    prop_assert_eq!(found.len() as u64, frame.entry_count());
                    let held = backend.entries(name, key_group).unwrap().map(Result::unwrap);
                    let held = held.map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
                    prop_assert_eq!(found, held);
                }
            }
        }
    }

    #[test]
    fn certificates_of_key_groups_add_up_over_any_split((max, old, new, reference) in job()) {
        let whole = filled(max, max.all(), &reference);
        let by_group: Certificate =
            max.key_groups().map(|key_group| whole.certificate(key_group).unwrap()).sum();
        prop_assert_eq!(by_group, whole.total_certificate().unwrap());
        for parallelism in [old, new] {
            let split: Certificate = ranges(max, parallelism)
                .into_iter()
                .map(|owned| filled(max, owned, &reference).total_certificate().unwrap())
                .sum();
            prop_assert_eq!(split, by_group);
        }
    }
}

/// FLINK-4731: at a lower parallelism, each handle's restore cleared what the one before had
/// brought.
#[test]
fn restoring_several_handles_accumulates() {
    let max = max_parallelism(4);
    let reference: Reference =
        (0..4).map(|group| ((0, KeyGroup(group), format!("key {group}")), u64::from(group))).collect();
    let snapshots = write(max, 4, &reference);
    assert_eq!(contents(&mut read(max, max.all(), &snapshots)), reference);
}

#[test]
fn every_key_group_of_the_largest_max_parallelism_is_in_the_index() {
    let max = max_parallelism(32_768);
    let reference = Reference::from([
        ((0, KeyGroup(0), "first".to_owned()), 1),
        ((0, KeyGroup(32_767), "last".to_owned()), 2),
    ]);
    let snapshots = write(max, 1, &reference);
    assert_eq!(verify(&snapshots[0].bytes()).unwrap().index.groups().len(), 32_768);
    assert_eq!(contents(&mut read(max, max.all(), &snapshots)), reference);
}
