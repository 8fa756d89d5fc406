//! Keys that an adversary chose.

use keygroups::table::Table;

use crate::support::{Few, Same, assert_same, entry, filled, from_its_parts};

/// More keys than a page has slots, all of one hash: no prefix tells them apart.
const COLLIDING: u64 = 5_000;

#[test]
fn keys_of_one_hash_are_found_added_and_removed() {
    let (mut table, mut map) = filled::<Same>(0..COLLIDING);
    assert_same(&table, &map);
    for number in (0..COLLIDING).step_by(3) {
        let key = number.to_le_bytes();
        assert!(table.remove(&key));
        map.remove(&key[..]);
    }
    assert_same(&table, &map);
    let restored = from_its_parts::<Same>(&table.freeze());
    assert_same(&restored, &map);
}

#[test]
fn the_smallest_and_the_greatest_tag_share_a_table() {
    let (mut table, map) = filled::<Few>(0..COLLIDING);
    assert_same(&table, &map);
    let restored = from_its_parts::<Few>(&table.freeze());
    assert_same(&restored, &map);
}

/// A page at the greatest depth grew to twice its spare slots. One that was read may have none, which is twice none: `put`
/// never returned.
#[test]
fn full_page_that_was_read_without_spare_slots_grows() {
    let (mut table, mut map) = filled::<Same>(0..COLLIDING);
    for (key, _) in (8..COLLIDING).map(entry) {
        assert!(table.remove(&key));
        map.remove(&key);
    }
    let frozen = table.freeze();
    let mut pages = frozen.pages().to_vec();
    let last = pages.last_mut().unwrap();
    assert_eq!(last.depth, 16);
    // The eight keys fill the last line of homes; behind it nothing is left.
    last.slots.truncate(8 << last.home_bits);
    assert!(!last.slots.ends_with(&[0; 8]));
    let mut table: Table<Same> = Table::from_parts(pages, frozen.chunks(), frozen.len(), |_, _| ())
        .expect("spare slots may be missing");
    for (key, value) in (8..30).map(entry) {
        table.put(&key, &value).unwrap();
        map.insert(key, value);
    }
    assert_same(&table, &map);
}
