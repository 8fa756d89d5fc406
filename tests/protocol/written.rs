//! What is written into traces and read back: options, facts, and where a coordinator stands.

use std::collections::BTreeMap;

use keygroups::{
    checkpoint::{
        Attempt, Certificate, CheckpointId, LeaderEpoch, ManifestVersion, ObjectName, TaskId, VertexId,
    },
    key_group::{KeyGroup, Subtask},
    protocol::{CoordinatorPhase, CoordinatorTimer, Options, invariant::Fact},
};

use crate::desk::{Desk, job, parallelism};

fn options() -> Options {
    let options = Options::new(job(), parallelism(2)).expect("the job can run at 2");
    options.with_checkpoints_retained(3).expect("3 is above 0").with_sweeps_per_full_sweep(7)
}

#[test]
fn options_are_read_as_they_were_written() {
    let json = serde_json::to_string(&options()).unwrap();
    assert_eq!(serde_json::from_str::<Options>(&json).unwrap(), options());
}

#[test]
fn options_that_cannot_work_are_not_read() {
    let json = serde_json::to_string(&options()).unwrap();
    for (good, bad, why) in [
        ("\"checkpoints_retained\":3", "\"checkpoints_retained\":0", "checkpoints_retained is 0"),
        ("\"manifests_retained\":16", "\"manifests_retained\":0", "manifests_retained is 0"),
        ("\"parallelism\":2", "\"parallelism\":9999", "above max parallelism"),
        ("\"parallelism\":2", "\"unknown\":2", "unknown field"),
    ] {
        assert!(json.contains(good), "{json}");
        let error = serde_json::from_str::<Options>(&json.replacen(good, bad, 1)).unwrap_err().to_string();
        assert!(error.contains(why), "{bad}: {error}");
    }
}

#[test]
fn facts_are_read_as_they_were_written_and_keep_every_digit() {
    let attempt = Attempt { epoch: LeaderEpoch(1), run: 2 };
    let task = TaskId { vertex: VertexId(1), subtask: Subtask(0) };
    let checkpoint = CheckpointId(3);
    let certificate = Certificate { entries: 2, digest: u128::MAX - 1 };
    let facts = [
        Fact::ObjectWritten {
            name: ObjectName::State { attempt, task, checkpoint },
            fingerprint: u128::MAX - 2,
        },
        Fact::Frozen {
            attempt,
            task,
            checkpoint,
            groups: BTreeMap::from([(KeyGroup(0), certificate), (KeyGroup(127), certificate)]),
        },
        Fact::ManifestDeleted(ManifestVersion(4)),
    ];
    for fact in facts {
        let json = serde_json::to_value(&fact).unwrap();
        assert_eq!(serde_json::from_value::<Fact>(json).unwrap(), fact);
        let compact = postcard::to_stdvec(&fact).unwrap();
        assert_eq!(postcard::from_bytes::<Fact>(&compact).unwrap(), fact);
    }
}

#[test]
fn a_coordinator_says_where_it_stands() {
    let mut desk = Desk::new(1, 2, 2, 2);
    assert_eq!(desk.coordinators[0].phase(), CoordinatorPhase::Standby);
    desk = Desk::running(2, 2, 2);
    assert_eq!(desk.coordinators[0].phase(), CoordinatorPhase::Running);
    desk.cut = desk.hosts.iter().map(keygroups::protocol::Host::id).collect();
    desk.fire(0, CoordinatorTimer::Checkpoint);
    assert_eq!(desk.coordinators[0].phase(), CoordinatorPhase::Collecting);
}
