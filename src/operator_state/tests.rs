use proptest::prelude::*;

use super::*;

fn info(name: &str, mode: RedistributionMode, items: u32) -> OperatorStateInfo {
    OperatorStateInfo { name: name.into(), mode, items }
}

fn spread(old: &[Option<Vec<OperatorStateInfo>>], new: u32) -> Result<Vec<Vec<ItemRun>>, RedistributeError> {
    redistribute(old.iter().map(Option::as_deref), Parallelism::new(new).unwrap())
}

fn split(items: u32) -> Option<Vec<OperatorStateInfo>> {
    Some(vec![info("s", RedistributionMode::SplitDistribute, items)])
}

#[test]
fn modes_that_disagree_name_the_state_and_both_subtasks() {
    let old = [
        Some(vec![info("offsets", RedistributionMode::Union, 1)]),
        None,
        Some(vec![info("offsets", RedistributionMode::Broadcast, 1)]),
    ];
    assert_eq!(
        spread(&old, 2).unwrap_err().to_string(),
        "operator state \"offsets\" is Union in subtask 0 and Broadcast in subtask 2: a state has one mode"
    );
}

#[test]
fn a_name_listed_twice_in_one_subtask_is_refused() {
    let twice = vec![info("s", RedistributionMode::Union, 1), info("s", RedistributionMode::Union, 2)];
    let expected = RedistributeError::NameTwice { name: "s".into(), subtask: Subtask(1) };
    assert_eq!(spread(&[None, Some(twice)], 2), Err(expected));
}

#[test]
fn more_old_subtasks_than_possible_are_refused() {
    let old = vec![None; 70_000];
    assert_eq!(spread(&old, 2), Err(RedistributeError::TooManySubtasks { found: 70_000 }));
}

#[test]
fn a_subtask_that_lost_its_broadcast_copy_gets_another_and_the_others_keep_theirs() {
    let copy = || Some(vec![info("rules", RedistributionMode::Broadcast, 2)]);
    let restored = spread(&[None, copy(), copy()], 3).unwrap();
    let owners: Vec<Vec<u16>> =
        restored.iter().map(|runs| runs.iter().map(|run| run.from.0).collect()).collect();
    assert_eq!(owners, [[1], [1], [2]]);
}

#[test]
fn items_beyond_32_bits_in_total_are_dealt_out() {
    let restored = spread(&[split(u32::MAX), split(u32::MAX), split(2)], 2).unwrap();
    let counts: Vec<u64> =
        restored.iter().map(|runs| runs.iter().map(|run| u64::from(run.items)).sum()).collect();
    assert_eq!(counts, [1 << 32, 1 << 32]);
}

#[test]
fn no_old_subtask_leaves_new_ones_empty() {
    assert_eq!(spread(&[], 2).unwrap(), [vec![], vec![]]);
}

/// The same mode for a name everywhere; some subtasks without snapshot, some without the name.
fn old_subtasks() -> impl Strategy<Value = Vec<Option<Vec<OperatorStateInfo>>>> {
    let items = proptest::option::weighted(0.8, 0_u32..9);
    let subtask = proptest::option::weighted(0.9, (items.clone(), items.clone(), items.clone(), items));
    proptest::collection::vec(subtask, 0..7).prop_map(|subtasks| {
        use RedistributionMode::{Broadcast, SplitDistribute, Union};
        let infos = |(a, b, c, d)| {
            [("a", SplitDistribute, a), ("b", SplitDistribute, b), ("c", Union, c), ("d", Broadcast, d)]
                .into_iter()
                .filter_map(|(name, mode, items): (_, _, Option<u32>)| Some(info(name, mode, items?)))
                .collect()
        };
        subtasks.into_iter().map(|subtask| subtask.map(infos)).collect()
    })
}

/// The items of `name` as (old subtask, item), in the order of the runs.
fn items(runs: &[ItemRun], name: &str) -> Vec<(u16, u32)> {
    runs.iter()
        .filter(|run| &*run.name == name)
        .flat_map(|run| (run.first_item..run.first_item + run.items).map(|item| (run.from.0, item)))
        .collect()
}

/// All items of `name` of all old subtasks, by old subtask.
fn all_items(old: &[Option<Vec<OperatorStateInfo>>], name: &str) -> Vec<(bool, Vec<(u16, u32)>)> {
    let of_subtask = |(subtask, infos): (u16, &Option<Vec<OperatorStateInfo>>)| {
        let found = infos.iter().flatten().find(|info| info.name == name);
        let items = found.map_or(0, |info| info.items);
        (found.is_some(), (0..items).map(|item| (subtask, item)).collect())
    };
    (0..).zip(old).map(of_subtask).collect()
}

proptest! {
    #[test]
    fn split_gives_each_item_once_and_evenly(old in old_subtasks(), new in 1_u32..9) {
        let restored = spread(&old, new).unwrap();
        for name in ["a", "b"] {
            let parts: Vec<_> = restored.iter().map(|runs| items(runs, name)).collect();
            let mut given = parts.concat();
            given.sort_unstable();
            let all: Vec<_> = all_items(&old, name).into_iter().flat_map(|(_, items)| items).collect();
            prop_assert_eq!(given, all);
            if old.len() != new as usize {
                let sizes = parts.iter().map(Vec::len);
                prop_assert!(sizes.clone().max().unwrap() - sizes.min().unwrap() <= 1);
            }
        }
    }

    #[test]
    fn union_gives_all_items_to_all(old in old_subtasks(), new in 1_u32..9) {
        let all: Vec<_> = all_items(&old, "c").into_iter().flat_map(|(_, items)| items).collect();
        for runs in spread(&old, new).unwrap() {
            prop_assert_eq!(&items(&runs, "c"), &all);
        }
    }

    #[test]
    fn broadcast_gives_exactly_one_copy_to_each(old in old_subtasks(), new in 1_u32..9) {
        let copies: Vec<_> = all_items(&old, "d").into_iter().filter(|(has, _)| *has).collect();
        for runs in spread(&old, new).unwrap() {
            let restored = items(&runs, "d");
            prop_assert!(
                copies.iter().any(|(_, copy)| *copy == restored) || copies.is_empty() && restored.is_empty()
            );
        }
    }

    #[test]
    fn runs_ascend_by_name_old_subtask_and_item(old in old_subtasks(), new in 1_u32..9) {
        for runs in spread(&old, new).unwrap() {
            prop_assert!(runs.is_sorted());
        }
    }
}
