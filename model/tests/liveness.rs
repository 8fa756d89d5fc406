//! From every reachable state every goal stays reachable, and planted bugs that break that are caught.

use keygroups_model::{liveness, model::JobModel, stories, story::Story, zoo};

// Twice as many states as the slowest mutant needs.
const UNIQUE_MAX: usize = 100_000;

// The counts are those of quick.rs: this search hashes states with another function than stateright,
// and had two states the same hash in one of them, the counts would differ.
fn goes_on(stories: &[(&'static Story, usize)]) {
    for (story, unique) in stories {
        let report = liveness::check(&JobModel::new(story), usize::MAX, |_| true);
        println!("{report}");
        assert!(report.complete && report.counterexample.is_none(), "{report}");
        assert_eq!(report.unique, *unique, "{report}");
    }
}

#[test]
fn one_leader_can_always_go_on() {
    goes_on(&[
        (&stories::ALIGNMENT, 96_014),
        (&stories::CHECKPOINT, 65_876),
        (&stories::DECLINED, 8_442),
        (&stories::STRAGGLERS, 8_594),
    ]);
}

#[test]
fn two_coordinators_can_always_go_on() {
    goes_on(&[(&stories::LEADERSHIP, 84_060), (&stories::ZOMBIES, 97_430), (&stories::GARBAGE, 113_012)]);
}

#[test]
fn a_rescale_can_always_go_on() {
    goes_on(&[(&stories::LATE_HOST, 2_713), (&stories::SCALE_OUT, 55_620), (&stories::SCALE_IN, 39_095)]);
}

#[test]
fn every_stuck_mutant_loses_the_goal_it_is_planted_for() {
    let mut failures = Vec::new();
    for mutant in zoo::STUCK {
        let report = liveness::check(&JobModel::with_twist(mutant.story, mutant.twist), UNIQUE_MAX, |_| true);
        match &report.counterexample {
            Some(found) => {
                println!(
                    "{}: {} after {} steps, {} states, {:.1} s",
                    mutant.name,
                    found.violation.invariant,
                    found.path.len(),
                    report.unique,
                    report.took.as_secs_f64()
                );
                if found.violation.invariant != mutant.breaks {
                    failures.push(format!("{} was to break {}:\n{found}", mutant.name, mutant.breaks));
                }
            }
            None => failures.push(format!("{} survives {} states", mutant.name, report.unique)),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn every_goal_has_a_mutant() {
    for goal in liveness::ALL {
        assert!(zoo::STUCK.iter().any(|mutant| mutant.breaks == goal.name), "{}", goal.name);
    }
}
