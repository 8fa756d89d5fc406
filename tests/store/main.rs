//! The checkpoint store, in memory, in a local directory, and over a store that misbehaves.

#[path = "../common/mod.rs"]
mod common;

mod chain;
mod faulty;
mod garbage;
mod local;
mod objects;
mod outcomes;
mod outputs;
mod parts;
mod url;

use std::sync::Arc;

use keygroups::{
    checkpoint::{Manifest, ManifestVersion},
    store::{CheckpointStore, Create},
};
use object_store::{ObjectStore, memory::InMemory, path::Path};
use tempfile::TempDir;

/// The stores every test of ordinary behaviour runs on. The directory lives as long as the guard.
fn stores() -> (TempDir, [CheckpointStore; 2]) {
    let directory = tempfile::tempdir().unwrap();
    let local = CheckpointStore::from_url(directory.path().to_str().unwrap()).unwrap();
    (directory, [local, in_memory().1])
}

/// A store in memory, with a prefix, and what lies under it.
fn in_memory() -> (Arc<InMemory>, CheckpointStore) {
    let memory = Arc::new(InMemory::new());
    let store = CheckpointStore::new(Arc::clone(&memory) as Arc<dyn ObjectStore>, Path::from("jobs/flights"));
    (memory, store)
}

async fn create(store: &CheckpointStore, manifest: &Manifest) {
    assert!(matches!(store.create_manifest(manifest).await, Create::Created));
}

async fn latest_version(store: &CheckpointStore) -> Option<ManifestVersion> {
    store.latest_manifest().await.unwrap().map(|manifest| manifest.version)
}
