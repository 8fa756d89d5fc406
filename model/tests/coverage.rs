//! What stories reach, by kind.

use keygroups_model::coverage::{
    COORDINATOR_PHASES, EVENTS, HOST_PHASES, INVISIBLE, Machine, Tally, Transition, actions, story,
};
use keygroups_model::stories::{LATE_HOST, STRAGGLERS};

fn reaches(tally: &Tally, machine: Machine, phase: &'static str, input: &'static str) -> bool {
    tally.transitions.contains_key(&Transition { machine, input, phase })
}

#[test]
fn a_story_reaches_what_it_is_about_and_nothing_beyond_its_budget() {
    let stragglers = story(&STRAGGLERS, || true).expect("nobody stops it");
    assert!(reaches(&stragglers, Machine::Host, "running", "failed"));
    assert!(reaches(&stragglers, Machine::Coordinator, "collecting", "failed"));
    assert!(stragglers.events.contains_key("restarting"));
    // It has one coordinator, no crash, and nobody who rescales.
    assert!(!stragglers.events.contains_key("deposed"));
    assert!(
        stragglers.actions.keys().all(|kind| !kind.action.starts_with("crash") && kind.action != "rescale")
    );
}

#[test]
fn every_kind_that_is_reached_is_in_the_lists() {
    let tally = story(&LATE_HOST, || true).expect("nobody stops it");
    let kinds = actions();
    assert!(tally.actions.keys().all(|kind| kinds.contains(kind)), "{:?}", tally.actions);
    assert!(tally.events.keys().all(|event| EVENTS.contains(event)), "{:?}", tally.events);
    for Transition { machine, phase, .. } in tally.transitions.keys() {
        let phases = match machine {
            Machine::Coordinator => COORDINATOR_PHASES,
            Machine::Host => HOST_PHASES,
        };
        assert!(phases.contains(phase), "{phase}");
    }
    assert!(INVISIBLE.iter().all(|name| kinds.iter().any(|kind| kind.action == *name)));
}

#[test]
fn a_story_that_is_stopped_gives_nothing() {
    let mut states = 0;
    let tally = story(&LATE_HOST, || {
        states += 1;
        states < 10
    });
    assert_eq!((tally, states), (None, 10));
}
