//! Sections as tables, leant on and compressed: their bytes are a promise, too.
//!
//! Where entries lie in a table, and how small a codec makes a section, may change without a change of the format.
//! So these fixtures are not written again and compared, but read: every entry must be there, for ever.

use std::{collections::BTreeMap, fs};

use bytes::Bytes;
use keygroups::{
    backend::{SectionOptions, StateBackend},
    checkpoint::{CheckpointId, StateHandle},
    key_group::KeyGroup,
    snapshot::{
        Compression, EncodedSnapshot, GroupEntry, KeyGroupSections, SectionLayout, SnapshotIndex, checksum,
        inspect, verify, verify_with,
    },
};

use super::{
    damage::reseal,
    dump::annotate,
    format::fixture,
    storage,
    support::{Reference, backend, contents, identity, max_parallelism, range, register},
};
use crate::common::snapshot_settings;

/// A snapshot, and what it must hold.
type Example = (EncodedSnapshot, Reference);

fn put(
    backend: &mut StateBackend,
    held: &mut Reference,
    state: usize,
    key_group: u16,
    key: &str,
    value: u64,
) {
    let states = register(backend);
    backend.put(&states[state], KeyGroup(key_group), &key.to_owned(), &value).unwrap();
    held.insert((state, KeyGroup(key_group), key.to_owned()), value);
}

fn remove(backend: &mut StateBackend, held: &mut Reference, state: usize, key_group: u16, key: &str) {
    let states = register(backend);
    assert!(backend.remove(&states[state], KeyGroup(key_group), &key.to_owned()).unwrap());
    held.remove(&(state, KeyGroup(key_group), key.to_owned()));
}

/// Key group 3 has a second chunk, because a snapshot held the first, a dead record in each, and two states;
/// key group 5 has one entry. The second snapshot follows a change to key group 5 and leans on the first.
fn tables() -> [Example; 2] {
    let (mut backend, _) = backend(max_parallelism(128), range(2, 6));
    backend.set_section_options(SectionOptions::default().with_tables_from_bytes(0));
    let mut held = Reference::new();
    put(&mut backend, &mut held, 0, 3, "N14228", 1);
    put(&mut backend, &mut held, 0, 3, "N24211", 300);
    put(&mut backend, &mut held, 1, 3, "N14228", 2);
    put(&mut backend, &mut held, 1, 5, "", 0);
    let earlier = backend.freeze();
    put(&mut backend, &mut held, 0, 3, "N24211", 301);
    put(&mut backend, &mut held, 0, 3, "N39463", 7);
    remove(&mut backend, &mut held, 0, 3, "N39463");
    drop(earlier);
    let full = backend.freeze_at(CheckpointId(7), CheckpointId(0)).encode(identity(4, 7), &[]).unwrap();
    let held_by_full = held.clone();
    put(&mut backend, &mut held, 1, 5, "N516JB", 4);
    let leaning = backend.freeze_at(CheckpointId(8), CheckpointId(7)).encode(identity(4, 8), &[]).unwrap();
    [(full, held_by_full), (leaning, held)]
}

/// Key group 0 is small, and its entries are sorted; key group 1 is a table that once had a crowd of entries, and
/// one of its records has a key so long that its lengths need a second header.
fn compressed(compression: Compression, crowd: usize) -> Example {
    let (mut backend, _) = backend(max_parallelism(2), range(0, 1));
    let options = SectionOptions::default().with_tables_from_bytes(4 << 10).with_compression(compression);
    backend.set_section_options(options);
    let mut held = Reference::new();
    for flight in 0..24 {
        put(&mut backend, &mut held, 1, 0, &format!("N1422{flight}"), 1_000);
    }
    let crowd: Vec<_> = (0..crowd).map(|flight| format!("N{flight}")).collect();
    for key in &crowd {
        put(&mut backend, &mut held, 0, 1, key, 1);
    }
    for key in &crowd[8..] {
        remove(&mut backend, &mut held, 0, 1, key);
    }
    put(&mut backend, &mut held, 0, 1, &"N".repeat(5_000), 2);
    (backend.freeze().encode(identity(0, 9), &[]).unwrap(), held)
}

fn examples() -> [(&'static str, Example); 4] {
    let [full, leaning] = tables();
    [
        ("tables", full),
        ("tables_leaning", leaning),
        ("lz4", compressed(Compression::Lz4, 3_600)),
        ("zstd", compressed(Compression::Zstd, 100)),
    ]
}

fn read(name: &str) -> Bytes {
    fs::read(fixture("v2", name)).unwrap().into()
}

/// What a task has that restores `sections`.
fn entries(sections: &KeyGroupSections, handle: &StateHandle) -> Reference {
    let mut backend = storage::empty(sections.max_parallelism(), handle.key_groups.unwrap()).unwrap();
    backend.restore_groups(sections).unwrap();
    backend.finish_restore().unwrap();
    contents(&mut backend)
}

#[test]
fn every_byte_of_a_table_has_the_documented_meaning() {
    snapshot_settings().bind(|| {
        for (name, (encoded, _)) in &examples()[..2] {
            insta::assert_snapshot!(format!("snapshot_format_{name}"), annotate(&encoded.bytes()));
        }
    });
}

#[test]
fn every_entry_of_the_fixtures_is_read_for_ever() {
    let bases = BTreeMap::from([(identity(4, 7).object(), read("tables"))]);
    for (name, (_, held)) in examples() {
        let bytes = read(name);
        assert_eq!(inspect(&bytes).unwrap().problems, [], "{name}");
        let found = verify_with(&bytes, &bases).unwrap();
        assert_eq!(entries(&found.key_groups.unwrap(), &found.index.handle()), held, "{name}");
    }
}

/// Otherwise they would not hold what they are kept for.
#[test]
fn fixtures_have_the_layouts_they_are_named_after() {
    use {Compression as C, SectionLayout as L};
    let layouts = |name: &str| {
        let index = SnapshotIndex::decode(&read(name)).unwrap();
        let entries = index.groups().iter().filter(|entry| entry.bytes > 0);
        entries.map(|entry| (entry.base.is_some(), entry.layout, entry.compression)).collect::<Vec<_>>()
    };
    assert_eq!(layouts("tables"), [(false, L::Tables, C::None); 2]);
    assert_eq!(layouts("tables_leaning"), [(true, L::Tables, C::None), (false, L::Tables, C::None)]);
    for (name, compression, pages) in [("lz4", C::Lz4, 2), ("zstd", C::Zstd, 1)] {
        assert_eq!(layouts(name), [(false, L::Sorted, compression), (false, L::Tables, compression)]);
        let sections = verify(&read(name)).unwrap().key_groups.unwrap();
        let table = sections.sections()[1].frames()[0].table().unwrap();
        assert_eq!(table.pages().len(), pages, "{name}");
    }
    let sections = verify(&read("tables")).unwrap().key_groups.unwrap();
    let of_flights = &sections.sections()[1].frames()[1];
    assert_eq!(of_flights.table().unwrap().chunks().count(), 2);
}

/// What is written now is what is kept, as long as nobody has improved how a table lies in memory.
#[test]
fn what_is_written_means_what_the_fixtures_mean() {
    for (name, (encoded, _)) in examples() {
        let (kept, new) = (SnapshotIndex::decode(&read(name)), SnapshotIndex::decode(&encoded.bytes()));
        let (kept, new) = (kept.unwrap(), new.unwrap());
        assert_eq!(kept.header().identity, new.header().identity, "{name}");
        let certificates =
            |index: &SnapshotIndex| index.groups().iter().map(|one| one.certificate).collect::<Vec<_>>();
        assert_eq!(certificates(&kept), certificates(&new), "{name}");
    }
}

#[test]
fn every_flipped_bit_of_the_fixtures_is_found_and_its_key_group_named() {
    for (name, _) in examples() {
        let sound = read(name);
        let index = SnapshotIndex::decode(&sound).unwrap();
        for at in 0..sound.len() {
            let lies_here = |entry: &&GroupEntry| {
                entry.base.is_none() && (entry.offset..entry.offset + entry.bytes).contains(&(at as u64))
            };
            let expected = index.groups().iter().find(lies_here).map(|entry| entry.key_group);
            assert_eq!(expected.is_none(), at < index.header().index_bytes as usize, "{name}, byte {at}");
            for bit in 0..8 {
                let mut bytes = sound.to_vec();
                bytes[at] ^= 1 << bit;
                let error = verify(&bytes.into()).unwrap_err();
                assert_eq!(error.key_group(), expected, "{name}, bit {bit} of byte {at}: {error}");
            }
        }
    }
}

/// Behind right checksums, as if it had happened before they were computed: the certificate tells, or nothing
/// has changed but a dead record or padding.
#[test]
fn every_flipped_bit_of_a_table_with_right_checksums_is_found_or_harmless() {
    let sound = read("tables");
    let contents = verify(&sound).unwrap();
    let held = entries(contents.key_groups.as_ref().unwrap(), &contents.index.handle());
    // docs/snapshot_format.md: header, two states with names of 6 and 7 bytes, and an entry of 55 bytes for each
    // key group, which ends with the checksum.
    let first_entry = 70 + (3 + 6) + (3 + 7);
    let (mut found, mut harmless) = (0, 0);
    for (number, entry) in contents.index.groups().iter().enumerate().filter(|(_, entry)| entry.bytes > 0) {
        let section = entry.offset as usize..(entry.offset + entry.bytes) as usize;
        for at in section.clone() {
            for bit in 0..8 {
                let mut bytes = sound.to_vec();
                bytes[at] ^= 1 << bit;
                let sum = checksum(&bytes[section.clone()]).to_le_bytes();
                let end = first_entry + (number + 1) * 55;
                bytes[end - 4..end].copy_from_slice(&sum);
                reseal(&mut bytes);
                match verify(&bytes.into()) {
                    Ok(contents) => {
                        let sections = contents.key_groups.as_ref().unwrap();
                        assert_eq!(
                            entries(sections, &contents.index.handle()),
                            held,
                            "bit {bit} of byte {at}"
                        );
                        harmless += 1;
                    }
                    Err(error) => {
                        assert_eq!(
                            error.key_group(),
                            Some(entry.key_group),
                            "bit {bit} of byte {at}: {error}"
                        );
                        found += 1;
                    }
                }
            }
        }
    }
    assert!(found > 10 * harmless && harmless > 0, "{found} found, {harmless} harmless");
}

/// Run once per new example: `cargo test --test state -- --ignored`. It never overwrites one.
#[test]
#[ignore = "writes fixtures that are missing, by hand: cargo test --test state -- --ignored"]
fn write_fixtures_of_layouts_that_are_missing() {
    for (name, (encoded, _)) in examples() {
        if !fixture("v2", name).exists() {
            fs::write(fixture("v2", name), encoded.bytes()).unwrap();
        }
    }
}
