//! Checkpoints that lean on older ones, by the production driver of a host: what is written, what is read
//! back, what may go. The leader is the test.

use std::{collections::BTreeMap, sync::Arc};

use futures::{FutureExt, executor::block_on};
use keygroups::{
    backend::{StateBackend, StateDescriptor, ValueState},
    checkpoint::{
        Attempt, CheckpointId, CheckpointRecord, JobSpec, JobStatus, LeaderEpoch, Manifest, ManifestVersion,
        ObjectName, Scaling, TaskId, TaskSnapshot, VertexSpec,
    },
    driver::{DriverError, Engine, FrozenTask, HostDriver, RestoreMetrics, RestoredTask, Timings},
    incremental::IncrementalPolicy,
    key_group::{KeyGroup, MaxParallelism, Parallelism},
    protocol::{
        Barrier, CoordinatorId, Deployment, FailureCause, Host, HostId, HostInput, Incarnation, Layout,
        Restore, ToCoordinator, ToHost, garbage,
    },
    store::CheckpointStore,
};
use object_store::{ObjectStoreExt, memory::InMemory, path::Path};

use crate::clock::Clock;

const KEYS: u64 = 10;

/// The operators of a job of one vertex, which reads nothing.
#[derive(Default)]
struct Operators {
    tasks: BTreeMap<TaskId, (StateBackend, ValueState<u64, u64>)>,
    policy: IncrementalPolicy,
    restores: Vec<RestoreMetrics>,
    said: Vec<ToCoordinator>,
    errors: Vec<String>,
}

impl Engine for Operators {
    fn send(&mut self, _: CoordinatorId, message: ToCoordinator) {
        self.said.push(message);
    }

    fn send_all(&mut self, _: ToCoordinator) {}

    fn restore(&mut self, deployment: &Arc<Deployment>, restored: RestoredTask) -> Result<(), FailureCause> {
        let mut backend = restored.backend.ok_or(FailureCause::Engine)?;
        backend.set_incremental_policy(self.policy);
        let values = backend.register(StateDescriptor::value("values")).unwrap();
        self.restores.push(restored.metrics);
        self.tasks.insert(deployment.task, (backend, values));
        Ok(())
    }

    fn run(&mut self, _: Attempt, _: TaskId) {}

    fn snapshot(&mut self, _: Attempt, task: TaskId, barrier: Barrier) -> Option<FrozenTask> {
        let (backend, _) = self.tasks.get_mut(&task)?;
        let keyed = Some(backend.freeze_at(barrier.checkpoint, barrier.confirmed));
        Some(FrozenTask { keyed, ..FrozenTask::default() })
    }

    fn commit(&mut self, _: Attempt, _: TaskId, _: CheckpointId) {}

    fn cancel_alignment(&mut self, _: Attempt, _: TaskId, _: CheckpointId) {}

    fn drop_task(&mut self, _: Attempt, task: TaskId) {
        self.tasks.remove(&task);
    }

    fn error(&mut self, _: Attempt, _: TaskId, error: &DriverError) {
        self.errors.push(error.to_string());
    }
}

fn max_parallelism() -> MaxParallelism {
    MaxParallelism::new(128).unwrap()
}

fn job() -> JobSpec {
    let vertex = VertexSpec {
        name: "values".to_owned(),
        max_parallelism: Some(max_parallelism()),
        scaling: Scaling::Elastic,
        inputs: Vec::new(),
    };
    JobSpec::new(vec![vertex]).unwrap()
}

/// One host, and what its leader knows.
struct Job {
    clock: Clock,
    disk: Arc<InMemory>,
    store: CheckpointStore,
    driver: HostDriver<Operators>,
    manifest: Manifest,
    attempt: Attempt,
    parallelism: Parallelism,
}

impl Job {
    /// At `parallelism`, each key group with the same entries.
    fn filled(parallelism: u32) -> Self {
        let (clock, disk) = (Clock::default(), Arc::<InMemory>::default());
        let store = CheckpointStore::new(Arc::<InMemory>::clone(&disk), Path::default());
        let driver = HostDriver::new(
            Host::new(HostId(0), Incarnation(1), 16),
            store.clone(),
            Operators::default(),
            Arc::new(clock.clone()),
            Timings::default(),
        );
        let manifest = Manifest {
            version: ManifestVersion(1),
            epoch: LeaderEpoch(1),
            nonce: 1,
            job: job(),
            status: JobStatus::Running,
            desired_parallelism: Parallelism::new(parallelism).unwrap(),
            next_checkpoint: CheckpointId(1),
            checkpoints: Vec::new(),
        };
        let attempt = Attempt { epoch: LeaderEpoch(1), run: 0 };
        let (driver, one) = (driver.unwrap(), Parallelism::new(1).unwrap());
        let mut job = Self { clock, disk, store, driver, manifest, attempt, parallelism: one };
        job.driver.handle(HostInput::Boot);
        job.start(parallelism);
        for key_group in max_parallelism().key_groups() {
            (0..KEYS).for_each(|key| job.write(key_group.0, key, 1_000));
        }
        job
    }

    fn hear(&mut self, message: ToHost) {
        self.driver.handle(HostInput::Coordinator(message));
    }

    /// What the host says until one word of each task is `wanted`.
    fn until<T>(&mut self, wanted: impl Fn(&ToCoordinator) -> Option<T>) -> Vec<T> {
        let tasks = self.manifest.job.tasks(self.parallelism).len();
        for _ in 0..10_000 {
            let found: Vec<T> = self.driver.engine().said.iter().filter_map(&wanted).collect();
            if found.len() >= tasks {
                self.driver.engine_mut().said.clear();
                return found;
            }
            if self.driver.progress().now_or_never().is_none() {
                assert!(self.clock.advance(), "nothing happens any more");
            }
        }
        panic!("waited in vain: {:?}", self.driver.engine().errors);
    }

    /// The next attempt; whether all tasks have restored.
    fn try_start(&mut self, parallelism: u32) -> bool {
        self.parallelism = Parallelism::new(parallelism).unwrap();
        self.attempt.run += 1;
        let tasks = self.manifest.job.tasks(self.parallelism);
        let layout = Arc::new(Layout {
            parallelism: self.parallelism,
            tasks: tasks.iter().map(|task| (*task, HostId(0))).collect(),
            hosts: BTreeMap::from([(HostId(0), Incarnation(1))]),
        });
        self.driver.engine_mut().restores.clear();
        let plan = Restore::plan(&self.manifest, self.parallelism).unwrap();
        for (task, restore) in plan {
            self.hear(ToHost::Deploy(Arc::new(Deployment {
                attempt: self.attempt,
                leader: CoordinatorId(0),
                task,
                source: true,
                max_parallelism: Some(max_parallelism()),
                key_groups: self.manifest.job.key_groups(task, self.parallelism),
                restore,
                layout: Arc::clone(&layout),
            })));
        }
        let attempt = self.attempt;
        let all = self.until(move |said| match said {
            ToCoordinator::Ready { attempt: of, .. } if *of == attempt => Some(true),
            ToCoordinator::Failed { attempt: of, .. } if *of == attempt => Some(false),
            _ => None,
        });
        self.hear(ToHost::Start { attempt });
        all.into_iter().all(|ready| ready)
    }

    fn start(&mut self, parallelism: u32) {
        assert!(self.try_start(parallelism), "{:?}", self.driver.engine().errors);
    }

    fn write(&mut self, key_group: u16, key: u64, value: u64) {
        let group = KeyGroup(key_group);
        let mut tasks = self.driver.engine_mut().tasks.values_mut();
        let (backend, values) = tasks.find(|(backend, _)| backend.key_groups().contains(group)).unwrap();
        backend.put(values, group, &key, &value).unwrap();
    }

    fn read(&self) -> BTreeMap<(KeyGroup, u64), u64> {
        let tasks = self.driver.engine().tasks.values();
        let entries = tasks.flat_map(|(backend, values)| {
            backend.key_groups().iter().flat_map(move |group| {
                let entries = backend.iter(values, group).unwrap().map(Result::unwrap);
                entries.map(move |(key, value)| ((group, key), value))
            })
        });
        entries.collect()
    }

    /// Takes a checkpoint; nobody has committed it yet.
    fn take(&mut self) -> CheckpointRecord {
        let id = self.manifest.next_checkpoint;
        self.manifest.next_checkpoint = id.next();
        let confirmed = self.manifest.newest_checkpoint_id();
        let barrier = Barrier { checkpoint: id, confirmed, stop: false };
        self.hear(ToHost::Trigger { attempt: self.attempt, barrier });
        let mut tasks: Vec<TaskSnapshot> = self.until(move |said| match said {
            ToCoordinator::Acknowledge { checkpoint, snapshot, .. } if *checkpoint == id => {
                Some(TaskSnapshot::clone(snapshot))
            }
            _ => None,
        });
        tasks.sort_by_key(|snapshot| snapshot.task);
        tasks.dedup();
        CheckpointRecord { id, attempt: self.attempt, parallelism: self.parallelism, tasks, outputs: None }
    }

    fn commit(&mut self, record: CheckpointRecord) {
        let checkpoint = record.id;
        self.manifest.version = self.manifest.version.next();
        self.manifest.checkpoints = vec![record];
        self.manifest.check().unwrap();
        self.hear(ToHost::Committed { attempt: self.attempt, checkpoint });
    }

    fn checkpoint(&mut self) -> CheckpointRecord {
        let record = self.take();
        self.commit(record.clone());
        record
    }

    fn abort(&mut self, record: &CheckpointRecord) {
        self.hear(ToHost::Abort { attempt: self.attempt, checkpoint: record.id });
    }

    /// Deletes what may be deleted; what is left.
    fn sweep(&self) -> Vec<ObjectName> {
        let basis = garbage::Basis::new(&self.manifest, self.attempt);
        for name in self.objects() {
            if basis.is_garbage(&name, &Default::default()) {
                block_on(self.disk.delete(&self.store.layout().object(&name))).unwrap();
            }
        }
        self.objects()
    }

    fn objects(&self) -> Vec<ObjectName> {
        block_on(self.store.list_objects(Attempt::default())).unwrap().objects
    }
}

fn section_bytes(record: &CheckpointRecord) -> u64 {
    record.tasks.iter().map(|task| task.state.bytes - task.state.index_bytes).sum()
}

#[test]
fn checkpoint_after_one_of_128_key_groups_changed_writes_that_key_group() {
    let mut job = Job::filled(2);
    let full = section_bytes(&job.checkpoint());
    job.write(17, 3, 2_000);
    let second = job.checkpoint();
    assert_eq!(section_bytes(&second) * 128, full);
    let entries: u64 = second.tasks.iter().map(|task| task.state.certificate.entries).sum();
    assert_eq!(entries, 128 * KEYS);
}

#[test]
fn chain_of_incremental_checkpoints_is_restored_at_another_parallelism() {
    let mut job = Job::filled(2);
    job.checkpoint();
    for (round, parallelism) in (1..).zip([3, 1, 4, 4, 2]) {
        for key_group in [17, 18, 90 + round] {
            job.write(key_group, 3, 10_000 + u64::from(round));
        }
        job.checkpoint();
        job.write(50 + round, 4, 20_000 + u64::from(round));
        let newest = job.checkpoint();
        let there = job.read();
        job.write(3, 3, 7);

        job.start(parallelism);
        assert_eq!(job.read(), there);
        // No rescale makes the next checkpoint write everything again.
        let sections: u64 = job.driver.engine().restores.iter().map(|read| read.bytes_owned).sum();
        let next = job.checkpoint();
        assert!(section_bytes(&next) * 2 < sections, "{} of {sections} bytes", section_bytes(&next));
        assert!(newest.tasks.iter().chain(&next.tasks).all(|task| task.state.bases.len() <= 4));
        job.sweep();
    }
}

#[test]
fn restore_reads_what_is_owned_and_one_index_for_each_handle() {
    let mut job = Job::filled(2);
    let full = section_bytes(&job.checkpoint());
    for key_group in [17, 60, 100] {
        job.write(key_group, 3, 2_000);
        job.checkpoint();
    }
    let newest = job.manifest.newest_checkpoint().unwrap().clone();
    job.start(1);
    let [read] = job.driver.engine().restores[..] else { panic!("one task restores") };
    assert_eq!(read.bytes_owned, full);
    let indexes: u64 = newest.tasks.iter().map(|task| task.state.index_bytes).sum();
    assert_eq!(read.bytes_read, full + indexes);
}

/// FLINK-24611: an abort deleted what later checkpoints leant on.
#[test]
fn aborted_checkpoint_takes_nothing_with_it_and_is_leant_on_by_nobody() {
    let mut job = Job::filled(1);
    let first = job.checkpoint();
    job.write(17, 3, 2_000);
    let aborted = job.take();
    job.abort(&aborted);
    let second = job.checkpoint();
    assert_eq!(second.tasks[0].state.bases, [first.tasks[0].state.object]);
    assert_eq!(section_bytes(&second) * 128, section_bytes(&first));
    let left = job.sweep();
    assert_eq!(left, [first.tasks[0].state.object, second.tasks[0].state.object]);
    let there = job.read();
    job.start(2);
    assert_eq!(job.read(), there);
}

#[test]
fn base_lives_as_long_as_a_snapshot_leans_on_it() {
    let mut job = Job::filled(1);
    let first = job.checkpoint().tasks[0].state.object;
    job.write(17, 3, 2_000);
    let old = job.manifest.clone();
    let second = job.checkpoint().tasks[0].state.object;
    assert_eq!(garbage::subsumed(&old, &job.manifest), []);
    assert_eq!(job.sweep(), [first, second]);

    job.write(17, 3, 3_000);
    let old = job.manifest.clone();
    let third = job.checkpoint().tasks[0].state.object;
    // Key group 17 was all that the second had.
    assert_eq!(garbage::subsumed(&old, &job.manifest), [second]);
    assert_eq!(job.sweep(), [first, third]);

    for key_group in 0..128 {
        job.write(key_group, 3, 4_000);
    }
    let fourth = job.checkpoint().tasks[0].state.object;
    assert_eq!(job.sweep(), [fourth]);
}

#[test]
fn bound_on_bases_is_kept() {
    let mut job = Job::filled(1);
    job.driver.engine_mut().policy = IncrementalPolicy::default().with_bases_max(2).unwrap();
    job.start(1);
    for key_group in 0..128 {
        (0..KEYS).for_each(|key| job.write(key_group, key, 1_000));
    }
    for key_group in 0..20 {
        job.write(key_group, 3, 2_000);
        let record = job.checkpoint();
        assert!(record.tasks[0].state.bases.len() <= 2);
        assert!(job.sweep().len() <= 3);
    }
}

#[test]
fn missing_base_is_named_with_the_key_groups_that_are_lost() {
    let mut job = Job::filled(1);
    let base = job.checkpoint().tasks[0].state.object;
    job.write(17, 3, 2_000);
    job.checkpoint();
    block_on(job.disk.delete(&job.store.layout().object(&base))).unwrap();
    assert!(!job.try_start(2));
    let errors = &job.driver.engine().errors;
    let names =
        |run: &str| errors.iter().any(|error| error.contains(&base.to_string()) && error.contains(run));
    assert!(names("key groups 0–63") && names("key groups 64–127"), "{errors:?}");
}
