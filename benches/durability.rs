//! What it costs that a local directory survives a power failure: `synced` against `unsynced`, on the disk
//! that holds the build directory.

use bytes::Bytes;
use divan::{Bencher, counter::BytesCount};
use futures::executor::block_on;
use keygroups::{
    checkpoint::{
        Attempt, CheckpointId, JobSpec, JobStatus, LeaderEpoch, Manifest, ManifestVersion, ObjectName,
        Scaling, TaskId, VertexId, VertexSpec,
    },
    key_group::{Parallelism, Subtask},
    store::{CheckpointStore, Create, Durability, Put},
};
use tempfile::TempDir;

fn main() {
    divan::main();
}

const BOTH: [Durability; 2] = [Durability::Synced, Durability::Unsynced];

fn store(durability: Durability) -> (TempDir, CheckpointStore) {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let store = CheckpointStore::local(directory.path(), durability).unwrap();
    (directory, store)
}

fn manifest(version: u64) -> Manifest {
    let vertex = VertexSpec {
        name: "count".to_owned(),
        max_parallelism: None,
        scaling: Scaling::Elastic,
        inputs: vec![],
    };
    Manifest {
        version: ManifestVersion(version),
        epoch: LeaderEpoch(1),
        nonce: 1,
        job: JobSpec::new(vec![vertex]).unwrap(),
        status: JobStatus::Running,
        desired_parallelism: Parallelism::new(1).unwrap(),
        next_checkpoint: CheckpointId(1),
        checkpoints: vec![],
    }
}

#[divan::bench(args = BOTH)]
fn create_manifest(bencher: Bencher<'_, '_>, durability: Durability) {
    let (_directory, store) = store(durability);
    let mut version = 0;
    bencher
        .with_inputs(|| {
            version += 1;
            manifest(version)
        })
        .bench_local_refs(|manifest| {
            assert!(matches!(block_on(store.create_manifest(manifest)), Create::Created))
        });
}

#[divan::bench(args = BOTH)]
fn read_latest_manifest(bencher: Bencher<'_, '_>, durability: Durability) {
    let (_directory, store) = store(durability);
    assert!(matches!(block_on(store.create_manifest(&manifest(1))), Create::Created));
    bencher.bench_local(|| block_on(store.latest_manifest()).unwrap());
}

#[divan::bench(args = BOTH, consts = [65_536, 4_194_304, 67_108_864], max_time = 2)]
fn put_object<const BYTES: usize>(bencher: Bencher<'_, '_>, durability: Durability) {
    let (_directory, store) = store(durability);
    let bytes = Bytes::from(vec![7; BYTES]);
    let mut checkpoint = 0;
    bencher
        .counter(BytesCount::new(BYTES))
        .with_inputs(|| {
            // The one before is deleted, as a job does.
            let name = |id| ObjectName::State {
                attempt: Attempt { epoch: LeaderEpoch(1), run: 1 },
                task: TaskId { vertex: VertexId(0), subtask: Subtask(0) },
                checkpoint: CheckpointId(id),
            };
            block_on(store.delete_objects(&[name(checkpoint)]));
            checkpoint += 1;
            name(checkpoint)
        })
        .bench_local_values(|name| {
            assert!(matches!(block_on(store.put_object(name, bytes.clone().into())), Put::Written))
        });
}
