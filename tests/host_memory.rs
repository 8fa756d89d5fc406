//! What a host keeps of the checkpoints that it has taken: nothing that grows.

#[path = "../fuzz/src/memory.rs"]
mod memory;
#[path = "common/timeless.rs"]
mod timeless;

use std::{collections::BTreeMap, sync::Arc};

use futures::{FutureExt, TryStreamExt, executor::block_on};
use keygroups::{
    backend::{StateBackend, StateDescriptor, ValueState},
    checkpoint::{Attempt, CheckpointId, LeaderEpoch, TaskId, VertexId},
    driver::{DriverError, Engine, FrozenTask, HostDriver, LocalCopies, RestoredTask, Timings},
    key_group::{KeyGroup, MaxParallelism, Parallelism, Subtask},
    protocol::{
        Barrier, CoordinatorId, Deployment, FailureCause, Host, HostId, HostInput, Incarnation, Layout,
        Restore, ToCoordinator, ToHost,
    },
    store::CheckpointStore,
};
use object_store::{ObjectStore, ObjectStoreExt, memory::InMemory, path::Path};

use timeless::Timeless;

#[global_allocator]
static ALLOCATOR: memory::Counting = memory::Counting;

const GROUPS: u16 = 64;
const TASK: TaskId = TaskId { vertex: VertexId(0), subtask: Subtask(0) };
const ATTEMPT: Attempt = Attempt { epoch: LeaderEpoch(1), run: 1 };

/// One task, which changes one key group between two checkpoints, so that snapshots lean on older ones.
#[derive(Default)]
struct OneGroupAtATime(Option<(StateBackend, ValueState<u64, u64>)>);

impl Engine for OneGroupAtATime {
    fn send(&mut self, _: CoordinatorId, _: ToCoordinator) {}

    fn send_all(&mut self, _: ToCoordinator) {}

    fn restore(&mut self, _: &Arc<Deployment>, restored: RestoredTask) -> Result<(), FailureCause> {
        let mut backend = restored.backend.ok_or(FailureCause::Engine)?;
        let values = backend.register(StateDescriptor::value("values")).unwrap();
        for key_group in backend.key_groups().iter() {
            backend.put(&values, key_group, &0, &0).unwrap();
        }
        self.0 = Some((backend, values));
        Ok(())
    }

    fn run(&mut self, _: Attempt, _: TaskId) {}

    fn snapshot(&mut self, _: Attempt, _: TaskId, barrier: Barrier) -> Option<FrozenTask> {
        let (backend, values) = self.0.as_mut()?;
        let key_group = KeyGroup((barrier.checkpoint.0 % u64::from(GROUPS)) as u16);
        backend.put(values, key_group, &0, &barrier.checkpoint.0).unwrap();
        let keyed = Some(backend.freeze_at(barrier.checkpoint, barrier.confirmed));
        Some(FrozenTask { keyed, ..FrozenTask::default() })
    }

    fn commit(&mut self, _: Attempt, _: TaskId, _: CheckpointId) {}

    fn cancel_alignment(&mut self, _: Attempt, _: TaskId, _: CheckpointId) {}

    fn drop_task(&mut self, _: Attempt, _: TaskId) {}

    fn error(&mut self, _: Attempt, _: TaskId, error: &DriverError) {
        panic!("{error}");
    }
}

/// A host that runs the task.
fn running(objects: &Arc<InMemory>, copies: Option<LocalCopies>) -> HostDriver<OneGroupAtATime> {
    let store = CheckpointStore::new(Arc::<InMemory>::clone(objects), Path::default());
    let (host, engine) = (Host::new(HostId(0), Incarnation(1), 1), OneGroupAtATime::default());
    let mut driver = HostDriver::new(host, store, engine, Arc::new(Timeless), Timings::default()).unwrap();
    if let Some(copies) = copies {
        driver = driver.with_local_copies(copies);
    }
    let max_parallelism = MaxParallelism::new(u32::from(GROUPS)).unwrap();
    let layout = Layout {
        parallelism: Parallelism::new(1).unwrap(),
        tasks: [(TASK, HostId(0))].into(),
        hosts: BTreeMap::from([(HostId(0), Incarnation(1))]),
    };
    let deployment = Deployment {
        attempt: ATTEMPT,
        leader: CoordinatorId(0),
        task: TASK,
        source: true,
        max_parallelism: Some(max_parallelism),
        key_groups: Some(max_parallelism.all()),
        restore: Restore { checkpoint: CheckpointId::NONE, state: vec![], operator_state: vec![] },
        layout: Arc::new(layout),
    };
    driver.handle(HostInput::Coordinator(ToHost::Deploy(Arc::new(deployment))));
    while driver.progress().now_or_never().is_some() {}
    driver.handle(HostInput::Coordinator(ToHost::Start { attempt: ATTEMPT }));
    driver
}

/// The leader has committed every checkpoint so far; nobody keeps objects.
fn take(
    driver: &mut HostDriver<OneGroupAtATime>,
    objects: &InMemory,
    checkpoints: std::ops::RangeInclusive<u64>,
) {
    for id in checkpoints {
        let (checkpoint, confirmed) = (CheckpointId(id), CheckpointId(id - 1));
        let barrier = Barrier { checkpoint, confirmed, stop: false };
        driver.handle(HostInput::Coordinator(ToHost::Trigger { attempt: ATTEMPT, barrier }));
        while driver.progress().now_or_never().is_some() {}
        driver.handle(HostInput::Coordinator(ToHost::Committed { attempt: ATTEMPT, checkpoint }));
        while driver.progress().now_or_never().is_some() {}
        let written: Vec<_> = block_on(objects.list(None).try_collect()).unwrap();
        assert!(!written.is_empty(), "checkpoint {id} was written");
        written.iter().for_each(|object| block_on(objects.delete(&object.location)).unwrap());
    }
}

/// A host without local copies kept the names of what each of its snapshots had leaned on, and forgot none.
#[test]
fn host_keeps_no_more_after_thousands_of_checkpoints_than_after_hundreds() {
    for has_copies in [false, true] {
        let (objects, disk) = (Arc::new(InMemory::new()), Arc::new(InMemory::new()));
        let copies = has_copies.then(|| LocalCopies::new(disk, Path::default()));
        let mut driver = running(&objects, copies);
        take(&mut driver, &objects, 1..=500);
        let ((), most) = memory::peak(|| take(&mut driver, &objects, 501..=1_000));
        let ((), later) = memory::peak(|| take(&mut driver, &objects, 1_001..=3_000));
        assert!(later < most + (64 << 10), "copies: {has_copies}: {most}, then {later} bytes more");
    }
}
