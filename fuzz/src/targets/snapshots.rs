//! Snapshot objects: as they came, with every checksum and certificate made right, and made from state.

use std::collections::BTreeMap;

use bytes::Bytes;
use keygroups::{
    backend::{SectionOptions, StateBackend, StateDescriptor},
    checkpoint::{Attempt, CheckpointId, LeaderEpoch, RedistributionMode, StateHandle, TaskId, VertexId},
    codec::CODEC,
    key_group::{KeyGroup, KeyGroupRange, MaxParallelism, Subtask},
    snapshot::{
        self, Compression, Contents, EncodedSnapshot, FORMAT_VERSION, GroupEntry, KeyGroupSections,
        OperatorState, RestoreReads, Restored, SectionLayout, SnapshotError, SnapshotIdentity, SnapshotIndex,
        Wanted,
    },
};

use super::{bounded, choices::Choices};

/// How many checksums and certificates are made right at most; each costs a look at the whole object.
const HEALS_MAX: usize = 48;
/// Memory for a decoder of compressed sections, in units of what input may take.
const DECODER_BYTES: usize = 16 << 10;

/// The object with what its errors call wrong sums made right, so that the fuzzer gets behind them. It
/// knows no layout: a sum lies in the index, little endian, and the error says what it should be.
fn healed(object: &[u8]) -> Vec<u8> {
    let mut bytes = object.to_vec();
    for _ in 0..HEALS_MAX {
        let Some(problem) = problem(&Bytes::copy_from_slice(&bytes)) else { break };
        let index_bytes = SnapshotIndex::decode(&bytes).map_or(bytes.len(), |index| {
            usize::try_from(index.header().index_bytes).unwrap_or(usize::MAX).min(bytes.len())
        });
        let (old, new) = match problem {
            SnapshotError::HeaderChecksum { expected, found }
            | SnapshotError::IndexChecksum { expected, found }
            | SnapshotError::SectionChecksum { expected, found, .. }
            | SnapshotError::ItemChecksum { expected, found, .. } => {
                (expected.to_le_bytes().to_vec(), found.to_le_bytes().to_vec())
            }
            SnapshotError::SectionCertificate { expected, found, .. } => {
                let sum = |entries: u64, digest: u128| {
                    [&entries.to_le_bytes()[..], &digest.to_le_bytes()[..]].concat()
                };
                (sum(expected.entries, expected.digest), sum(found.entries, found.digest))
            }
            _ => break,
        };
        let Some(at) = bytes[..index_bytes].windows(old.len()).rposition(|window| window == old) else {
            break;
        };
        bytes[at..at + new.len()].copy_from_slice(&new);
    }
    bytes
}

/// How many bytes a reader of sections has to do with: the object, and what compressed sections were before,
/// which the index says. What it may say is bounded by what the codecs can do.
fn unpacked(bytes: &[u8]) -> usize {
    let Ok(index) = SnapshotIndex::decode(bytes) else { return bytes.len() };
    let compressed = index.groups().iter().filter(|entry| entry.compression != Compression::None);
    let unpacked = compressed.map(|entry| {
        assert!(entry.raw_bytes / 32_768 <= entry.bytes, "nothing is so small when it is compressed");
        // A decoder's tables, window and block do not depend on the section.
        DECODER_BYTES + entry.raw_bytes as usize
    });
    bytes.len() + unpacked.sum::<usize>()
}

fn problem(bytes: &Bytes) -> Option<SnapshotError> {
    match snapshot::inspect(bytes) {
        Ok(inspection) => inspection.problems.into_iter().next(),
        Err(error) => Some(error),
    }
}

/// Header and index alone, as a restore reads them first.
pub fn index(data: &[u8]) {
    for bytes in [data.to_vec(), healed(data)] {
        match bounded(bytes.len(), || SnapshotIndex::decode(&bytes)) {
            Ok(index) => read_index(&index, &bytes),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

fn read_index(index: &SnapshotIndex, bytes: &[u8]) {
    let handle = index.handle();
    assert_eq!(SnapshotIndex::decode_for(&handle, bytes).as_ref(), Ok(index));
    let front = &bytes[..snapshot::index_read(&handle).end as usize];
    assert_eq!(SnapshotIndex::decode(front).as_ref(), Ok(index), "the index is all that its read brings");
    for run in runs(&handle) {
        let wanted = Wanted { key_groups: vec![run], operator_items: Vec::new() };
        let reads =
            bounded(bytes.len(), || RestoreReads::new(&handle, wanted, front)).expect("its own groups");
        for read in reads.reads() {
            let (object, range) = (read.object, &read.range);
            let base = index.bases().iter().find(|base| base.object() == object);
            let length = base.map_or(handle.bytes, |base| base.bytes);
            assert!(base.is_some() || object == handle.object);
            assert!(range.start < range.end && range.end <= length, "{range:?} of {length}");
        }
    }
}

/// A whole object.
pub fn object(data: &[u8]) {
    read_object(data.to_vec().into());
    read_object(healed(data).into());
}

fn read_object(bytes: Bytes) {
    let input = unpacked(&bytes);
    let verified = bounded(input, || snapshot::verify(&bytes));
    let inspected = bounded(input, || snapshot::inspect(&bytes));
    match verified {
        Ok(contents) => {
            assert_eq!(inspected.expect("what is verified can be inspected").problems, []);
            for run in contents.key_groups.iter().flat_map(|all| all.sections()) {
                for frame in run.frames() {
                    assert_eq!(frame.entries().count() as u64, frame.entry_count());
                }
            }
            let handle = contents.index.handle();
            if !handle.bases.is_empty() {
                // The objects it leans on are not at hand.
                return;
            }
            for run in runs(&handle) {
                let restored = restore(&handle, run, &bytes).expect("what is verified can be restored");
                let found = restored.key_groups.map(|groups| groups.certificate());
                let expected = contents.index.run(run).map(|all| all.iter().map(|one| one.certificate).sum());
                assert_eq!(found, expected.ok());
            }
            written_again(&contents, &bytes);
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            assert!(inspected.map_or(true, |inspection| !inspection.problems.is_empty()), "{error}");
        }
    }
}

/// All key groups, and each half of them.
fn runs(handle: &StateHandle) -> Vec<KeyGroupRange> {
    let Some(all) = handle.key_groups else { return Vec::new() };
    let (first, last) = (all.first().0, all.last().0);
    let middle = first + (last - first) / 2;
    let parts = [(first, last), (first, middle), (middle + 1, last)];
    parts.into_iter().filter_map(|(a, b)| KeyGroupRange::new(KeyGroup(a), KeyGroup(b)).ok()).collect()
}

/// Does what a driver does.
fn restore(handle: &StateHandle, run: KeyGroupRange, object: &Bytes) -> Result<Restored, SnapshotError> {
    let read = |range: std::ops::Range<u64>| {
        let clamp = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(object.len());
        object.slice(clamp(range.start)..clamp(range.end))
    };
    let wanted = Wanted { key_groups: vec![run], operator_items: Vec::new() };
    let reads = RestoreReads::new(handle, wanted, &read(snapshot::index_read(handle)))?;
    let buffers = reads.reads().iter().map(|part| read(part.range.clone())).collect();
    reads.finish(buffers)
}

/// Everything is written as it was read; where the layout leaves no choice, with the same bytes.
fn written_again(contents: &Contents, bytes: &Bytes) {
    let header = contents.index.header();
    let encoded = match (&contents.key_groups, header.keyed) {
        (Some(sections), Some(keyed)) => {
            let mut backend = StateBackend::new(keyed.max_parallelism, keyed.key_groups).expect("in bounds");
            if sections.codec() != CODEC {
                assert!(backend.restore_groups(sections).is_err());
                return;
            }
            backend.restore_groups(sections).expect("fresh, and of this codec");
            backend.freeze().encode(header.identity, &contents.operator_state)
        }
        _ => snapshot::encode(header.identity, None, &contents.operator_state),
    };
    let encoded = encoded.expect("what was read can be written");
    assert_eq!(encoded.certificate, contents.index.certificate());
    let again = snapshot::verify(&encoded.bytes()).expect("what was written can be read");
    assert_eq!(again.key_groups.as_ref().map(raw), contents.key_groups.as_ref().map(raw));
    let is_canonical =
        |entry: &GroupEntry| entry.layout == SectionLayout::Sorted && entry.bytes == entry.raw_bytes;
    let has_no_choice = header.version == FORMAT_VERSION
        && contents.index.groups().iter().all(|entry| entry.bytes == 0 || is_canonical(entry));
    if header.codec == CODEC && has_no_choice {
        assert_eq!(encoded.bytes(), bytes, "one content has one byte string");
    }
}

/// State made from choices, and changes to its object. Whatever the changes: who restores by the handle
/// gets what was written, or an error.
pub fn state(data: &[u8]) {
    let mut choices = Choices(data);
    let (encoded, reference) = made(&mut choices);
    let contents = snapshot::verify(&encoded.bytes()).expect("what was written can be read");
    assert_eq!(read(&contents), reference);
    let handle = encoded.handle();
    assert_eq!(contents.index.handle(), handle);

    let mut bytes = encoded.bytes().to_vec();
    while !choices.is_empty() && !bytes.is_empty() {
        let at = choices.below(bytes.len());
        match choices.byte() % 4 {
            0 => bytes[at] ^= 1 << (choices.byte() % 8),
            1 => bytes[at] = choices.byte(),
            2 => bytes.insert(at, choices.byte()),
            _ => drop(bytes.remove(at)),
        }
    }
    for bytes in [bytes.clone(), healed(&bytes)] {
        let bytes = Bytes::from(bytes);
        if let Some(all) = handle.key_groups
            && let Ok(restored) = bounded(unpacked(&bytes), || restore(&handle, all, &bytes))
        {
            // Sums that were made right vouch for any codec and max parallelism, which a backend checks.
            assert_eq!(
                restored.key_groups.as_ref().map(raw),
                contents.key_groups.as_ref().map(raw),
                "another state passed for the one written"
            );
        }
        read_object(bytes);
    }
}

/// By state, key group and key.
type Reference = BTreeMap<(String, KeyGroup, Vec<u8>), Vec<u8>>;

fn made(choices: &mut Choices<'_>) -> (EncodedSnapshot, Reference) {
    let identity = SnapshotIdentity {
        attempt: Attempt { epoch: LeaderEpoch(choices.byte().into()), run: choices.byte().into() },
        task: TaskId { vertex: VertexId(0), subtask: Subtask(choices.byte().into()) },
        checkpoint: CheckpointId(choices.byte().into()),
    };
    let modes =
        [RedistributionMode::SplitDistribute, RedistributionMode::Union, RedistributionMode::Broadcast];
    let operator_state: BTreeMap<_, _> = (0..choices.below(3))
        .map(|_| {
            let (name, mode) = (choices.text(3), modes[choices.below(3)]);
            let items = (0..choices.below(4)).map(|_| choices.bytes(6).into()).collect();
            (name.clone(), OperatorState { name, mode, items })
        })
        .collect();
    let operator_state: Vec<_> = operator_state.into_values().collect();
    let mut reference = Reference::new();
    if choices.byte().is_multiple_of(8) {
        let encoded = snapshot::encode(identity, None, &operator_state).expect("small");
        return (encoded, reference);
    }
    let max = 1 + choices.below(12);
    let first = choices.below(max);
    let last = first + choices.below(max - first);
    let range = KeyGroupRange::new(KeyGroup(first as u16), KeyGroup(last as u16)).expect("ascending");
    let max = MaxParallelism::new(max as u32).expect("in bounds");
    let mut backend = StateBackend::new(max, range).expect("in bounds");
    let compressions = [Compression::None, Compression::Lz4, Compression::Zstd];
    let options = SectionOptions::default().with_compression(compressions[choices.below(3)]);
    backend.set_section_options(options.with_tables_from_bytes([usize::MAX, 0][choices.below(2)]));
    for _ in 0..choices.below(4) {
        let name = choices.text(3);
        let state = backend.register(StateDescriptor::<Vec<u8>, Vec<u8>>::value(&name)).expect("short");
        for _ in 0..choices.below(8) {
            let group = KeyGroup((first + choices.below(range.len())) as u16);
            let (key, value) = (choices.bytes(4), choices.bytes(6));
            backend.put(&state, group, &key, &value).expect("owned");
            reference.insert((name.clone(), group, key), value);
        }
    }
    (backend.freeze().encode(identity, &operator_state).expect("small"), reference)
}

fn read(contents: &Contents) -> Reference {
    let decode = |bytes: Vec<u8>| keygroups::codec::decode(&bytes).expect("it was encoded");
    let entries = contents.key_groups.iter().flat_map(raw);
    entries.map(|((name, group, key), value)| ((name, group, decode(key)), decode(value))).collect()
}

/// All entries, encoded.
fn raw(sections: &KeyGroupSections) -> Reference {
    let mut entries = Reference::new();
    for section in sections.sections() {
        for frame in section.frames() {
            let name = sections.states()[frame.state()].name.to_string();
            for (key, value) in frame.entries() {
                entries.insert((name.clone(), section.key_group(), key.to_vec()), value.to_vec());
            }
        }
    }
    entries
}
