//! The bytes are a promise: pinned field by field, and by fixtures that are kept for ever.

use std::{fs, path::PathBuf};

use bytes::Bytes;
use keygroups::{
    checkpoint::RedistributionMode,
    key_group::KeyGroup,
    snapshot::{self, EncodedSnapshot, OperatorState, inspect, verify},
};

use super::{
    dump::annotate,
    support::{Reference, filled, identity, max_parallelism, range},
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
    let backend = filled(max_parallelism(128), range(2, 6), &reference);
    backend.freeze().encode(identity(4, 7), &operator_states()).unwrap()
}

/// Two states that are registered, and nothing in them.
fn empty_groups() -> EncodedSnapshot {
    let backend = filled(max_parallelism(3), range(0, 2), &Reference::new());
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

fn examples() -> [(&'static str, EncodedSnapshot); 4] {
    [
        ("everything", everything()),
        ("empty_groups", empty_groups()),
        ("no_keyed_state", no_keyed_state()),
        ("nothing", nothing()),
    ]
}

fn fixture(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "fixtures", "v1", &format!("{name}.snapshot")].iter().collect()
}

#[test]
fn every_byte_has_the_documented_meaning() {
    snapshot_settings().bind(|| {
        for (name, encoded) in examples() {
            insta::assert_snapshot!(format!("snapshot_format_{name}"), annotate(&encoded.bytes));
        }
    });
}

#[test]
fn fixtures_of_version_1_decode_for_ever() {
    for (name, expected) in examples() {
        let bytes = Bytes::from(fs::read(fixture(name)).unwrap());
        let found = verify(&bytes).unwrap();
        let expected = verify(&expected.bytes).unwrap();
        assert_eq!(found, expected, "{name}");
        assert_eq!(inspect(&bytes).unwrap().problems, [], "{name}");
    }
}

#[test]
fn inspection_counts_entries_per_state() {
    let inspection = inspect(&everything().bytes).unwrap();
    let names: Vec<_> = inspection.index.states().iter().map(|state| &*state.name).collect();
    assert_eq!(names, ["delays", "flights"]);
    assert_eq!(inspection.entries, [2, 2]);
}

/// Run once per new example: `cargo test --test state -- --ignored`. It never overwrites one.
#[test]
#[ignore = "writes fixtures that are missing, by hand: cargo test --test state -- --ignored"]
fn write_fixtures_that_are_missing() {
    for (name, encoded) in examples() {
        if !fixture(name).exists() {
            fs::write(fixture(name), &encoded.bytes).unwrap();
        }
    }
}
