//! Items of operator states by ranged read.

use bytes::Bytes;
use keygroups::{
    checkpoint::{OperatorStateInfo, RedistributionMode},
    snapshot::{self, OperatorState, RestoreReads, SnapshotError, SnapshotIndex, Wanted, verify},
};

use super::support::{identity, restore};

fn state(name: &str, mode: RedistributionMode, items: &[&'static [u8]]) -> OperatorState {
    OperatorState {
        name: name.to_owned(),
        mode,
        items: items.iter().map(|item| Bytes::from_static(item)).collect(),
    }
}

fn sources() -> [OperatorState; 3] {
    [
        state("splits", RedistributionMode::SplitDistribute, &[b"first", b"", b"third", b"4"]),
        state("rules", RedistributionMode::Broadcast, &[b"a rule"]),
        state("offsets", RedistributionMode::Union, &[]),
    ]
}

fn wanted(name: &str, items: std::ops::Range<u32>) -> Wanted {
    Wanted { key_groups: Vec::new(), operator_items: vec![(name.to_owned(), items)] }
}

/// FLINK-34063: offsets were taken before buffered bytes were flushed, and a rescale that read
/// some of the items of two states lost splits.
#[test]
fn every_run_of_items_is_restored_by_one_ranged_read() {
    let encoded = snapshot::encode(identity(0, 1), None, &sources()).unwrap();
    for state in sources() {
        let count = state.items.len() as u32;
        for (first, end) in (0..=count).flat_map(|first| (first..=count).map(move |end| (first, end))) {
            let wanted = wanted(&state.name, first..end);
            let index = SnapshotIndex::decode(&encoded.bytes).unwrap();
            assert!(RestoreReads::of(index, wanted.clone()).unwrap().reads().len() <= 1);

            let restored = restore(&encoded.handle(), wanted, &encoded.bytes).unwrap();
            assert_eq!(restored.key_groups, None);
            let [part] = restored.operator_state.try_into().unwrap();
            assert_eq!((part.name, part.mode), (state.name.clone(), state.mode));
            assert_eq!(part.items, state.items[first as usize..end as usize]);
        }
    }
}

#[test]
fn handle_lists_operator_states_ascending_by_name() {
    let encoded = snapshot::encode(identity(0, 1), None, &sources()).unwrap();
    let info = |name: &str, mode, items| OperatorStateInfo { name: name.to_owned(), mode, items };
    assert_eq!(
        encoded.operator_state,
        [
            info("offsets", RedistributionMode::Union, 0),
            info("rules", RedistributionMode::Broadcast, 1),
            info("splits", RedistributionMode::SplitDistribute, 4),
        ]
    );
    assert_eq!(verify(&encoded.bytes).unwrap().index.handle(), encoded.handle());
}

#[test]
fn two_operator_states_of_one_name_are_refused() {
    let twice = [state("s", RedistributionMode::Union, &[]), state("s", RedistributionMode::Broadcast, &[])];
    let refusal = snapshot::encode(identity(0, 1), None, &twice).unwrap_err();
    assert_eq!(refusal, SnapshotError::DuplicateState { name: "s".to_owned() });
}

#[test]
fn items_that_are_not_there_are_refused() {
    let encoded = snapshot::encode(identity(0, 1), None, &sources()).unwrap();
    let refusal = |name, items| {
        restore(&encoded.handle(), wanted(name, items), &encoded.bytes).unwrap_err().to_string()
    };
    assert_eq!(
        refusal("splits", 2..5),
        "items 2..5 of operator state 'splits' are not all in the snapshot: it has 4"
    );
    assert_eq!(
        refusal("timers", 0..1),
        "items 0..1 of operator state 'timers' are not all in the snapshot: it has 0"
    );
}
