//! Jobs of one's own: what the simulation finds in them, and how it tells.
#![cfg(madsim)]

#[path = "../examples/own_operator.rs"]
#[allow(dead_code, reason = "its main function is the example's")]
mod own_operator;
#[path = "../examples/own_store.rs"]
#[allow(dead_code, reason = "its main function is the example's")]
mod own_store;

use keygroups::backend::{BackendError, StateBackend, StateDescriptor, ValueState};
use keygroups::key_group::{JavaHash, MaxParallelism, Parallelism};
use keygroups::protocol::Event;
use keygroups::protocol::invariant::JobView;
use keygroups_sim::case::Case;
use keygroups_sim::cluster::{JobRestart, Silence, Slow, Summary, Variety, Wish};
use keygroups_sim::fault::{Crash, Fault, Profile};
use keygroups_sim::job::{
    Context, Fold, Invariant, Job, Judgement, Operator, OracleOf, Records, Source, with,
};
use keygroups_sim::run::Run;
use keygroups_sim::simulation::Simulation;
use object_store::memory::InMemory;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Counts words, and puts each out with its number if it is the first or a tenth.
struct Count {
    counts: ValueState<String, u64>,
    step: u64,
}

impl Operator for Count {
    type Record = String;
    type Output = (String, u64);

    fn key(word: &String) -> impl JavaHash {
        word.as_str()
    }

    fn process(
        &mut self,
        word: String,
        context: &mut Context<'_, (String, u64)>,
    ) -> Result<(), BackendError> {
        let mut count = 0;
        context.update(&self.counts, &word, |before| {
            count = before.unwrap_or(0) + self.step;
            Some(count)
        })?;
        if count.is_multiple_of(10) {
            context.put_out((word, count));
        }
        Ok(())
    }
}

/// The words of a log that grows: of its second half nothing is there for four seconds.
struct Log(Records<String>);

impl Source for Log {
    type Record = String;

    fn partitions(&self) -> u16 {
        self.0.partitions()
    }

    fn records(&self, partition: u16) -> u64 {
        self.0.records(partition)
    }

    fn record(&self, partition: u16, offset: u64) -> String {
        self.0.record(partition, offset)
    }

    fn available(&self, partition: u16, now_us: u64) -> u64 {
        let records = self.records(partition);
        if now_us < 4_000_000 { records / 2 } else { records }
    }
}

/// A job with an oracle in other words than the operator's; `step` 1 makes it right.
struct Words {
    log: Log,
    step: u64,
}

impl Job for Words {
    type Source = Log;
    type Operator = Count;

    fn source(&self) -> &Log {
        &self.log
    }

    fn operator(&self, backend: &mut StateBackend) -> Result<Count, BackendError> {
        Ok(Count { counts: backend.register(StateDescriptor::value("counts"))?, step: self.step })
    }

    fn oracle(&self, _: MaxParallelism) -> OracleOf<Self> {
        Box::new(Fold::new("counts", |counts: &mut BTreeMap<String, u64>, word: String, out| {
            let count = counts.entry(word.clone()).or_default();
            *count += 1;
            if count.is_multiple_of(10) {
                out.push((word, *count));
            }
        }))
    }
}

fn words(step: u64) -> Words {
    let partitions = vec![
        (0..200).map(|n| format!("word-{}", n % 23)).collect(),
        Vec::new(),
        (0..40).map(|n| format!("word-{}", n % 7)).collect(),
    ];
    Words { log: Log(Records::new(partitions)), step }
}

fn quiet(step: u64) -> Simulation<Words> {
    Simulation::new(words(step)).faults(Profile::None).variety(Variety::default()).seeds(0..3)
}

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
    // It overwrites what is to be created.
    let careless = in_memory().store(|_, store| Arc::new(own_store::Adapter::overwriting(store)));
    let report = careless.faults(Profile::Chaos).seeds(0..40).run();
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
    let test = "failed_check_prints_a_command_and_a_case_that_show_it_again";
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

trait ReplaySeed {
    fn replay_seed(&self, seed: u64) -> Run<Summary>;
}

impl<J: Job> ReplaySeed for Simulation<J> {
    fn replay_seed(&self, seed: u64) -> Run<Summary> {
        self.replay(&self.case(seed))
    }
}

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
    let run = quiet(1).parallelisms([2]).hosts(6).slots(2).variety(variety).replay_seed(1);
    let asked = run.kept.iter().filter(|event| event.kind == "asks").count();
    assert!(run.outcome.is_ok(), "{:?}", run.outcome);
    assert_eq!((asked, *deployed(&run).last().unwrap()), (6, 2));
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

#[test]
fn setting_that_cannot_be_is_refused_with_its_reason() {
    let says = |simulation: Simulation<Words>| simulation.scenario(0).unwrap_err().to_string();
    assert!(says(quiet(1).parallelisms([])).contains("no parallelism"));
    assert!(says(quiet(1).max_parallelism(4).parallelisms([5])).contains("parallelism 5"));
    assert!(says(quiet(1).hosts(0)).contains("hosts"));
    assert!(says(quiet(1).batches(0, 1)).contains("batch_rows"));
}

/// Two jobs of the same types are different jobs: what one keeps is not what the other must keep.
#[test]
fn job_of_parts_is_its_own_oracle() {
    let open = |backend: &mut StateBackend| {
        Ok(Count { counts: backend.register(StateDescriptor::value("counts"))?, step: 3 })
    };
    let words = (0..100).map(|n| format!("word-{}", n % 9));
    Simulation::new(with(Records::dealt(words, 2), open)).seeds(0..5).check();
}
