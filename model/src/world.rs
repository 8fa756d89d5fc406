//! The world around the machines: one state of everything that is not inside a machine.
//!
//! Every output of a machine is carried out literally. The world takes no decision of the protocol;
//! what it adds is that anything may happen at any time, as far as the [`Budget`] goes.

use std::{collections::BTreeSet, sync::Arc};

use keygroups::{
    checkpoint::{CheckpointId, CheckpointRecord, Manifest, ObjectName, TaskId, VertexId},
    protocol::{
        Coordinator, CoordinatorId, CoordinatorInput, CoordinatorOutput, CreateOutcome, Deployment, Host,
        HostId, HostInput, HostOutput, Incarnation, PutOutcome,
        invariant::{self, Fact, History, JobView, Violation},
    },
};

use crate::{
    engine::{Element, EngineTask, Phase, Step},
    model::JobModel,
    network::{Message, Network},
    part::Part,
    process::{CoordinatorProcess, HostProcess},
    store::{Object, Request, Store},
    story::{self, Budget, COUNT, SOURCE},
};

/// One state.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    /// Every coordinator's process.
    pub coordinators: Vec<Part<CoordinatorProcess>>,
    /// Every host's process.
    pub hosts: Vec<Part<HostProcess>>,
    /// What was ever sent.
    pub network: Part<Network>,
    /// What is durable.
    pub store: Part<Store>,
    /// Store requests that nobody waits for any more, and that may still land.
    pub late: Part<BTreeSet<Request>>,
    /// What happened, as far as invariants need it.
    pub history: Part<History>,
    /// What may still happen.
    pub budget: Budget,
    /// The first invariant that was broken. Nothing happens after that.
    pub violation: Option<Violation>,
}

impl World {
    /// All processes have just come up.
    pub fn new(model: &JobModel) -> Self {
        let story = model.story();
        let options = story.options();
        let coordinators = (0..story.coordinators).map(|id| {
            Part::new(CoordinatorProcess {
                machine: Coordinator::new(CoordinatorId(id), nonce(id, 0), options.clone()),
                crashes: 0,
                timers: BTreeSet::new(),
                requests: Vec::new(),
            })
        });
        let hosts = (0..).zip(story.hosts).map(|(id, slots)| {
            let machine = Host::new(HostId(id), Incarnation(1), *slots);
            Part::new(HostProcess { machine, tasks: Default::default() })
        });
        let mut world = Self {
            coordinators: coordinators.collect(),
            hosts: hosts.collect(),
            network: Part::new(Network::new()),
            store: Part::new(Store::default()),
            late: Part::new(BTreeSet::new()),
            history: Part::new(History::new()),
            budget: story.budget,
            violation: None,
        };
        (0..world.coordinators.len())
            .for_each(|c| world.tell_coordinator(model, c, None, CoordinatorInput::Boot));
        (0..world.hosts.len()).for_each(|host| world.tell_host(model, host, HostInput::Boot));
        world.settle();
        world
    }

    /// Ends a step: hashes what has changed and judges the new state.
    pub fn settle(&mut self) {
        self.coordinators.iter_mut().for_each(Part::settle);
        self.hosts.iter_mut().for_each(Part::settle);
        self.network.settle();
        self.store.settle();
        self.late.settle();
        self.history.settle();
        let view = JobView {
            coordinators: self.coordinators.iter().map(|process| &process.machine).collect(),
            hosts: self.hosts.iter().map(|process| &process.machine).collect(),
            history: &self.history,
        };
        if let (Err(violation), None) = (invariant::check(&view), &self.violation) {
            self.violation = Some(violation);
        }
    }

    fn record(&mut self, fact: &Fact) {
        if let (Err(violation), None) = (self.history.edit().record(fact), &self.violation) {
            self.violation = Some(violation);
        }
    }

    /// A coordinator hears something; `request` is what it is the answer to.
    pub fn tell_coordinator(
        &mut self,
        model: &JobModel,
        index: usize,
        request: Option<&Request>,
        input: CoordinatorInput,
    ) {
        let twist = model.twist();
        for input in twist.coordinator_hears(self, &self.coordinators[index].machine, request, input) {
            let mut machine = self.coordinators[index].machine.clone();
            let mut out = Vec::new();
            machine.handle(input.clone(), &mut out);
            let out = twist.coordinator_wants(self, &machine, &input, out);
            if machine != self.coordinators[index].machine {
                self.coordinators[index].edit().machine = machine;
            }
            out.into_iter().for_each(|output| self.for_coordinator(index, output));
        }
    }

    fn for_coordinator(&mut self, index: usize, output: CoordinatorOutput) {
        if let Some(fact) = Fact::of_coordinator(&output) {
            self.record(&fact);
        }
        match output {
            CoordinatorOutput::Send { to, message } => self.send(Message::ToHost(to, message)),
            CoordinatorOutput::TellPeers(epoch) => {
                let own = self.coordinators[index].machine.id();
                let ids: Vec<_> = self.coordinators.iter().map(|process| process.machine.id()).collect();
                ids.into_iter().filter(|id| *id != own).for_each(|id| self.send(Message::ToPeer(id, epoch)));
            }
            CoordinatorOutput::ReadLatest { after } => self.request(index, Request::ReadLatest { after }),
            CoordinatorOutput::CreateManifest(manifest) => self.request(index, Request::Create(manifest)),
            CoordinatorOutput::PutOutputList { name, list } => {
                self.request(index, Request::PutOutputList(name, list));
            }
            CoordinatorOutput::Sweep(request) => self.request(index, Request::Sweep(request)),
            CoordinatorOutput::Delete(names) => self.leave(Request::Delete(names)),
            CoordinatorOutput::PruneManifests { below } => self.leave(Request::Prune(below)),
            CoordinatorOutput::SetTimer(timer) => {
                if !self.coordinators[index].timers.contains(&timer) {
                    self.coordinators[index].edit().timers.insert(timer);
                }
            }
            CoordinatorOutput::CancelTimer(timer) => {
                if self.coordinators[index].timers.contains(&timer) {
                    self.coordinators[index].edit().timers.remove(&timer);
                }
            }
            CoordinatorOutput::Event(_) => {}
        }
    }

    fn send(&mut self, message: Message) {
        if !self.network.contains(&message) {
            self.network.edit().insert(Arc::new(message));
        }
    }

    fn request(&mut self, index: usize, request: Request) {
        self.coordinators[index].edit().request(request);
    }

    /// Leaves a request to itself: it may land at any time, and nobody hears of it.
    pub fn leave(&mut self, request: Request) {
        if !self.late.contains(&request) {
            self.late.edit().insert(request);
        }
    }

    /// Carries a request out and gives its answer; `None` if it has none.
    pub fn land(&mut self, model: &JobModel, request: &Request) -> Option<CoordinatorInput> {
        match request {
            Request::ReadLatest { after } => {
                Some(CoordinatorInput::Latest { after: *after, outcome: self.store.latest() })
            }
            Request::Create(manifest) => {
                let outcome = self.store.edit().create(manifest);
                if outcome == CreateOutcome::Created {
                    self.manifest_created(model, manifest);
                }
                Some(CoordinatorInput::Create { version: manifest.version, outcome })
            }
            Request::PutOutputList(name, list) => {
                let outcome = self.write(model, *name, Object::List(Arc::clone(list)));
                Some(CoordinatorInput::OutputList { name: *name, outcome })
            }
            Request::Sweep(request) => {
                Some(CoordinatorInput::Swept { request: *request, swept: self.store.sweep(*request) })
            }
            Request::Delete(names) => {
                for name in names {
                    if self.store.edit().objects.remove(name).is_some() {
                        self.record(&Fact::ObjectDeleted(*name));
                    }
                }
                None
            }
            Request::Prune(below) => {
                for version in self.store.prunable(*below) {
                    self.store.edit().manifests.remove(&version);
                    self.record(&Fact::ManifestDeleted(version));
                }
                None
            }
        }
    }

    fn manifest_created(&mut self, model: &JobModel, manifest: &Arc<Manifest>) {
        let before = self.history.newest().map(|newest| (newest.version, newest.newest_checkpoint_id()));
        let extends = before.is_none_or(|(version, _)| manifest.version > version);
        self.record(&Fact::ManifestCreated(Arc::clone(manifest)));
        let commits = |record: &&CheckpointRecord| extends && before.map(|(_, id)| id) != Some(record.id);
        let Some(checkpoint) = manifest.newest_checkpoint().filter(commits) else { return };
        let found = self.store.contents(checkpoint);
        let expected = model.story().sequential_run(&self.store.offsets(checkpoint));
        self.record(&Fact::Contents { checkpoint: checkpoint.id, found, expected });
    }

    fn write(&mut self, model: &JobModel, name: ObjectName, object: Object) -> PutOutcome {
        let object = model.twist().stored(&self.store, name, object);
        let (new, fingerprint) = (!self.store.objects.contains_key(&name), object.fingerprint());
        let outcome = self.store.edit().put(name, object);
        if new {
            self.record(&Fact::ObjectWritten { name, fingerprint });
        }
        outcome
    }

    /// A host hears something.
    pub fn tell_host(&mut self, model: &JobModel, index: usize, input: HostInput) {
        let twist = model.twist();
        for input in twist.host_hears(&self.hosts[index].machine, input) {
            let mut machine = self.hosts[index].machine.clone();
            let mut out = Vec::new();
            machine.handle(input.clone(), &mut out);
            let out = twist.host_wants(&machine, &input, out);
            if machine != self.hosts[index].machine {
                self.hosts[index].edit().machine = machine;
            }
            out.into_iter().for_each(|output| self.for_host(model, index, output));
        }
    }

    fn for_host(&mut self, model: &JobModel, index: usize, output: HostOutput) {
        let host = self.hosts[index].clone();
        if let Some(fact) = Fact::of_host(&host.machine, &output) {
            self.record(&fact);
        }
        // Held any longer, it would make every edit below a copy.
        drop(host);
        match output {
            HostOutput::Send { to, message } => self.send(Message::ToCoordinator(to, message)),
            HostOutput::SendAll(message) => {
                let ids: Vec<_> = self.coordinators.iter().map(|process| process.machine.id()).collect();
                ids.into_iter().for_each(|id| self.send(Message::ToCoordinator(id, message.clone())));
            }
            HostOutput::Restore(deployment) => {
                let inputs: &[VertexId] = if deployment.source { &[] } else { &[SOURCE] };
                let task = EngineTask::new(Arc::clone(&deployment), inputs);
                self.hosts[index].edit().tasks.insert(deployment.task, task);
            }
            HostOutput::Run { attempt, task } => {
                if let Some(task) = self.hosts[index].edit().task(attempt, task) {
                    task.phase = Phase::Running;
                }
            }
            HostOutput::Snapshot { attempt, task, barrier } => {
                let Some(engine) = self.hosts[index].edit().task(attempt, task) else { return };
                engine.freeze(barrier, model.story(), model.twist());
                let (deployment, groups) =
                    (Arc::clone(&engine.deployment), story::certificates(engine.groups()));
                let checkpoint = barrier.checkpoint;
                self.record(&Fact::Frozen { attempt, task, checkpoint, groups });
                self.broadcast(model, &deployment, Element::Barrier(barrier));
            }
            HostOutput::Commit { attempt, task, checkpoint } => {
                if let Some(task) = self.hosts[index].edit().task(attempt, task) {
                    task.forget_output(checkpoint);
                }
            }
            HostOutput::CancelAlignment { attempt, task, checkpoint } => {
                if let Some(task) = self.hosts[index].edit().task(attempt, task) {
                    task.cancel_alignment(checkpoint);
                }
            }
            HostOutput::Drop { attempt, task } => {
                let process = self.hosts[index].edit();
                if process.task(attempt, task).is_some() {
                    process.tasks.remove(&task);
                }
            }
            HostOutput::SetHeartbeat => {}
        }
    }

    // Puts an element into every output channel of the task.
    fn broadcast(&mut self, model: &JobModel, from: &Deployment, element: Element) {
        if from.source {
            let receivers = from.layout.tasks.keys().filter(|task| task.vertex == COUNT).copied();
            receivers.for_each(|to| self.push(model, from, to, element));
        }
    }

    // A channel ends with the process at its other end: what is put into it then is lost.
    fn push(&mut self, model: &JobModel, from: &Deployment, to: TaskId, element: Element) {
        let Some(host) = from.layout.tasks.get(&to) else { return };
        let Some(process) = self.hosts.get_mut(usize::from(host.0)) else { return };
        let same_life = from.layout.hosts.get(host) == Some(&process.machine.incarnation());
        if !same_life {
            return;
        }
        let any_attempt = !model.twist().channels_belong_to_an_attempt();
        let task = process.edit().tasks.get_mut(&to);
        if let Some(task) = task.filter(|task| any_attempt || task.attempt() == from.attempt) {
            task.push(from.task, element);
        }
    }

    /// A task reads its state.
    pub fn restore(&mut self, model: &JobModel, index: usize, id: TaskId) {
        let store = self.store.clone();
        let Some(task) = self.hosts[index].edit().tasks.get_mut(&id) else { return };
        let outcome = task.restore(model.story(), &store, model.twist());
        let (attempt, groups) = (task.attempt(), story::certificates(task.groups()));
        if outcome.is_ok() {
            self.record(&Fact::Restored { attempt, task: id, groups });
        }
        self.tell_host(model, index, HostInput::Restored { attempt, task: id, outcome });
    }

    /// A source reads the next record.
    pub fn read(&mut self, model: &JobModel, index: usize, id: TaskId) {
        let Some(task) = self.hosts[index].edit().tasks.get_mut(&id) else { return };
        let (step, deployment) = (task.read(model.story()), Arc::clone(&task.deployment));
        self.after(model, index, &deployment, step);
    }

    /// A task takes the next element of a channel.
    pub fn take(&mut self, model: &JobModel, index: usize, id: TaskId, channel: u32) {
        let Some(task) = self.hosts[index].edit().tasks.get_mut(&id) else { return };
        let (step, deployment) = (task.take(channel, model.twist()), Arc::clone(&task.deployment));
        self.after(model, index, &deployment, step);
    }

    fn after(&mut self, model: &JobModel, index: usize, deployment: &Deployment, step: Step) {
        let (attempt, task) = (deployment.attempt, deployment.task);
        match step {
            Step::Quiet => {}
            Step::Emitted(record) => {
                let to =
                    TaskId { vertex: COUNT, subtask: model.story().owner(record.group, &deployment.layout) };
                self.push(model, deployment, to, Element::Record(record));
            }
            Step::Finished => {
                self.broadcast(model, deployment, Element::EndOfData);
                self.tell_host(model, index, HostInput::Finished { attempt, task });
            }
            Step::Aligned(barrier) => {
                self.tell_host(model, index, HostInput::Aligned { attempt, task, barrier });
            }
        }
    }

    /// A frozen snapshot reaches the store, or, unless `durable`, does not.
    pub fn upload(
        &mut self,
        model: &JobModel,
        index: usize,
        id: TaskId,
        checkpoint: CheckpointId,
        durable: bool,
    ) {
        let Some(task) = self.hosts[index].edit().tasks.get_mut(&id) else { return };
        let Some(frozen) = task.uploads.remove(&checkpoint) else { return };
        let attempt = task.attempt();
        let (objects, snapshot) = task.snapshot(checkpoint, &frozen);
        let mut written = durable;
        if durable {
            for (name, object) in objects {
                written &= self.write(model, name, object) == PutOutcome::Written;
            }
        }
        let snapshot = written.then(|| Arc::new(snapshot));
        self.tell_host(model, index, HostInput::Uploaded { attempt, task: id, checkpoint, snapshot });
    }

    /// A task fails.
    pub fn fail(&mut self, model: &JobModel, index: usize, id: TaskId) {
        let Some(task) = self.hosts[index].edit().tasks.get_mut(&id) else { return };
        task.phase = Phase::Idle;
        let attempt = task.attempt();
        self.tell_host(model, index, HostInput::Failed { attempt, task: id });
    }

    /// A host's process dies and comes back. Being dead for a while is not being heard.
    pub fn crash_host(&mut self, model: &JobModel, index: usize) {
        let (id, life) = (self.hosts[index].machine.id(), self.hosts[index].machine.incarnation());
        let slots = model.story().hosts[index];
        let machine = Host::new(id, Incarnation(life.0 + 1), slots);
        self.hosts[index] = Part::new(HostProcess { machine, tasks: Default::default() });
        self.tell_host(model, index, HostInput::Boot);
    }

    /// A coordinator's process dies and comes back. What it has sent to the store may still land.
    pub fn crash_coordinator(&mut self, model: &JobModel, index: usize) {
        let (id, crashes) = (self.coordinators[index].machine.id(), self.coordinators[index].crashes + 1);
        let requests = self.coordinators[index].requests.clone();
        requests.into_iter().filter(Request::has_effect).for_each(|request| self.leave(request));
        let machine = Coordinator::new(id, nonce(id.0, crashes), model.story().options());
        let (timers, requests) = (BTreeSet::new(), Vec::new());
        self.coordinators[index] = Part::new(CoordinatorProcess { machine, crashes, timers, requests });
        self.tell_coordinator(model, index, None, CoordinatorInput::Boot);
    }
}

fn nonce(coordinator: u16, crashes: u64) -> u64 {
    (u64::from(coordinator) << 32) | crashes
}
