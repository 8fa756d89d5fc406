//! Facts about whole clusters whose processes come, go and move, and about one where nothing happens.

use super::*;
use crate::fault::{ClockDrift, Fault, HalfOpen, Join, Leave, NewAddress, Profile};
use crate::input::Table;
use keygroups::key_group::{MaxParallelism, Parallelism};
use keygroups::protocol::Event;

/// Seven seconds of input and hosts of two slots: room for one unit of parallelism on each.
fn scenario(parallelisms: &[u32], hosts: u16, spares: u16) -> Scenario {
    let table = Table { rows: Table::january("tailnum").unwrap().rows[..600].to_vec() };
    let parallelisms = parallelisms.iter().map(|&p| Parallelism::new(p).unwrap()).collect();
    let max = MaxParallelism::new(37).unwrap();
    let scenario = Scenario::new(Arc::new(table), max, parallelisms, Profile::None).unwrap();
    Scenario { hosts, spares, slots: 2, ..scenario }
}

fn simulated(scenario: &Scenario, timed: Vec<(u64, Fault)>) -> Run<Summary> {
    let plan = FaultPlan { faults_max: timed.len(), timed, horizon_us: 20_000_000, ..FaultPlan::none() };
    plan.check(&scenario.targets()).unwrap();
    simulate_plan(1, scenario, plan, Planted::default(), Recording { keep: true, stream: None })
}

/// The parallelisms that were deployed, one after the other.
fn deployed(run: &Run<Summary>) -> Vec<u16> {
    let events = run.kept.iter().filter(|event| event.kind == "event");
    let events = events.filter_map(|event| serde_json::from_value::<Event>(event.fields.clone()).ok());
    let parallelisms = events.filter_map(|event| match event {
        Event::Deployed { parallelism, .. } => Some(parallelism.get()),
        _ => None,
    });
    parallelisms.collect()
}

#[test]
fn quiet_run_that_gives_a_checkpoint_up_breaks_a_rule() {
    let mut scenario = scenario(&[2], 2, 0);
    assert!(simulated(&scenario, Vec::new()).outcome.is_ok());
    scenario.timings = scenario.timings.with_checkpoint_expiry(Duration::from_millis(1));
    let broken = simulated(&scenario, Vec::new()).outcome.unwrap_err();
    assert_eq!(broken.rule(), "a_quiet_run_has_no_failover", "{broken}");
}

#[test]
fn hosts_that_join_take_the_job_to_the_parallelism_that_is_wanted() {
    let scenario = scenario(&[3], 1, 2);
    let joins = scenario.targets().spares.into_iter().map(|node| Fault::Join(Join { node }));
    let run = simulated(&scenario, (1..).map(|second| 4_000_000 * second).zip(joins).collect());
    assert_eq!(deployed(&run), [1, 2, 3], "{:?}", run.outcome);
    assert!(run.outcome.is_ok(), "{:?}", run.outcome);
}

#[test]
fn job_goes_on_with_the_slots_that_are_left_when_hosts_go_for_good() {
    let scenario = scenario(&[1, 3], 3, 0);
    let leaves = scenario.targets().hosts[1..].to_vec().into_iter().map(|node| Fault::Leave(Leave { node }));
    let run = simulated(&scenario, leaves.map(|leave| (4_000_000, leave)).collect());
    let summary = run.outcome.as_ref().unwrap();
    assert_eq!((summary.faults, deployed(&run).last()), (2, Some(&1)));
}

#[test]
fn job_outlives_that_everybody_moves_to_another_address() {
    let scenario = scenario(&[2, 3], 4, 0);
    let moves = |node| Fault::NewAddress(NewAddress { node, down_us: 300_000, known_after_us: 2_000_000 });
    let Targets { coordinators, hosts, .. } = scenario.targets();
    let processes = coordinators.into_iter().chain(hosts).map(moves);
    let run = simulated(&scenario, (1..).map(|second| 3_000_000 * second).zip(processes).collect());
    assert!(run.outcome.is_ok(), "{:?}", run.outcome);
}

#[test]
fn job_notices_half_open_channels_by_its_checkpoints() {
    let scenario = scenario(&[2], 2, 0);
    let hosts = scenario.targets().hosts;
    let half_open = Fault::HalfOpen(HalfOpen { from: hosts[0], to: hosts[1], data: true });
    let summary = simulated(&scenario, vec![(5_000_000, half_open)]).outcome.unwrap();
    assert_eq!((summary.checkpoints_aborted, summary.attempts), (3, 2), "three expire, then it restarts");
}

#[test]
fn host_whose_clock_is_too_slow_is_given_up_and_nothing_is_lost() {
    let scenario = scenario(&[2], 3, 0);
    // Its heartbeats come every second and a quarter, and are expected within 1.2 s.
    let drift = ClockDrift { node: scenario.targets().hosts[0], rate_per_mille: 200, for_us: 10_000_000 };
    let summary = simulated(&scenario, vec![(5_000_000, Fault::ClockDrift(drift))]).outcome.unwrap();
    assert!(summary.attempts > 1, "{summary:?}");
}
