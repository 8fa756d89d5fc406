//! A failing run is made small, and stays the same failure.

use keygroups_sim::case::Case;
use keygroups_sim::cluster::{EngineBug, Scenario};
use keygroups_sim::fault::Profile;
use keygroups_sim::input::Table;
use keygroups_sim::shrink::{Size, shrink};
use keygroups_sim::trace::Recording;
use std::sync::Arc;

fn drawn(seed: u64, bug: Option<EngineBug>) -> Case {
    let table = Arc::new(Table::january("tailnum").unwrap());
    let scenario = Scenario::swarm(seed, &table, 200, Profile::Chaos);
    Case::draw(seed, &bug.into_iter().fold(scenario, Scenario::with_engine_bug))
}

// The first seed at which the bug shows.
fn failing(bug: EngineBug) -> Case {
    let cases = (0..100).map(|seed| drawn(seed, Some(bug)));
    cases.into_iter().find(|case| case.run(Recording::default()).outcome.is_err()).expect("the bug shows")
}

#[test]
fn run_that_fails_without_faults_shrinks_to_a_tiny_job_without_faults() {
    let case = failing(EngineBug::CountsTwice);
    let shrunk = shrink(&case, |_| true).unwrap();
    assert!(shrunk.complete);
    let size = Size::of(&shrunk.case);
    assert!(size.faults == 0 && size.surroundings == 0, "{size:?}");
    assert!(size.parallelisms == 1 && size.tasks == 1 && size.key_groups == 1, "{size:?}");
    // The bug strikes every 31st record of a task.
    assert_eq!(size.rows, 31);
    assert!(shrunk.case.is_met_by(&shrunk.case.run(Recording::default())));
}

#[test]
fn run_that_needs_a_restore_keeps_what_causes_one_and_little_else() {
    // A planned rescale, a fault, a wish.
    for seed in [3, 7, 10] {
        let case = drawn(seed, Some(EngineBug::ForgetsOffsets));
        let before = Size::of(&case);
        let shrunk = shrink(&case, |_| true).unwrap();
        let size = Size::of(&shrunk.case);
        let causes = size.faults + size.parallelisms + shrunk.case.scenario.variety().wishes.len();
        assert!(size < before && causes == 2, "seed {seed}: {size:?}");
        // A stage is over when all but a few rows of its share are committed.
        assert!(size.rows <= 50, "seed {seed}: {size:?}");
        assert!(shrunk.case.is_met_by(&shrunk.case.run(Recording::default())));
    }
}

#[test]
fn search_ends_when_it_is_told_to_and_run_that_holds_is_refused() {
    let shrunk = shrink(&failing(EngineBug::CountsTwice), |progress| progress.runs < 5).unwrap();
    assert!(!shrunk.complete && shrunk.runs == 5);
    let error = shrink(&drawn(3, None), |_| true).unwrap_err();
    assert_eq!(error.to_string(), "seed 3 breaks nothing here: there is nothing to shrink");
}
