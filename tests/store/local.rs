//! What is particular to a local directory.

use std::{
    fs,
    io::{Seek, SeekFrom, Write},
};

use bytes::Bytes;
use futures::executor::block_on;
use keygroups::{
    ErrorKind,
    checkpoint::{Attempt, CheckpointId, ManifestVersion, ObjectName, OutputHandle, TaskId, VertexId},
    key_group::Subtask,
    store::{CheckpointStore, Create, Durability, Listing, Put, StoreError},
};

use crate::{
    common::sample::{attempt, manifest, output_list, output_list_name},
    create, latest_version,
};

fn task(subtask: u16) -> TaskId {
    TaskId { vertex: VertexId(1), subtask: Subtask(subtask) }
}

fn open(directory: &std::path::Path) -> CheckpointStore {
    CheckpointStore::from_url(directory.to_str().unwrap()).unwrap()
}

/// A crash between staging a file and linking it leaves the staging file: whatever is in it, it is
/// never taken for the manifest, and does not keep the manifest from being created.
#[test]
fn a_crash_in_the_middle_of_a_write_leaves_nothing_visible() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    block_on(async {
        create(&store, &manifest(1)).await;
        let object = manifest(2).encode().unwrap();
        let staged = directory.path().join("manifest").join("00000000000000000002#1");
        fs::write(&staged, &object[..object.len() / 2]).unwrap();
        assert_eq!(latest_version(&store).await, Some(ManifestVersion(1)));
        create(&store, &manifest(2)).await;
        assert_eq!(store.latest_manifest().await.unwrap(), Some(manifest(2)));
        assert_eq!(store.list_objects(Attempt::default()).await.unwrap().foreign, Vec::<String>::new());
    });
}

/// What a killed process has left of a snapshot takes as much room as the snapshot: it is found, judged by
/// the name that it would have got, and deleted.
#[test]
fn what_was_being_written_is_listed_and_deleted_under_its_name() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let name = |id| ObjectName::State { attempt: attempt(2, 1), task: task(0), checkpoint: CheckpointId(id) };
    block_on(async {
        for id in [6, 7] {
            assert!(matches!(store.put_object(name(id), "state".into()).await, Put::Written));
        }
        // Of 7 there is also the object; of 8 there is nothing else.
        for left in [name(7).to_string() + "#1", name(8).to_string() + "#1", name(8).to_string() + "#2"] {
            fs::write(directory.path().join(left), "sta").unwrap();
        }
        let listed = store.list_objects(Attempt::default()).await.unwrap();
        assert_eq!(listed, Listing { objects: vec![name(6), name(7), name(8)], foreign: vec![] });
        assert_eq!(store.list_objects(attempt(2, 2)).await.unwrap(), Listing::default());
        assert!(matches!(store.get(name(8)).await, Err(StoreError::Missing { .. })));

        let deletion = store.delete_objects(&[name(6), name(8)]).await;
        assert!(deletion.failed.is_empty() && deletion.gone == 2, "{deletion:?}");
        assert_eq!(store.list_objects(Attempt::default()).await.unwrap().objects, [name(7)]);
        assert_eq!(store.get(name(7)).await.unwrap(), "state");
        let left =
            fs::read_dir(directory.path().join(name(7).to_string()).parent().unwrap()).unwrap().count();
        assert_eq!(left, 2, "7, and a write of it that may still be under way");
    });
}

/// Tasks of a new attempt meet where nothing is: what one of them makes is there already for another, and that
/// is not the object.
#[test]
fn tasks_that_write_at_once_where_no_directory_is_all_succeed() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let tasks = 8;
    let together = std::sync::Barrier::new(usize::from(tasks));
    for run in 1..=100 {
        let write = |number| {
            let task = task(number);
            let name = ObjectName::State { attempt: attempt(1, run), task, checkpoint: CheckpointId(1) };
            together.wait();
            block_on(store.put_object(name, "state".into()))
        };
        std::thread::scope(|scope| {
            let writers: Vec<_> = (0..tasks).map(|number| scope.spawn(move || write(number))).collect();
            for writer in writers {
                let put = writer.join().unwrap();
                assert!(matches!(put, Put::Written), "{put:?}");
            }
        });
    }
}

/// The disk begins with it before it is whole.
#[test]
fn an_object_of_many_mebibytes_is_written_whole_and_leaves_nothing_beside_it() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let name = ObjectName::State { attempt: attempt(2, 1), task: task(0), checkpoint: CheckpointId(1) };
    let pieces = (0..50_u8).map(|piece| Bytes::from(vec![piece; 200_000 + usize::from(piece)]));
    let whole: Vec<u8> = pieces.clone().flatten().collect();
    block_on(async {
        assert!(matches!(store.put_object(name, pieces.collect()).await, Put::Written));
        assert_eq!(store.get(name).await.unwrap(), whole);
    });
    let beside = directory.path().join(name.to_string());
    assert_eq!(fs::read_dir(beside.parent().unwrap()).unwrap().count(), 1);
}

/// A crash after the link and before the staging file is removed: two names of one file.
#[test]
fn a_crash_after_a_write_leaves_it_whole() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    block_on(async {
        create(&store, &manifest(1)).await;
        let path = directory.path().join("manifest").join("00000000000000000001");
        fs::hard_link(&path, path.with_file_name("00000000000000000001#1")).unwrap();
        assert!(matches!(store.create_manifest(&manifest(1)).await, Create::Exists));
        assert_eq!(store.latest_manifest().await.unwrap(), Some(manifest(1)));
    });
}

#[test]
fn a_file_where_the_manifests_should_be_is_a_refusal() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("manifest"), "not a directory").unwrap();
    let outcome = block_on(open(directory.path()).create_manifest(&manifest(1)));
    let Create::Failed { reason } = outcome else { panic!("{outcome:?}") };
    assert_eq!(reason.kind(), ErrorKind::Invalid);
    assert!(
        reason.to_string().starts_with("the store refuses to create manifest/00000000000000000001: "),
        "{reason}"
    );
}

#[test]
fn a_file_where_the_directory_should_be_is_named_with_what_to_do() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let directory = file.path().join("below");
    for durability in [Durability::Synced, Durability::Unsynced] {
        let error = CheckpointStore::local(&directory, durability).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        let expected = format!("cannot keep checkpoints or copies in {0}: {0}: ", directory.display());
        let error = error.to_string();
        assert!(error.starts_with(&expected), "{error}");
        assert!(error.ends_with("; a file is in the way: move it, or choose another directory"), "{error}");
    }
}

/// The superuser may write everywhere, so what is expected depends on what the system allows.
#[test]
fn a_read_only_directory_is_a_refusal() {
    let directory = tempfile::tempdir().unwrap();
    let manifests = directory.path().join("manifest");
    fs::create_dir(&manifests).unwrap();
    let mut permissions = fs::metadata(&manifests).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&manifests, permissions).unwrap();
    let is_writable = fs::write(manifests.join("probe"), "").is_ok();
    match block_on(open(directory.path()).create_manifest(&manifest(1))) {
        Create::Created => assert!(is_writable),
        Create::Failed { reason } => {
            assert!(!is_writable);
            assert_eq!(reason.kind(), ErrorKind::Invalid);
        }
        outcome => panic!("{outcome:?}"),
    }
}

/// Any bit of the newest manifest, of the output list that it names and of an output.
#[test]
fn bit_flipped_on_disk_is_found_and_its_object_named() {
    let directory = tempfile::tempdir().unwrap();
    let store = CheckpointStore::local(directory.path(), Durability::Unsynced).unwrap();
    let (attempt, bytes) = (attempt(2, 1), Bytes::from_static(b"what was put out"));
    let name = output_list_name(attempt, 7);
    let list = output_list(attempt, 7, None);
    let handle = OutputHandle::of(list.outputs[0].object, &bytes, 1);
    block_on(async {
        create(&store, &manifest(1)).await;
        assert!(matches!(store.put_output_list(name, &list).await, Put::Written));
        assert!(matches!(store.put_object(handle.object, bytes.clone().into()).await, Put::Written));
        let manifest = "manifest/00000000000000000001".to_owned();
        for object in [manifest.clone(), name.to_string(), handle.object.to_string()] {
            let path = directory.path().join(&object);
            let good = fs::read(&path).unwrap();
            // In place: to write a whole file anew makes some file systems wait for the disk.
            let mut file = fs::OpenOptions::new().write(true).open(&path).unwrap();
            let mut set = |at: usize, byte: u8| {
                file.seek(SeekFrom::Start(at as u64)).unwrap();
                file.write_all(&[byte]).unwrap();
            };
            for (at, bit) in (0..good.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
                set(at, good[at] ^ 1 << bit);
                let error = if object == manifest {
                    store.latest_manifest().await.unwrap_err()
                } else if object == name.to_string() {
                    store.read_output_list(name).await.unwrap_err()
                } else {
                    store.read_output(&handle).await.unwrap_err()
                };
                assert!(error.to_string().starts_with(&object), "bit {bit} of byte {at}: {error}");
                set(at, good[at]);
            }
            assert_eq!(fs::read(&path).unwrap(), good);
        }
    });
}

/// The superuser may write everywhere; then there is nothing to refuse.
#[test]
fn refusal_of_the_system_says_what_where_and_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    block_on(create(&store, &manifest(1)));
    let manifests = directory.path().join("manifest");
    let mut permissions = fs::metadata(&manifests).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&manifests, permissions).unwrap();
    if let Create::Failed { reason } = block_on(store.create_manifest(&manifest(2))) {
        let reason = reason.to_string();
        let what = "the store refuses to create manifest/00000000000000000002: ";
        let place = format!("this user may not write in {}: ", directory.path().display());
        assert!(reason.starts_with(what) && reason.contains(&place), "{reason}");
        assert!(
            reason.contains("change owner or permissions") && reason.contains("stays usable"),
            "{reason}"
        );
        assert_eq!(block_on(latest_version(&store)), Some(ManifestVersion(1)));
    } else {
        assert!(fs::write(manifests.join("probe"), "").is_ok());
    }
}

#[test]
fn unsynced_directory_is_chosen_by_its_url_alone() {
    let guard = tempfile::tempdir().unwrap();
    let url = url::Url::from_directory_path(guard.path().join("checkpoints")).unwrap();
    for query in ["?sync=on", "?sync=off", ""] {
        let store = CheckpointStore::from_url(&format!("{url}{query}")).unwrap();
        let outcome = block_on(store.create_manifest(&manifest(1)));
        assert!(matches!(outcome, Create::Created) == (query == "?sync=on"), "{outcome:?}");
        assert_eq!(block_on(store.latest_manifest()).unwrap(), Some(manifest(1)));
    }
    let error = CheckpointStore::from_url(&format!("{url}?sync=of")).unwrap_err().to_string();
    let options = "`sync=on`, `sync=off`, `map=on`, `map=off`, `huge_pages=on` and `huge_pages=off`";
    assert!(error.ends_with(&format!(": `sync=of` is none of {options}")), "{error}");
}

/// Long enough to be mapped.
fn long_object() -> Bytes {
    (0..200_000_u32).map(|number| number as u8).collect()
}

#[test]
fn mapped_files_are_read_as_others_are() {
    let guard = tempfile::tempdir().unwrap();
    let url = url::Url::from_directory_path(guard.path()).unwrap();
    let stores = ["?map=off", "?map=on", "?sync=off&map=on"];
    let stores = stores.map(|query| CheckpointStore::from_url(&format!("{url}{query}")).unwrap());
    let name = ObjectName::State { attempt: attempt(2, 1), task: task(0), checkpoint: CheckpointId(1) };
    let object = long_object();
    block_on(async {
        assert!(matches!(stores[1].put_object(name, object.clone().into()).await, Put::Written));
        assert!(matches!(stores[1].put_object(name, object.clone().into()).await, Put::Written));
        create(&stores[1], &manifest(1)).await;
        for store in &stores {
            assert_eq!(store.get(name).await.unwrap(), object);
            let ranges = [0..1, 1..200_000, 100_001..199_999, 70_000..70_000, 0..200_000];
            for (range, found) in ranges.iter().zip(store.get_ranges(name, &ranges).await.unwrap()) {
                assert_eq!(found, object[range.start as usize..range.end as usize]);
            }
            let beyond = store.get_ranges(name, std::slice::from_ref(&(100_000..200_001))).await;
            assert!(matches!(beyond, Err(StoreError::ShortRead { .. })), "{beyond:?}");
            assert_eq!(store.latest_manifest().await.unwrap(), Some(manifest(1)));
        }
    });
}

/// A file is read into them, and an answer that comes in pieces is put together there.
#[test]
fn what_is_read_into_huge_pages_is_what_was_written() {
    let guard = tempfile::tempdir().unwrap();
    let url = url::Url::from_directory_path(guard.path()).unwrap();
    let in_memory = CheckpointStore::from_url("memory:///").unwrap().with_huge_pages();
    let on_disk = CheckpointStore::from_url(&format!("{url}?sync=off&huge_pages=on")).unwrap();
    let name = ObjectName::State { attempt: attempt(2, 1), task: task(0), checkpoint: CheckpointId(1) };
    let object: Bytes = (0..5_000_000_u32).map(|number| (number >> 8 ^ number) as u8).collect();
    block_on(async {
        for store in [in_memory, on_disk] {
            assert!(matches!(store.put_object(name, object.clone().into()).await, Put::Written));
            assert_eq!(store.get(name).await.unwrap(), object);
            let ranges = [0..5_000_000, 1..3_000_001, 4_999_999..5_000_000, 7..7, 2_000_000..4_097_152];
            for (range, found) in ranges.iter().zip(store.get_ranges(name, &ranges).await.unwrap()) {
                assert_eq!(found, object[range.start as usize..range.end as usize]);
            }
            let beyond = store.get_ranges(name, std::slice::from_ref(&(1_000_000..5_000_001))).await;
            assert!(matches!(beyond, Err(StoreError::ShortRead { .. })), "{beyond:?}");
        }
    });
    let both = CheckpointStore::from_url(&format!("{url}?map=on&huge_pages=on")).unwrap_err();
    assert!(both.to_string().ends_with(": what is mapped is not read into huge pages: choose one"), "{both}");
}

#[cfg(unix)]
#[test]
fn what_was_mapped_outlives_the_file() {
    let guard = tempfile::tempdir().unwrap();
    let store = CheckpointStore::local_mapped(guard.path(), Durability::Unsynced).unwrap();
    let name = ObjectName::State { attempt: attempt(2, 1), task: task(0), checkpoint: CheckpointId(1) };
    block_on(async {
        assert!(matches!(store.put_object(name, long_object().into()).await, Put::Written));
        let held = store.get(name).await.unwrap();
        store.delete_objects(&[name]).await;
        assert!(matches!(store.get(name).await, Err(StoreError::Missing { .. })));
        assert_eq!(held, long_object());
    });
}

#[test]
fn relative_directories_work() {
    let here = std::env::current_dir().unwrap();
    let guard = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    // Absolute after all if the build directory was put elsewhere.
    let directory = guard.path().strip_prefix(&here).unwrap_or(guard.path()).join("checkpoints");
    let store = open(&directory);
    block_on(create(&store, &manifest(1)));
    assert!(guard.path().join("checkpoints").join("manifest").is_dir());
}
