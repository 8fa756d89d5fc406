//! State of the newest checkpoint is lost, and somebody goes back to the one before.

use keygroups::{
    ErrorKind,
    checkpoint::{CheckpointId, CheckpointRecord, JobStatus, Manifest, ObjectName},
    protocol::Event,
    store::{RollBackError, StoreError},
};

use crate::{cluster::Cluster, engine::COUNT};

/// A job of which two checkpoints are retained, stopped.
fn stopped() -> (Cluster, Manifest) {
    let mut cluster = Cluster::new(2, 0, 0).retaining(2);
    start(&mut cluster);
    for _ in 0..3 {
        cluster.until_committed();
    }
    stop(&mut cluster);
    let manifest = cluster.newest_manifest();
    assert_eq!((manifest.checkpoints.len(), manifest.status), (2, JobStatus::Running));
    (cluster, manifest)
}

fn start(cluster: &mut Cluster) {
    cluster.start_coordinator(0);
    cluster.start_host(0, 2);
}

fn stop(cluster: &mut Cluster) {
    ["coordinator 0", "host 0"].iter().for_each(|name| cluster.kill(name));
}

fn snapshot_of(record: &CheckpointRecord) -> ObjectName {
    record.tasks.iter().find(|task| task.task.vertex == COUNT).expect("it counts").state.object
}

#[test]
fn job_whose_newest_checkpoint_was_lost_goes_on_from_the_one_before_and_counts_everything_once() {
    let (mut cluster, manifest) = stopped();
    let [before, newest] = &manifest.checkpoints[..] else { panic!("two are retained") };
    let lost = snapshot_of(newest);
    cluster.lose(lost);

    start(&mut cluster);
    cluster.until("a restore that fails", |event| matches!(event, Event::Restarting { .. }));
    let errors = cluster.history().join("\n");
    assert!(errors.contains(&format!("{lost} is missing")), "{errors}");
    stop(&mut cluster);
    assert_eq!(cluster.newest_manifest().checkpoints, manifest.checkpoints, "it is for somebody to decide");

    let rolled_back = cluster.roll_back(before.id).unwrap();
    assert_eq!(rolled_back, cluster.newest_manifest());
    assert_eq!(&rolled_back.checkpoints[..], std::slice::from_ref(before));
    assert_eq!(rolled_back.next_checkpoint, manifest.next_checkpoint, "no id comes twice");
    assert_eq!(cluster.roll_back(before.id).unwrap(), rolled_back, "a repeat changes nothing");

    start(&mut cluster);
    cluster.until_finished_exactly_once();
}

#[test]
fn a_leader_that_lives_is_deposed_by_a_rollback_and_loses_nothing_that_is_left() {
    let mut cluster = Cluster::new(2, 0, 0).retaining(2);
    start(&mut cluster);
    for _ in 0..3 {
        cluster.until_committed();
    }
    let before = cluster.newest_manifest().checkpoints[0].id;
    cluster.roll_back(before).unwrap();
    cluster.until_finished_exactly_once();
}

#[test]
fn a_rollback_to_what_is_not_there_or_not_whole_says_so_and_changes_nothing() {
    let (cluster, manifest) = stopped();
    let [before, newest] = &manifest.checkpoints[..] else { panic!("two are retained") };
    let (before, newest, after) = (before.clone(), newest.id, CheckpointId(newest.id.0 + 1));

    let error = cluster.roll_back(after).unwrap_err();
    let says = format!("checkpoint {after} is not among those that are retained: {}, {newest}; ", before.id);
    assert!(error.to_string().starts_with(&says), "{error}");
    assert_eq!(error.kind(), ErrorKind::Invalid);

    let lost = snapshot_of(&before);
    cluster.lose(lost);
    let error = cluster.roll_back(before.id).unwrap_err();
    assert!(
        matches!(&error, RollBackError::NotWhole { to, found } if *to == before.id
            && matches!(&**found, StoreError::Missing { path } if path.ends_with(&lost.to_string()))),
        "{error}"
    );
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_eq!(cluster.newest_manifest(), manifest);

    let error = Cluster::new(2, 0, 0).roll_back(before.id).unwrap_err();
    assert_eq!(error.to_string(), "there is no manifest in manifest: no job has begun there");
}
