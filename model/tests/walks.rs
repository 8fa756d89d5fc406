//! Long random walks through a story that is too large to explore.

use keygroups_model::{model::JobModel, search, stories::EVERYTHING, zoo};

const WALKS: u64 = 1_000;
// A catch ends the search, so that only a survivor costs them all.
const WALKS_TO_CATCH: u64 = 20_000;
const STEPS_MAX: usize = 1_500;

#[test]
fn walks_through_everything_break_nothing_and_reach_almost_every_case() {
    let walked = search::walks(&JobModel::new(&EVERYTHING), WALKS, STEPS_MAX);
    if let Some(counterexample) = &walked.counterexample {
        panic!("{counterexample}");
    }
    let missed: Vec<_> = walked.cases.iter().filter(|(_, reached)| !reached).map(|(name, _)| *name).collect();
    println!("{} steps", walked.steps);
    assert_eq!(missed, ["a pruned version is about to be created again"]);
}

/// So that the walks above could have found something. A successor that is deployed before the last
/// checkpoint breaks several invariants at once; which of them first depends on the walk.
#[test]
fn walks_through_everything_catch_every_mutant() {
    for mutant in zoo::ALL {
        let walked =
            search::walks(&JobModel::with_twist(&EVERYTHING, mutant.twist), WALKS_TO_CATCH, STEPS_MAX);
        let Some(found) = walked.counterexample else { panic!("{} survives", mutant.name) };
        if mutant.name != "successor_before_the_last_checkpoint" {
            assert_eq!(found.violation.invariant, mutant.breaks, "{}:\n{found}", mutant.name);
        }
    }
}

#[test]
fn equal_seeds_walk_equally() {
    let model = JobModel::new(&EVERYTHING);
    let (one, path) = search::walk(&model, 7, STEPS_MAX, |_| {});
    let (other, again) = search::walk(&model, 7, STEPS_MAX, |_| {});
    assert!(one == other && path == again && path.len() > 100);
}
