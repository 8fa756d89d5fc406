//! The smallest engine that embeds keygroups: one process, one coordinator, one host, no network.
//!
//! A log has one partition per key group; a task reads the partitions of the key groups it owns and
//! counts words. How far a partition was read is kept as keyed state next to the counts, so that
//! position and counts move together. Half way the parallelism goes from 2 to 4; at the end every word
//! was counted exactly once.
//!
//! ```sh
//! cargo run --release --example embed                       # checkpoints in memory
//! cargo run --release --example embed /tmp/words            # in a directory
//! cargo run --release --example embed --features aws s3://bucket/words
//! ```

use std::{collections::BTreeMap, env, sync::Arc, time::Duration};

use futures::{FutureExt, channel::mpsc, future::BoxFuture};
use keygroups::{
    backend::{StateBackend, StateDescriptor, ValueState},
    checkpoint::{Attempt, CheckpointId, JobSpec, JobStatus, LeaderEpoch, Scaling, TaskId, VertexSpec},
    driver::{
        CoordinatorDriver, CoordinatorTransport, DriverError, Engine, FrozenTask, HostDriver, RestoredTask,
        Runtime, Timings,
    },
    key_group::{self, KeyGroup, MaxParallelism, Parallelism},
    protocol::{
        Barrier, Coordinator, CoordinatorId, CoordinatorInput, Deployment, Event, FailureCause, Host, HostId,
        HostInput, Incarnation, Options, ToCoordinator, ToHost,
    },
    store::CheckpointStore,
};

type Error = Box<dyn std::error::Error>;

/// The log: words by key group. Shared, because it stands for something outside of the process.
type Log = Arc<BTreeMap<KeyGroup, Vec<String>>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let max_parallelism = MaxParallelism::new(128)?;
    let words: Vec<String> = (0..20_000).map(|n| format!("word-{}", n * n % 1_000)).collect();
    let mut log: BTreeMap<KeyGroup, Vec<String>> = BTreeMap::new();
    for word in &words {
        log.entry(key_group::of(word.as_str(), max_parallelism)).or_default().push(word.clone());
    }

    // One vertex that reads no other one; it follows the job's parallelism.
    let job = JobSpec::new(vec![VertexSpec {
        name: "count".into(),
        max_parallelism: Some(max_parallelism),
        scaling: Scaling::Elastic,
        inputs: vec![],
    }])?;
    // A job that is there already goes on where it was; one that has finished has nothing left to do.
    let store = CheckpointStore::from_url(&env::args().nth(1).unwrap_or_else(|| "memory:///".to_owned()))?;
    let timings = Timings::default()
        .with_heartbeat(Duration::from_millis(50))
        .with_leader_silence(Duration::from_millis(200))
        .with_restart_pause(Duration::from_millis(100))
        .with_checkpoint_interval(Duration::from_millis(200));

    // In one process, sending a message is putting it into the other's inbox.
    let (to_coordinator, coordinator_inbox) = mpsc::unbounded();
    let (to_host, host_inbox) = mpsc::unbounded();

    let coordinator = Coordinator::new(CoordinatorId(0), 1, Options::new(job, Parallelism::new(2)?)?);
    let (events, mut happened) = mpsc::unbounded();
    let transport = InProcess { to_host: to_host.clone(), events };
    let coordinator =
        CoordinatorDriver::new(coordinator, store.clone(), transport, Arc::new(Tokio), timings.clone())?;

    let host = Host::new(HostId(0), Incarnation(1), 4);
    let engine =
        WordCount { log: Arc::new(log), to_coordinator: to_coordinator.clone(), tasks: BTreeMap::new() };
    let mut host = HostDriver::new(host, store.clone(), engine, Arc::new(Tokio), timings)?;

    let coordinating = coordinator.run(coordinator_inbox);
    let hosting = async move {
        let mut inbox = host_inbox;
        host.handle(HostInput::Boot);
        loop {
            // Messages first, then a little work, then whatever the driver waits for.
            while let Ok(input) = inbox.try_recv() {
                host.handle(input);
            }
            if let Some(finished) = host.engine_mut().work() {
                host.handle(finished);
            }
            tokio::select! {
                () = host.progress() => {}
                () = tokio::time::sleep(Duration::from_millis(5)) => {}
            }
        }
    };
    let watching = async move {
        while let Some(event) = futures::StreamExt::next(&mut happened).await {
            println!("{event}");
            match event {
                Event::Committed { checkpoint: CheckpointId(3), .. } => {
                    let wish = CoordinatorInput::Rescale(Parallelism::new(4).expect("in bounds"));
                    to_coordinator.unbounded_send(wish).expect("the coordinator runs");
                }
                Event::Finished { .. } => break,
                _ => {}
            }
        }
    };
    tokio::select! {
        () = coordinating => {}
        () = hosting => {}
        () = watching => {}
    }

    let newest = store.latest_manifest().await?.ok_or("nothing was written")?;
    assert_eq!(newest.status, JobStatus::Finished);
    let record = newest.newest_checkpoint().ok_or("nothing was committed")?;
    let mut counted = 0;
    for task in &record.tasks {
        let mut bases = BTreeMap::new();
        for base in &task.state.bases {
            bases.insert(*base, store.get(*base).await?);
        }
        let contents = keygroups::snapshot::verify_with(&store.get(task.state.object).await?, &bases)?;
        for section in contents.key_groups.iter().flat_map(|groups| groups.sections()) {
            let frames =
                section.frames().iter().filter(|f| &*contents.index.states()[f.state()].name == "counts");
            for (_, count) in frames.flat_map(|frame| frame.entries()) {
                counted += keygroups::codec::decode::<u64>(count)?;
            }
        }
    }
    println!("{counted} words counted at parallelism {}", record.parallelism);
    assert_eq!(counted, words.len() as u64);
    Ok(())
}

/// Time and a place for long computations.
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
    to_host: mpsc::UnboundedSender<HostInput>,
    events: mpsc::UnboundedSender<Event>,
}

impl CoordinatorTransport for InProcess {
    fn send(&mut self, _: HostId, message: ToHost) {
        // A closed inbox is a lost message, which the protocol expects.
        drop(self.to_host.unbounded_send(HostInput::Coordinator(message)));
    }

    fn tell_peers(&mut self, _: LeaderEpoch) {}

    fn event(&mut self, event: &Event) {
        drop(self.events.unbounded_send(event.clone()));
    }

    fn error(&mut self, error: &DriverError) {
        eprintln!("{error}");
    }
}

/// The engine: tasks that count words.
struct WordCount {
    log: Log,
    to_coordinator: mpsc::UnboundedSender<CoordinatorInput>,
    tasks: BTreeMap<(Attempt, TaskId), Counter>,
}

struct Counter {
    backend: StateBackend,
    counts: ValueState<String, u64>,
    // How far each key group's partition was read.
    offsets: ValueState<u16, u64>,
    running: bool,
    finished: bool,
}

impl WordCount {
    /// Reads a few words of every partition. A task that has come to the end says so, once.
    fn work(&mut self) -> Option<HostInput> {
        for ((attempt, task), counter) in &mut self.tasks {
            if !counter.running || counter.finished {
                continue;
            }
            match counter.read(&self.log) {
                Ok(more) => counter.finished = !more,
                Err(_) => return Some(HostInput::Failed { attempt: *attempt, task: *task }),
            }
            if counter.finished {
                return Some(HostInput::Finished { attempt: *attempt, task: *task });
            }
        }
        None
    }
}

impl Counter {
    /// Whether there is more to read.
    fn read(&mut self, log: &Log) -> Result<bool, Error> {
        let mut more = false;
        for group in self.backend.key_groups().iter() {
            let words = log.get(&group).map_or(&[][..], Vec::as_slice);
            let from = self.backend.get(&self.offsets, group, &group.0)?.unwrap_or(0);
            let batch = words.iter().skip(from as usize).take(2);
            for word in batch.clone() {
                self.backend.update(&self.counts, group, word, |count| Some(count.unwrap_or(0) + 1))?;
            }
            let read = from + batch.count() as u64;
            self.backend.put(&self.offsets, group, &group.0, &read)?;
            more |= read < words.len() as u64;
        }
        Ok(more)
    }
}

impl Engine for WordCount {
    fn send(&mut self, _: CoordinatorId, message: ToCoordinator) {
        drop(self.to_coordinator.unbounded_send(CoordinatorInput::Host(message)));
    }

    fn send_all(&mut self, message: ToCoordinator) {
        self.send(CoordinatorId(0), message);
    }

    fn restore(&mut self, deployment: &Arc<Deployment>, restored: RestoredTask) -> Result<(), FailureCause> {
        let mut backend = restored.backend.ok_or(FailureCause::Engine)?;
        let counts =
            backend.register(StateDescriptor::value("counts")).map_err(|_| FailureCause::RestoreCorrupt)?;
        let offsets =
            backend.register(StateDescriptor::value("offsets")).map_err(|_| FailureCause::RestoreCorrupt)?;
        let counter = Counter { backend, counts, offsets, running: false, finished: false };
        self.tasks.insert((deployment.attempt, deployment.task), counter);
        Ok(())
    }

    fn run(&mut self, attempt: Attempt, task: TaskId) {
        self.set_running(attempt, task, true);
    }

    fn snapshot(&mut self, attempt: Attempt, task: TaskId, barrier: Barrier) -> Option<FrozenTask> {
        // No channels to put the barrier into: freezing is all there is to do.
        self.set_running(attempt, task, !barrier.stop);
        let backend = &mut self.tasks.get_mut(&(attempt, task))?.backend;
        let keyed = backend.freeze_at(barrier.checkpoint, barrier.confirmed);
        Some(FrozenTask { keyed: Some(keyed), ..FrozenTask::default() })
    }

    fn commit(&mut self, _: Attempt, _: TaskId, _: CheckpointId) {}

    fn cancel_alignment(&mut self, _: Attempt, _: TaskId, _: CheckpointId) {}

    fn drop_task(&mut self, attempt: Attempt, task: TaskId) {
        self.tasks.remove(&(attempt, task));
    }

    fn error(&mut self, _: Attempt, _: TaskId, error: &DriverError) {
        eprintln!("{error}");
    }
}

impl WordCount {
    fn set_running(&mut self, attempt: Attempt, task: TaskId, running: bool) {
        if let Some(counter) = self.tasks.get_mut(&(attempt, task)) {
            counter.running = running;
        }
    }
}
