//! Local recovery: copies save transfers, and whatever befalls them, the result is the same.

use std::{collections::BTreeSet, time::Duration};

use bytes::Bytes;
use keygroups::{
    checkpoint::ObjectName,
    driver::{CopyError, RestoreMetrics},
    protocol::Event,
    snapshot::{self, SnapshotIdentity, SnapshotIndex},
};

use crate::{
    cluster::Cluster,
    disk::{Disk, Trouble},
    engine::SOURCE,
};

/// Two hosts with disks; a few checkpoints are committed.
fn begun() -> Cluster {
    begun_on([Disk::default(), Disk::default()])
}

fn begun_on(disks: [Disk; 2]) -> Cluster {
    let mut cluster = Cluster::new(2, 0, 0).with_disks(disks);
    cluster.start_coordinator(0);
    cluster.start_host(0, 2);
    cluster.start_host(1, 2);
    cluster.until_running_at(2);
    cluster.until_committed();
    cluster.until_committed();
    cluster
}

/// The leader dies and another one deploys the job anew, on the same hosts. What its restores took.
fn deployed_anew(cluster: &mut Cluster, meanwhile: impl FnOnce(&Cluster)) -> RestoreMetrics {
    cluster.kill("coordinator 0");
    cluster.let_pass(Duration::from_millis(400));
    meanwhile(cluster);
    cluster.world.borrow_mut().restores.clear();
    cluster.start_coordinator(0);
    cluster.until_running_at(2);
    let world = cluster.world.borrow();
    assert!(world.restores.iter().all(|(deployment, _)| deployment.restore.checkpoint.0 > 1));
    world.restores.iter().fold(RestoreMetrics::default(), |sum, (_, one)| RestoreMetrics {
        bytes_read: sum.bytes_read + one.bytes_read,
        bytes_local: sum.bytes_local + one.bytes_local,
        bytes_owned: sum.bytes_owned + one.bytes_owned,
        requests: sum.requests + one.requests,
        copies_used: sum.copies_used + one.copies_used,
        copies_refused: sum.copies_refused + one.copies_refused,
    })
}

fn state_bytes(cluster: &Cluster) -> u64 {
    let manifest = cluster.newest_manifest();
    let handles = manifest.newest_checkpoint().unwrap().tasks.iter().map(|task| task.state.clone());
    handles.map(|handle| handle.bytes - handle.index_bytes).sum()
}

fn errors(cluster: &Cluster) -> usize {
    cluster.world.borrow().errors.len()
}

#[test]
fn tasks_that_stay_read_only_indexes_from_the_store() {
    let mut cluster = begun();
    let took = deployed_anew(&mut cluster, |_| {});
    assert_eq!((took.copies_used, took.copies_refused), (4, 0));
    assert_eq!((took.bytes_local, took.requests), (took.bytes_owned, 4));
    assert_eq!(took.bytes_owned, state_bytes(&cluster));
    cluster.until_finished_exactly_once();
    assert_eq!(errors(&cluster), 0);
}

#[test]
fn copies_outlive_the_process() {
    let mut cluster = begun();
    cluster.kill("host 1");
    cluster.world.borrow_mut().restores.clear();
    cluster.start_host(1, 2);
    cluster.until_running_at(2);
    let used: u64 = cluster.world.borrow().restores.iter().map(|(_, took)| took.copies_used).sum();
    assert_eq!(used, 4);
    cluster.until_finished_exactly_once();
}

/// After a rescale a task reads what it keeps from its host's copy and the rest from the store: the sum is
/// what it owns.
#[test]
fn rescale_reads_what_stayed_from_copies_and_what_moved_from_the_store() {
    let mut cluster = Cluster::new(2, 0, 0).with_disks([Disk::default(), Disk::default()]);
    cluster.start_coordinator(0);
    cluster.start_host(0, 4);
    cluster.start_host(1, 4);
    cluster.until_running_at(2);
    cluster.until_committed();
    cluster.world.borrow_mut().restores.clear();
    cluster.rescale(3);
    cluster.until_running_at(3);
    let (mut local, mut remote) = (0, 0);
    for (_, took) in &cluster.world.borrow().restores {
        local += took.bytes_local;
        remote += took.bytes_owned - took.bytes_local;
        assert_eq!(took.copies_refused, 0);
    }
    assert!(local > 0 && remote > 0, "{local} local, {remote} remote");
    cluster.until_finished_exactly_once();
}

/// What may have become of the bytes of a copy; `others` are those of the other copies.
type Damage = fn(bytes: Vec<u8>, others: &[Vec<u8>]) -> Option<Vec<u8>>;

const DAMAGE: [(&str, Damage); 7] = [
    ("missing", |_, _| None),
    ("empty", |_, _| Some(Vec::new())),
    ("truncated", |mut bytes, _| {
        bytes.pop();
        Some(bytes)
    }),
    ("torn", |mut bytes, _| {
        let half = bytes.len() / 2;
        bytes[half..].fill(0);
        Some(bytes)
    }),
    ("rotten", |mut bytes, _| {
        *bytes.last_mut().unwrap() ^= 1;
        Some(bytes)
    }),
    ("misdirected", |_, others| others.first().cloned()),
    ("something else", |bytes, _| Some(vec![0xA5; bytes.len()])),
];

#[test]
fn damaged_copies_are_refused_and_deleted_and_the_store_is_read() {
    for (how, damage) in DAMAGE {
        let mut cluster = begun();
        let mut damaged = Vec::new();
        let took = deployed_anew(&mut cluster, |cluster| {
            for disk in &cluster.disks {
                let all: Vec<_> = disk.names().into_iter().map(|name| (name, disk.bytes(name))).collect();
                for (name, bytes) in &all {
                    let others: Vec<_> =
                        all.iter().map(|(_, other)| other).filter(|other| *other != bytes).cloned().collect();
                    disk.put(*name, damage(bytes.clone(), &others));
                    damaged.push(*name);
                }
            }
        });
        let refused = if how == "missing" { 0 } else { 4 };
        assert_eq!((took.copies_used, took.copies_refused), (0, refused), "{how}");
        assert_eq!((took.bytes_local, took.bytes_owned), (0, state_bytes(&cluster)), "{how}");
        cluster.let_pass(Duration::from_millis(1));
        let left: BTreeSet<ObjectName> = cluster.disks.iter().flat_map(Disk::names).collect();
        assert!(damaged.iter().all(|name| !left.contains(name)), "{how}");
        cluster.until_finished_exactly_once();
        assert_eq!(errors(&cluster), 0, "{how}");
    }
}

#[test]
fn copies_that_cannot_be_read_now_are_read_the_next_time() {
    for trouble in [Trouble::Unreadable, Trouble::Silent] {
        let mut cluster = begun();
        let took = deployed_anew(&mut cluster, |cluster| {
            cluster.disks.iter().for_each(|disk| disk.trouble(trouble));
        });
        assert_eq!((took.copies_used, took.copies_refused), (0, 4), "{trouble:?}");
        cluster.disks.iter().for_each(|disk| disk.trouble(Trouble::None));
        cluster.until_committed();
        cluster.until_committed();
        assert_eq!(deployed_anew(&mut cluster, |_| {}).copies_used, 4, "{trouble:?}");
        cluster.until_finished_exactly_once();
        assert_eq!(errors(&cluster), 0, "{trouble:?}");
    }
}

#[test]
fn disk_that_takes_nothing_costs_no_checkpoint() {
    for trouble in [Trouble::Full, Trouble::Silent] {
        let disks = [Disk::default(), Disk::default()];
        disks.iter().for_each(|disk| disk.trouble(trouble));
        let mut cluster = begun_on(disks);
        cluster.until_finished_exactly_once();
        let world = cluster.world.borrow();
        let given_up = world.events.iter().find(|(_, event)| matches!(event, Event::Aborted { .. }));
        assert!(given_up.is_none() && world.errors.is_empty(), "{trouble:?}: {given_up:?}");
        assert!(cluster.disks.iter().all(|disk| disk.names().is_empty()));
        if trouble == Trouble::Full {
            assert!(world.copy_errors.iter().all(|error| matches!(error, CopyError::NotKept { .. })));
            assert!(!world.copy_errors.is_empty());
        }
    }
}

/// Two jobs that begin anew have the same attempts and checkpoints, so their objects have the same names; and
/// offsets of the same splits have the same lengths. Then not even the handle in the manifest tells a copy
/// that another job left from ours: only the index in the store does.
#[test]
fn copy_of_another_job_that_the_handle_describes_is_not_taken() {
    let mut cluster = begun();
    let mut theirs = 0;
    let took = deployed_anew(&mut cluster, |cluster| {
        for disk in &cluster.disks {
            let names = disk.names().into_iter();
            for name in
                names.filter(|name| matches!(name, ObjectName::State { task, .. } if task.vertex == SOURCE))
            {
                let ours = Bytes::from(disk.bytes(name));
                let mut contents = snapshot::verify(&ours).unwrap();
                for item in contents.operator_state.iter_mut().flat_map(|state| &mut state.items) {
                    let mut other = item.to_vec();
                    *other.last_mut().unwrap() ^= 1;
                    *item = other.into();
                }
                let identity = SnapshotIdentity::of(&name).unwrap();
                let other = snapshot::encode(identity, None, &contents.operator_state).unwrap();
                let described = SnapshotIndex::decode_for(&other.handle(), &ours);
                assert!(described.is_ok() && other.bytes() != ours);
                disk.put(name, Some(other.bytes().to_vec()));
                theirs += 1;
            }
        }
    });
    assert_eq!((took.copies_refused, took.copies_used), (theirs, 4 - theirs));
    assert!(theirs > 0);
    cluster.until_finished_exactly_once();
}

#[test]
fn disk_holds_two_checkpoints_and_what_they_lean_on_at_the_most_and_leftovers_go() {
    let leftovers = begun();
    let disks = [leftovers.disks[0].clone(), leftovers.disks[1].clone()];
    let old: BTreeSet<_> = disks.iter().flat_map(Disk::names).collect();
    assert!(!old.is_empty());
    let mut cluster = begun_on(disks);
    for _ in 0..200 {
        cluster.let_pass(Duration::from_millis(10));
        for disk in &cluster.disks {
            let checkpoints: BTreeSet<_> = disk.names().iter().map(ObjectName::checkpoint).collect();
            // The newer leans on what the older is or leans on: by default four objects.
            assert!(checkpoints.len() <= 2 + 4, "{checkpoints:?}");
        }
    }
    cluster.until_finished_exactly_once();
    let newest = cluster.newest_manifest();
    cluster.let_pass(Duration::from_millis(500));
    let left = cluster.disks.iter().flat_map(Disk::names);
    let named: BTreeSet<_> = newest.objects().copied().collect();
    assert!(left.into_iter().all(|name| named.contains(&name)));
}

/// Where the store refuses every upload, copies of checkpoints that are given up do not pile up.
#[test]
fn copies_of_checkpoints_that_are_given_up_do_not_pile_up() {
    let mut cluster = begun();
    cluster.refuse_state(true);
    for _ in 0..20 {
        cluster.let_pass(Duration::from_millis(300));
        for disk in &cluster.disks {
            let checkpoints: BTreeSet<_> = disk.names().iter().map(ObjectName::checkpoint).collect();
            assert!(checkpoints.len() <= 2, "{checkpoints:?}");
        }
    }
    let given_up = |cluster: &Cluster| {
        let world = cluster.world.borrow();
        world.events.iter().filter(|(_, event)| matches!(event, Event::Aborted { .. })).count()
    };
    assert!(given_up(&cluster) > 2);
    cluster.refuse_state(false);
    cluster.until_finished_exactly_once();
}

#[cfg(feature = "fs")]
#[test]
fn directory_holds_copies() {
    use object_store::{local::LocalFileSystem, path::Path};

    let directory = tempfile::tempdir().unwrap();
    let files = LocalFileSystem::new_with_prefix(directory.path()).unwrap();
    let copies = keygroups::driver::LocalCopies::new(std::sync::Arc::new(files), Path::from("copies"));
    let mut cluster = Cluster::new(1, 0, 0).with_copies(copies);
    cluster.start_coordinator(0);
    cluster.start_host(0, 2);
    cluster.until_running_at(1);
    cluster.until_committed();
    cluster.kill("host 0");
    cluster.world.borrow_mut().restores.clear();
    cluster.start_host(0, 2);
    cluster.until_running_at(1);
    let used: u64 = cluster.world.borrow().restores.iter().map(|(_, took)| took.copies_used).sum();
    assert_eq!(used, 2);
    cluster.until_finished_exactly_once();
    assert!(cluster.world.borrow().copy_errors.is_empty());
    assert!(directory.path().join("copies/state").read_dir().unwrap().next().is_some());
}
