//! Runs a coordinator.

use std::{fmt, pin::pin, sync::Arc};

use futures::{
    FutureExt, Stream, StreamExt,
    future::{self, Either},
};

use super::{
    DriverError, Machine, Runtime, Timings, TimingsError, pending::Pending, runtime::Requests, sweep::sweep,
};
use crate::{
    ErrorKind,
    checkpoint::{LeaderEpoch, Manifest, ManifestVersion, ObjectName, OutputList},
    protocol::{
        Coordinator, CoordinatorInput, CoordinatorOutput, CoordinatorTimer, CreateOutcome, Event, HostId,
        PutOutcome, ReadOutcome, SweepRequest, ToHost,
    },
    store::{CheckpointStore, Create, Put, StoreError},
};

/// How a coordinator reaches others, and who watches it. Called while an input is handled: must
/// not block.
pub trait CoordinatorTransport {
    /// Sends to one host. May lose, repeat and reorder.
    fn send(&mut self, to: HostId, message: ToHost);

    /// Sends [`CoordinatorInput::PeerAlive`] to all other coordinators. May lose, repeat and
    /// reorder.
    fn tell_peers(&mut self, epoch: LeaderEpoch);

    /// Something worth telling people.
    fn event(&mut self, _event: &Event) {}

    /// A store request has failed. The machine hears the outcome and decides; this is for people.
    fn error(&mut self, error: &DriverError);

    /// `machine` has handled `input`; `outputs` are executed after this returns.
    fn step(&mut self, _machine: &Coordinator, _input: &CoordinatorInput, _outputs: &[CoordinatorOutput]) {}
}

/// A coordinator with its store, its timers and its transport.
///
/// [`run`](Self::run) is the whole life of a coordinator. An engine with a loop of its own feeds
/// [`CoordinatorInput::Boot`] and everything it receives to [`handle`](Self::handle) and awaits
/// [`progress`](Self::progress) in between. `M` is the production machine, unless somebody wraps it.
pub struct CoordinatorDriver<T, M = Coordinator> {
    machine: M,
    store: CheckpointStore,
    transport: T,
    requests: Requests,
    pending: Pending<Work, Ended>,
    // So that deletes do not replace each other.
    deletes: u64,
    // Room for what a step wants done; empty between two steps.
    outputs: Vec<CoordinatorOutput>,
}

/// What runs at most once at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Work {
    Timer(CoordinatorTimer),
    ReadLatest,
    Create(ManifestVersion),
    PutOutputList(ObjectName),
    Sweep,
    Delete(u64),
    Prune,
}

/// What has ended. Nearly always it is a timer, and those that wait hold no room for an answer.
enum Ended {
    Timer(CoordinatorTimer),
    Request(Box<Answer>),
}

/// What the machine and what people hear of it.
struct Answer {
    input: Option<CoordinatorInput>,
    errors: Vec<DriverError>,
}

impl Answer {
    fn new(input: CoordinatorInput, error: Option<DriverError>) -> Self {
        Self { input: Some(input), errors: error.into_iter().collect() }
    }
}

impl<T, M> CoordinatorDriver<T, M>
where
    T: CoordinatorTransport,
    M: Machine<CoordinatorInput, CoordinatorOutput> + AsRef<Coordinator>,
{
    /// A coordinator that has not booted.
    ///
    /// # Errors
    ///
    /// [`TimingsError`] if `timings` cannot work.
    pub fn new(
        machine: M,
        store: CheckpointStore,
        transport: T,
        runtime: Arc<dyn Runtime>,
        timings: Timings,
    ) -> Result<Self, TimingsError> {
        timings.check()?;
        let requests = Requests { runtime, timings: Arc::new(timings) };
        let (pending, outputs) = (Pending::new(), Vec::new());
        Ok(Self { machine, store, transport, requests, pending, deletes: 0, outputs })
    }

    /// Boots, and handles what comes in until `inbox` ends. Own timers and answers of the store come
    /// before the inbox, each in the order they happened: given the same order of events, every run
    /// is the same.
    pub async fn run(mut self, mut inbox: impl Stream<Item = CoordinatorInput> + Unpin) {
        self.handle(CoordinatorInput::Boot);
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
    pub fn machine(&self) -> &Coordinator {
        self.machine.as_ref()
    }

    /// The transport.
    pub fn transport_mut(&mut self) -> &mut T {
        &mut self.transport
    }

    /// Handles one input and executes what follows: messages are sent, requests and timers begun.
    pub fn handle(&mut self, input: CoordinatorInput) {
        let mut outputs = std::mem::take(&mut self.outputs);
        self.machine.handle(input.clone(), &mut outputs);
        self.transport.step(self.machine.as_ref(), &input, &outputs);
        for output in outputs.drain(..) {
            self.execute(output);
        }
        self.outputs = outputs;
    }

    /// Waits until a timer goes off or the store answers, and handles that. Dropping the wait
    /// loses nothing.
    pub async fn progress(&mut self) {
        let (_, ended) = self.pending.next().await;
        let input = match ended {
            Ended::Timer(timer) => Some(CoordinatorInput::Timer(timer)),
            Ended::Request(answer) => {
                answer.errors.iter().for_each(|error| self.transport.error(error));
                answer.input
            }
        };
        if let Some(input) = input {
            self.handle(input);
        }
    }

    fn execute(&mut self, output: CoordinatorOutput) {
        match output {
            CoordinatorOutput::Send { to, message } => self.transport.send(to, message),
            CoordinatorOutput::TellPeers(epoch) => self.transport.tell_peers(epoch),
            CoordinatorOutput::Event(event) => self.transport.event(&event),
            CoordinatorOutput::CancelTimer(timer) => self.pending.cancel(&Work::Timer(timer)),
            CoordinatorOutput::SetTimer(timer) => {
                let sleep = self.requests.runtime.sleep(self.requests.timings.of(timer));
                self.pending.begin_timer(Work::Timer(timer), sleep, Ended::Timer(timer));
            }
            CoordinatorOutput::ReadLatest { after } => {
                self.ask(Work::ReadLatest, |store, requests| read_latest(store, requests, after));
            }
            CoordinatorOutput::CreateManifest(manifest) => {
                self.ask(Work::Create(manifest.version), |store, requests| {
                    create_manifest(store, requests, manifest)
                });
            }
            CoordinatorOutput::PutOutputList { name, list } => {
                self.ask(Work::PutOutputList(name), |store, requests| {
                    put_output_list(store, requests, name, list)
                });
            }
            CoordinatorOutput::Sweep(request) => {
                self.ask(Work::Sweep, |store, requests| answer_sweep(store, requests, request));
            }
            CoordinatorOutput::Delete(names) => {
                self.deletes += 1;
                self.ask(Work::Delete(self.deletes), |store, requests| delete(store, requests, names));
            }
            CoordinatorOutput::PruneManifests { below } => {
                self.ask(Work::Prune, |store, requests| prune(store, requests, below));
            }
        }
    }

    /// Begins a request of the store.
    fn ask<F>(&mut self, work: Work, request: impl FnOnce(CheckpointStore, Requests) -> F)
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        let request = request(self.store.clone(), self.requests.clone());
        self.pending.begin(work, request.map(|answer| Ended::Request(Box::new(answer))).boxed());
    }
}

impl<T, M: fmt::Debug> fmt::Debug for CoordinatorDriver<T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CoordinatorDriver").field("machine", &self.machine).finish_non_exhaustive()
    }
}

async fn read_latest(store: CheckpointStore, requests: Requests, after: ManifestVersion) -> Answer {
    let limit = requests.timings.request_timeout;
    let answer = requests.within(limit, "read the newest manifest", store.latest_manifest()).await;
    let (outcome, error) = match answer.and_then(|answer| answer.map_err(DriverError::from)) {
        Ok(Some(manifest)) => (ReadOutcome::Found(Arc::new(manifest)), None),
        Ok(None) => (ReadOutcome::Absent, None),
        Err(error) => {
            // One that only a newer release can read is no less unreadable.
            let unreadable = error.kind() == ErrorKind::Corrupt
                || matches!(error, DriverError::Store(StoreError::Damaged { .. }));
            (if unreadable { ReadOutcome::Corrupt } else { ReadOutcome::Unavailable }, Some(error))
        }
    };
    Answer::new(CoordinatorInput::Latest { after, outcome }, error)
}

async fn create_manifest(store: CheckpointStore, requests: Requests, manifest: Arc<Manifest>) -> Answer {
    let limit = requests.timings.request_timeout;
    let answer = requests.within(limit, "create a manifest", store.create_manifest(&manifest)).await;
    let (outcome, error) = match answer {
        Ok(Create::Created) => (CreateOutcome::Created, None),
        Ok(Create::Exists) => (CreateOutcome::Exists, None),
        Ok(Create::Unknown { reason }) => (CreateOutcome::Unknown, Some(reason.into())),
        Ok(Create::Failed { reason }) => (CreateOutcome::Failed, Some(reason.into())),
        Err(timed_out) => (CreateOutcome::Unknown, Some(timed_out)),
    };
    Answer::new(CoordinatorInput::Create { version: manifest.version, outcome }, error)
}

async fn put_output_list(
    store: CheckpointStore,
    requests: Requests,
    name: ObjectName,
    list: Arc<OutputList>,
) -> Answer {
    let limit = requests.timings.request_timeout;
    let answer = requests.within(limit, "put an output list", store.put_output_list(name, &list)).await;
    let (outcome, error) = match answer {
        Ok(Put::Written) => (PutOutcome::Written, None),
        Ok(Put::Failed { reason: reason @ StoreError::Conflict { .. } }) => {
            (PutOutcome::Conflict, Some(reason.into()))
        }
        Ok(Put::Unknown { reason } | Put::Failed { reason }) => (PutOutcome::Retry, Some(reason.into())),
        Err(timed_out) => (PutOutcome::Retry, Some(timed_out)),
    };
    Answer::new(CoordinatorInput::OutputList { name, outcome }, error)
}

async fn answer_sweep(store: CheckpointStore, requests: Requests, request: SweepRequest) -> Answer {
    match sweep(&store, &requests, request).await {
        Ok(swept) => Answer::new(CoordinatorInput::Swept { request, swept: Some(swept) }, None),
        Err(error) => Answer::new(CoordinatorInput::Swept { request, swept: None }, Some(error)),
    }
}

async fn delete(store: CheckpointStore, requests: Requests, names: Vec<ObjectName>) -> Answer {
    let limit = requests.timings.transfer_timeout;
    let answer = requests.within(limit, "delete objects", store.delete_objects(&names)).await;
    let errors = match answer {
        Ok(deletion) => deletion.failed.into_iter().map(DriverError::from).collect(),
        Err(timed_out) => vec![timed_out],
    };
    Answer { input: None, errors }
}

async fn prune(store: CheckpointStore, requests: Requests, below: ManifestVersion) -> Answer {
    let limit = requests.timings.transfer_timeout;
    let answer = requests.within(limit, "prune manifests", store.prune_manifests(below)).await;
    let error = match answer {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => Some(error.into()),
        Err(timed_out) => Some(timed_out),
    };
    Answer { input: None, errors: error.into_iter().collect() }
}
