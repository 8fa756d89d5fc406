//! One state of the job and of everything around its machines, to be read by people and judged by
//! invariants.

use std::collections::BTreeSet;

use keygroups::protocol::{
    Coordinator, CoordinatorId, CoordinatorInput, Host, HostId, HostInput, Incarnation,
    invariant::{self, History, JobView, Violation},
};

use crate::{
    model::JobModel,
    network::{Network, Receiver},
    part::Part,
    process::{CoordinatorProcess, HostProcess},
    reduce,
    step::{Step, nonce},
    store::{Request, Store},
    story::Budget,
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
        let world = Self {
            coordinators: coordinators.collect(),
            hosts: hosts.collect(),
            network: Part::new(Network::new()),
            store: Part::new(Store::default()),
            late: Part::new(BTreeSet::new()),
            history: Part::new(History::new()),
            budget: story.budget,
            violation: None,
        };
        let mut step = Step::new(model, world);
        (0..story.coordinators).for_each(|id| step.tell_coordinator(id.into(), None, CoordinatorInput::Boot));
        (0..story.hosts.len()).for_each(|index| step.tell_host(index, HostInput::Boot));
        let mut world = step.into_world();
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
        if self.violation.is_none() {
            let view = JobView {
                coordinators: self.coordinators.iter().map(|process| &process.machine).collect(),
                hosts: self.hosts.iter().map(|process| &process.machine).collect(),
                history: &self.history,
            };
            self.violation = invariant::check(&view).err();
        }
    }

    /// Leaves out what cannot matter any more, and lets happen what makes no difference when it happens.
    pub fn reduce(&mut self) {
        let Self { coordinators, hosts, network, history, .. } = self;
        hosts.iter_mut().for_each(|process| reduce::calm_host(process.edit()));
        reduce::calm_history(history.edit(), hosts.iter().map(|process| &process.machine));
        for (index, process) in coordinators.iter_mut().enumerate() {
            let to = Receiver::Coordinator(CoordinatorId(index as u16));
            let mail = network.iter().map(|message| &**message).filter(|message| message.receiver() == to);
            reduce::calm_coordinator(process.edit(), mail);
        }
        network.edit().retain(|message| match message.receiver() {
            Receiver::Host(host) => !reduce::is_stale_for_host(&hosts[usize::from(host.0)], message),
            Receiver::Coordinator(id) => {
                !reduce::is_stale_for_coordinator(&coordinators[usize::from(id.0)], message)
            }
        });
    }
}
