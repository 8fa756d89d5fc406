//! What makes a job unlike the next one: each does what it says.

use crate::jobs::{ReplaySeed, quiet};
use keygroups::key_group::Parallelism;
use keygroups::protocol::Event;
use keygroups_sim::cluster::{JobRestart, Silence, Slow, Summary, Variety, Wish};
use keygroups_sim::run::Run;

/// The parallelisms of all attempts, in order.
fn deployed(run: &Run<Summary>) -> Vec<u16> {
    let events = run.kept.iter().filter(|event| event.kind == "event");
    let events = events.filter_map(|event| serde_json::from_value(event.fields.clone()).ok());
    events
        .filter_map(|event| match event {
            Event::Deployed { parallelism, .. } => Some(parallelism.get()),
            _ => None,
        })
        .collect()
}

/// The options of coordinators name a parallelism for a job that begins; the chain of manifests holds the
/// one that was wanted last. So a job that is cancelled and started with another parallelism in its options
/// goes on at the old one, and is rescaled by asking.
#[test]
fn job_that_is_cancelled_and_started_again_keeps_its_parallelism_until_it_is_asked() {
    let parallelism = Parallelism::new(4).unwrap();
    let restart =
        JobRestart { at_us: 3_000_000, down_us: 700_000, parallelism, slots: 4, checkpoints_retained: 2 };
    let restarted = Variety { restarts: vec![restart], ..Variety::default() };
    let run = |variety: Variety| {
        let run = quiet(1).parallelisms([2]).hosts(2).slots(4).variety(variety).replay_seed(0);
        assert!(run.outcome.is_ok(), "{:?}", run.outcome);
        deployed(&run)
    };
    assert_eq!(run(restarted.clone()), [2, 2]);
    let wish = Wish { at_us: 3_700_000, for_us: 2_500_000, parallelism };
    let asked = Variety { wishes: vec![wish], ..restarted };
    // The last one is the scenario's own, when the wish is over.
    let deployed = run(asked);
    assert!(deployed.contains(&4) && deployed.last() == Some(&2), "{deployed:?}");
}

#[test]
fn burst_of_wishes_is_carried_out_and_the_scenario_has_the_last_word() {
    let wishes = [5, 1, 6, 3, 4].iter().zip(0..).map(|(&parallelism, at)| Wish {
        at_us: 2_000_000 + at * 40_000,
        for_us: 500_000,
        parallelism: Parallelism::new(parallelism).unwrap(),
    });
    let variety = Variety { wishes: wishes.collect(), ..Variety::default() };
    let run = quiet(1).parallelisms([2]).hosts(6).slots(2).variety(variety).replay_seed(2);
    let asked = run.kept.iter().filter(|event| event.kind == "asks").count();
    assert!(run.outcome.is_ok(), "{:?}", run.outcome);
    assert_eq!((asked, deployed(&run)), (6, vec![2, 4, 2]));
}

#[test]
fn silent_partitions_and_slow_tasks_make_a_job_wait_and_nothing_else() {
    let time = |variety| {
        let run = quiet(1).parallelisms([2]).variety(variety).replay_seed(2);
        assert!(run.outcome.is_ok(), "{:?}", run.outcome);
        run.virtual_us
    };
    let calm = time(Variety::default());
    let silence = Silence { partition: 0, at_us: 1_000_000, for_us: 20_000_000 };
    assert!(time(Variety { silences: vec![silence], ..Variety::default() }) > calm + 8_000_000);
    let slow = Slow { at_us: 1_000_000, for_us: 20_000_000, records: 1 };
    assert!(time(Variety { slow: vec![slow], ..Variety::default() }) > calm + 1_000_000);
}

/// A batch of a source is a message for each reader, and a barrier is one more.
#[test]
fn small_channels_let_sources_wait_and_everything_holds() {
    let slow = Slow { at_us: 1_000_000, for_us: 20_000_000, records: 1 };
    let full = |window_messages| {
        let variety = Variety { window_messages, slow: vec![slow], ..Variety::default() };
        let run = quiet(1).parallelisms([2, 3]).variety(variety).replay_seed(2);
        assert!(run.outcome.is_ok(), "{:?}", run.outcome);
        run.network.full
    };
    let (small, usual) = (full(Some(1)), full(None));
    assert!(small > 10 && small > 2 * usual, "{small} refusals with a window of 1, {usual} as usual");
}
