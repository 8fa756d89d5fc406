//! A task restores from a snapshot that is not what was written: it gets its state, or an error that says
//! what is lost and where it lies.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::{
    FutureExt,
    executor::block_on,
    future::{self, BoxFuture},
};
use keygroups::{
    backend::{StateBackend, StateDescriptor},
    checkpoint::{
        Attempt, Certificate, CheckpointId, LeaderEpoch, RedistributionMode, StateHandle, TaskId, VertexId,
    },
    driver::{DriverError, Engine, FrozenTask, HostDriver, RestoredTask, Runtime, Timings},
    key_group::{KeyGroup, KeyGroupRange, MaxParallelism, Parallelism, Subtask},
    protocol::{
        Barrier, CoordinatorId, Deployment, FailureCause, Host, HostId, HostInput, Incarnation, Layout,
        OperatorRead, Restore, StateRead, ToCoordinator, ToHost,
    },
    snapshot::{EncodedSnapshot, HEADER_BYTES, OperatorState, SnapshotIdentity, SnapshotIndex},
    store::CheckpointStore,
};
use object_store::{ObjectStoreExt, memory::InMemory, path::Path};

const TASK: TaskId = TaskId { vertex: VertexId(0), subtask: Subtask(0) };
const ATTEMPT: Attempt = Attempt { epoch: LeaderEpoch(1), run: 1 };

fn max_parallelism() -> MaxParallelism {
    MaxParallelism::new(4).unwrap()
}

/// Key group 1 is empty.
fn snapshot() -> EncodedSnapshot {
    let mut backend = StateBackend::new(max_parallelism(), max_parallelism().all()).unwrap();
    let counts = backend.register(StateDescriptor::<String, u64>::value("counts")).unwrap();
    for (group, key) in [(0, "N14228"), (0, "N24211"), (2, "N619AA"), (3, "N804JB")] {
        backend.put(&counts, KeyGroup(group), &key.to_owned(), &300).unwrap();
    }
    let offsets = OperatorState {
        name: "offsets".to_owned(),
        mode: RedistributionMode::Union,
        items: vec![Bytes::from_static(b"first"), Bytes::from_static(b"second")],
    };
    let identity = SnapshotIdentity { attempt: ATTEMPT, task: TASK, checkpoint: CheckpointId(7) };
    backend.freeze().encode(identity, &[offsets]).unwrap()
}

/// Nothing takes time, and nobody sends heartbeats.
struct Still;

impl Runtime for Still {
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        if duration == RETRY { future::ready(()).boxed() } else { future::pending().boxed() }
    }
}

const RETRY: Duration = Duration::from_millis(1);

/// Remembers what it starts from, and what went wrong.
#[derive(Default)]
struct Restoring {
    restored: Option<Certificate>,
    items: Vec<Bytes>,
    error: Option<String>,
}

impl Engine for Restoring {
    fn send(&mut self, _: CoordinatorId, _: ToCoordinator) {}

    fn send_all(&mut self, _: ToCoordinator) {}

    fn restore(&mut self, _: &Arc<Deployment>, restored: RestoredTask) -> Result<(), FailureCause> {
        self.items = restored.items("offsets").to_vec();
        self.restored = restored.backend.map(|backend| backend.total_certificate().unwrap());
        Ok(())
    }

    fn run(&mut self, _: Attempt, _: TaskId) {}

    fn snapshot(&mut self, _: Attempt, _: TaskId, _: Barrier) -> Option<FrozenTask> {
        None
    }

    fn commit(&mut self, _: Attempt, _: TaskId, _: CheckpointId) {}

    fn cancel_alignment(&mut self, _: Attempt, _: TaskId, _: CheckpointId) {}

    fn drop_task(&mut self, _: Attempt, _: TaskId) {}

    fn error(&mut self, _: Attempt, _: TaskId, error: &DriverError) {
        self.error = Some(error.to_string());
    }
}

/// A task of `key_groups` and both items, restored on the production driver from `object`, which lies where
/// `handle` says; `None` if nothing lies there.
fn restore(
    handle: &StateHandle,
    key_groups: KeyGroupRange,
    object: Option<Bytes>,
) -> Result<(Certificate, Vec<Bytes>), String> {
    let memory = Arc::new(InMemory::new());
    let store = CheckpointStore::new(Arc::<InMemory>::clone(&memory), Path::default());
    if let Some(object) = object {
        block_on(memory.put(&store.layout().object(&handle.object), object.into())).unwrap();
    }
    let handle = Arc::new(handle.clone());
    let items = OperatorRead {
        handle: Arc::clone(&handle),
        name: "offsets".to_owned(),
        mode: RedistributionMode::Union,
        first_item: 0,
        items: 2,
    };
    let deployment = Deployment {
        attempt: ATTEMPT,
        leader: CoordinatorId(0),
        task: TASK,
        source: true,
        max_parallelism: Some(max_parallelism()),
        key_groups: Some(key_groups),
        restore: Restore {
            checkpoint: CheckpointId(7),
            state: vec![StateRead { handle, key_groups }],
            operator_state: vec![items],
        },
        layout: Arc::new(Layout {
            parallelism: Parallelism::new(1).unwrap(),
            tasks: BTreeMap::from([(TASK, HostId(0))]),
            hosts: BTreeMap::from([(HostId(0), Incarnation(1))]),
        }),
    };
    let timings = Timings::default().with_store_retry(RETRY);
    let machine = Host::new(HostId(0), Incarnation(1), 1);
    let mut host = HostDriver::new(machine, store, Restoring::default(), Arc::new(Still), timings).unwrap();
    host.handle(HostInput::Boot);
    host.handle(HostInput::Coordinator(ToHost::Deploy(Arc::new(deployment))));
    block_on(host.progress());
    let engine = host.engine_mut();
    match (engine.restored, engine.error.take()) {
        (Some(certificate), None) => Ok((certificate, std::mem::take(&mut engine.items))),
        (None, Some(error)) => Err(error),
        both => panic!("a restore succeeds or fails: {both:?}"),
    }
}

#[test]
fn flipped_bit_is_harmless_or_its_error_names_object_key_group_and_offset() {
    let written = snapshot();
    let handle = written.handle();
    let index = SnapshotIndex::decode(&written.bytes()).unwrap();
    for (first, last) in [(0, 3), (2, 2)] {
        let wanted = KeyGroupRange::new(KeyGroup(first), KeyGroup(last)).unwrap();
        let sound = restore(&handle, wanted, Some(written.bytes().clone())).unwrap();
        assert_eq!(sound.0, index.run(wanted).unwrap().iter().map(|group| group.certificate).sum());
        for (at, bit) in (0..written.bytes().len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut bytes = written.bytes().to_vec();
            bytes[at] ^= 1 << bit;
            let outcome = restore(&handle, wanted, Some(bytes.into()));
            let at = at as u64;
            let group =
                index.groups().iter().find(|group| (group.offset..group.offset + group.bytes).contains(&at));
            if group.is_some_and(|group| !wanted.contains(group.key_group)) {
                assert_eq!(outcome, Ok(sound.clone()), "bit {bit} of byte {at}, which is not read");
                continue;
            }
            let error = outcome.unwrap_err();
            let lost = format!(
                "task 0-0 cannot restore key group{} {wanted} and items 0..2 of operator state 'offsets' \
                 from {object}: {object}: ",
                if first == last { "" } else { "s" },
                object = handle.object
            );
            let place = match group {
                Some(group) => {
                    format!(
                        "key group {}: the checksum of its section at offset {}",
                        group.key_group, group.offset
                    )
                }
                None if at >= handle.index_bytes => {
                    "operator state 'offsets': the checksum of item".to_owned()
                }
                None if at >= HEADER_BYTES => "the checksum of the snapshot index at offset 0".to_owned(),
                None if at >= 10 => "the checksum of the snapshot header at offset 0".to_owned(),
                None if at >= 8 => "snapshot format version ".to_owned(),
                None => "not a snapshot: it begins with ".to_owned(),
            };
            let expected = lost + &place;
            assert!(error.starts_with(&expected), "bit {bit} of byte {at}\n{error}\n{expected}");
        }
    }
}

#[test]
fn vanished_and_truncated_snapshots_say_what_is_lost() {
    let written = snapshot();
    let wanted = max_parallelism().all();
    let restore = |object| restore(&written.handle(), wanted, object).unwrap_err();
    let object = "state/00000000000000000001.0000000001/00000-00000/00000000000000000007";
    let lost = format!(
        "task 0-0 cannot restore key groups 0–3 and items 0..2 of operator state 'offsets' from {object}: "
    );
    assert_eq!(
        restore(None),
        format!("{lost}{object} is missing: if the newest manifest names it, state was lost")
    );
    let length = written.bytes().len();
    let index_bytes = written.index_bytes as usize;
    for cut in (0..length).step_by(7) {
        let error = restore(Some(written.bytes().slice(..cut)));
        let says = format!("{lost}{object} ends at byte {cut}, and bytes ");
        assert!(
            error.starts_with(&says) && error.ends_with(": it is truncated"),
            "{cut} of {length}: {error}"
        );
        assert_eq!(error.contains(&format!("bytes 0..{index_bytes} ")), cut < index_bytes, "{error}");
    }
}
