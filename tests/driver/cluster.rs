//! Coordinators and hosts in one thread, on a clock that waits for them.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    pin::pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::Duration,
};

use futures::{
    FutureExt, StreamExt,
    channel::mpsc::{self, UnboundedReceiver},
    executor::{LocalPool, block_on},
    future::{self, AbortHandle, Abortable, Either},
    task::LocalSpawnExt,
};
use keygroups::{
    backend::{StateBackend, StateDescriptor},
    checkpoint::{Attempt, CheckpointId, JobStatus, Manifest, ObjectName},
    codec,
    driver::{CoordinatorDriver, HostDriver, LocalCopies, Runtime, Timings},
    key_group::Parallelism,
    protocol::{
        Coordinator, CoordinatorId, CoordinatorInput, Event, Host, HostId, HostInput, Incarnation, Options,
    },
    snapshot,
    store::{CheckpointStore, RollBackError},
};
use object_store::{ObjectStoreExt, memory::InMemory, path::Path};

use crate::{
    clock::Clock,
    disk::Disk,
    engine::{self, COUNT, Shared, Stepped, Tasks, Transport, World, max_parallelism},
    faults::{Faults, FaultyStore},
};

const TICK: Duration = Duration::from_millis(10);
const RECORDS_PER_TICK: usize = 2;
/// Longer than any story here, far shorter than for ever.
const PATIENCE: Duration = Duration::from_secs(300);

pub struct Cluster {
    store: CheckpointStore,
    // The same store without its faults, to look at.
    truth: CheckpointStore,
    disk: Arc<InMemory>,
    pub world: Shared,
    pool: LocalPool,
    clock: Clock,
    parallelism: Parallelism,
    checkpoints_retained: usize,
    lives: u64,
    // How many events were waited for or passed over.
    seen: usize,
    processes: BTreeMap<String, Process>,
    // By host; empty if hosts keep no copies.
    pub disks: Vec<Disk>,
    copies: Vec<LocalCopies>,
    refuses_state: Arc<AtomicBool>,
}

struct Process {
    abort: AbortHandle,
    frozen: Rc<Cell<bool>>,
    thaw: mpsc::UnboundedSender<()>,
}

fn timings() -> Timings {
    let ms = Duration::from_millis;
    Timings::default()
        .with_heartbeat(ms(100))
        .with_leader_silence(ms(500))
        .with_host_silence(ms(500))
        .with_restart_pause(ms(200))
        .with_checkpoint_interval(ms(300))
        .with_checkpoint_expiry(ms(2_000))
        .with_store_retry(ms(50))
        .with_request_timeout(ms(200))
        .with_transfer_timeout(ms(400))
        .with_sweep_interval(ms(700))
        .with_stabilize(ms(500))
}

pub fn parallelism(count: u32) -> Parallelism {
    Parallelism::new(count).unwrap()
}

impl Cluster {
    /// Nobody lives in it yet. `seed` decides all faults; `percent` of messages and requests have
    /// one.
    pub fn new(first: u32, seed: u64, percent: u64) -> Self {
        let clock = Clock::default();
        let faults = Faults::new(clock.clone(), seed, percent);
        let disk: Arc<InMemory> = Arc::default();
        let faulty = FaultyStore::new(Arc::clone(&disk), faults.clone());
        let refuses_state = faulty.refuses_state();
        let faulty = Arc::new(faulty);
        Self {
            store: CheckpointStore::new(faulty, Path::default()),
            truth: CheckpointStore::new(Arc::<InMemory>::clone(&disk), Path::default()),
            disk,
            world: World::new(faults),
            pool: LocalPool::new(),
            clock,
            parallelism: parallelism(first),
            checkpoints_retained: 1,
            lives: 0,
            seen: 0,
            processes: BTreeMap::new(),
            disks: Vec::new(),
            copies: Vec::new(),
            refuses_state,
        }
    }

    /// Hosts keep local copies on these disks.
    pub fn with_disks(self, disks: impl IntoIterator<Item = Disk>) -> Self {
        let disks: Vec<_> = disks.into_iter().collect();
        let copies = disks.iter().map(|disk| LocalCopies::new(Arc::new(disk.clone()), Path::default()));
        Self { copies: copies.collect(), disks, ..self }
    }

    /// The only host keeps its local copies here.
    #[cfg(feature = "fs")]
    pub fn with_copies(self, copies: LocalCopies) -> Self {
        Self { copies: vec![copies], ..self }
    }

    /// So many checkpoints are retained.
    pub fn retaining(self, checkpoints: usize) -> Self {
        Self { checkpoints_retained: checkpoints, ..self }
    }

    /// Whether the store refuses to store snapshots.
    pub fn refuse_state(&self, refuses: bool) {
        self.refuses_state.store(refuses, Ordering::Relaxed);
    }

    fn spawn(&mut self, name: String, process: impl Future<Output = ()> + 'static) {
        let (abort, registration) = AbortHandle::new_pair();
        let frozen = Rc::new(Cell::new(false));
        let gate = Rc::clone(&frozen);
        let mut process = Box::pin(Abortable::new(process, registration));
        let (thaw, mut thawed) = mpsc::unbounded::<()>();
        let gated = future::poll_fn(move |context| {
            while let Poll::Ready(Some(())) = thawed.poll_next_unpin(context) {}
            if gate.get() { Poll::Pending } else { process.poll_unpin(context).map(drop) }
        });
        self.pool.spawner().spawn_local(gated).unwrap();
        self.processes.insert(name, Process { abort, frozen, thaw });
    }

    /// The process stands still, as in a long garbage collection or on a laptop that is closed.
    pub fn freeze(&mut self, name: &str) {
        self.processes[name].frozen.set(true);
    }

    /// The process goes on and believes what it believed.
    pub fn thaw(&mut self, name: &str) {
        let process = &self.processes[name];
        process.frozen.set(false);
        process.thaw.unbounded_send(()).expect("the gate lives as long as the pool");
    }

    pub fn start_coordinator(&mut self, id: u16) {
        self.lives += 1;
        let id = CoordinatorId(id);
        let options = Options::new(engine::job(), self.parallelism).unwrap();
        let options = options.with_checkpoints_retained(self.checkpoints_retained).unwrap();
        let driver = CoordinatorDriver::new(
            Coordinator::new(id, self.lives, options),
            self.store.clone(),
            Transport { id, world: Shared::clone(&self.world) },
            Arc::new(self.clock.clone()),
            timings().with_leader_silence_jitter(Duration::from_millis(70) * u32::from(id.0)),
        )
        .unwrap();
        let (sender, inbox) = mpsc::unbounded();
        self.world.borrow_mut().coordinators.insert(id, sender);
        self.spawn(format!("coordinator {id}"), driver.run(inbox));
    }

    pub fn start_host(&mut self, id: u16, slots: u16) {
        self.lives += 1;
        let id = HostId(id);
        let mut driver = HostDriver::new(
            Host::new(id, Incarnation(self.lives), slots),
            self.store.clone(),
            Tasks::new(Shared::clone(&self.world)),
            Arc::new(self.clock.clone()),
            timings(),
        )
        .unwrap();
        if let Some(copies) = self.copies.get(usize::from(id.0)) {
            driver = driver.with_local_copies(copies.clone());
        }
        let (sender, inbox) = mpsc::unbounded();
        self.world.borrow_mut().hosts.insert(id, sender);
        self.spawn(format!("host {id}"), run_host(driver, inbox, self.clock.clone()));
    }

    /// The process is gone at once and says nothing.
    pub fn kill(&mut self, name: &str) {
        self.processes.remove(name).expect("it was started").abort.abort();
    }

    /// Asks every coordinator; whoever leads takes it.
    pub fn rescale(&mut self, to: u32) {
        for inbox in self.world.borrow().coordinators.values() {
            // The process may be gone.
            let _ = inbox.unbounded_send(CoordinatorInput::Rescale(parallelism(to)));
        }
    }

    /// Lets time pass until the next event that is `wanted`, after the one waited for before.
    pub fn until(&mut self, what: &str, wanted: impl Fn(&Event) -> bool) {
        let end = self.clock.now() + PATIENCE;
        loop {
            self.pool.run_until_stalled();
            let world = self.world.borrow();
            if let Some(found) = world.events[self.seen..].iter().position(|(_, event)| wanted(event)) {
                self.seen += found + 1;
                return;
            }
            if !self.clock.advance() || self.clock.now() > end {
                let last = world.events[self.seen..].iter().rev().take(20).rev();
                let last: Vec<_> = last.map(|event| format!("{event:?}")).collect();
                panic!("waited in vain for: {what}\nsince then: {last:#?}\nerrors: {:#?}", world.errors);
            }
        }
    }

    pub fn until_running_at(&mut self, parallelism: u32) {
        self.until(&format!("deployed at {parallelism}"), |event| {
            matches!(event, Event::Deployed { parallelism: p, .. } if u32::from(p.get()) == parallelism)
        });
        self.until("running", |event| matches!(event, Event::Running { .. }));
    }

    /// Lets time pass until the chain says what is `wanted`. Events do not always tell: a leader can
    /// die between the commit and the word.
    fn until_the_chain(&mut self, what: &str, wanted: impl Fn(&Manifest) -> bool) {
        let end = self.clock.now() + PATIENCE;
        while !block_on(self.truth.latest_manifest()).unwrap().is_some_and(|manifest| wanted(&manifest)) {
            assert!(self.clock.now() < end, "waited in vain for: {what}\n{:#?}", self.history());
            self.let_pass(5 * TICK);
        }
    }

    /// One more checkpoint is committed, or there is nothing left to commit.
    pub fn until_committed(&mut self) {
        let newest = |manifest: &Manifest| manifest.newest_checkpoint_id();
        let before =
            block_on(self.truth.latest_manifest()).unwrap().as_ref().map_or(CheckpointId::NONE, newest);
        self.until_the_chain("a checkpoint", |manifest| {
            newest(manifest) > before || manifest.status == JobStatus::Finished
        });
    }

    /// Lets the job process all its input; then the newest checkpoint holds every count, and the
    /// committed output every count there ever was, in order and once.
    pub fn until_finished_exactly_once(&mut self) {
        self.until_the_chain("the end", |manifest| manifest.status == JobStatus::Finished);
        let manifest = self.newest_manifest();
        assert_eq!(self.counts(&manifest), engine::expected());
        let in_order: BTreeMap<i32, Vec<u64>> =
            engine::expected().into_iter().map(|(key, count)| (key, (1..=count).collect())).collect();
        assert_eq!(self.outputs(&manifest), in_order);
    }

    pub fn let_pass(&mut self, duration: Duration) {
        let end = self.clock.now() + duration;
        self.pool.run_until_stalled();
        while self.clock.now() < end && self.clock.advance() {
            self.pool.run_until_stalled();
        }
    }

    /// Whatever is in the store is named by the newest manifest or is committed output.
    pub fn assert_nothing_is_left_over(&self) {
        let manifest = self.newest_manifest();
        let head = manifest.newest_checkpoint().and_then(|record| record.outputs);
        let mut named: BTreeSet<ObjectName> = manifest.objects().copied().collect();
        let mut walk = self.truth.walk_outputs(head, Attempt::default());
        while let Some((link, list)) = block_on(walk.next()).unwrap() {
            named.insert(link);
            named.extend(list.outputs.iter().map(|output| output.object));
        }
        let listing = block_on(self.truth.list_objects(Attempt::default())).unwrap();
        assert_eq!(listing.objects, Vec::from_iter(named));
    }

    /// Every byte of state of the checkpoint that an attempt starts from is read by one of its tasks,
    /// once, and besides that only indexes are.
    pub fn assert_each_attempt_read_each_byte_once(&self) {
        let mut read = BTreeMap::<Attempt, u64>::new();
        let mut there = BTreeMap::<Attempt, BTreeMap<ObjectName, u64>>::new();
        for (deployment, metrics) in &self.world.borrow().restores {
            let restore = &deployment.restore;
            let handles: BTreeSet<_> = (restore.state.iter().map(|read| &read.handle))
                .chain(restore.operator_state.iter().map(|read| &read.handle))
                .collect();
            let indexes: u64 = handles.iter().map(|handle| handle.index_bytes).sum();
            assert_eq!(metrics.bytes_read - metrics.bytes_owned, indexes);
            *read.entry(deployment.attempt).or_default() += metrics.bytes_owned;
            let sizes = handles.iter().map(|handle| (handle.object, handle.bytes - handle.index_bytes));
            there.entry(deployment.attempt).or_default().extend(sizes);
        }
        let there: BTreeMap<_, u64> =
            there.into_iter().map(|(attempt, objects)| (attempt, objects.into_values().sum())).collect();
        assert_eq!(read, there);
    }

    /// The last byte of every snapshot is another one now.
    pub fn damage_every_snapshot(&self) {
        for name in block_on(self.truth.list_objects(Attempt::default())).unwrap().objects {
            if matches!(name, ObjectName::State { task, .. } if task.vertex == COUNT) {
                let mut bytes = block_on(self.truth.get(name)).unwrap().to_vec();
                *bytes.last_mut().expect("a snapshot has a header") ^= 1;
                block_on(self.disk.put(&self.truth.layout().object(&name), bytes.into())).unwrap();
            }
        }
    }

    /// `object` has vanished from the store.
    pub fn lose(&self, object: ObjectName) {
        block_on(self.disk.delete(&self.truth.layout().object(&object))).unwrap();
    }

    /// Somebody goes back to an older checkpoint.
    pub fn roll_back(&self, to: CheckpointId) -> Result<Manifest, RollBackError> {
        block_on(self.truth.roll_back(to, 7))
    }

    /// All that coordinators told, and all errors.
    pub fn history(&self) -> Vec<String> {
        let world = self.world.borrow();
        let events = world.events.iter().map(|(id, event)| format!("{id}: {event:?}"));
        events.chain(world.errors.iter().cloned()).collect()
    }

    pub fn newest_manifest(&self) -> Manifest {
        block_on(self.truth.latest_manifest()).unwrap().expect("the job has run")
    }

    /// The counts in the newest checkpoint of `manifest`.
    pub fn counts(&self, manifest: &Manifest) -> BTreeMap<i32, u64> {
        let mut all = StateBackend::new(max_parallelism(), max_parallelism().all()).unwrap();
        let record = manifest.newest_checkpoint().expect("something was committed");
        for task in record.tasks.iter().filter(|task| task.task.vertex == COUNT) {
            let object = block_on(self.truth.get(task.state.object)).unwrap();
            let read = |base: &ObjectName| (*base, block_on(self.truth.get(*base)).unwrap());
            let bases = task.state.bases.iter().map(read).collect();
            let contents = snapshot::verify_with(&object, &bases).unwrap();
            all.restore_groups(&contents.key_groups.unwrap()).unwrap();
        }
        all.finish_restore().unwrap();
        let counts = all.register(StateDescriptor::<i32, u64>::value("counts")).unwrap();
        max_parallelism()
            .key_groups()
            .flat_map(|key_group| all.iter(&counts, key_group).unwrap().map(Result::unwrap))
            .collect()
    }

    fn outputs(&self, manifest: &Manifest) -> BTreeMap<i32, Vec<u64>> {
        let head = manifest.newest_checkpoint().and_then(|record| record.outputs);
        let mut outputs = BTreeMap::<i32, Vec<u64>>::new();
        for handle in block_on(self.truth.committed_outputs(head)).unwrap() {
            let object = block_on(self.truth.get(handle.object)).unwrap();
            for (key, count) in codec::decode::<Vec<(i32, u64)>>(&object).unwrap() {
                outputs.entry(key).or_default().push(count);
            }
        }
        outputs
    }
}

/// An engine that owns its driver: what happens to a task at a barrier happens before its next
/// record.
async fn run_host(mut driver: HostDriver<Tasks>, mut inbox: UnboundedReceiver<HostInput>, clock: Clock) {
    driver.handle(HostInput::Boot);
    let mut tick = clock.sleep(TICK);
    loop {
        let input = {
            let own = pin!(driver.progress());
            match future::select(future::select(own, inbox.next()), &mut tick).await {
                Either::Left((Either::Left(((), _)), _)) => continue,
                Either::Left((Either::Right((Some(input), _)), _)) => Some(input),
                Either::Left((Either::Right((None, _)), _)) => return,
                Either::Right(_) => None,
            }
        };
        match input {
            Some(input) => driver.handle(input),
            None => {
                process(&mut driver);
                tick = clock.sleep(TICK);
            }
        }
    }
}

fn process(driver: &mut HostDriver<Tasks>) {
    for (attempt, task) in driver.engine().running() {
        // Counters are a little slower than sources together, so that channels fill.
        for _ in 0..RECORDS_PER_TICK {
            match driver.engine_mut().step((attempt, task)) {
                Stepped::Idle => break,
                Stepped::Worked => {}
                Stepped::Aligned(barrier) => driver.handle(HostInput::Aligned { attempt, task, barrier }),
                Stepped::Finished => driver.handle(HostInput::Finished { attempt, task }),
            }
        }
    }
}
