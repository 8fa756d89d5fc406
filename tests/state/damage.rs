//! Bytes that are not what was written are found, located, and never panic.

use bytes::Bytes;
use keygroups::{
    checkpoint::RedistributionMode,
    key_group::KeyGroup,
    snapshot::{
        EncodedSnapshot, HEADER_BYTES, OperatorState, Part, SnapshotError, SnapshotIndex, checksum, inspect,
        verify,
    },
};
use proptest::prelude::*;

use super::support::{Reference, filled, identity, max_parallelism, range};

fn small() -> EncodedSnapshot {
    let reference = Reference::from([
        ((0, KeyGroup(1), "N14228".to_owned()), 1),
        ((1, KeyGroup(1), "N14228".to_owned()), 2),
        ((1, KeyGroup(2), "N24211".to_owned()), 3),
    ]);
    let operator_state = [OperatorState {
        name: "splits".to_owned(),
        mode: RedistributionMode::SplitDistribute,
        items: vec![Bytes::from_static(b"first"), Bytes::from_static(b"second")],
    }];
    let mut backend = filled(max_parallelism(8), range(0, 3), &reference);
    backend.freeze().encode(identity(0, 7), &operator_state).unwrap()
}

/// Makes header and index checksum right again, as far as the bytes reach.
pub fn reseal(bytes: &mut [u8]) {
    let header = HEADER_BYTES as usize;
    if bytes.len() < header {
        return;
    }
    let sum = checksum(&bytes[..header - 4]).to_le_bytes();
    bytes[header - 4..header].copy_from_slice(&sum);
    let index_bytes = u64::from_le_bytes(bytes[48..56].try_into().unwrap()) as usize;
    if (header + 4..=bytes.len()).contains(&index_bytes) {
        let sum = checksum(&bytes[..index_bytes - 4]).to_le_bytes();
        bytes[index_bytes - 4..index_bytes].copy_from_slice(&sum);
    }
}

#[test]
fn every_flipped_bit_is_found_and_its_part_named() {
    let object = small();
    let index = SnapshotIndex::decode(&object.bytes()).unwrap();
    for at in 0..object.bytes().len() {
        for bit in 0..8 {
            let mut bytes = object.bytes().to_vec();
            bytes[at] ^= 1 << bit;
            let error = verify(&bytes.into()).unwrap_err();
            let group = index
                .groups()
                .iter()
                .find(|group| (group.offset..group.offset + group.bytes).contains(&(at as u64)));
            let item = index.operator_states()[0]
                .items
                .iter()
                .position(|item| (item.offset..item.offset + u64::from(item.bytes)).contains(&(at as u64)));
            let located = match (&error, at) {
                (SnapshotError::NotASnapshot { .. }, 0..8) => true,
                (SnapshotError::UnknownFormatVersion { .. }, 8..10) => true,
                (SnapshotError::HeaderChecksum { .. }, 10..70) => true,
                (SnapshotError::IndexChecksum { .. }, 70..) => at < object.index_bytes as usize,
                (SnapshotError::SectionChecksum { key_group, offset, .. }, _) => {
                    group.is_some_and(|group| (group.key_group, group.offset) == (*key_group, *offset))
                }
                (SnapshotError::ItemChecksum { item: found, .. }, _) => item == Some(*found as usize),
                _ => false,
            };
            assert!(located, "bit {bit} of byte {at}: {error}");
        }
    }
}

#[test]
fn truncation_at_every_length_is_found() {
    let object = small().bytes();
    for length in 0..object.len() {
        let cut = object.slice(..length);
        let error = verify(&cut).unwrap_err();
        let found = length as u64;
        assert!(
            matches!(&error, SnapshotError::Length { found: says, expected, .. } if *says == found && *expected > found),
            "{length}: {error}"
        );
    }
}

#[test]
fn appended_byte_is_found() {
    let object = small().bytes();
    let longer: Bytes = [&object[..], &[0]].concat().into();
    let (expected, found) = (object.len() as u64, object.len() as u64 + 1);
    assert_eq!(verify(&longer), Err(SnapshotError::Length { part: Part::Object, expected, found }));
}

#[test]
fn inspection_goes_on_after_damage() {
    let object = small();
    let index = SnapshotIndex::decode(&object.bytes()).unwrap();
    let mut bytes = object.bytes().to_vec();
    bytes[index.groups()[1].offset as usize] ^= 1;
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let inspection = inspect(&bytes.into()).unwrap();
    assert!(matches!(
        inspection.problems[..],
        [
            SnapshotError::SectionChecksum { key_group: KeyGroup(1), .. },
            SnapshotError::ItemChecksum { item: 1, .. }
        ]
    ));
    // Of key group 2, which is sound.
    assert_eq!(inspection.entries, [1, 0]);
}

/// The checksum cannot tell: only the certificate says that the entry is another one.
#[test]
fn changed_entry_with_right_checksums_is_found_by_its_certificate() {
    let object = small();
    let index = SnapshotIndex::decode(&object.bytes()).unwrap();
    let group = index.groups()[2];
    let section = group.offset as usize..(group.offset + group.bytes) as usize;
    let mut bytes = object.bytes().to_vec();
    bytes[section.end - 1] ^= 1;
    let sum = checksum(&bytes[section]).to_le_bytes();
    // Two states with names of 6 and 7 bytes precede the index of key groups.
    let entry = HEADER_BYTES as usize + (3 + 6) + (3 + 7) + 2 * 55;
    bytes[entry + 51..entry + 55].copy_from_slice(&sum);
    reseal(&mut bytes);
    assert!(matches!(
        verify(&bytes.into()),
        Err(SnapshotError::SectionCertificate { key_group: KeyGroup(2), .. })
    ));
}

/// 2³² − 1 items of 16 bytes would be 64 GiB.
#[test]
fn count_beyond_the_index_is_refused_before_anything_is_allocated() {
    let object = small();
    let mut bytes = object.bytes().to_vec();
    let count = object.index_bytes as usize - 4 - 2 * 16 - 4;
    assert_eq!(bytes[count..count + 4], [2, 0, 0, 0]);
    bytes[count..count + 4].copy_from_slice(&[0xFF; 4]);
    reseal(&mut bytes);
    let error = verify(&bytes.into()).unwrap_err();
    assert!(error.to_string().ends_with("the index is too short for its items"), "{error}");
}

/// FLINK-19748: the sentinel offset of a key group that was never written was sought to.
#[test]
fn sentinel_offset_of_an_empty_key_group_is_refused() {
    let object = small();
    let entry = HEADER_BYTES as usize + (3 + 6) + (3 + 7);
    for sentinel in [u64::MAX, 0] {
        let mut bytes = object.bytes().to_vec();
        bytes[entry + 3..entry + 11].copy_from_slice(&sentinel.to_le_bytes());
        reseal(&mut bytes);
        let error = verify(&bytes.into()).unwrap_err();
        assert!(error.to_string().ends_with("a section does not begin where the one before ends"), "{error}");
    }
}

/// Right checksums everywhere: only the structure is wrong.
#[test]
fn impossible_section_says_what_is_wrong_and_where() {
    fn frame(state: &[u8], entries: &[(&[u8], &[u8])]) -> Vec<u8> {
        let mut bytes =
            [&[state.len() as u8, 0], state, &[entries.len() as u8, 0, 0, 0, 0, 0, 0, 0]].concat();
        for (key, value) in entries {
            bytes.extend([key.len() as u8, 0, 0, 0, value.len() as u8, 0, 0, 0]);
            bytes.extend([*key, *value].concat());
        }
        bytes
    }
    let problem = |parts: &[&[u8]]| match verify(&object_of_one_section(&parts.concat(), 1).into()) {
        Err(SnapshotError::Malformed { part, offset, problem }) => {
            assert_eq!(part, Part::Section(KeyGroup(0)));
            // Header, two states with names of 6 and 7 bytes, one key group, checksum.
            (offset - (70 + 9 + 10 + 55 + 4), problem)
        }
        other => panic!("expected a malformed section, got {other:?}"),
    };
    let sound = frame(b"delays", &[(b"a", b"1")]);
    assert_eq!(problem(&[&[1, 0], &sound]), (2, "it is the section of another key group"));
    assert_eq!(problem(&[&[0, 0], &sound, &sound]), (36, "states do not ascend"));
    assert_eq!(problem(&[&[0, 0], &frame(b"fleets", &[])]), (10, "a state that the index does not name"));
    assert_eq!(problem(&[&[0, 0], &frame(b"delays", &[])]), (18, "a state without entries"));
    let keys = |first, second| frame(b"delays", &[(first, b""), (second, b"")]);
    assert_eq!(problem(&[&[0, 0], &keys(b"a", b"a")]), (36, "keys do not ascend"));
    assert_eq!(problem(&[&[0, 0], &keys(b"b", b"a")]), (36, "keys do not ascend"));
    assert_eq!(problem(&[&[0, 0], &sound, &[1]]), (28, "a field reaches beyond the end"));
    assert_eq!(problem(&[&[0, 0], &sound[..sound.len() - 1]]), (27, "a field reaches beyond the end"));
}

/// Whatever it says, it must say it without a panic.
fn read_everything(bytes: Vec<u8>) {
    let bytes = Bytes::from(bytes);
    let verified = verify(&bytes);
    let inspected = inspect(&bytes);
    if let Ok(contents) = verified {
        assert_eq!(inspected.unwrap().problems, []);
        for frame in contents.key_groups.iter().flat_map(|all| all.sections()).flat_map(|one| one.frames()) {
            assert_eq!(frame.entries().count() as u64, frame.entry_count());
        }
    } else if let Ok(inspection) = inspected {
        assert_ne!(inspection.problems, []);
    }
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        read_everything(bytes);
    }

    #[test]
    fn random_changes_with_right_checksums_never_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = small().bytes().to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        reseal(&mut bytes);
        read_everything(bytes);
    }

    /// Behind right checksums of the sections too, so that their structure is what is tested.
    #[test]
    fn random_sections_with_right_checksums_never_panic(
        section in prop::collection::vec(
            prop_oneof![3 => 0..4_u8, 1 => Just(b'd'), 1 => any::<u8>()],
            0..60
        ),
        entries in 0..4_u64,
    ) {
        read_everything(object_of_one_section(&section, entries));
    }
}

/// An object of the single key group 0 and one state, whose section is `section`.
fn object_of_one_section(section: &[u8], entries: u64) -> Vec<u8> {
    let mut backend = filled(max_parallelism(1), range(0, 0), &Reference::new());
    let mut bytes = backend.freeze().encode(identity(0, 1), &[]).unwrap().bytes().to_vec();
    let index_bytes = bytes.len();
    let entry = index_bytes - 4 - 55;
    bytes[56..64].copy_from_slice(&((index_bytes + section.len()) as u64).to_le_bytes());
    bytes[entry + 11..entry + 19].copy_from_slice(&(section.len() as u64).to_le_bytes());
    bytes[entry + 19..entry + 27].copy_from_slice(&(section.len() as u64).to_le_bytes());
    bytes[entry + 27..entry + 35].copy_from_slice(&entries.to_le_bytes());
    bytes[entry + 51..entry + 55].copy_from_slice(&checksum(section).to_le_bytes());
    bytes.extend_from_slice(section);
    reseal(&mut bytes);
    bytes
}
