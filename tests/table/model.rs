//! Any sequence of operations gives what an ordered map gives.

use keygroups::table::{FrozenTable, KeyHash, PutError, Table, Xxh3};
use proptest::{collection::vec, prelude::*};

use crate::support::{Few, Map, Same, assert_same, assert_same_frozen, from_its_parts};

#[derive(Clone, Debug)]
enum Step {
    Put(u16, usize),
    // Mostly to the same length as before, if there is a value.
    Update(u16, u8),
    Remove(u16),
    Get(u16),
    Freeze,
    DropFrozen,
    Restore,
}

/// Keys of all lengths up to 4, and some that need the long header.
fn key(number: u16) -> Vec<u8> {
    match number {
        0 => Vec::new(),
        1..=3 => vec![number as u8; 4092 + usize::from(number)],
        _ => u32::from(number).to_le_bytes()[..1 + usize::from(number) % 4].to_vec(),
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let number = || 0..400_u16;
    let length =
        prop_oneof![20 => 0..40_usize, 5 => 40..3_000_usize, 1 => 3_000..100_000_usize, 1 => Just(1 << 20)];
    let step = prop_oneof![
        20 => (number(), length).prop_map(|(key, length)| Step::Put(key, length)),
        20 => (number(), any::<u8>()).prop_map(|(key, byte)| Step::Update(key, byte)),
        10 => number().prop_map(Step::Remove),
        2 => number().prop_map(Step::Get),
        2 => Just(Step::Freeze),
        2 => Just(Step::DropFrozen),
        1 => Just(Step::Restore),
    ];
    vec(step, 0..600)
}

fn run<H: KeyHash>(steps: Vec<Step>) {
    let (mut table, mut map) = (Table::<H>::new(), Map::new());
    let mut frozen: Vec<(FrozenTable, Map)> = Vec::new();
    for (number, step) in steps.into_iter().enumerate() {
        match step {
            Step::Put(k, length) => {
                let (key, value) = (key(k), vec![number as u8; length]);
                table.put(&key, &value).unwrap();
                map.insert(key, value);
            }
            Step::Update(k, byte) => {
                let key = key(k);
                let before = map.get(&key);
                let after = match byte % 8 {
                    0 => None,
                    1 => Some(vec![byte; usize::from(byte)]),
                    _ => Some(vec![byte; before.map_or(1, Vec::len)]),
                };
                let changes = before.is_some() || after.is_some();
                let updated = table.update(&key, |found| {
                    assert_eq!(found, before.map(|value| &value[..]));
                    Ok::<_, PutError>(after.as_ref())
                });
                assert_eq!(updated, Ok(changes));
                match after {
                    Some(value) => drop(map.insert(key, value)),
                    None => drop(map.remove(&key)),
                }
            }
            Step::Remove(k) => assert_eq!(table.remove(&key(k)), map.remove(&key(k)).is_some()),
            Step::Get(k) => assert_eq!(table.get(&key(k)), map.get(&key(k)).map(|value| &value[..])),
            Step::Freeze => frozen.push((table.freeze(), map.clone())),
            Step::DropFrozen => drop(frozen.pop()),
            Step::Restore => table = from_its_parts(&table.freeze()),
        }
    }
    assert_same(&table, &map);
    let restored = from_its_parts::<H>(&table.freeze());
    assert_same(&restored, &map);
    for (frozen, map) in &frozen {
        assert_same_frozen(frozen, map);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_table_is_a_map(steps in steps()) {
        run::<Xxh3>(steps);
    }

    #[test]
    fn a_table_is_a_map_with_few_hashes(steps in steps()) {
        run::<Few>(steps);
    }

    #[test]
    fn a_table_is_a_map_with_one_hash(steps in steps()) {
        run::<Same>(steps);
    }
}
