//! The process that is killed: a coordinator and two hosts on the production drivers, with a store in a
//! local directory and one checkpoint after the other. It tells on its standard output what happens,
//! one [`Mark`] per line.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::{FutureExt, StreamExt, channel::mpsc, future::BoxFuture};
use keygroups::{
    backend::{StateBackend, StateDescriptor, ValueState},
    checkpoint::{Attempt, CheckpointId, JobSpec, LeaderEpoch, Scaling, TaskId, VertexSpec},
    driver::{
        CoordinatorDriver, CoordinatorTransport, DriverError, Engine, FrozenOutput, FrozenTask, HostDriver,
        RestoredTask, Runtime, Timings,
    },
    key_group::{KeyGroup, Parallelism},
    protocol::{
        Barrier, Coordinator, CoordinatorId, CoordinatorInput, Deployment, Event, FailureCause, Host, HostId,
        HostInput, Incarnation, Options, ToCoordinator, ToHost,
    },
    store::CheckpointStore,
};
use serde::{Deserialize, Serialize};

use crate::words::{Count, counts, max_parallelism, value, word};

type Error = Box<dyn std::error::Error>;

/// Records of each key group in one turn of a task.
const BATCH: u64 = 40;

/// What a process is started with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    /// Where the checkpoints are.
    pub directory: String,
    /// Which life of the job this is, from 1.
    pub life: u64,
    /// The parallelism it asks for.
    pub parallelism: u16,
    /// How many records each key group has. The job is finished when all are read.
    pub records: u64,
    /// How many manifests it keeps.
    pub manifests_retained: u64,
}

/// What a process tells.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Mark {
    /// Something that the coordinator tells.
    Event(Event),
    /// A key group was restored, and its contents are those of so many records.
    Restored(KeyGroup, u64),
    /// State that was restored is not that of any prefix of the input.
    Wrong(String),
    /// Something went wrong that the protocol knows how to live with.
    Trouble(String),
}

fn tell(mark: &Mark) {
    println!("{}", serde_json::to_string(mark).expect("marks are plain data"));
}

/// The output of a task: for each key group, which of its records were processed.
pub type Output = Vec<(KeyGroup, u64, u64)>;

/// Runs until the job is finished, or until somebody kills it.
pub fn run(order: &Order) -> Result<(), Error> {
    tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(live(order))
}

async fn live(order: &Order) -> Result<(), Error> {
    let job = JobSpec::new(vec![VertexSpec {
        name: "count".into(),
        max_parallelism: Some(max_parallelism()),
        scaling: Scaling::Elastic,
        inputs: vec![],
    }])?;
    let store = CheckpointStore::from_url(&order.directory)?;
    let timings = Timings::default()
        .with_heartbeat(Duration::from_millis(5))
        .with_leader_silence(Duration::from_millis(10))
        .with_host_silence(Duration::from_secs(5))
        .with_restart_pause(Duration::from_millis(5))
        .with_checkpoint_interval(Duration::from_millis(5))
        .with_store_retry(Duration::from_millis(20))
        .with_sweep_interval(Duration::from_millis(50))
        .with_stabilize(Duration::from_millis(5));
    let wanted = Parallelism::new(u32::from(order.parallelism))?;

    let (to_coordinator, coordinator_inbox) = mpsc::unbounded();
    let (to_hosts, host_inboxes): (Vec<_>, Vec<_>) = (0..2).map(|_| mpsc::unbounded()).unzip();
    let (events, mut happened) = mpsc::unbounded();
    let options = Options::new(job, wanted)?.with_manifests_retained(order.manifests_retained)?;
    let coordinator = Coordinator::new(CoordinatorId(0), order.life, options);
    let transport = InProcess { to_hosts, events };
    let coordinator =
        CoordinatorDriver::new(coordinator, store.clone(), transport, Arc::new(Tokio), timings.clone())?;

    let mut hosts = Vec::new();
    for (number, inbox) in host_inboxes.into_iter().enumerate() {
        let machine = Host::new(HostId(number as u16), Incarnation(order.life), 4);
        let to_coordinator = to_coordinator.clone();
        let engine = Counting { records: order.records, to_coordinator, tasks: BTreeMap::new() };
        let host = HostDriver::new(machine, store.clone(), engine, Arc::new(Tokio), timings.clone())?;
        hosts.push(live_host(host, inbox));
    }
    let watching = async move {
        while let Some(event) = happened.next().await {
            match event {
                Event::Elected { .. } => to_coordinator.unbounded_send(CoordinatorInput::Rescale(wanted))?,
                Event::Finished { .. } => break,
                _ => {}
            }
        }
        Ok::<(), Error>(())
    };
    tokio::select! {
        () = coordinator.run(coordinator_inbox) => Ok(()),
        _ = futures::future::join_all(hosts) => Ok(()),
        watched = watching => watched,
    }
}

async fn live_host(mut host: HostDriver<Counting>, mut inbox: mpsc::UnboundedReceiver<HostInput>) {
    host.handle(HostInput::Boot);
    loop {
        while let Ok(input) = inbox.try_recv() {
            host.handle(input);
        }
        if let Some(finished) = host.engine_mut().work() {
            host.handle(finished);
        }
        tokio::select! {
            () = host.progress() => {}
            () = tokio::time::sleep(Duration::from_millis(1)) => {}
        }
    }
}

struct Tokio;

impl Runtime for Tokio {
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(duration).boxed()
    }

    fn compute(&self, work: Box<dyn FnOnce() + Send>) {
        tokio::task::spawn_blocking(work);
    }
}

struct InProcess {
    to_hosts: Vec<mpsc::UnboundedSender<HostInput>>,
    events: mpsc::UnboundedSender<Event>,
}

impl CoordinatorTransport for InProcess {
    fn send(&mut self, to: HostId, message: ToHost) {
        // A closed inbox is a lost message, which the protocol expects.
        drop(self.to_hosts[to.0 as usize].unbounded_send(HostInput::Coordinator(message)));
    }

    fn tell_peers(&mut self, _: LeaderEpoch) {}

    fn event(&mut self, event: &Event) {
        tell(&Mark::Event(event.clone()));
        drop(self.events.unbounded_send(event.clone()));
    }

    fn error(&mut self, error: &DriverError) {
        tell(&Mark::Trouble(error.to_string()));
    }
}

/// Counts how often each word of the input was read.
struct Counting {
    records: u64,
    to_coordinator: mpsc::UnboundedSender<CoordinatorInput>,
    tasks: BTreeMap<(Attempt, TaskId), Counter>,
}

struct Counter {
    backend: StateBackend,
    words: ValueState<u64, Count>,
    offsets: ValueState<u16, u64>,
    // How far each key group was read at each checkpoint since the newest that is committed.
    read: BTreeMap<CheckpointId, BTreeMap<KeyGroup, u64>>,
    running: bool,
    finished: bool,
}

impl Counting {
    fn work(&mut self) -> Option<HostInput> {
        for ((attempt, task), counter) in &mut self.tasks {
            if !counter.running || counter.finished {
                continue;
            }
            let (attempt, task) = (*attempt, *task);
            match counter.process(self.records) {
                Ok(true) => {}
                Ok(false) => {
                    counter.finished = true;
                    return Some(HostInput::Finished { attempt, task });
                }
                Err(_) => return Some(HostInput::Failed { attempt, task }),
            }
        }
        None
    }

    fn set_running(&mut self, attempt: Attempt, task: TaskId, running: bool) {
        if let Some(counter) = self.tasks.get_mut(&(attempt, task)) {
            counter.running = running;
        }
    }
}

impl Counter {
    /// Whether there is more to process.
    fn process(&mut self, records: u64) -> Result<bool, Error> {
        let mut more = false;
        for group in self.backend.key_groups().iter() {
            let from = self.backend.get(&self.offsets, group, &group.0)?.unwrap_or(0);
            let to = (from + BATCH).min(records);
            for number in from..to {
                let word = word(group, number);
                self.backend.update(&self.words, group, &word, |before| {
                    Some(value(word, before.map_or(0, |before| before.count) + 1))
                })?;
            }
            self.backend.put(&self.offsets, group, &group.0, &to)?;
            more |= to < records;
        }
        Ok(more)
    }

    fn offsets(&self) -> Result<BTreeMap<KeyGroup, u64>, Error> {
        let groups = self.backend.key_groups().iter();
        groups
            .map(|group| Ok((group, self.backend.get(&self.offsets, group, &group.0)?.unwrap_or(0))))
            .collect()
    }

    /// What was restored must be what the records up to the offset make.
    fn judge(&self, offsets: &BTreeMap<KeyGroup, u64>) -> Result<(), Error> {
        for (&group, &records) in offsets {
            let mut expected = counts(group, records);
            for entry in self.backend.iter(&self.words, group)? {
                let (word, found) = entry?;
                let count = expected.get_mut(word as usize).ok_or("a word that is not in the input")?;
                if found != value(word, *count) {
                    return Err(format!("key group {group}, word {word} after {records}: {found:?}").into());
                }
                *count = 0;
            }
            if expected.iter().any(|count| *count > 0) {
                return Err(format!("key group {group}: words are missing after {records} records").into());
            }
            tell(&Mark::Restored(group, records));
        }
        Ok(())
    }

    /// What was processed between `confirmed` and now, which becomes `checkpoint`.
    fn output(&mut self, barrier: &Barrier) -> Option<FrozenOutput> {
        let now = self.offsets().ok()?;
        self.read.retain(|checkpoint, _| *checkpoint >= barrier.confirmed);
        let before = self.read.get(&barrier.confirmed)?;
        let output: Output = now.iter().map(|(group, to)| (*group, before[group], *to)).collect();
        let records = output.iter().map(|(_, from, to)| to - from).sum();
        self.read.insert(barrier.checkpoint, now);
        let bytes = serde_json::to_vec(&output).expect("plain data").into();
        Some(FrozenOutput { bytes, records })
    }
}

impl Engine for Counting {
    fn send(&mut self, _: CoordinatorId, message: ToCoordinator) {
        drop(self.to_coordinator.unbounded_send(CoordinatorInput::Host(message)));
    }

    fn send_all(&mut self, message: ToCoordinator) {
        self.send(CoordinatorId(0), message);
    }

    fn restore(&mut self, deployment: &Arc<Deployment>, restored: RestoredTask) -> Result<(), FailureCause> {
        let refused = |_| FailureCause::RestoreCorrupt;
        let mut backend = restored.backend.ok_or(FailureCause::Engine)?;
        let words = backend.register(StateDescriptor::value("words")).map_err(refused)?;
        let offsets = backend.register(StateDescriptor::value("offsets")).map_err(refused)?;
        let mut counter =
            Counter { backend, words, offsets, read: BTreeMap::new(), running: false, finished: false };
        let offsets = counter.offsets().map_err(|_| FailureCause::RestoreCorrupt)?;
        if let Err(error) = counter.judge(&offsets) {
            tell(&Mark::Wrong(error.to_string()));
            return Err(FailureCause::RestoreCorrupt);
        }
        counter.read.insert(deployment.restore.checkpoint, offsets);
        self.tasks.insert((deployment.attempt, deployment.task), counter);
        Ok(())
    }

    fn run(&mut self, attempt: Attempt, task: TaskId) {
        self.set_running(attempt, task, true);
    }

    fn snapshot(&mut self, attempt: Attempt, task: TaskId, barrier: Barrier) -> Option<FrozenTask> {
        self.set_running(attempt, task, !barrier.stop);
        let counter = self.tasks.get_mut(&(attempt, task))?;
        let output = Some(counter.output(&barrier)?);
        Some(FrozenTask { keyed: Some(counter.backend.freeze()), output, ..FrozenTask::default() })
    }

    fn commit(&mut self, _: Attempt, _: TaskId, _: CheckpointId) {}

    fn cancel_alignment(&mut self, _: Attempt, _: TaskId, _: CheckpointId) {}

    fn drop_task(&mut self, attempt: Attempt, task: TaskId) {
        self.tasks.remove(&(attempt, task));
    }

    fn error(&mut self, _: Attempt, task: TaskId, error: &DriverError) {
        tell(&Mark::Trouble(format!("task {task}: {error}")));
    }
}
