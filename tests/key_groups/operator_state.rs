//! Which items of operator state go where: `operator_state_redistribution.csv`.

use std::collections::BTreeMap;

use keygroups::checkpoint::{OperatorStateInfo, RedistributionMode};
use keygroups::operator_state::redistribute;

use crate::{columns, parallelism, rows};

const GOLDEN: &str = include_str!("../golden/operator_state_redistribution.csv");

struct Row {
    state: &'static str,
    mode: RedistributionMode,
    new: &'static str,
    /// Per old subtask: its number of items; the outer `None` is `x`, no snapshot at all.
    old: Vec<Option<u32>>,
    assignment: &'static str,
}

/// The rows by case: rows of one case are several states in one call.
fn cases() -> BTreeMap<u32, Vec<Row>> {
    let mut cases = BTreeMap::<u32, Vec<Row>>::new();
    for row in rows(GOLDEN, "case,state,mode,old_p,new_p,items_per_old,assignment,order") {
        let [case, state, mode, old_p, new, items, assignment, _order] = columns(row);
        let mode = match mode {
            "SPLIT_DISTRIBUTE" => RedistributionMode::SplitDistribute,
            "UNION" => RedistributionMode::Union,
            "BROADCAST" => RedistributionMode::Broadcast,
            _ => panic!("{row}"),
        };
        let old: Vec<Option<u32>> =
            items.split('|').map(|items| (items != "x").then(|| items.parse().unwrap())).collect();
        assert_eq!(old.len().to_string(), old_p);
        let row = Row { state, mode, new, old, assignment };
        cases.entry(case.parse().unwrap()).or_default().push(row);
    }
    cases
}

/// The assignment of each state of a case, written as in the golden file.
fn assignments(case: &[Row]) -> Vec<String> {
    let old: Vec<Option<Vec<OperatorStateInfo>>> = (0..case[0].old.len())
        .map(|subtask| {
            let info = |row: &Row| {
                Some(OperatorStateInfo { name: row.state.into(), mode: row.mode, items: row.old[subtask]? })
            };
            case.iter().map(info).collect()
        })
        .collect();
    let restored = redistribute(old.iter().map(Option::as_deref), parallelism(case[0].new)).unwrap();
    let items = |state: &str| {
        let of_subtask = restored.iter().map(|runs| {
            let runs = runs.iter().filter(|run| &*run.name == state);
            let items = runs.flat_map(|run| {
                (run.first_item..run.first_item + run.items).map(|item| format!("{}:{item}", run.from))
            });
            items.collect::<Vec<_>>().join(" ")
        });
        of_subtask.collect::<Vec<_>>().join(";")
    };
    case.iter().map(|row| items(row.state)).collect()
}

/// Flink gives a subtask that has its broadcast copy a second one when another subtask has none.
/// A second copy is of no use, and these two cases are the only ones in which one shows.
const SECOND_COPIES: [(u32, &str); 2] = [(311, "1:0 1:1;1:0 1:1;2:0 2:1"), (315, "0:0 0:1;2:0 2:1;2:0 2:1")];

#[test]
fn every_golden_redistribution_is_flinks_without_second_broadcast_copies() {
    let mut count = 0;
    for (number, case) in cases() {
        for (row, ours) in case.iter().zip(assignments(&case)) {
            match SECOND_COPIES.iter().find(|(case, _)| *case == number) {
                Some((_, without)) => {
                    assert_eq!(ours, *without, "case {number}");
                    assert_eq!(with_second_copies(row, &ours), row.assignment, "case {number}");
                }
                None => assert_eq!(ours, row.assignment, "case {number}, state {}", row.state),
            }
            count += 1;
        }
    }
    assert_eq!(count, 292);
}

/// Adds to what each subtask gets the copy that the rule for a changed parallelism would give it.
fn with_second_copies(row: &Row, ours: &str) -> String {
    let copies: Vec<String> = (0..)
        .zip(&row.old)
        .filter_map(|(subtask, items)| {
            Some((0..(*items)?).map(|item| format!("{subtask}:{item}")).collect::<Vec<_>>().join(" "))
        })
        .collect();
    let both = ours.split(';').enumerate().map(|(subtask, own)| {
        let mut both = [own, &copies[subtask % copies.len()]];
        both.sort_unstable();
        if both[0] == both[1] { own.to_owned() } else { both.join(" ") }
    });
    both.collect::<Vec<_>>().join(";")
}
