//! Every planted bug is caught, by the invariant it must break and by no other before it.

use std::{collections::BTreeSet, fs, path::Path};

use keygroups::protocol::{Host, HostInput, HostOutput, invariant};
use keygroups_model::{
    check_model,
    model::JobModel,
    search, stories,
    zoo::{self, Twist},
};

// Five times as many states as the slowest mutant needs.
const UNIQUE_MAX: usize = 400_000;

#[test]
fn every_mutant_breaks_the_invariant_it_is_planted_for() {
    let mut failures = Vec::new();
    for mutant in zoo::ALL {
        let model = JobModel::with_twist(mutant.story, mutant.twist);
        let search = search::shortest(&model, UNIQUE_MAX);
        match &search.counterexample {
            Some(found) => {
                println!(
                    "{}: {} in {} steps, {} states",
                    mutant.name,
                    found.violation.invariant,
                    found.path.len(),
                    search.unique
                );
                if found.violation.invariant != mutant.breaks {
                    failures.push(format!("{} was to break {}:\n{found}", mutant.name, mutant.breaks));
                }
            }
            None => failures.push(format!("{} survives {} states", mutant.name, search.unique)),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn every_invariant_has_a_mutant() {
    for invariant in invariant::ALL {
        assert!(zoo::ALL.iter().any(|mutant| mutant.breaks == invariant.name), "{}", invariant.name);
    }
}

/// The tests in quick.rs explore these stories completely and find nothing, so it is the mutants
/// that are caught and not the protocol.
#[test]
fn every_mutant_lives_in_a_story_that_is_explored_completely() {
    for mutant in zoo::ALL {
        assert!(stories::QUICK.iter().any(|story| story.name == mutant.story.name), "{}", mutant.name);
    }
}

/// A process that does not hear that it was fenced, or hears it in one of two places.
#[derive(Debug)]
struct TasksAreNotDropped;

impl Twist for TasksAreNotDropped {
    fn host_wants(&self, _: &Host, _: &HostInput, mut out: Vec<HostOutput>) -> Vec<HostOutput> {
        out.retain(|output| !matches!(output, HostOutput::Drop { .. }));
        out
    }
}

/// KAFKA-8972 as a mutant would survive, and should: a fenced zombie was removed from one map only, and its
/// restorer went on writing into what belonged to others. What a zombie writes here lies under its attempt's
/// name, and what it says is for an attempt that is over.
#[test]
fn a_task_that_goes_on_after_it_was_fenced_does_no_harm() {
    let report = check_model(JobModel::with_twist(&stories::STRAGGLERS, &TasksAreNotDropped));
    assert!(report.complete && report.violated.is_empty(), "{report}");
    // The zombies are there.
    assert!(report.unique > check_model(JobModel::new(&stories::STRAGGLERS)).unique, "{report}");
}

#[test]
fn mutants_are_told_apart_by_name_and_have_a_source() {
    let all = || zoo::ALL.iter().chain(zoo::STUCK);
    let names: BTreeSet<_> = all().map(|mutant| mutant.name).collect();
    assert_eq!(names.len(), all().count());
    assert!(all().all(|mutant| !mutant.source.is_empty()));
}

/// The tests of the library that catch what a model cannot see.
#[test]
fn every_bug_outside_the_model_has_its_test() {
    for outside in zoo::OUTSIDE {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(outside.file);
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(&format!("#[test]\nfn {}(", outside.test)), "{}", outside.source);
    }
}
