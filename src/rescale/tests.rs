use proptest::prelude::*;

use super::*;

fn max(count: u32) -> MaxParallelism {
    MaxParallelism::new(count).unwrap()
}

fn parallelism(count: u32) -> Parallelism {
    Parallelism::new(count).unwrap()
}

fn range(first: u16, last: u16) -> KeyGroupRange {
    KeyGroupRange::new(KeyGroup(first), KeyGroup(last)).unwrap()
}

fn plan(old: &[KeyGroupRange], max_parallelism: u32, to: u32) -> Result<RescalePlan, RescaleError> {
    RescalePlan::new(&RescaleRequest {
        recorded_max_parallelism: max(max_parallelism),
        max_parallelism: max(max_parallelism),
        old,
        parallelism: parallelism(to),
    })
}

#[test]
fn a_changed_max_parallelism_is_refused_with_the_reason() {
    let error = RescalePlan::new(&RescaleRequest {
        recorded_max_parallelism: max(128),
        max_parallelism: max(256),
        old: &[range(0, 127)],
        parallelism: parallelism(2),
    })
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "max parallelism changed from 128 to 256: keys would fall into other key groups than those \
         their state was written to"
    );
}

#[test]
fn a_parallelism_above_max_parallelism_is_refused() {
    let expected = BoundsError::ParallelismAboveMax { parallelism: 5, max_parallelism: 4 };
    assert_eq!(plan(&[range(0, 3)], 4, 5), Err(RescaleError::Bounds(expected)));
    assert_eq!(
        RescalePlan::between(max(4), parallelism(5), parallelism(1)),
        Err(RescaleError::Bounds(expected))
    );
}

#[test]
fn a_gap_names_its_lowest_key_group() {
    for (old, lowest) in [
        (vec![], 0),
        (vec![range(1, 9)], 0),
        (vec![range(0, 3), range(5, 9)], 4),
        (vec![range(5, 9), range(0, 3)], 4),
        (vec![range(0, 4), range(5, 8)], 9),
    ] {
        let error = RescaleError::Gap { key_group: KeyGroup(lowest) };
        assert_eq!(plan(&old, 10, 2), Err(error), "{old:?}");
    }
}

#[test]
fn an_overlap_names_its_lowest_key_group_and_both_owners() {
    let overlap = |key_group| RescaleError::Overlap { key_group, first: Subtask(0), second: Subtask(1) };
    assert_eq!(plan(&[range(0, 5), range(4, 9)], 10, 2), Err(overlap(KeyGroup(4))));
    assert_eq!(plan(&[range(0, 9), range(0, 9)], 10, 2), Err(overlap(KeyGroup(0))));
    assert_eq!(plan(&[range(0, 9), range(3, 4)], 10, 2), Err(overlap(KeyGroup(3))));
}

#[test]
fn an_old_subtask_outside_max_parallelism_is_refused() {
    let error = plan(&[range(0, 4), range(5, 10)], 10, 2).unwrap_err();
    assert_eq!(error.to_string(), "old subtask 1 has key groups 5–10: max parallelism 10 ends at 9");
    let error = plan(&[range(0, 0), range(1, 1), range(1, 1)], 2, 1).unwrap_err();
    assert_eq!(error.to_string(), "the old layout has 3 subtasks for only 2 key groups");
}

#[test]
fn an_old_layout_need_not_ascend() {
    let plan = plan(&[range(5, 9), range(0, 4)], 10, 1).unwrap();
    assert_eq!(plan.subtasks()[0].to_string(), "task 0 owns 0–9: reads 0–4 of task 1, keeps 5–9");
}

#[test]
fn from_4_to_5_flinks_formula_moves_62_of_128_key_groups() {
    let plan = RescalePlan::between(max(128), parallelism(4), parallelism(5)).unwrap();
    assert_eq!((plan.kept_key_groups(), plan.moved_key_groups()), (66, 62));
}

#[test]
fn volumes_are_exact_by_key_group() {
    let plan = RescalePlan::between(max(4), parallelism(2), parallelism(3)).unwrap();
    // task 0 keeps 0–1, task 1 keeps 2, task 2 reads 3 of task 1.
    let volumes = plan.volumes(Sizes::PerKeyGroup(&[1, 10, 100, 1000])).unwrap();
    let volume = |kept_bytes, moved_bytes| Volume { kept_bytes, moved_bytes, estimated: false };
    assert_eq!(volumes, [volume(11, 0), volume(100, 0), volume(0, 1000)]);
    assert_eq!(volumes.into_iter().sum::<Volume>().read_bytes(), 1111);
}

#[test]
fn volumes_by_old_subtask_are_estimates_only_where_state_is_divided() {
    let plan = RescalePlan::between(max(4), parallelism(2), parallelism(3)).unwrap();
    let volumes = plan.volumes(Sizes::PerOldSubtask(&[7, 10])).unwrap();
    assert_eq!(
        volumes,
        [
            Volume { kept_bytes: 7, moved_bytes: 0, estimated: false },
            Volume { kept_bytes: 5, moved_bytes: 0, estimated: true },
            Volume { kept_bytes: 0, moved_bytes: 5, estimated: true },
        ]
    );
}

#[test]
fn sizes_of_another_plan_are_refused() {
    let plan = RescalePlan::between(max(4), parallelism(2), parallelism(3)).unwrap();
    let error = plan.volumes(Sizes::PerKeyGroup(&[1, 2, 3])).unwrap_err();
    assert_eq!(error.to_string(), "sizes of 3 key groups were given, and the plan has 4");
    let error = plan.volumes(Sizes::PerOldSubtask(&[1, 2, 3])).unwrap_err();
    assert_eq!(error.to_string(), "sizes of 3 old subtasks were given, and the plan has 2");
}

proptest! {
    #[test]
    fn every_key_group_is_read_once_from_its_old_owner_by_its_new_one(
        (max_count, from, to) in (1_u32..=400).prop_flat_map(|max| (Just(max), 1..=max, 1..=max)),
    ) {
        let (max, from, to) = (max(max_count), parallelism(from), parallelism(to));
        let plan = RescalePlan::between(max, from, to).unwrap();
        let mut key_groups = max.key_groups();
        let mut moved = 0;
        for subtask in plan.subtasks() {
            for read in &subtask.reads {
                for key_group in read.key_groups.iter() {
                    prop_assert_eq!(Some(key_group), key_groups.next());
                    prop_assert_eq!(read.from, assign::owner(key_group, max, from));
                    prop_assert_eq!(subtask.subtask, assign::owner(key_group, max, to));
                    moved += usize::from(read.from != subtask.subtask);
                }
            }
        }
        prop_assert_eq!(key_groups.next(), None);
        prop_assert_eq!(moved, plan.moved_key_groups());
        prop_assert_eq!(max.key_groups().len(), plan.moved_key_groups() + plan.kept_key_groups());
        let reads: usize = plan.subtasks().iter().map(|subtask| subtask.reads.len()).sum();
        prop_assert!(reads < usize::from(from.get()) + usize::from(to.get()));
    }
}
