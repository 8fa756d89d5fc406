//! The bound `quick`: every story explored completely, without a limit of time, depth or states.
//!
//! The counts are pinned: a change of the protocol that changes its state space is seen here.

use keygroups::protocol::invariant;
use keygroups_model::{
    Bound,
    cases::CASES,
    check,
    interned::Interned,
    model::JobModel,
    stories,
    survey::{Survey, survey_interned},
};

struct Expected {
    name: &'static str,
    unique: usize,
    reached: &'static [&'static str],
}

const EXPECTED: &[Expected] = &[
    Expected {
        name: "alignment",
        unique: 16_235,
        reached: &[
            "a checkpoint is committed",
            "a second checkpoint is committed",
            "a checkpoint is committed after one was given up",
            "a checkpoint after one that was given up commits output",
            "some tasks have restored and others have not",
            "a channel waits for the barrier of another",
            "garbage is about to be deleted",
        ],
    },
    Expected {
        name: "checkpoint",
        unique: 13_474,
        reached: &[
            "a checkpoint is committed",
            "a second checkpoint is committed",
            "a checkpoint is committed after one was given up",
            "a checkpoint after one that was given up commits output",
            "a restarted host runs from a checkpoint",
            "some tasks have restored and others have not",
            "a source runs with the offsets of a snapshot",
            "garbage is about to be deleted",
        ],
    },
    Expected {
        name: "incremental",
        unique: 3_059,
        reached: &[
            "a checkpoint is committed",
            "a second checkpoint is committed",
            "a checkpoint is committed after one was given up",
            "a checkpoint after one that was given up commits output",
            "a checkpoint that leans on another is committed",
            "some tasks have restored and others have not",
            "garbage is about to be deleted",
        ],
    },
    Expected {
        name: "chain-of-bases",
        unique: 765,
        reached: &[
            "a checkpoint is committed",
            "a second checkpoint is committed",
            "a checkpoint that leans on another is committed",
            "some tasks have restored and others have not",
            "garbage is about to be deleted",
        ],
    },
    Expected {
        name: "declined",
        unique: 8_992,
        reached: &[
            "a checkpoint is committed",
            "a second checkpoint is committed",
            "a checkpoint is committed after one was given up",
            "a checkpoint after one that was given up commits output",
            "some tasks have restored and others have not",
            "garbage is about to be deleted",
        ],
    },
    Expected {
        name: "half-written",
        unique: 10_284,
        reached: &[
            "a checkpoint is committed",
            "a restarted host runs from a checkpoint",
            "some tasks have restored and others have not",
            "a source runs with the offsets of a snapshot",
            "garbage is about to be deleted",
        ],
    },
    Expected {
        name: "unreadable",
        unique: 3_014,
        reached: &[
            "a checkpoint is committed",
            "state cannot be read for now",
            "a manifest landed and its creator does not know",
            "some tasks have restored and others have not",
            "a source runs with the offsets of a snapshot",
        ],
    },
    Expected {
        name: "stragglers",
        unique: 2_121,
        reached: &[
            "a checkpoint is committed",
            "some tasks have restored and others have not",
            "a source runs with the offsets of a snapshot",
        ],
    },
    Expected {
        name: "suspected",
        unique: 18_452,
        reached: &[
            "a checkpoint is committed",
            "some tasks have restored and others have not",
            "a task runs beside one of a newer attempt",
            "a source runs with the offsets of a snapshot",
        ],
    },
    Expected {
        name: "leadership",
        unique: 50_476,
        reached: &[
            "a checkpoint is committed",
            "state cannot be read for now",
            "a second epoch runs",
            "two coordinators believe to lead",
            "a zombie tries to commit a checkpoint and will lose",
            "a manifest landed and its creator does not know",
            "a delayed create lands after its version was taken",
            "a pruned version is about to be created again",
            "some tasks have restored and others have not",
            "a source runs with the offsets of a snapshot",
        ],
    },
    Expected {
        name: "zombies",
        unique: 81_482,
        reached: &[
            "a checkpoint is committed",
            "state cannot be read for now",
            "a second epoch runs",
            "two coordinators believe to lead",
            "a zombie tries to commit a checkpoint and will lose",
            "a manifest landed and its creator does not know",
            "a delayed create lands after its version was taken",
            "a pruned version is about to be created again",
            "a source runs with the offsets of a snapshot",
        ],
    },
    Expected {
        name: "garbage",
        unique: 60_032,
        reached: &[
            "a checkpoint is committed",
            "a second epoch runs",
            "two coordinators believe to lead",
            "a zombie tries to commit a checkpoint and will lose",
            "a pruned version is about to be created again",
            "some tasks have restored and others have not",
            "a source runs with the offsets of a snapshot",
            "garbage is about to be deleted",
        ],
    },
    Expected {
        name: "reborn",
        unique: 93_632,
        reached: &[
            "a checkpoint is committed",
            "a second epoch runs",
            "a delayed create lands after its version was taken",
            "a pruned version is about to be created again",
            "some tasks have restored and others have not",
            "a source runs with the offsets of a snapshot",
            "garbage is about to be deleted",
        ],
    },
    Expected {
        name: "forgetful",
        unique: 37_168,
        reached: &[
            "a checkpoint is committed",
            "a second epoch runs",
            "two coordinators believe to lead",
            "a zombie tries to commit a checkpoint and will lose",
            "a delayed create lands after its version was taken",
            "a source runs with the offsets of a snapshot",
        ],
    },
    Expected {
        name: "late-host",
        unique: 779,
        reached: &[
            "a checkpoint is committed",
            "some tasks have restored and others have not",
            "a task runs with key groups that another subtask wrote",
            "a source runs with the offsets of a snapshot",
        ],
    },
    Expected {
        name: "scale-out",
        unique: 7_977,
        reached: &[
            "a checkpoint is committed",
            "a second checkpoint is committed",
            "the job finishes",
            "some tasks have restored and others have not",
            "a task runs with key groups that another subtask wrote",
            "a source runs with the offsets of a snapshot",
            "a rescale is wished for while a checkpoint is pending",
            "garbage is about to be deleted",
        ],
    },
    Expected {
        name: "scale-in",
        unique: 13_010,
        reached: &[
            "a checkpoint is committed",
            "a second checkpoint is committed",
            "the job finishes",
            "some tasks have restored and others have not",
            "a task runs with key groups that another subtask wrote",
            "a task runs that has merged two snapshots",
            "a source runs with the offsets of a snapshot",
            "a rescale is wished for while a checkpoint is pending",
            "garbage is about to be deleted",
        ],
    },
    Expected {
        name: "union",
        unique: 11_743,
        reached: &[
            "a checkpoint is committed",
            "a second checkpoint is committed",
            "a source runs that has left what is another's",
            "some tasks have restored and others have not",
            "a task runs with key groups that another subtask wrote",
            "a source runs with the offsets of a snapshot",
            "a channel waits for the barrier of another",
            "a rescale is wished for while a checkpoint is pending",
            "garbage is about to be deleted",
        ],
    },
    Expected {
        name: "rescale",
        unique: 29_388,
        reached: &[
            "a checkpoint is committed",
            "a second checkpoint is committed",
            "some tasks have restored and others have not",
            "a task runs with key groups that another subtask wrote",
            "a task runs that has merged two snapshots",
            "a source runs with the offsets of a snapshot",
            "a rescale is wished for while a checkpoint is pending",
            "garbage is about to be deleted",
        ],
    },
    Expected {
        name: "everything",
        unique: 236_922,
        reached: &[
            "a checkpoint is committed",
            "a second epoch runs",
            "two coordinators believe to lead",
            "a zombie tries to commit a checkpoint and will lose",
            "a pruned version is about to be created again",
            "some tasks have restored and others have not",
            "a task runs with key groups that another subtask wrote",
            "a source runs with the offsets of a snapshot",
        ],
    },
];

#[test]
fn every_story_is_explored_completely_and_holds() {
    assert!(EXPECTED.iter().map(|it| it.name).eq(Bound::Quick.stories().iter().map(|story| story.name)));
    for Expected { name, unique, reached } in EXPECTED {
        let report = check(name, Bound::Quick).expect("the story exists");
        println!("{report}");
        assert!(report.counterexample.is_none() && report.violated.is_empty(), "{report}");
        assert!(report.complete, "{report}");
        assert_eq!(report.reached().collect::<Vec<_>>(), *reached, "{report}");
        assert_eq!(report.unique, *unique, "{report}");
    }
}

#[test]
fn every_case_is_reached_somewhere() {
    for case in CASES {
        let story = EXPECTED.iter().find(|story| story.reached.contains(&case.name));
        assert!(story.is_some(), "nothing reaches `{}`", case.name);
    }
}

#[test]
fn every_invariant_is_put_to_the_test_by_a_case() {
    let names: Vec<_> = invariant::ALL.iter().map(|invariant| invariant.name).collect();
    for name in &names {
        assert!(CASES.iter().any(|case| case.tries.contains(name)), "no case for {name}");
    }
    for case in CASES {
        assert!(
            !case.tries.is_empty() && case.tries.iter().all(|name| names.contains(name)),
            "{}",
            case.name
        );
    }
}

fn complete(model: &Interned) -> Survey {
    let survey = survey_interned(model, 1, usize::MAX, |_| true);
    assert!(survey.complete && survey.violated.is_none());
    survey
}

/// Two states that have the same print by accident count as one. Under another salt they do not; and
/// stateright hashes numbers instead of prints.
#[test]
fn searches_with_other_hashes_count_the_same() {
    for story in [&stories::SCALE_IN, &stories::LEADERSHIP] {
        let model = JobModel::reduced(story);
        let survey = complete(&Interned::new(model));
        let salted = complete(&Interned::salted(model, 0x5eed));
        assert_eq!(survey.progress, salted.progress, "{}", story.name);
        let report = check(story.name, Bound::Quick).expect("the story exists");
        assert_eq!(report.unique, survey.progress.unique, "{}", story.name);
    }
}

#[test]
fn unknown_story_names_those_there_are() {
    let error = check("rescale-everything", Bound::Quick).expect_err("there is no such story");
    assert!(error.to_string().contains("scale-out"), "{error}");
}

#[test]
fn a_larger_bound_has_every_named_model() {
    for bound in [Bound::Ci, Bound::Deep] {
        let names: Vec<_> = bound.stories().iter().map(|story| story.name).collect();
        for name in ["alignment", "checkpoint", "leadership", "rescale", "everything"] {
            assert!(names.contains(&name), "{name} is missing in {}", bound.name());
        }
    }
}
