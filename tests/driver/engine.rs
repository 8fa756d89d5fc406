//! A small engine: sources read splits of a fixed input, counters count by key. A counter puts out
//! each new count, so that a record that is lost or counted twice shows in the output.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, VecDeque},
    rc::Rc,
    sync::Arc,
};

use bytes::Bytes;
use futures::channel::mpsc::UnboundedSender;
use keygroups::{
    backend::{StateBackend, StateDescriptor, ValueState},
    checkpoint::{
        Attempt, CheckpointId, JobSpec, LeaderEpoch, RedistributionMode, Scaling, TaskId, VertexId,
        VertexSpec,
    },
    codec,
    driver::{
        CoordinatorTransport, CopyError, DriverError, Engine, FrozenOutput, FrozenTask, RestoreMetrics,
        RestoredTask,
    },
    key_group::{self, MaxParallelism, Subtask, assign},
    protocol::{
        Aligner, AlignerInput, AlignerOutput, Barrier, CoordinatorId, CoordinatorInput, Deployment, Event,
        FailureCause, HostId, HostInput, ToCoordinator, ToHost,
    },
    snapshot::OperatorState,
};

use crate::faults::Faults;

pub const SOURCE: VertexId = VertexId(0);
pub const COUNT: VertexId = VertexId(1);
const SPLITS: u32 = 6;
const RECORDS: u64 = 600;

pub fn max_parallelism() -> MaxParallelism {
    MaxParallelism::new(16).unwrap()
}

pub fn job() -> JobSpec {
    let vertex = |name: &str, max_parallelism, inputs| VertexSpec {
        name: name.to_owned(),
        max_parallelism,
        scaling: Scaling::Elastic,
        inputs,
    };
    JobSpec::new(vec![
        vertex("source", None, Vec::new()),
        vertex("count", Some(max_parallelism()), vec![SOURCE]),
    ])
    .unwrap()
}

/// The key of a record.
fn record(split: u32, offset: u64) -> i32 {
    ((offset * offset + u64::from(split) * 7) % 61) as i32
}

/// How often each key occurs in the whole input.
pub fn expected() -> BTreeMap<i32, u64> {
    let mut counts = BTreeMap::new();
    for (split, offset) in (0..SPLITS).flat_map(|split| (0..RECORDS).map(move |offset| (split, offset))) {
        *counts.entry(record(split, offset)).or_default() += 1;
    }
    counts
}

#[derive(Clone, Copy)]
enum Element {
    Record(i32),
    Barrier(Barrier),
    // No more records; barriers may follow.
    End,
}

/// What connects the processes, and what was seen of them.
pub struct World {
    pub faults: Faults,
    pub hosts: BTreeMap<HostId, UnboundedSender<HostInput>>,
    pub coordinators: BTreeMap<CoordinatorId, UnboundedSender<CoordinatorInput>>,
    pub events: Vec<(CoordinatorId, Event)>,
    pub errors: Vec<String>,
    pub copy_errors: Vec<CopyError>,
    pub restores: Vec<(Arc<Deployment>, RestoreMetrics)>,
    channels: BTreeMap<(Attempt, TaskId, TaskId), VecDeque<Element>>,
}

pub type Shared = Rc<RefCell<World>>;

pub struct Transport {
    pub id: CoordinatorId,
    pub world: Shared,
}

impl CoordinatorTransport for Transport {
    fn send(&mut self, to: HostId, message: ToHost) {
        let world = self.world.borrow();
        if let Some(inbox) = world.hosts.get(&to) {
            world.faults.deliver(inbox, HostInput::Coordinator(message));
        }
    }

    fn tell_peers(&mut self, epoch: LeaderEpoch) {
        let world = self.world.borrow();
        for (_, inbox) in world.coordinators.iter().filter(|(id, _)| **id != self.id) {
            world.faults.deliver(inbox, CoordinatorInput::PeerAlive(epoch));
        }
    }

    fn event(&mut self, event: &Event) {
        self.world.borrow_mut().events.push((self.id, event.clone()));
    }

    fn error(&mut self, error: &DriverError) {
        self.world.borrow_mut().errors.push(error.to_string());
    }
}

pub struct Tasks {
    world: Shared,
    tasks: BTreeMap<(Attempt, TaskId), RunningTask>,
}

struct RunningTask {
    deployment: Arc<Deployment>,
    runs: bool,
    operator: Operator,
}

enum Operator {
    Source { offsets: BTreeMap<u32, u64>, ended: bool },
    Count(Box<Count>),
}

struct Count {
    backend: StateBackend,
    counts: ValueState<i32, u64>,
    aligner: Aligner,
    ended: BTreeSet<u32>,
    // Since the barrier of each checkpoint that is not known to be committed.
    frozen: Vec<(CheckpointId, Vec<(i32, u64)>)>,
    output: Vec<(i32, u64)>,
}

/// What a task has to say after one step.
pub enum Stepped {
    Idle,
    Worked,
    Aligned(Barrier),
    Finished,
}

fn subtasks(deployment: &Deployment, vertex: VertexId) -> Vec<TaskId> {
    deployment.layout.parallelism.subtasks().map(|subtask| TaskId { vertex, subtask }).collect()
}

impl Tasks {
    pub fn new(world: Shared) -> Self {
        Self { world, tasks: BTreeMap::new() }
    }

    pub fn running(&self) -> Vec<(Attempt, TaskId)> {
        self.tasks.iter().filter(|(_, task)| task.runs).map(|(id, _)| *id).collect()
    }

    pub fn step(&mut self, id: (Attempt, TaskId)) -> Stepped {
        let Some(RunningTask { deployment, runs: true, operator }) = self.tasks.get_mut(&id) else {
            return Stepped::Idle;
        };
        let mut world = self.world.borrow_mut();
        match operator {
            Operator::Source { offsets, ended } => step_source(deployment, offsets, ended, &mut world),
            Operator::Count(count) => count.step(deployment, &mut world),
        }
    }
}

fn step_source(
    deployment: &Deployment,
    offsets: &mut BTreeMap<u32, u64>,
    ended: &mut bool,
    world: &mut World,
) -> Stepped {
    if *ended {
        return Stepped::Idle;
    }
    let Some((split, offset)) = offsets.iter_mut().find(|(_, offset)| **offset < RECORDS) else {
        *ended = true;
        for to in subtasks(deployment, COUNT) {
            world.put(deployment, to, Element::End);
        }
        return Stepped::Finished;
    };
    let key = record(*split, *offset);
    *offset += 1;
    let parallelism = deployment.layout.parallelism;
    let group = key_group::of(&key, max_parallelism());
    let owner = assign::owner(group, max_parallelism(), parallelism);
    world.put(deployment, TaskId { vertex: COUNT, subtask: owner }, Element::Record(key));
    Stepped::Worked
}

impl World {
    pub fn new(faults: Faults) -> Shared {
        Rc::new(RefCell::new(Self {
            faults,
            hosts: BTreeMap::new(),
            coordinators: BTreeMap::new(),
            events: Vec::new(),
            errors: Vec::new(),
            copy_errors: Vec::new(),
            restores: Vec::new(),
            channels: BTreeMap::new(),
        }))
    }

    fn put(&mut self, from: &Deployment, to: TaskId, element: Element) {
        self.channels.entry((from.attempt, from.task, to)).or_default().push_back(element);
    }
}

impl Count {
    fn step(&mut self, deployment: &Deployment, world: &mut World) -> Stepped {
        // From the longest channel that may be read.
        let channels = (0..).zip(subtasks(deployment, SOURCE));
        let next = channels
            .filter(|(channel, _)| !self.aligner.is_blocked(*channel))
            .map(|(channel, source)| (channel, (deployment.attempt, source, deployment.task)))
            .max_by_key(|(_, name)| world.channels.get(name).map_or(0, VecDeque::len));
        let Some((channel, name)) = next else { return Stepped::Idle };
        let Some(element) = world.channels.get_mut(&name).and_then(VecDeque::pop_front) else {
            return Stepped::Idle;
        };
        match element {
            Element::Record(key) => {
                let group = key_group::of(&key, max_parallelism());
                let mut new = 0;
                self.backend
                    .update(&self.counts, group, &key, |count| {
                        new = count.unwrap_or(0) + 1;
                        Some(new)
                    })
                    .unwrap();
                self.output.push((key, new));
            }
            Element::Barrier(barrier) => {
                let mut out = Vec::new();
                self.aligner.handle(AlignerInput::Barrier { channel, barrier }, &mut out);
                if out.contains(&AlignerOutput::Aligned(barrier)) {
                    return Stepped::Aligned(barrier);
                }
            }
            Element::End => {
                self.ended.insert(channel);
                if self.ended.len() == usize::from(deployment.layout.parallelism.get()) {
                    return Stepped::Finished;
                }
            }
        }
        Stepped::Worked
    }

    fn freeze(&mut self, barrier: Barrier) -> FrozenTask {
        self.frozen.retain(|(checkpoint, _)| *checkpoint > barrier.confirmed);
        self.frozen.push((barrier.checkpoint, std::mem::take(&mut self.output)));
        let output: Vec<_> = self.frozen.iter().flat_map(|(_, output)| output).collect();
        let output = (!output.is_empty()).then(|| FrozenOutput {
            bytes: codec::encode(&output).unwrap().into(),
            records: output.len() as u64,
        });
        let keyed = Some(self.backend.freeze_at(barrier.checkpoint, barrier.confirmed));
        FrozenTask { keyed, operator_state: Vec::new(), output }
    }
}

impl Engine for Tasks {
    fn send(&mut self, to: CoordinatorId, message: ToCoordinator) {
        let world = self.world.borrow();
        if let Some(inbox) = world.coordinators.get(&to) {
            world.faults.deliver(inbox, CoordinatorInput::Host(message));
        }
    }

    fn send_all(&mut self, message: ToCoordinator) {
        let world = self.world.borrow();
        for inbox in world.coordinators.values() {
            world.faults.deliver(inbox, CoordinatorInput::Host(message.clone()));
        }
    }

    fn restore(&mut self, deployment: &Arc<Deployment>, restored: RestoredTask) -> Result<(), FailureCause> {
        let (attempt, task) = (deployment.attempt, deployment.task);
        self.world.borrow_mut().restores.push((Arc::clone(deployment), restored.metrics));
        let parallelism = deployment.layout.parallelism.get();
        let operator = if deployment.source {
            let mut offsets: BTreeMap<u32, u64> =
                restored.items("offsets").iter().map(|item| codec::decode(item).unwrap()).collect();
            if deployment.restore.checkpoint == CheckpointId::NONE {
                let own = |split: &u32| Subtask((split % u32::from(parallelism)) as u16) == task.subtask;
                offsets.extend((0..SPLITS).filter(own).map(|split| (split, 0)));
            }
            Operator::Source { offsets, ended: false }
        } else {
            let mut backend = restored.backend.expect("counters have keyed state");
            Operator::Count(Box::new(Count {
                counts: backend.register(StateDescriptor::value("counts")).unwrap(),
                backend,
                aligner: Aligner::new(u32::from(parallelism), deployment.restore.checkpoint),
                ended: BTreeSet::new(),
                frozen: Vec::new(),
                output: Vec::new(),
            }))
        };
        let task_state = RunningTask { deployment: Arc::clone(deployment), runs: false, operator };
        assert!(self.tasks.insert((attempt, task), task_state).is_none(), "{task} is restored twice");
        Ok(())
    }

    fn run(&mut self, attempt: Attempt, task: TaskId) {
        self.tasks.get_mut(&(attempt, task)).expect("restored before it runs").runs = true;
    }

    fn snapshot(&mut self, attempt: Attempt, task: TaskId, barrier: Barrier) -> Option<FrozenTask> {
        let RunningTask { deployment, runs, operator } = self.tasks.get_mut(&(attempt, task))?;
        if barrier.stop {
            *runs = false;
        }
        Some(match operator {
            Operator::Source { offsets, .. } => {
                for to in subtasks(deployment, COUNT) {
                    self.world.borrow_mut().put(deployment, to, Element::Barrier(barrier));
                }
                let items = offsets.iter().map(|split| Bytes::from(codec::encode(&split).unwrap())).collect();
                let (name, mode) = ("offsets".to_owned(), RedistributionMode::SplitDistribute);
                FrozenTask {
                    operator_state: vec![OperatorState { name, mode, items }],
                    ..FrozenTask::default()
                }
            }
            Operator::Count(count) => count.freeze(barrier),
        })
    }

    fn commit(&mut self, attempt: Attempt, task: TaskId, committed: CheckpointId) {
        if let Some(RunningTask { operator: Operator::Count(count), .. }) =
            self.tasks.get_mut(&(attempt, task))
        {
            count.frozen.retain(|(checkpoint, _)| *checkpoint > committed);
        }
    }

    fn cancel_alignment(&mut self, attempt: Attempt, task: TaskId, checkpoint: CheckpointId) {
        if let Some(RunningTask { operator: Operator::Count(count), .. }) =
            self.tasks.get_mut(&(attempt, task))
        {
            count.aligner.handle(AlignerInput::Aborted { checkpoint }, &mut Vec::new());
        }
    }

    fn drop_task(&mut self, attempt: Attempt, task: TaskId) {
        self.tasks.remove(&(attempt, task));
    }

    fn error(&mut self, attempt: Attempt, task: TaskId, error: &DriverError) {
        self.world.borrow_mut().errors.push(format!("{attempt} {task}: {error}"));
    }

    fn copy_error(&mut self, error: CopyError) {
        self.world.borrow_mut().copy_errors.push(error);
    }
}
