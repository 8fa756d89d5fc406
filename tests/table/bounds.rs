//! How much space a table takes, and how much of it for nothing.

use keygroups::table::{Memory, Table};

/// docs/table.md, "Bounds": a third is wasted; the chunk that is emptied and the one that records move to
/// come on top, and what is written meanwhile. Chunks are a sixteenth of what was live when they were made.
fn assert_bounded(memory: Memory, most_live: usize) {
    let chunk = (most_live / 16).max(16 << 10);
    let bound = memory.live_bytes * 3 / 2 + 2 * chunk + (16 << 10);
    assert!(memory.reserved_bytes <= bound, "more than {bound} bytes: {memory:?}");
}

fn numbers(seed: u64) -> impl Iterator<Item = u64> {
    (seed..).map(|number| number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40)
}

#[test]
fn twenty_small_entries_take_a_kilobyte_and_a_half() {
    let mut table: Table = Table::new();
    for number in 0..20_u64 {
        table.put(&number.to_le_bytes(), &number.to_le_bytes()).unwrap();
    }
    let memory = table.memory();
    assert!(memory.reserved_bytes + memory.index_bytes < 1_536, "{memory:?}");
}

#[test]
fn an_empty_table_takes_nothing_and_finds_nothing() {
    let mut table: Table = Table::new();
    assert_eq!(table.get(b"key"), None);
    assert!(!table.remove(b"key"));
    assert_eq!(table.memory(), Memory::default());
    assert!(table.freeze().is_empty());
}

#[test]
fn entries_of_a_hundred_bytes_take_fifteen_bytes_more_in_a_large_table() {
    let mut table: Table = Table::new();
    for number in 0..39_000_u64 {
        table.put(&number.to_le_bytes(), &[7; 100]).unwrap();
    }
    let memory = table.memory();
    let bytes = (memory.reserved_bytes + memory.index_bytes) / memory.entries;
    assert!(bytes <= 108 + 4 + 14 + 7, "{bytes} bytes per entry: {memory:?}");
}

#[test]
fn values_that_change_their_length_leave_bounded_space_behind() {
    let mut table: Table = Table::new();
    for (round, number) in numbers(1).take(400_000).enumerate() {
        table.put(&(number % 10_000).to_le_bytes(), &vec![7; 60 + round % 41]).unwrap();
        if round % 64 == 0 {
            assert_bounded(table.memory(), table.memory().live_bytes);
        }
    }
}

#[test]
fn removing_nearly_all_gives_the_space_back() {
    let mut table: Table = Table::new();
    for number in 0..100_000_u64 {
        table.put(&number.to_le_bytes(), &[7; 100]).unwrap();
    }
    let most_live = table.memory().live_bytes;
    for number in 0..99_000_u64 {
        table.remove(&(number * 7919 % 100_000).to_le_bytes());
        assert_bounded(table.memory(), most_live);
    }
    assert_eq!(table.len(), 1_000);
}

#[test]
fn chunks_cut_off_by_many_snapshots_are_merged() {
    let mut table: Table = Table::new();
    let mut held = std::collections::VecDeque::new();
    for (round, number) in numbers(1).take(200_000).enumerate() {
        table.put(&(number % 20_000).to_le_bytes(), &[round as u8; 100]).unwrap();
        if round % 100 == 0 {
            held.push_back(table.freeze());
            held.truncate(3);
            assert_bounded(table.memory(), table.memory().live_bytes);
        }
    }
    assert!(table.freeze().chunks().count() < 400);
}

#[test]
fn snapshots_waste_no_more_than_what_is_written_between_them() {
    let mut table: Table = Table::new();
    for number in 0..20_000_u64 {
        table.put(&number.to_le_bytes(), &[7; 100]).unwrap();
    }
    let before = table.memory();
    // A chunk that is cut off has 64 KiB until the busy time is forgotten, and is small from then on.
    let forgotten = 5 << 16;
    for (round, number) in (1..=500).zip(numbers(1)) {
        let frozen = table.freeze();
        table.put(&(number % 20_000).to_le_bytes(), &[round as u8; 100]).unwrap();
        drop(frozen);
        let (memory, written) = (table.memory(), round * 112);
        assert!(memory.reserved_bytes <= before.reserved_bytes + forgotten + 4 * written, "{memory:?}");
    }
}

/// While a snapshot is always held and little was written between two, the number of chunks grew by one in two snapshots,
/// up to where a slot cannot name another one: then every write failed. Now the two smallest are emptied at
/// once when there are too many.
#[test]
fn small_chunks_are_bounded_while_a_snapshot_is_always_held() {
    let mut table: Table = Table::new();
    for number in 0..20_000_u64 {
        table.put(&number.to_le_bytes(), &[7; 100]).unwrap();
    }
    // The last one is always held: nothing is appended to what it shares.
    let mut held = table.freeze();
    let mut most = 0;
    for number in 20_000..24_000_u64 {
        table.put(&number.to_le_bytes(), &[7; 100]).unwrap();
        held = table.freeze();
        most = most.max(held.chunks().count());
    }
    assert!((1_000..1_100).contains(&most), "{most}: many, so that the limit was met, and no more");
    drop(held);
    assert_eq!(table.len(), 24_000);
    assert!(table.iter().all(|(_, value)| value == [7; 100]));
    assert_bounded(table.memory(), table.memory().live_bytes);
}

#[test]
fn values_are_written_in_place_once_no_snapshot_is_held() {
    let mut table: Table = Table::new();
    let write = |table: &mut Table, byte: u8| {
        for number in 0..10_000_u64 {
            table.put(&number.to_le_bytes(), &[byte; 100]).unwrap();
        }
    };
    write(&mut table, 1);
    drop(table.freeze());
    let before = table.memory();
    write(&mut table, 2);
    assert_eq!(table.memory(), before);
    let frozen = table.freeze();
    write(&mut table, 3);
    assert_ne!(table.memory(), before);
    assert!(frozen.iter().all(|(_, value)| value == [2; 100]));
}

/// Records of a third of the greatest chunk each have a chunk of their own, which dies with them.
#[test]
fn large_records_leave_nothing_behind() {
    let mut table: Table = Table::new();
    for round in 0..200_usize {
        table.put(&[(round % 10) as u8], &vec![7; 300_000 + round]).unwrap();
        let memory = table.memory();
        assert_eq!((memory.dead_bytes, memory.reserved_bytes), (0, memory.live_bytes));
    }
}

/// Pages that a snapshot shares are copied, and what it gives back is kept for the next copies.
#[test]
fn what_is_kept_for_copies_of_the_index_is_as_large_as_the_index_at_most() {
    let mut table: Table = Table::new();
    let change_all = |table: &mut Table, value: u64| {
        for number in 0..20_000_u64 {
            table.put(&number.to_le_bytes(), &value.to_le_bytes()).unwrap();
        }
    };
    change_all(&mut table, 0);
    let index = table.memory().index_bytes;
    for (round, held) in [1, 1, 1, 3, 7, 2].into_iter().enumerate() {
        let mut frozen = Vec::new();
        for value in 0..held {
            frozen.push(table.freeze());
            change_all(&mut table, round as u64 * 10 + value);
        }
        assert_eq!(table.memory().index_bytes, index, "what they share is not the table's");
        drop(frozen);
        let kept = table.memory().index_bytes - index;
        assert!(index / 2 < kept && kept <= index, "{held} were held, {kept} bytes are kept for {index}");
    }
}
