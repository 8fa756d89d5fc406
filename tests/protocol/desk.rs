//! A job on a desk: production machines, a perfect network and store, no bytes. Every word is
//! delivered at once and in order unless the test takes it away; timers fire when the test says so.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use keygroups::{
    checkpoint::{
        Certificate, JobSpec, Manifest, ManifestVersion, ObjectName, OutputList, RedistributionMode, Scaling,
        StateHandle, TaskSnapshot, VertexId, VertexSpec,
    },
    checkpoint::{OperatorStateInfo, OutputHandle},
    key_group::{MaxParallelism, Parallelism},
    protocol::{
        Coordinator, CoordinatorId, CoordinatorInput, CoordinatorOutput, CoordinatorTimer, CreateOutcome,
        Deployment, Host, HostId, HostInput, HostOutput, Incarnation, Options, PutOutcome, ReadOutcome,
        Swept, ToHost,
        invariant::{Fact, History, JobView, check},
    },
};

pub fn parallelism(count: u32) -> Parallelism {
    Parallelism::new(count).expect("in bounds")
}

/// A source with two splits, and an operator with eight key groups that follows the job's
/// parallelism.
pub fn job() -> JobSpec {
    let source = VertexSpec {
        name: "source".into(),
        max_parallelism: None,
        scaling: Scaling::Fixed(parallelism(1)),
        inputs: vec![],
    };
    let count = VertexSpec {
        name: "count".into(),
        max_parallelism: Some(MaxParallelism::new(8).expect("in bounds")),
        scaling: Scaling::Elastic,
        inputs: vec![VertexId(0)],
    };
    JobSpec::new(vec![source, count]).expect("a job that can run")
}

pub struct Desk {
    pub coordinators: Vec<Coordinator>,
    pub hosts: Vec<Host>,
    pub manifests: BTreeMap<ManifestVersion, Arc<Manifest>>,
    pub objects: BTreeSet<ObjectName>,
    pub lists: BTreeMap<ObjectName, Arc<OutputList>>,
    pub timers: Vec<BTreeSet<CoordinatorTimer>>,
    pub history: History,
    /// What was said and done since the test last looked.
    pub trace: Vec<String>,
    /// Hosts that hear and say nothing.
    pub cut: BTreeSet<HostId>,
    work: VecDeque<Work>,
}

enum Work {
    Coordinator(usize, CoordinatorInput),
    Host(usize, HostInput),
}

impl Desk {
    pub fn new(coordinators: u16, hosts: u16, slots: u16, at: u32) -> Self {
        let options = Options::new(job(), parallelism(at)).expect("options that can work");
        let mut desk = Self {
            coordinators: (0..coordinators)
                .map(|id| Coordinator::new(CoordinatorId(id), u64::from(id) + 100, options.clone()))
                .collect(),
            hosts: (0..hosts).map(|id| Host::new(HostId(id), Incarnation(1), slots)).collect(),
            manifests: BTreeMap::new(),
            objects: BTreeSet::new(),
            lists: BTreeMap::new(),
            timers: vec![BTreeSet::new(); usize::from(coordinators)],
            history: History::new(),
            trace: Vec::new(),
            cut: BTreeSet::new(),
            work: VecDeque::new(),
        };
        for coordinator in 0..desk.coordinators.len() {
            desk.coordinator(coordinator, CoordinatorInput::Boot);
        }
        for host in 0..desk.hosts.len() {
            desk.host(host, HostInput::Boot);
        }
        desk
    }

    /// One that leads and runs.
    pub fn running(hosts: u16, slots: u16, at: u32) -> Self {
        let mut desk = Self::new(1, hosts, slots, at);
        desk.fire(0, CoordinatorTimer::LeaderSilence);
        desk.fire(0, CoordinatorTimer::Restart);
        assert!(desk.coordinators[0].running().is_some(), "{:#?}", desk.trace);
        desk.trace.clear();
        desk
    }

    /// Lets a timer go off, if it is set, and everything that follows happen.
    pub fn fire(&mut self, coordinator: usize, timer: CoordinatorTimer) {
        assert!(
            self.timers[coordinator].remove(&timer),
            "{timer:?} is not set: {:?}",
            self.timers[coordinator]
        );
        self.coordinator(coordinator, CoordinatorInput::Timer(timer));
    }

    /// Tells a coordinator something, and lets everything that follows happen.
    pub fn coordinator(&mut self, coordinator: usize, input: CoordinatorInput) {
        self.work.push_back(Work::Coordinator(coordinator, input));
        self.settle();
    }

    /// Tells a host something, and lets everything that follows happen.
    pub fn host(&mut self, host: usize, input: HostInput) {
        self.work.push_back(Work::Host(host, input));
        self.settle();
    }

    pub fn newest(&self) -> &Arc<Manifest> {
        self.manifests.last_key_value().expect("there is a manifest").1
    }

    fn settle(&mut self) {
        while let Some(work) = self.work.pop_front() {
            match work {
                Work::Coordinator(id, input) => {
                    let mut out = Vec::new();
                    self.coordinators[id].handle(input, &mut out);
                    for output in out {
                        if let Some(fact) = Fact::of_coordinator(&output) {
                            self.history.record(&fact).expect("no invariant is broken");
                        }
                        self.execute(id, output);
                    }
                }
                Work::Host(id, input) => {
                    let mut out = Vec::new();
                    self.hosts[id].handle(input, &mut out);
                    for output in out {
                        if let Some(fact) = Fact::of_host(&self.hosts[id], &output) {
                            self.history.record(&fact).expect("no invariant is broken");
                        }
                        self.execute_of_host(id, output);
                    }
                }
            }
            let view = JobView {
                coordinators: self.coordinators.iter().collect(),
                hosts: self.hosts.iter().collect(),
                history: &self.history,
            };
            check(&view).expect("no invariant is broken");
        }
    }

    fn execute(&mut self, id: usize, output: CoordinatorOutput) {
        let answer = match output {
            CoordinatorOutput::Send { to, message } => {
                self.trace.push(format!("coordinator {id} → host {to}: {message}"));
                if !self.cut.contains(&to) {
                    self.work.push_back(Work::Host(usize::from(to.0), HostInput::Coordinator(message)));
                }
                return;
            }
            CoordinatorOutput::TellPeers(epoch) => {
                for peer in (0..self.coordinators.len()).filter(|peer| *peer != id) {
                    self.work.push_back(Work::Coordinator(peer, CoordinatorInput::PeerAlive(epoch)));
                }
                return;
            }
            CoordinatorOutput::ReadLatest { after } => {
                let outcome = match self.manifests.last_key_value() {
                    Some((_, manifest)) => ReadOutcome::Found(Arc::clone(manifest)),
                    None => ReadOutcome::Absent,
                };
                CoordinatorInput::Latest { after, outcome }
            }
            CoordinatorOutput::CreateManifest(manifest) => {
                let version = manifest.version;
                let outcome = if self.manifests.contains_key(&version) {
                    CreateOutcome::Exists
                } else {
                    self.trace.push(format!("store: manifest {version} is created"));
                    self.history
                        .record(&Fact::ManifestCreated(Arc::clone(&manifest)))
                        .expect("no invariant is broken");
                    self.manifests.insert(version, manifest);
                    CreateOutcome::Created
                };
                CoordinatorInput::Create { version, outcome }
            }
            CoordinatorOutput::PutOutputList { name, list } => {
                self.put(name);
                self.lists.insert(name, list);
                CoordinatorInput::OutputList { name, outcome: PutOutcome::Written }
            }
            CoordinatorOutput::Sweep(request) => {
                let mut committed = Vec::new();
                let mut next = request.head;
                while let Some(name) = next {
                    let list = &self.lists[&name];
                    committed.push(name);
                    committed.extend(list.outputs.iter().map(|output| output.object));
                    next = list.previous;
                }
                let objects =
                    self.objects.iter().filter(|name| name.attempt() >= request.from).copied().collect();
                CoordinatorInput::Swept { request, swept: Some(Swept { objects, committed }) }
            }
            CoordinatorOutput::Delete(names) => {
                for name in names {
                    if self.objects.remove(&name) {
                        self.history.record(&Fact::ObjectDeleted(name)).expect("no invariant is broken");
                    }
                }
                return;
            }
            CoordinatorOutput::PruneManifests { below } => {
                self.manifests = self.manifests.split_off(&below);
                return;
            }
            CoordinatorOutput::SetTimer(timer) => {
                self.timers[id].insert(timer);
                return;
            }
            CoordinatorOutput::CancelTimer(timer) => {
                self.timers[id].remove(&timer);
                return;
            }
            CoordinatorOutput::Event(event) => {
                self.trace.push(format!("coordinator {id}: {event}"));
                return;
            }
        };
        self.work.push_back(Work::Coordinator(id, answer));
    }

    fn execute_of_host(&mut self, id: usize, output: HostOutput) {
        let cut = self.cut.contains(&HostId(id as u16));
        match output {
            HostOutput::Send { to, message } => {
                self.trace.push(format!("host {id} → coordinator {to}: {message}"));
                if !cut {
                    self.work
                        .push_back(Work::Coordinator(usize::from(to.0), CoordinatorInput::Host(message)));
                }
            }
            HostOutput::SendAll(message) => {
                for to in (0..self.coordinators.len()).filter(|_| !cut) {
                    self.work.push_back(Work::Coordinator(to, CoordinatorInput::Host(message.clone())));
                }
            }
            HostOutput::Restore(deployment) => {
                let (attempt, task) = (deployment.attempt, deployment.task);
                let groups = deployment.restore.state.iter().flat_map(|read| read.key_groups.iter());
                let groups: BTreeMap<_, _> = groups.map(|group| (group, one_entry())).collect();
                let restored = groups.values().copied().sum();
                self.history
                    .record(&Fact::Restored { attempt, task, groups })
                    .expect("no invariant is broken");
                self.work
                    .push_back(Work::Host(id, HostInput::Restored { attempt, task, outcome: Ok(restored) }));
            }
            HostOutput::Snapshot { attempt, task, barrier } => {
                let deployment =
                    Arc::clone(self.hosts[id].task(attempt, task).expect("it is deployed").deployment());
                let checkpoint = barrier.checkpoint;
                self.put(ObjectName::State { attempt, task, checkpoint });
                let groups = deployment.key_groups.into_iter().flat_map(|range| range.iter());
                let groups = groups.map(|group| (group, one_entry())).collect();
                self.history
                    .record(&Fact::Frozen { attempt, task, checkpoint, groups })
                    .expect("no invariant is broken");
                if deployment.source {
                    // Barriers pass the channels at once: one source, one channel to each reader.
                    for (reader, host) in
                        deployment.layout.tasks.iter().filter(|(reader, _)| reader.vertex != task.vertex)
                    {
                        let input = HostInput::Aligned { attempt, task: *reader, barrier };
                        self.work.push_back(Work::Host(usize::from(host.0), input));
                    }
                } else {
                    self.put(ObjectName::Output { attempt, task, checkpoint });
                }
                let snapshot = Some(Arc::new(snapshot(&deployment, barrier.checkpoint)));
                self.work
                    .push_back(Work::Host(id, HostInput::Uploaded { attempt, task, checkpoint, snapshot }));
            }
            HostOutput::Commit { task, checkpoint, .. } => {
                self.trace
                    .push(format!("host {id}: task {task} knows that checkpoint {checkpoint} is committed"));
            }
            HostOutput::Run { .. }
            | HostOutput::CancelAlignment { .. }
            | HostOutput::Drop { .. }
            | HostOutput::SetHeartbeat => {}
        }
    }

    fn put(&mut self, name: ObjectName) {
        self.objects.insert(name);
        self.history.record(&Fact::ObjectWritten { name, fingerprint: 1 }).expect("no invariant is broken");
    }
}

fn one_entry() -> Certificate {
    Certificate { entries: 1, digest: 1 }
}

/// What a task acknowledges: one entry in every key group, two split items in the source.
pub fn snapshot(deployment: &Deployment, checkpoint: keygroups::checkpoint::CheckpointId) -> TaskSnapshot {
    let (attempt, task) = (deployment.attempt, deployment.task);
    let entries = deployment.key_groups.map_or(0, |range| range.len() as u64);
    let offsets =
        OperatorStateInfo { name: "offsets".into(), mode: RedistributionMode::SplitDistribute, items: 2 };
    TaskSnapshot {
        task,
        state: StateHandle {
            object: ObjectName::State { attempt, task, checkpoint },
            bytes: 100,
            index_bytes: 40,
            key_groups: deployment.key_groups,
            certificate: Certificate { entries, digest: u128::from(entries) },
            operator_state: if deployment.source { vec![offsets] } else { vec![] },
            bases: vec![],
        },
        output: (!deployment.source).then_some(OutputHandle {
            object: ObjectName::Output { attempt, task, checkpoint },
            bytes: 10,
            records: 1,
            checksum: 0,
        }),
    }
}

/// A word that a host hears, as input.
pub fn said(message: ToHost) -> HostInput {
    HostInput::Coordinator(message)
}
