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

/// Copies in a directory.
#[cfg(feature = "fs")]
mod in_directory {
    use std::{
        fs,
        path::{Path as FilePath, PathBuf},
    };

    use futures::executor::block_on;
    use keygroups::{ErrorKind, driver::LocalCopies};
    use object_store::{ObjectStore, local::LocalFileSystem, path::Path};

    use crate::cluster::Cluster;

    /// A host with its copies in `directory` has lived and was killed.
    fn after_one_life(directory: &FilePath) -> Cluster {
        let mut cluster = Cluster::new(1, 0, 0).with_copies(LocalCopies::in_directory(directory).unwrap());
        cluster.start_coordinator(0);
        cluster.start_host(0, 2);
        cluster.until_running_at(1);
        cluster.until_committed();
        cluster.kill("host 0");
        cluster.world.borrow_mut().restores.clear();
        cluster
    }

    /// The host lives again, restores both tasks from `copies`, and the job comes to its end.
    fn next_life_restores_from(copies: LocalCopies, cluster: Cluster) {
        let mut cluster = cluster.with_copies(copies);
        cluster.start_host(0, 2);
        cluster.until_running_at(1);
        let used: u64 = cluster.world.borrow().restores.iter().map(|(_, took)| took.copies_used).sum();
        assert_eq!(used, 2);
        cluster.until_finished_exactly_once();
        assert!(cluster.world.borrow().copy_errors.is_empty());
    }

    fn files(directory: &FilePath) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut to_see = vec![directory.to_owned()];
        while let Some(directory) = to_see.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { to_see.push(path) } else { files.push(path) }
            }
        }
        files.sort_unstable();
        files
    }

    fn beside(copy: &FilePath, suffix: &str) -> PathBuf {
        let mut name = copy.as_os_str().to_owned();
        name.push(suffix);
        name.into()
    }

    #[test]
    fn next_life_of_a_host_restores_from_the_copies_that_the_last_one_left() {
        for is_mapped in [false, true] {
            let guard = tempfile::tempdir().unwrap();
            let directory = guard.path().join("to be").join("made");
            let cluster = after_one_life(&directory);
            let copies = LocalCopies::in_directory(&directory).unwrap();
            let copies = if is_mapped { copies.with_mapped_files() } else { copies };
            next_life_restores_from(copies, cluster);
        }
    }

    /// A process that is killed in the middle of a copy leaves a file as large as the state, beside a copy or where one
    /// would lie. Nobody deleted those that the newest checkpoint has a name for, and with `LocalFileSystem` none.
    #[test]
    fn what_a_dead_process_was_writing_goes_when_its_directory_is_opened_and_whole_copies_stay() {
        let guard = tempfile::tempdir().unwrap();
        let directory = guard.path();
        let cluster = after_one_life(directory);
        let whole = files(directory);
        assert!(whole.len() >= 2, "{whole:?}");
        // Of this library: of each copy one begun, one complete and not yet removed, one of an even earlier life.
        for copy in &whole {
            fs::write(beside(copy, "#1"), "sta").unwrap();
            fs::hard_link(copy, beside(copy, "#2")).unwrap();
            fs::write(beside(copy, "#17"), "").unwrap();
        }
        // Of object_store, of a copy that there is not yet.
        let to_come = whole[0].with_file_name("00000000000000000999");
        let name = to_come.strip_prefix(directory).unwrap().to_str().unwrap();
        let theirs = LocalFileSystem::new_with_prefix(directory).unwrap();
        let mut upload = block_on(theirs.put_multipart_opts(&Path::from(name), Default::default())).unwrap();
        block_on(upload.put_part("sta".into())).unwrap();
        // What is dropped cleans up; what is killed does not.
        std::mem::forget(upload);
        assert_eq!(files(directory).len(), 4 * whole.len() + 1);

        let copies = LocalCopies::in_directory(directory).unwrap();
        assert_eq!(files(directory), whole);
        next_life_restores_from(copies, cluster);
    }

    #[test]
    fn foreign_file_stays_even_if_it_is_called_like_something_unfinished() {
        let guard = tempfile::tempdir().unwrap();
        let directory = guard.path();
        let task = "state/00000000000000000001.0000000001/00001-00000";
        fs::create_dir_all(directory.join(task)).unwrap();
        let foreign = [
            "notes#1".to_owned(),
            "manifest#1".to_owned(),
            "state/notes#1".to_owned(),
            format!("{task}/7#1"),
            format!("{task}/00000000000000000007#one"),
            format!("{task}/00000000000000000007#1.orig"),
        ];
        for name in &foreign {
            fs::write(directory.join(name), "theirs").unwrap();
        }
        let before = files(directory);
        LocalCopies::in_directory(directory).unwrap();
        assert_eq!(files(directory), before);
    }

    #[test]
    fn file_in_the_place_of_a_directory_is_refused_with_what_to_do() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for directory in [file.path().to_owned(), file.path().join("below").join("it")] {
            let error = LocalCopies::in_directory(&directory).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            let error = error.to_string();
            let what = format!("cannot keep checkpoints or copies in {}: ", directory.display());
            let place = format!("{}", file.path().display());
            assert!(error.starts_with(&what) && error[what.len()..].contains(&place), "{error}");
            assert!(
                error.ends_with("; a file is in the way: move it, or choose another directory"),
                "{error}"
            );
        }
    }

    /// The superuser may write everywhere; then there is nothing to refuse. `tests/crash/full.rs` has a disk where
    /// nobody may.
    #[test]
    fn directory_that_cannot_be_written_or_made_is_refused_with_what_to_do() {
        let guard = tempfile::tempdir().unwrap();
        let mut permissions = fs::metadata(guard.path()).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(guard.path(), permissions).unwrap();
        let is_writable = fs::write(guard.path().join("probe"), "").is_ok();
        for directory in [guard.path().to_owned(), guard.path().join("below")] {
            match LocalCopies::in_directory(&directory) {
                Ok(_) => assert!(is_writable),
                Err(error) => {
                    assert!(!is_writable);
                    assert!(
                        error.to_string().contains("; let this user read and write there, or"),
                        "{error}"
                    );
                }
            }
        }
    }
}
