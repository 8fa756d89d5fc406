//! The bytes are a promise: pinned field by field, and by fixtures that are kept for ever.

use std::{collections::BTreeMap, fs, path::PathBuf};

use bytes::Bytes;
use keygroups::{
    checkpoint::{CheckpointId, RedistributionMode},
    key_group::KeyGroup,
    snapshot::{self, Contents, EncodedSnapshot, OperatorState, inspect, verify, verify_with},
};

use super::{
    dump::annotate,
    storage,
    support::{Reference, filled, identity, max_parallelism, range, register},
};
use crate::common::snapshot_settings;

fn operator_states() -> Vec<OperatorState> {
    let state = |name: &str, mode, items: &[&'static str]| OperatorState {
        name: name.to_owned(),
        mode,
        items: items.iter().map(|item| Bytes::from_static(item.as_bytes())).collect(),
    };
    vec![
        state("splits", RedistributionMode::SplitDistribute, &["2013-01", "", "2013-02"]),
        state("offsets", RedistributionMode::Union, &[]),
        state("rules", RedistributionMode::Broadcast, &["all"]),
    ]
}

/// Two keyed states, empty key groups at the beginning, in between and at the end, and operator
/// state of each mode.
fn everything() -> EncodedSnapshot {
    let entry = |state, key_group, key: &str, value| ((state, KeyGroup(key_group), key.to_owned()), value);
    let reference = Reference::from([
        entry(0, 3, "N14228", 1),
        entry(0, 3, "N24211", 300),
        entry(1, 3, "N14228", 2),
        entry(1, 5, "", 0),
    ]);
    let mut backend = filled(max_parallelism(128), range(2, 6), &reference);
    backend.freeze().encode(identity(4, 7), &operator_states()).unwrap()
}

/// Two states that are registered, and nothing in them.
fn empty_groups() -> EncodedSnapshot {
    let mut backend = filled(max_parallelism(3), range(0, 2), &Reference::new());
    backend.freeze().encode(identity(0, 1), &[]).unwrap()
}

/// What a source writes.
fn no_keyed_state() -> EncodedSnapshot {
    snapshot::encode(identity(1, 2), None, &operator_states()).unwrap()
}

/// What a task writes that has no state at all.
fn nothing() -> EncodedSnapshot {
    snapshot::encode(identity(0, 1), None, &[]).unwrap()
}

/// The second of two checkpoints: key group 3 lies in the first, key group 5 changed in between.
fn leaning() -> [EncodedSnapshot; 2] {
    let full = everything();
    let max = max_parallelism(128);
    let mut backend = storage::empty(max, range(2, 6)).unwrap();
    backend.restore_groups(&verify(&full.bytes()).unwrap().key_groups.unwrap()).unwrap();
    let states = register(&mut backend);
    backend.put(&states[1], KeyGroup(5), &"N14228".to_owned(), &4).unwrap();
    let second = backend.freeze_at(CheckpointId(8), CheckpointId(7)).encode(identity(4, 8), &[]).unwrap();
    [full, second]
}

fn examples() -> [(&'static str, EncodedSnapshot); 5] {
    let [_, leaning] = leaning();
    [
        ("everything", everything()),
        ("empty_groups", empty_groups()),
        ("no_keyed_state", no_keyed_state()),
        ("nothing", nothing()),
        ("leaning", leaning),
    ]
}

/// What a reader gets out of an object, in whatever format that is: keyed states, entries by key group and
/// state, operator states.
fn meaning(contents: Contents) -> impl PartialEq + std::fmt::Debug {
    let states: Vec<_> = contents.index.states().to_vec();
    let sections = contents.key_groups.iter().flat_map(|groups| groups.sections());
    let entries = sections.map(|section| {
        let frames = section.frames().iter();
        let frames = frames.map(|frame| {
            let entries = frame.entries().map(|(key, value)| (key.to_vec(), value.to_vec()));
            (states[frame.state()].name.clone(), entries.collect::<Vec<_>>())
        });
        (section.key_group(), section.certificate(), frames.collect::<Vec<_>>())
    });
    let entries: Vec<_> = entries.collect();
    (contents.index.header().identity, states, entries, contents.operator_state)
}

/// Where the example `name` is kept. The newest format has all of them; `leaning` came with version 2.
pub fn fixture(version: &str, name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "fixtures", version, &format!("{name}.snapshot")].iter().collect()
}

#[test]
fn every_byte_has_the_documented_meaning() {
    snapshot_settings().bind(|| {
        for (name, encoded) in examples() {
            insta::assert_snapshot!(format!("snapshot_format_{name}"), annotate(&encoded.bytes()));
        }
    });
}

#[test]
fn fixtures_of_version_1_decode_for_ever() {
    for (name, expected) in &examples()[..4] {
        let bytes = Bytes::from(fs::read(fixture("v1", name)).unwrap());
        let found = verify(&bytes).unwrap();
        assert_eq!(found.index.header().version, 1);
        assert_eq!(meaning(found), meaning(verify(&expected.bytes()).unwrap()), "{name}");
        assert_eq!(inspect(&bytes).unwrap().problems, [], "{name}");
    }
}

#[test]
fn fixtures_of_version_2_decode_for_ever() {
    for (name, expected) in examples() {
        let bytes = Bytes::from(fs::read(fixture("v2", name)).unwrap());
        assert_eq!(verify(&bytes).unwrap(), verify(&expected.bytes()).unwrap(), "{name}");
        assert_eq!(inspect(&bytes).unwrap().problems, [], "{name}");
    }
    let base = Bytes::from(fs::read(fixture("v2", "everything")).unwrap());
    let [full, leaning] = leaning();
    let bases = BTreeMap::from([(full.identity.object(), base)]);
    let whole = verify_with(&Bytes::from(fs::read(fixture("v2", "leaning")).unwrap()), &bases).unwrap();
    assert_eq!(whole.key_groups.unwrap().certificate(), leaning.certificate);
}

/// Sections of version 1 name their states by position: nobody can read them without their own index.
#[test]
fn nothing_leans_on_an_object_of_version_1() {
    let old = Bytes::from(fs::read(fixture("v1", "everything")).unwrap());
    let mut backend = storage::empty(max_parallelism(128), range(2, 6)).unwrap();
    backend.restore_groups(&verify(&old).unwrap().key_groups.unwrap()).unwrap();
    let next = backend.freeze_at(CheckpointId(8), CheckpointId(7)).encode(identity(4, 8), &[]).unwrap();
    assert_eq!(next.bases, []);
    let certificate = verify(&next.bytes()).unwrap().key_groups.unwrap().certificate();
    assert_eq!(certificate, verify(&old).unwrap().key_groups.unwrap().certificate());
}

#[test]
fn inspection_counts_entries_per_state() {
    let inspection = inspect(&everything().bytes()).unwrap();
    let names: Vec<_> = inspection.index.states().iter().map(|state| &*state.name).collect();
    assert_eq!(names, ["delays", "flights"]);
    assert_eq!(inspection.entries, [2, 2]);
}

/// Run once per new example: `cargo test --test state -- --ignored`. It never overwrites one.
#[test]
#[ignore = "writes fixtures that are missing, by hand: cargo test --test state -- --ignored"]
fn write_fixtures_that_are_missing() {
    for (name, encoded) in examples() {
        if !fixture("v2", name).exists() {
            fs::write(fixture("v2", name), encoded.bytes()).unwrap();
        }
    }
}
