//! From every reachable state every goal stays reachable, and planted bugs that break that are caught.

use std::collections::BTreeSet;

use keygroups_model::{
    interned::{Interned, Quiet},
    liveness,
    model::JobModel,
    search, stories,
    story::Story,
    zoo,
};

// Twice as many states as the slowest mutant needs.
const UNIQUE_MAX: usize = 100_000;

// A story, its reachable states on their own, and what is left of them when everything in flight is lost.
type Asked = (&'static Story, usize, usize);

const ONE_LEADER: &[Asked] = &[
    (&stories::ALIGNMENT, 96_014, 48_260),
    (&stories::CHECKPOINT, 65_876, 13_942),
    (&stories::INCREMENTAL, 6_561, 4_417),
    (&stories::CHAIN_OF_BASES, 1_435, 1_435),
    (&stories::DECLINED, 16_100, 6_984),
    (&stories::HALF_WRITTEN, 51_445, 10_957),
    (&stories::UNREADABLE, 12_442, 3_098),
    (&stories::STRAGGLERS, 8_594, 3_274),
    (&stories::SUSPECTED, 57_340, 25_409),
    (&stories::REBORN, 199_430, 38_276),
];

const TWO_COORDINATORS: &[Asked] = &[
    (&stories::LEADERSHIP, 92_700, 55_080),
    (&stories::ZOMBIES, 106_412, 39_226),
    (&stories::GARBAGE, 113_012, 78_484),
    (&stories::FORGETFUL, 44_952, 12_430),
];

const RESCALES: &[Asked] = &[
    (&stories::LATE_HOST, 2_713, 1_529),
    (&stories::SCALE_OUT, 55_620, 11_634),
    (&stories::SCALE_IN, 39_095, 30_563),
    (&stories::UNION, 79_553, 41_113),
    (&stories::RESCALE, 317_592, 39_757),
];

const EVERYTHING: &[Asked] = &[(&stories::EVERYTHING, 1_083_198, 384_462)];

fn goes_on(stories: &[Asked]) {
    for (story, unique, asked) in stories {
        let report = liveness::check(&JobModel::new(story), usize::MAX, |_| true);
        println!("{report}");
        assert!(report.holds(), "{report}");
        assert_eq!((report.unique, report.effort.asked), (*unique, *asked), "{report}");
    }
}

#[test]
fn one_leader_can_always_go_on() {
    goes_on(ONE_LEADER);
}

#[test]
fn two_coordinators_can_always_go_on() {
    goes_on(TWO_COORDINATORS);
}

#[test]
fn a_rescale_can_always_go_on() {
    goes_on(RESCALES);
}

#[test]
fn everything_can_always_go_on() {
    goes_on(EVERYTHING);
}

#[test]
fn every_story_of_the_bound_quick_is_asked() {
    let asked: BTreeSet<_> = [ONE_LEADER, TWO_COORDINATORS, RESCALES, EVERYTHING]
        .concat()
        .iter()
        .map(|(story, ..)| story.name)
        .collect();
    let quick: BTreeSet<_> = stories::QUICK.iter().map(|story| story.name).collect();
    assert_eq!(asked, quick);
}

#[test]
fn every_stuck_mutant_loses_the_goal_it_is_planted_for() {
    let mut failures = Vec::new();
    for mutant in zoo::STUCK {
        let model = JobModel::with_twist(mutant.story, mutant.twist);
        let report = liveness::check(&model, UNIQUE_MAX, |_| true);
        match &report.counterexample {
            Some(found) => {
                println!(
                    "{}: {} after {} steps, {} states, {:.1} s: {}",
                    mutant.name,
                    found.violation.invariant,
                    found.path.len(),
                    report.unique,
                    report.took.as_secs_f64(),
                    found.violation.detail,
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

#[test]
fn a_check_that_nobody_watches_any_more_ends_at_once_and_claims_nothing() {
    let mut looks = 0;
    let report = liveness::check(&JobModel::new(&stories::GARBAGE), usize::MAX, |progress| {
        looks += 1;
        assert!(progress.effort.asked <= progress.search.unique);
        progress.search.unique < 1_000
    });
    assert_eq!((looks, report.unique), (1_000, 1_000));
    assert!(!report.complete && report.counterexample.is_none() && !report.holds());
}

// What is left of every reachable state when everything in flight is lost.
fn situations(model: JobModel) -> BTreeSet<u64> {
    let interned = Interned::new(model);
    let quiet = Quiet::new(&interned);
    let mut situations = BTreeSet::new();
    let search = search::shortest_to(&interned, usize::MAX, |ids| {
        situations.insert(quiet.situation(&quiet.without_mail(ids)).print());
        None
    });
    assert!(search.complete);
    situations
}

/// A reduction lets messages arrive and tasks work where it makes no difference when. Whoever reaches
/// fewer states can lose less: so recovery is asked of every state on its own. What is asked of the
/// reduced states would be asked anyway, which says that each of them is a state that there is.
#[test]
fn every_state_of_a_reduced_space_is_asked_and_more() {
    for story in [&stories::LATE_HOST, &stories::DECLINED, &stories::STRAGGLERS, &stories::SCALE_IN] {
        let (every, reduced) = (situations(JobModel::new(story)), situations(JobModel::reduced(story)));
        assert!(reduced.is_subset(&every) && reduced.len() < every.len(), "{}", story.name);
        let report = liveness::check(&JobModel::reduced(story), usize::MAX, |_| true);
        assert_eq!(report.effort.asked, every.len(), "{report}");
    }
}
