//! What is found in jobs of one's own, and how it is told.

use crate::jobs::{Count, ReplaySeed, Words, quiet, words};
use crate::{own_operator, own_store};
use keygroups::backend::{StateBackend, StateDescriptor};
use keygroups::protocol::invariant::JobView;
use keygroups_sim::case::Case;
use keygroups_sim::cluster::Variety;
use keygroups_sim::fault::{Crash, Fault, Profile};
use keygroups_sim::job::{Invariant, Judgement, Records, with};
use keygroups_sim::simulation::Simulation;
use object_store::memory::InMemory;
use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

#[test]
fn bug_that_a_restore_brings_to_light_is_found_and_its_correction_holds() {
    let found = own_operator::careless();
    let rules: BTreeSet<_> = found.failures.iter().map(|failure| failure.violation.rule()).collect();
    assert_eq!(rules, BTreeSet::from(["output_is_exactly_once"]));
    let first = found.first_failure().unwrap();
    assert!(first.violation.to_string().contains("1 too many of Alert"), "{}", first.violation);
    let holds = own_operator::careful();
    holds.check();
    assert!(holds.total(|summary| summary.rescales) > 20, "{holds}");
}

#[test]
fn store_that_looks_before_it_creates_is_found_and_its_correction_holds() {
    let found = own_store::find(own_store::Creates::LooksFirst);
    assert!(!found.failures.is_empty(), "{found}");
    own_store::find(own_store::Creates::Atomically).check();
}

#[test]
fn store_in_the_place_of_the_simulated_one_is_judged_as_that_is() {
    let in_memory = || quiet(1).parallelisms([2, 3]).own_store(|| Arc::new(InMemory::new()));
    let report = in_memory().faults(Profile::Chaos).seeds(0..10).run();
    report.check();
    assert!(report.total(|summary| summary.attempts) > 25, "{report}");
    let variety = Variety { part_bytes: NonZeroU32::new(100), ..Variety::default() };
    let report = in_memory().variety(variety).faults(Profile::Chaos).seeds(0..10).run();
    report.check();
    assert!(report.total(|summary| summary.uploads_in_parts) > 100, "{report}");
    // It overwrites what is to be created.
    let careless = in_memory().store(|_, store| Arc::new(own_store::Adapter::overwriting(store)));
    let report = careless.faults(Profile::Chaos).seeds(0..200).run();
    assert!(!report.failures.is_empty(), "{report}");
}

#[test]
fn job_with_its_own_source_and_oracle_holds_under_chaos() {
    let simulation = Simulation::new(words(1)).faults(Profile::Chaos).seeds(0..20);
    simulation.check();
}

#[test]
fn operator_that_is_always_wrong_is_found_by_an_oracle_in_other_words() {
    let report = quiet(2).run();
    let violation = &report.first_failure().unwrap().violation;
    assert_eq!(violation.rule(), "state_is_the_fold_of_the_records_before_the_barrier");
    assert!(violation.to_string().contains("\"word-"), "{violation}");
    assert_eq!(report.failures.len(), 3);
}

#[test]
fn failed_check_prints_a_command_and_a_case_that_show_it_again() {
    let simulation = quiet(2);
    let panic = catch_unwind(AssertUnwindSafe(|| simulation.check())).unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(message.starts_with("seed 0 breaks state_is_the_fold_of_the_records_before_the_barrier"));
    let test = "found::failed_check_prints_a_command_and_a_case_that_show_it_again";
    let command = format!("KEYGROUPS_SEED=0 cargo test -p keygroups-sim {test} -- --exact");
    assert!(message.contains(&command), "{message}");
    let written = message.split("KEYGROUPS_CASE=").nth(1).unwrap().split_whitespace().next().unwrap();
    let again = simulation.replay_file(written.as_ref()).unwrap();
    assert_eq!(again.hash, simulation.replay_seed(0).hash);
    assert_eq!(again.outcome.unwrap_err().rule(), "state_is_the_fold_of_the_records_before_the_barrier");
    // The cluster's own job has nothing to read there.
    assert!(Case::read(written.as_ref()).unwrap_err().to_string().contains("no row"));
}

#[test]
fn invariants_of_a_user_judge_commits_the_end_and_every_step() {
    let rule = |simulation: Simulation<Words>| {
        simulation.run().first_failure().map(|failure| failure.violation.to_string())
    };
    let holds = quiet(1)
        .on_commit("counts_are_counts", |committed| {
            let counts: u64 = committed.values::<String, u64>("counts")?.iter().map(|(_, count)| count).sum();
            let records: u64 = committed.offsets.iter().sum();
            if counts == records { Ok(()) } else { Err(format!("{counts} of {records}")) }
        })
        .at_end("all_tens_are_put_out", |committed| {
            let tens: u64 =
                committed.values::<String, u64>("counts")?.iter().map(|(_, count)| count / 10).sum();
            let put_out = committed.outputs.len() as u64;
            if put_out == tens { Ok(()) } else { Err(format!("{put_out} of {tens}")) }
        });
    assert_eq!(rule(holds), None);
    let commit = quiet(1).on_commit("nothing_is_kept", |committed| match committed.entries().next() {
        Some((key_group, _)) => Err(format!("key group {key_group} has an entry")),
        None => Ok(()),
    });
    assert!(rule(commit).unwrap().starts_with("nothing_is_kept: key group"));
    let end = quiet(1).at_end("never_ends", |committed| Err(format!("{:?}", committed.offsets)));
    assert_eq!(rule(end).unwrap(), "never_ends: [200, 0, 40]");

    struct NobodyRuns;
    impl<O> Invariant<O> for NobodyRuns {
        fn name(&self) -> &str {
            "nobody_runs"
        }
        fn step(&mut self, view: &JobView<'_>) -> Judgement {
            match view.coordinators.iter().find_map(|coordinator| coordinator.running()) {
                Some(attempt) => Err(attempt.to_string()),
                None => Ok(()),
            }
        }
    }
    assert_eq!(rule(quiet(1).invariant(|| NobodyRuns)).unwrap(), "nobody_runs: 1.1");
}

#[test]
fn single_faults_strike_where_they_were_put() {
    let crash = |simulation: &Simulation<Words>| simulation.scenario(0).unwrap().targets().hosts[0];
    let simulation = quiet(1).parallelisms([2]).hosts(4).slots(1);
    let crash = Fault::Crash(Crash { node: crash(&simulation), down_us: 3_000_000 });
    let run = simulation.fault(2_500_000, crash).replay_seed(0);
    let crashed: Vec<_> = run.kept.iter().filter(|event| event.kind == "crashed").collect();
    assert_eq!(crashed.len(), 1);
    assert_eq!((crashed[0].at_us, &*crashed[0].node), (2_500_000, "host 0"));
    assert_eq!(run.outcome.unwrap().faults, 1);
}

#[test]
fn setting_that_cannot_be_is_refused_with_its_reason() {
    let says = |simulation: Simulation<Words>| simulation.scenario(0).unwrap_err().to_string();
    assert!(says(quiet(1).parallelisms([])).contains("no parallelism"));
    assert!(says(quiet(1).max_parallelism(4).parallelisms([5])).contains("parallelism 5"));
    assert!(says(quiet(1).hosts(0)).contains("hosts"));
    assert!(says(quiet(1).batches(0, 1)).contains("batch_rows"));
}

/// The operator is wrong in the same way when it runs alone: nothing is found.
#[test]
fn job_of_parts_is_its_own_oracle() {
    let open = |backend: &mut StateBackend| {
        Ok(Count { counts: backend.register(StateDescriptor::value("counts"))?, step: 3 })
    };
    let words = (0..100).map(|n| format!("word-{}", n % 9));
    Simulation::new(with(Records::dealt(words, 2), open)).seeds(0..5).check();
}
