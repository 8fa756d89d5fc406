//! Runs a host.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    pin::pin,
    sync::Arc,
};

use futures::{
    FutureExt, Stream, StreamExt,
    channel::oneshot,
    future::{self, Either},
};
use object_store::PutPayload;

#[cfg(feature = "disk")]
use super::StateOnDisk;
use super::{
    DriverError, Machine, Runtime, Timings, TimingsError,
    backends::Backends,
    engine::{Engine, FrozenTask, RestoredTask},
    local::{CopyError, LocalCopies, Needed},
    pending::Pending,
    restore::{failure_cause, restore},
    runtime::Requests,
    source::Source,
    upload::upload,
};
use crate::{
    checkpoint::{Attempt, Certificate, CheckpointId, ObjectName, TaskId, TaskSnapshot},
    protocol::{Barrier, Deployment, Host, HostInput, HostOutput, TaskPhase},
    snapshot::SnapshotIdentity,
    store::{CheckpointStore, StoreError},
};

/// A host with its store, its timer and its engine.
///
/// # The moment of a snapshot
///
/// [`HostInput::Aligned`] says that a task's state is that of the barrier. It must still be so in
/// [`Engine::snapshot`], which [`handle`](Self::handle) calls before it returns. There are two ways
/// to see to that:
///
/// - an engine that owns the driver calls `handle` when a task is aligned, before it processes the
///   task's next record, and awaits [`progress`](Self::progress) in between;
/// - an engine that leaves the driver to [`run`](Self::run) sends `Aligned` to the inbox and
///   processes no record of that task until `snapshot` was called for that checkpoint,
///   `cancel_alignment` for it or a later one, or the task was dropped. The inbox keeps the order.
///
/// `snapshot` is not called for a checkpoint that was given up meanwhile: then
/// [`Engine::cancel_alignment`] was called, possibly before `Aligned` was handled.
///
/// `M` is the production machine, unless somebody wraps it.
pub struct HostDriver<E, M = Host> {
    machine: M,
    store: CheckpointStore,
    copies: Option<LocalCopies>,
    backends: Backends,
    // On which older objects the snapshots of a checkpoint lean, as far as they were restored or written here.
    bases: BTreeMap<CheckpointId, BTreeSet<ObjectName>>,
    engine: E,
    requests: Requests,
    pending: Pending<Work, Ended>,
    // Room for what a step wants done; empty between two steps.
    outputs: Vec<HostOutput>,
}

/// What runs at most once at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Work {
    Heartbeat,
    Restore(Attempt, TaskId),
    Upload(Attempt, TaskId, CheckpointId),
    // A disk that hangs holds up no more than one snapshot of each task in memory.
    Keep(TaskId),
    Discard(TaskId),
    Prune,
}

enum Ended {
    Heartbeat,
    Restored(Box<RestoreEnded>),
    Copies(Result<(), CopyError>),
    Uploaded(Box<UploadEnded>),
}

struct UploadEnded {
    identity: SnapshotIdentity,
    snapshot: Option<Result<Arc<TaskSnapshot>, DriverError>>,
}

struct RestoreEnded {
    deployment: Arc<Deployment>,
    restored: Result<(RestoredTask, Certificate), DriverError>,
    refused: Vec<CopyError>,
    damaged: Vec<ObjectName>,
}

impl<E, M> HostDriver<E, M>
where
    E: Engine,
    M: Machine<HostInput, HostOutput> + AsRef<Host>,
{
    /// A host that has not booted.
    ///
    /// # Errors
    ///
    /// [`TimingsError`] if `timings` cannot work.
    pub fn new(
        machine: M,
        store: CheckpointStore,
        engine: E,
        runtime: Arc<dyn Runtime>,
        timings: Timings,
    ) -> Result<Self, TimingsError> {
        timings.check()?;
        let requests = Requests { runtime, timings: Arc::new(timings) };
        Ok(Self {
            machine,
            store,
            copies: None,
            backends: Backends::Memory,
            bases: BTreeMap::new(),
            engine,
            requests,
            pending: Pending::new(),
            outputs: Vec::new(),
        })
    }

    /// The same, with copies of its tasks' snapshots on its own disk.
    #[must_use]
    pub fn with_local_copies(self, copies: LocalCopies) -> Self {
        Self { copies: Some(copies), ..self }
    }

    /// The same, with tasks whose state may be larger than memory. Every access of theirs can fail:
    /// docs/larger_than_memory.md.
    #[cfg(feature = "disk")]
    #[must_use]
    pub fn with_state_on_disk(self, disk: StateOnDisk) -> Self {
        Self { backends: Backends::Disk(disk), ..self }
    }

    /// Boots, and handles what comes in until `inbox` ends. The heartbeat, restores and uploads come
    /// before the inbox, each in the order they happened: given the same order of events, every run
    /// is the same.
    pub async fn run(mut self, mut inbox: impl Stream<Item = HostInput> + Unpin) {
        self.handle(HostInput::Boot);
        loop {
            let input = match future::select(pin!(self.progress()), inbox.next()).await {
                Either::Left(((), _)) => continue,
                Either::Right((Some(input), _)) => input,
                Either::Right((None, _)) => return,
            };
            self.handle(input);
        }
    }

    /// The machine, to look at.
    pub fn machine(&self) -> &Host {
        self.machine.as_ref()
    }

    /// The engine.
    pub fn engine(&self) -> &E {
        &self.engine
    }

    /// The engine, to work with.
    pub fn engine_mut(&mut self) -> &mut E {
        &mut self.engine
    }

    /// Handles one input and executes what follows: the engine is called, reads, uploads and the
    /// heartbeat are begun.
    pub fn handle(&mut self, input: HostInput) {
        let mut outputs = std::mem::take(&mut self.outputs);
        self.machine.handle(input.clone(), &mut outputs);
        self.engine.step(self.machine.as_ref(), &input, &outputs);
        for output in outputs.drain(..) {
            self.execute(output);
        }
        self.outputs = outputs;
    }

    /// Waits until the heartbeat is due, a restore or upload ends or something is done to local copies,
    /// and handles that. Dropping the wait loses nothing.
    pub async fn progress(&mut self) {
        let (_, ended) = self.pending.next().await;
        let input = match ended {
            Ended::Heartbeat => HostInput::Heartbeat,
            Ended::Copies(done) => {
                done.unwrap_or_else(|error| self.engine.copy_error(error));
                return;
            }
            Ended::Restored(ended) => {
                let RestoreEnded { deployment, restored, refused, damaged } = *ended;
                refused.into_iter().for_each(|error| self.engine.copy_error(error));
                self.discard(deployment.task, damaged);
                let (attempt, task) = (deployment.attempt, deployment.task);
                let outcome = match restored {
                    Ok((restored, certificate)) if self.is_restoring(attempt, task) => {
                        self.engine.restore(&deployment, restored).map(|()| certificate)
                    }
                    // The task has failed meanwhile; the state is forgotten here.
                    Ok((_, certificate)) => Ok(certificate),
                    Err(error) => {
                        self.engine.error(attempt, task, &error);
                        Err(failure_cause(&error))
                    }
                };
                HostInput::Restored { attempt, task, outcome }
            }
            Ended::Uploaded(ended) => {
                let UploadEnded { identity, snapshot } = *ended;
                let SnapshotIdentity { attempt, task, checkpoint } = identity;
                if let Some(Err(error)) = &snapshot {
                    self.engine.error(attempt, task, error);
                }
                let snapshot = snapshot.and_then(Result::ok);
                if let (Some(snapshot), Some(_)) = (&snapshot, &self.copies) {
                    self.bases.entry(checkpoint).or_default().extend(&snapshot.state.bases);
                }
                HostInput::Uploaded { attempt, task, checkpoint, snapshot }
            }
        };
        self.handle(input);
    }

    fn is_restoring(&self, attempt: Attempt, task: TaskId) -> bool {
        self.machine.as_ref().task(attempt, task).is_some_and(|task| task.phase() == TaskPhase::Restoring)
    }

    fn execute(&mut self, output: HostOutput) {
        match output {
            HostOutput::Send { to, message } => self.engine.send(to, message),
            HostOutput::SendAll(message) => self.engine.send_all(message),
            HostOutput::Restore(deployment) => {
                let key = Work::Restore(deployment.attempt, deployment.task);
                let source = Source::new(self.store.clone(), self.copies.clone(), self.requests.clone());
                let backends = self.backends.clone();
                let restoring = async move {
                    let mut restored = restore(&source, &backends, &(&*deployment).into()).await;
                    let (refused, damaged) = source.into_refused();
                    if let Ok((restored, _)) = &mut restored {
                        restored.metrics.copies_refused = refused.len() as u64;
                    }
                    Ended::Restored(Box::new(RestoreEnded { deployment, restored, refused, damaged }))
                };
                self.pending.begin(key, restoring.boxed());
            }
            HostOutput::Run { attempt, task } => {
                // Everybody has restored: what was left by earlier attempts and is not of the checkpoint
                // they started from is of no use any more.
                if let Some(task) = self.machine.as_ref().task(attempt, task) {
                    let restore = &task.deployment().restore;
                    let committed = restore.checkpoint;
                    let bases = restore.state.iter().flat_map(|read| &read.handle.bases);
                    self.bases.entry(committed).or_default().extend(bases);
                    self.prune(attempt, committed, committed.next());
                }
                self.engine.run(attempt, task);
            }
            HostOutput::Snapshot { attempt, task, barrier } => self.snapshot(attempt, task, barrier),
            HostOutput::Commit { attempt, task, checkpoint } => {
                self.prune(attempt, checkpoint, checkpoint.next());
                self.engine.commit(attempt, task, checkpoint);
            }
            HostOutput::CancelAlignment { attempt, task, checkpoint } => {
                self.pending.cancel(&Work::Upload(attempt, task, checkpoint));
                self.engine.cancel_alignment(attempt, task, checkpoint);
            }
            HostOutput::Drop { attempt, task } => {
                self.pending.cancel_all(|work| match work {
                    Work::Restore(a, t) | Work::Upload(a, t, _) => (*a, *t) == (attempt, task),
                    // The next attempt may restore from a copy that is being written.
                    Work::Heartbeat | Work::Keep(_) | Work::Discard(_) | Work::Prune => false,
                });
                self.engine.drop_task(attempt, task);
            }
            HostOutput::SetHeartbeat => {
                let sleep = self.requests.runtime.sleep(self.requests.timings.heartbeat);
                self.pending.begin_timer(Work::Heartbeat, sleep, Ended::Heartbeat);
            }
        }
    }

    fn snapshot(&mut self, attempt: Attempt, task: TaskId, barrier: Barrier) {
        let identity = SnapshotIdentity { attempt, task, checkpoint: barrier.checkpoint };
        let frozen: Option<FrozenTask> = self.engine.snapshot(attempt, task, barrier);
        let (store, requests) = (self.store.clone(), self.requests.clone());
        let copy = self.copies.clone().filter(|_| frozen.is_some()).map(|copies| {
            let (sender, bytes) = oneshot::channel();
            let kept = keep(copies, requests.clone(), identity.object(), bytes);
            self.pending.begin(Work::Keep(task), kept.map(Ended::Copies).boxed());
            sender
        });
        let uploading = async move {
            let snapshot = match frozen {
                Some(frozen) => Some(upload(store, requests, identity, frozen, copy).await),
                None => None,
            };
            Ended::Uploaded(Box::new(UploadEnded { identity, snapshot }))
        };
        self.pending.begin(Work::Upload(attempt, task, barrier.checkpoint), uploading.boxed());
        // Also where notices are lost or every checkpoint is given up, copies of two checkpoints and of what
        // they lean on are the most that is kept.
        self.prune(attempt, barrier.confirmed, barrier.checkpoint);
    }

    /// Deletes the copies that nobody needs while `committed` is the newest committed checkpoint and `pending`
    /// the oldest that may follow it.
    fn prune(&mut self, attempt: Attempt, committed: CheckpointId, pending: CheckpointId) {
        let Some(copies) = self.copies.clone() else { return };
        self.bases.retain(|checkpoint, _| *checkpoint >= committed);
        let bases = self.bases.values().flatten().copied().collect();
        let needed = Needed { attempt, committed, pending, bases };
        let requests = self.requests.clone();
        let pruning = async move {
            let limit = requests.timings.request_timeout;
            let pruned = requests.within(limit, "delete local copies", copies.prune(needed)).await;
            Ended::Copies(not_pruned(pruned))
        };
        self.pending.begin(Work::Prune, pruning.boxed());
    }

    /// Deletes the copies that `task` found damaged.
    fn discard(&mut self, task: TaskId, damaged: Vec<ObjectName>) {
        let Some(copies) = self.copies.clone().filter(|_| !damaged.is_empty()) else { return };
        let requests = self.requests.clone();
        let discarding = async move {
            let limit = requests.timings.request_timeout;
            let gone = requests.within(limit, "delete local copies", copies.discard(&damaged)).await;
            Ended::Copies(not_pruned(gone))
        };
        self.pending.begin(Work::Discard(task), discarding.boxed());
    }
}

fn not_pruned(done: Result<Result<(), StoreError>, DriverError>) -> Result<(), CopyError> {
    done.and_then(|done| Ok(done?)).map_err(|error| CopyError::NotPruned(Box::new(error)))
}

/// Writes the copy of `object` once its bytes are known; nothing if they never are.
async fn keep(
    copies: LocalCopies,
    requests: Requests,
    object: ObjectName,
    payload: oneshot::Receiver<PutPayload>,
) -> Result<(), CopyError> {
    let Ok(payload) = payload.await else { return Ok(()) };
    let limit = requests.timings.transfer_timeout;
    let kept = requests.within(limit, "write a local copy", copies.keep(object, payload)).await;
    let kept = kept.and_then(|kept| Ok(kept?));
    kept.map_err(|source| CopyError::NotKept { object, source: Box::new(source) })
}

impl<E, M: fmt::Debug> fmt::Debug for HostDriver<E, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostDriver").field("machine", &self.machine).finish_non_exhaustive()
    }
}
