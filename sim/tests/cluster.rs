//! Whole clusters: a job on the production machines, seed by seed.
#![cfg(madsim)]

use keygroups::key_group::{MaxParallelism, Parallelism};
use keygroups_sim::batch::run_seeds;
use keygroups_sim::cluster::{EngineBug, Scenario, Summary, simulate};
use keygroups_sim::fault::Profile;
use keygroups_sim::input::{DEFAULT_KEY, Table};
use keygroups_sim::run::{Run, Violation};
use keygroups_sim::trace::Recording;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

fn january(rows: usize) -> Arc<Table> {
    let mut table = Table::january(DEFAULT_KEY).unwrap();
    table.rows.truncate(rows);
    Arc::new(table)
}

fn scenario(rows: usize, parallelisms: &[u32], faults: Profile) -> Scenario {
    let parallelisms = parallelisms.iter().map(|&p| Parallelism::new(p).unwrap()).collect();
    Scenario::new(january(rows), MaxParallelism::new(128).unwrap(), parallelisms, faults).unwrap()
}

fn swarm(seeds: std::ops::Range<u64>, faults: Profile, bug: Option<EngineBug>) -> Vec<Run<Summary>> {
    let table = january(300);
    let one = |seed| {
        let scenario = Scenario::swarm(seed, &table, 300, faults);
        let scenario = match bug {
            Some(bug) => scenario.with_engine_bug(bug),
            None => scenario,
        };
        simulate(seed, &scenario, Recording::default())
    };
    run_seeds(seeds, None, one, |_| ControlFlow::Continue(())).runs
}

#[test]
fn quiet_job_rescales_without_failover_and_equals_the_sequential_run() {
    let run = simulate(1, &scenario(2_000, &[2, 4, 3], Profile::None), Recording::default());
    let summary = run.outcome.unwrap();
    assert_eq!((summary.attempts, summary.rescales, summary.elections), (3, 2, 1), "{summary:?}");
    assert_eq!(summary.checkpoints_aborted, 0);
}

/// The store held the watch that observes it, the watch the injector and the injector the store: every run
/// leaked its history, 110 kB and more, and 10 million seeds would have needed a terabyte.
#[test]
fn nothing_of_a_cluster_outlives_its_run() {
    let table = january(100);
    let parallelisms = [2, 3].map(|p| Parallelism::new(p).unwrap()).to_vec();
    for faults in [Profile::None, Profile::Chaos] {
        let max_parallelism = MaxParallelism::new(128).unwrap();
        let scenario = Scenario::new(table.clone(), max_parallelism, parallelisms.clone(), faults).unwrap();
        let run = simulate(1, &scenario, Recording::default());
        drop((scenario, run.outcome.unwrap()));
        assert_eq!(Arc::strong_count(&table), 1, "faults: {faults}");
    }
}

#[test]
fn every_rescale_that_is_asked_for_happens_even_on_a_tiny_input() {
    let run = simulate(1, &scenario(100, &[2, 4, 3], Profile::None), Recording::default());
    assert_eq!(run.outcome.unwrap().rescales, 2);
}

#[test]
fn chaos_breaks_nothing() {
    let runs = swarm(1_000..1_040, Profile::Chaos, None);
    let failures: Vec<_> =
        runs.iter().filter(|run| run.outcome.is_err()).map(|run| (run.seed, &run.outcome)).collect();
    assert!(failures.is_empty(), "{failures:?}");
    let total = |of: fn(&Summary) -> u64| {
        runs.iter().filter_map(|run| run.outcome.as_ref().ok()).map(of).sum::<u64>()
    };
    // So that what holds is not a quiet day: takeovers, restarts, aborted checkpoints, rescales.
    assert!(
        total(|s| s.elections) > 45 && total(|s| s.attempts) > 120,
        "{} elections",
        total(|s| s.elections)
    );
    assert!(total(|s| s.checkpoints_aborted) > 10 && total(|s| s.rescales) > 40);
}

#[test]
fn same_seed_gives_the_same_hash_and_another_seed_another() {
    let hashes = |seeds| swarm(seeds, Profile::Chaos, None).iter().map(|run| run.hash).collect::<Vec<_>>();
    let (once, again) = (hashes(0..6), hashes(0..6));
    assert_eq!(once, again);
    assert_eq!(once.iter().collect::<BTreeSet<_>>().len(), 6);
}

fn rules_broken_by(bug: EngineBug) -> BTreeSet<String> {
    let rule = |run: &Run<Summary>| match run.outcome.as_ref().err()? {
        Violation::Broken { rule, .. } => Some(rule.clone()),
        Violation::Panicked { location, message } => panic!("{location}: {message}"),
    };
    swarm(0..20, Profile::Chaos, Some(bug)).iter().filter_map(rule).collect()
}

#[test]
fn record_that_is_counted_twice_is_found() {
    let rules = rules_broken_by(EngineBug::CountsTwice);
    assert!(rules.contains("state_is_the_fold_of_the_records_before_the_barrier"), "{rules:?}");
}

#[test]
fn source_that_begins_anew_is_found() {
    let rules = rules_broken_by(EngineBug::ForgetsOffsets);
    assert!(!rules.is_empty());
}
