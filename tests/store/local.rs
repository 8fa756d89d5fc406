//! What is particular to a local directory.

use std::fs;

use futures::executor::block_on;
use keygroups::{
    ErrorKind,
    checkpoint::{Attempt, ManifestVersion},
    store::{CheckpointStore, Create},
};

use crate::{common::sample::manifest, create, latest_version};

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

/// A byte flipped on disk anywhere in the newest manifest is found.
#[test]
fn a_byte_flipped_on_disk_is_found() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    block_on(async {
        create(&store, &manifest(1)).await;
        let path = directory.path().join("manifest").join("00000000000000000001");
        let good = fs::read(&path).unwrap();
        for at in 0..good.len() {
            let mut damaged = good.clone();
            damaged[at] ^= 0x20;
            fs::write(&path, &damaged).unwrap();
            assert!(store.latest_manifest().await.is_err(), "byte {at}");
        }
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
