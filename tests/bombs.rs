//! A few bytes that claim to be, or are, many: what a reader takes for them is bounded by an index that it has
//! checked.

#[path = "../fuzz/src/memory.rs"]
mod memory;

use std::{iter, ops::Range};

use bytes::Bytes;
use keygroups::{
    ErrorKind,
    backend::{SectionOptions, StateBackend, StateDescriptor},
    checkpoint::{Attempt, CheckpointId, LeaderEpoch, TaskId, VertexId},
    key_group::{KeyGroup, KeyGroupRange, MaxParallelism, Subtask},
    snapshot::{
        Compression, KeyedSource, RestoreReads, SectionWriter, SnapshotError, SnapshotIdentity,
        SnapshotIndex, StateKind, StateMeta, Wanted, checksum, encode, verify,
    },
};

#[global_allocator]
static ALLOCATOR: memory::Counting = memory::Counting;

/// What a reader may take besides: tables of the codec, a block, a few names.
const FLOOR: usize = 512 << 10;

fn identity() -> SnapshotIdentity {
    SnapshotIdentity {
        attempt: Attempt { epoch: LeaderEpoch(1), run: 1 },
        task: TaskId { vertex: VertexId(0), subtask: Subtask(0) },
        checkpoint: CheckpointId(1),
    }
}

/// An object of one key group, whose compressed section is `section` and is said to have had `raw_bytes`, with
/// right checksums.
fn object(compression: Compression, section: &[u8], raw_bytes: u64) -> Bytes {
    let max = MaxParallelism::new(1).unwrap();
    let mut backend = StateBackend::new(max, max.all()).unwrap();
    backend.set_section_options(SectionOptions::default().with_compression(compression));
    let state = backend.register(StateDescriptor::<u64, String>::value("s")).unwrap();
    backend.put(&state, KeyGroup(0), &7, &"7".repeat(1_000)).unwrap();
    let encoded = backend.freeze().encode(identity(), &[]).unwrap();
    let front = encoded.index_bytes as usize;
    let mut bytes = encoded.bytes()[..front].to_vec();
    let mut set = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
    // docs/snapshot_format.md: the only entry of the key-group index, before the checksum of 4 bytes.
    let entry = front - 4 - 55;
    set(entry + 11, &(section.len() as u64).to_le_bytes());
    set(entry + 19, &raw_bytes.to_le_bytes());
    set(entry + 51, &checksum(section).to_le_bytes());
    set(56, &((front + section.len()) as u64).to_le_bytes());
    let sum = checksum(&bytes[..66]).to_le_bytes();
    bytes[66..70].copy_from_slice(&sum);
    let sum = checksum(&bytes[..front - 4]).to_le_bytes();
    bytes[front - 4..].copy_from_slice(&sum);
    bytes.extend_from_slice(section);
    bytes.into()
}

/// Why `bytes` are refused, and how much memory that took.
fn refused(bytes: &Bytes) -> (String, usize) {
    let (result, peak) = memory::peak(|| verify(bytes));
    let error: SnapshotError = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    (error.to_string(), peak)
}

/// A frame of Zstandard with a window of two to the power of `window_log`: zeros, 128 KiB in each block of 4 bytes.
/// Source: RFC 8878, 3.1.1.
fn zeros(window_log: u8, blocks: usize) -> Vec<u8> {
    let mut frame = vec![0x28, 0xB5, 0x2F, 0xFD, 0, (window_log - 10) << 3];
    for block in 1..=blocks {
        let is_last = u32::from(block == blocks);
        frame.extend_from_slice(&((128 << 10) << 3 | 1 << 1 | is_last).to_le_bytes()[..3]);
        frame.push(0);
    }
    frame
}

const BLOCK: u64 = 128 << 10;

#[test]
fn claim_that_no_codec_can_keep_is_refused_with_the_index() {
    for (compression, ratio) in [(Compression::Lz4, 255), (Compression::Zstd, 32_768)] {
        for claim in [ratio * 100 + 1, 1 << 40, u64::MAX] {
            let (error, peak) = refused(&object(compression, &[0; 100], claim));
            assert!(
                error.ends_with(
                    "a section cannot have been as long as it claims before it was compressed, or was not"
                ),
                "{error}"
            );
            assert!(peak < 8 << 10, "{peak}");
        }
    }
}

#[test]
fn frame_that_is_longer_than_the_index_says_is_not_read_on() {
    // 131 MB.
    let frame = zeros(17, 1_000);
    let (error, peak) = refused(&object(Compression::Zstd, &frame, 5_000));
    let expected =
        "the section of key group 0 at offset 133 cannot be decompressed (Zstd): it has 5001 bytes, not 5000";
    assert_eq!(error, expected);
    assert!(peak < FLOOR, "{peak}");
}

/// A decoder keeps a window of what it has read before it gives any of it.
#[test]
fn window_beyond_the_section_is_refused() {
    for window_log in [20, 26, 41] {
        let (error, peak) = refused(&object(Compression::Zstd, &zeros(window_log, 1_000), 5_000));
        assert!(error.contains("window"), "{error}");
        assert!(peak < FLOOR, "{peak}");
    }
}

/// Nobody can tell that zeros are no state before they are there.
#[test]
fn section_as_long_as_the_index_says_takes_that_much() {
    let (blocks, raw_bytes) = (200, 200 * BLOCK);
    let (error, peak) = refused(&object(Compression::Zstd, &zeros(17, blocks), raw_bytes));
    assert!(error.contains("key group 0 is malformed"), "{error}");
    assert!(peak < raw_bytes as usize + FLOOR, "{peak}");

    // A literal 0, and a match of it that is as long as a length of 255 once, twice, … says.
    let block = [&[0x1F, 0, 1, 0][..], &[255; 20_000], &[0, 0x50, 0, 0, 0, 0, 0]].concat();
    let raw_bytes = 1 + 4 + 15 + 20_000 * 255 + 5;
    let (error, peak) = refused(&object(Compression::Lz4, &block, raw_bytes));
    assert!(error.contains("key group 0 is malformed"), "{error}");
    assert!(peak < raw_bytes as usize + FLOOR, "{peak}");
    let (error, peak) = refused(&object(Compression::Lz4, &block, 2_000_000));
    assert!(error.contains("cannot be decompressed (Lz4)"), "{error}");
    assert!(peak < 2_000_000 + FLOOR, "{peak}");
}

/// As many states as there can be, of which the last has one entry in each of 64 key groups.
struct ManyStates(Vec<StateMeta>);

impl KeyedSource for ManyStates {
    fn max_parallelism(&self) -> MaxParallelism {
        MaxParallelism::new(64).unwrap()
    }

    fn key_groups(&self) -> KeyGroupRange {
        self.max_parallelism().all()
    }

    fn states(&self) -> &[StateMeta] {
        &self.0
    }

    fn write_section(&self, _: KeyGroup, section: &mut SectionWriter<'_>) -> Result<(), SnapshotError> {
        section.state(self.0.len() - 1, iter::once((&b"k"[..], &b"v"[..])))
    }
}

/// A key group had a table for every state up to the last that it had entries of: this snapshot of 464 kB took 967 MiB when
/// it was restored, and 32,768 key groups would have taken 480 GiB.
#[test]
fn states_without_entries_take_nothing_in_a_key_group() {
    let name = |number: usize| StateMeta { name: format!("{number:04x}").into(), kind: StateKind::Value };
    let source = ManyStates((0..65_535).map(name).collect());
    let bytes = encode(identity(), Some(&source), &[]).unwrap().bytes();
    let all = source.key_groups();
    let (mut backend, peak) = memory::peak(|| {
        let index = SnapshotIndex::decode(&bytes).unwrap();
        let wanted = Wanted { key_groups: vec![all], ..Wanted::default() };
        let reads = RestoreReads::of(index, wanted).unwrap();
        let read = |range: &Range<u64>| bytes.slice(range.start as usize..range.end as usize);
        let buffers = reads.reads().iter().map(|one| read(&one.range)).collect();
        let sections = reads.finish(buffers).unwrap().key_groups.unwrap();
        let mut backend = StateBackend::new(source.max_parallelism(), all).unwrap();
        backend.restore_and_drop(sections).unwrap();
        backend
    });
    assert_eq!(backend.memory().entries, 64);
    // Each state is known once, with some 560 bytes; a table for it in each key group would be 15 KiB.
    assert!(peak < 100 * bytes.len(), "{peak} bytes for {}", bytes.len());

    // Nor does a look at a key that was never there make a table.
    let state = |number: usize| StateDescriptor::<u8, u8>::value(&source.0[number].name);
    let states = [1, 40_000].map(|number| backend.register(state(number)).unwrap());
    let ((), peak) = memory::peak(|| {
        for (state, key_group) in states.iter().flat_map(|state| all.iter().map(move |group| (state, group)))
        {
            assert!(!backend.remove(state, key_group, &7).unwrap());
            backend.update(state, key_group, &7, |_| None).unwrap();
        }
    });
    assert_eq!(peak, 0);
}
