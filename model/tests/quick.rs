//! The bound `quick`: every story explored completely, without a limit of time, depth or states.
//!
//! The counts are pinned: a change of the protocol that changes its state space is seen here.

use keygroups_model::{Bound, check, model::JobModel, search, stories};

fn explore(name: &str, unique: usize, reached: &[&str]) {
    let report = check(name, Bound::Quick).expect("the story exists");
    println!("{report}");
    assert!(report.counterexample.is_none() && report.violated.is_empty(), "{report}");
    assert!(report.complete, "{report}");
    assert_eq!(report.reached().collect::<Vec<_>>(), reached, "{report}");
    assert_eq!(report.unique, unique, "{report}");
}

#[test]
fn alignment_is_explored_completely() {
    explore(
        "alignment",
        96_014,
        &[
            "a checkpoint is committed",
            "a second checkpoint is committed",
            "a checkpoint is committed after one was given up",
            "garbage is about to be deleted",
        ],
    );
}

#[test]
fn checkpoint_is_explored_completely() {
    explore(
        "checkpoint",
        65_876,
        &[
            "a checkpoint is committed",
            "a second checkpoint is committed",
            "a checkpoint is committed after one was given up",
            "a restarted host runs from a checkpoint",
            "garbage is about to be deleted",
        ],
    );
}

#[test]
fn declined_is_explored_completely() {
    explore(
        "declined",
        8_442,
        &[
            "a checkpoint is committed",
            "a second checkpoint is committed",
            "a checkpoint is committed after one was given up",
            "garbage is about to be deleted",
        ],
    );
}

#[test]
fn stragglers_are_explored_completely() {
    explore("stragglers", 8_594, &["a checkpoint is committed"]);
}

#[test]
fn leadership_is_explored_completely() {
    explore(
        "leadership",
        84_060,
        &[
            "a checkpoint is committed",
            "a second epoch runs",
            "two coordinators believe to lead",
            "a zombie tries to commit a checkpoint and will lose",
            "a manifest landed and its creator does not know",
            "a delayed create lands after its version was taken",
            "a pruned version is about to be created again",
        ],
    );
}

#[test]
fn zombies_are_explored_completely() {
    explore(
        "zombies",
        97_430,
        &[
            "a checkpoint is committed",
            "a second epoch runs",
            "two coordinators believe to lead",
            "a zombie tries to commit a checkpoint and will lose",
            "a manifest landed and its creator does not know",
            "a delayed create lands after its version was taken",
            "a pruned version is about to be created again",
        ],
    );
}

#[test]
fn garbage_is_explored_completely() {
    explore(
        "garbage",
        113_012,
        &[
            "a checkpoint is committed",
            "a second epoch runs",
            "two coordinators believe to lead",
            "a zombie tries to commit a checkpoint and will lose",
            "a pruned version is about to be created again",
            "garbage is about to be deleted",
        ],
    );
}

#[test]
fn late_host_is_explored_completely() {
    explore(
        "late-host",
        2_713,
        &["a checkpoint is committed", "a task runs with key groups that another subtask wrote"],
    );
}

#[test]
fn scale_out_is_explored_completely() {
    explore(
        "scale-out",
        55_620,
        &[
            "a checkpoint is committed",
            "a second checkpoint is committed",
            "the job finishes",
            "a task runs with key groups that another subtask wrote",
            "garbage is about to be deleted",
        ],
    );
}

#[test]
fn scale_in_is_explored_completely() {
    explore(
        "scale-in",
        39_095,
        &[
            "a checkpoint is committed",
            "a second checkpoint is committed",
            "the job finishes",
            "a task runs with key groups that another subtask wrote",
            "a task runs that has merged two snapshots",
            "garbage is about to be deleted",
        ],
    );
}

/// stateright and our own search hash states with different functions: had two states the same
/// hash in one of them, the counts would differ.
#[test]
fn a_second_search_with_another_hash_counts_the_same() {
    for (story, unique) in [(&stories::SCALE_IN, 39_095), (&stories::LEADERSHIP, 84_060)] {
        let search = search::shortest(&JobModel::new(story), usize::MAX);
        assert!(search.complete && search.counterexample.is_none());
        assert_eq!(search.unique, unique, "{}", story.name);
    }
}

#[test]
fn unknown_story_names_those_there_are() {
    let error = check("rescale-everything", Bound::Quick).expect_err("there is no such story");
    assert!(error.to_string().contains("scale-out"), "{error}");
}
