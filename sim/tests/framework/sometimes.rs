//! What must happen in some runs, for these to have tested what they are meant to.

use crate::jobs::{quiet, words};
use keygroups::backend::{BackendError, StateBackend, StateDescriptor, ValueState};
use keygroups::key_group::JavaHash;
use keygroups_sim::cluster::Variety;
use keygroups_sim::fault::{FailingTasks, Fault, Profile};
use keygroups_sim::job::{Context, Operator, Records, with};
use keygroups_sim::simulation::Simulation;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Marks every second time that it sees a number.
struct Marking {
    seen: ValueState<u64, u64>,
}

impl Marking {
    fn open(backend: &mut StateBackend) -> Result<Self, BackendError> {
        Ok(Self { seen: backend.register(StateDescriptor::value("seen"))? })
    }
}

impl Operator for Marking {
    type Record = u64;
    type Output = ();

    fn key(number: &u64) -> impl JavaHash {
        *number
    }

    fn process(&mut self, number: u64, context: &mut Context<'_, ()>) -> Result<(), BackendError> {
        let times = context.get(&self.seen, &number)?.unwrap_or(0) + 1;
        if times == 2 {
            context.sometimes("seen-twice");
        }
        context.put(&self.seen, &number, &times)
    }
}

#[test]
fn mark_of_an_operator_is_counted_where_the_cluster_runs_it_and_not_where_results_are_compared() {
    let numbers = Records::dealt((0..60).map(|n| n % 30), 2);
    let quiet =
        Simulation::new(with(numbers, Marking::open)).faults(Profile::None).variety(Variety::default());
    let report = quiet.seeds(0..3).sometimes("seen-twice").run();
    report.check();
    // Each of 30 numbers, in each of 3 runs.
    assert_eq!(report.coverage.times("seen-twice"), 90);
}

#[test]
fn what_never_happens_fails_a_check_though_every_run_holds() {
    let simulation = quiet(1).sometimes("scales-out").sometimes("leader-deposed").parallelisms([1, 2]);
    let report = simulation.run();
    assert!(report.failures.is_empty());
    assert_eq!(report.never, ["leader-deposed"]);
    let panic = catch_unwind(AssertUnwindSafe(|| simulation.check())).unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    assert_eq!(message, "`leader-deposed` never happened in 3 runs that hold: run more seeds");
}

/// Until a mark asked for it, no fault let a task fail that runs.
#[test]
fn job_whose_tasks_fail_for_a_while_starts_again_and_holds() {
    let job = Simulation::new(words(1)).faults(Profile::None).coordinators(2).hosts(3).slots(4);
    let simulation = job.parallelisms([2, 3]).seeds(0..5);
    let node = simulation.scenario(0).unwrap().targets().hosts[0];
    let failing = Fault::FailingTasks(FailingTasks { node, for_us: 2_000_000 });
    let report = simulation.fault(3_000_000, failing).sometimes("task-fails").run();
    report.check();
    assert!(report.total(|summary| summary.faults as u64) >= 3, "{report}");
}
