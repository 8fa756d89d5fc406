//! Sweeps over a long chain of outputs, from a store whose reads take a while.

use std::{pin::pin, sync::Arc, task::Context, time::Duration};

use bytes::Bytes;
use futures::{FutureExt, StreamExt, executor::block_on, stream, task::noop_waker_ref};
use keygroups::{
    checkpoint::{
        Attempt, Certificate, CheckpointId, CheckpointRecord, JobSpec, JobStatus, LeaderEpoch, Manifest,
        ManifestVersion, ObjectName, OutputHandle, OutputList, Scaling, StateHandle, TaskId, TaskSnapshot,
        VertexId, VertexSpec,
    },
    driver::{CoordinatorDriver, CoordinatorTransport, DriverError, Timings},
    key_group::{Parallelism, Subtask},
    protocol::{Coordinator, CoordinatorId, HostId, Options, ToHost},
    store::CheckpointStore,
};
use object_store::path::Path;

use crate::{clock::Clock, disk::Disk};

const READ: Duration = Duration::from_millis(30);
const TASK: TaskId = TaskId { vertex: VertexId(0), subtask: Subtask(0) };
const ATTEMPT: Attempt = Attempt { epoch: LeaderEpoch(1), run: 1 };

/// Nobody listens.
struct Alone(Vec<String>);

impl CoordinatorTransport for Alone {
    fn send(&mut self, _: HostId, _: ToHost) {}

    fn tell_peers(&mut self, _: LeaderEpoch) {}

    fn error(&mut self, error: &DriverError) {
        self.0.push(error.to_string());
    }
}

fn job() -> JobSpec {
    let vertex =
        VertexSpec { name: "s".to_owned(), max_parallelism: None, scaling: Scaling::Elastic, inputs: vec![] };
    JobSpec::new(vec![vertex]).unwrap()
}

fn state(checkpoint: u64) -> ObjectName {
    ObjectName::State { attempt: ATTEMPT, task: TASK, checkpoint: CheckpointId(checkpoint) }
}

fn put(store: &CheckpointStore, name: ObjectName) -> Bytes {
    let bytes = Bytes::from_static(b"bytes");
    let _ = block_on(store.put_object(name, bytes.clone().into()));
    bytes
}

/// What a job has in `store` after so many checkpoints with output each, of which every seventh was given up after its list was
/// written; and a snapshot that nobody names.
fn history(store: &CheckpointStore, checkpoints: u64) {
    let (mut previous, mut newest) = (None, None);
    for id in (1..=checkpoints).map(CheckpointId) {
        let object = ObjectName::Output { attempt: ATTEMPT, task: TASK, checkpoint: id };
        let output = OutputHandle::of(object, &put(store, object), 1);
        let name = ObjectName::OutputList { attempt: ATTEMPT, checkpoint: id };
        let list = OutputList { checkpoint: id, outputs: vec![output.clone()], previous };
        let _ = block_on(store.put_output_list(name, &list));
        if id.0 % 7 != 0 {
            previous = Some(name);
            newest = Some((id, output));
        }
    }
    let (id, output) = newest.expect("there are some");
    let bytes = put(store, state(id.0)).len() as u64;
    let state = StateHandle {
        object: state(id.0),
        bytes,
        index_bytes: bytes,
        key_groups: None,
        certificate: Certificate::default(),
        operator_state: vec![],
        bases: vec![],
    };
    let parallelism = Parallelism::new(1).unwrap();
    let record = CheckpointRecord {
        id,
        attempt: ATTEMPT,
        parallelism,
        tasks: vec![TaskSnapshot { task: TASK, state, output: Some(output) }],
        outputs: previous,
    };
    let manifest = Manifest {
        version: ManifestVersion(1),
        epoch: LeaderEpoch(1),
        nonce: 1,
        job: job(),
        status: JobStatus::Running,
        desired_parallelism: parallelism,
        next_checkpoint: CheckpointId(checkpoints + 2),
        checkpoints: vec![record],
    };
    let _ = block_on(store.create_manifest(&manifest));
    put(store, self::state(checkpoints + 1));
}

/// A sweep had one limit for all that it reads. Once a chain was too long for that, no sweep ended any more, and
/// garbage stayed for ever.
#[test]
fn a_sweep_over_a_chain_that_takes_longer_than_a_transfer_collects_the_garbage() {
    let clock = Clock::default();
    let timings = Timings::default();
    let checkpoints = 3_000;
    let one_by_one = READ * (checkpoints as u32) * 6 / 7;
    assert!(one_by_one > Duration::from_secs(60), "longer than a transfer may take by default");
    let slow = Disk::slow(&clock, READ);
    let store = CheckpointStore::new(Arc::new(slow.clone()), Path::default());
    history(&store, checkpoints);
    let before = slow.names();

    let options = Options::new(job(), Parallelism::new(1).unwrap()).unwrap();
    let machine = Coordinator::new(CoordinatorId(0), 2, options);
    let driver =
        CoordinatorDriver::new(machine, store.clone(), Alone(vec![]), Arc::new(clock.clone()), timings)
            .unwrap();
    let mut running = pin!(driver.run(stream::pending().boxed()));
    let mut context = Context::from_waker(noop_waker_ref());
    let end = clock.now() + Duration::from_secs(200);
    let orphan = state(checkpoints + 1);
    while slow.has_object(orphan) && clock.now() < end {
        assert!(running.poll_unpin(&mut context).is_pending());
        assert!(clock.advance());
    }
    let after = slow.names();
    let gone: Vec<_> = before.into_iter().filter(|name| !after.contains(name)).collect();
    assert!(gone.contains(&orphan), "{} objects are gone", gone.len());
    // And with it the lists and outputs of checkpoints that were given up, and nothing else.
    let is_garbage = |name: &ObjectName| match name {
        ObjectName::State { checkpoint, .. } => checkpoint.0 == checkpoints + 1,
        other => other.checkpoint().0 % 7 == 0,
    };
    assert!(gone.iter().all(is_garbage));
    assert_eq!(gone.len() as u64, 1 + 2 * (checkpoints / 7));
    let reads = slow.reads() as u64;
    assert!(reads < checkpoints + 100, "each link is read once: {reads}");
}
