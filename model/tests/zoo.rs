//! Every planted bug is caught, by the invariant it must break and by no other before it.

use keygroups::protocol::invariant;
use keygroups_model::{model::JobModel, search, stories, zoo};

// Five times as many states as the slowest mutant needs.
const UNIQUE_MAX: usize = 200_000;

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
