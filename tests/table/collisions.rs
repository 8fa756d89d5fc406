//! Keys that an adversary chose.

use crate::support::{Few, Same, assert_same, filled, from_its_parts};

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
