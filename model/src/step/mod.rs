//! One step of the world: what an action does, and what it depends on.
//!
//! Every output of a machine is carried out literally. The world takes no decision of the protocol;
//! what it adds is that anything may happen at any time, as far as the
//! [`Budget`](crate::story::Budget) goes.
//!
//! A step knows which components it has looked at. What it adds to those that only grow (mailboxes,
//! history, late requests) it keeps apart, and need not look at them for that. So a step that was
//! taken once can be taken again without running anything, wherever it would look at the same: that
//! is how [`interned`](crate::interned) is fast.

mod coordinator;
mod host;

use std::{collections::BTreeSet, sync::Arc};

pub(crate) use coordinator::nonce;
use keygroups::{
    checkpoint::Manifest,
    protocol::{
        CoordinatorInput, HostId, HostInput,
        invariant::{Contents, Fact, History, Violation},
    },
};

use crate::{
    action::{Action, Ending},
    model::JobModel,
    network::{Message, Network},
    part::Part,
    process::{CoordinatorProcess, HostProcess},
    store::{Request, Store},
    world::World,
};

/// A component that a step may look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    Coordinator(usize),
    Host(usize),
    Network,
    Store,
    Late,
    History,
}

/// Something that a step adds to the history.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Told {
    /// It happened.
    Fact(Fact),
    /// A manifest came into being, and this is what its newest checkpoint holds, and should.
    Manifest(Arc<Manifest>, Option<(Contents, Contents)>),
}

impl Told {
    /// Adds it to a history; gives the first invariant that this breaks.
    pub(crate) fn to(&self, history: &mut History) -> Option<Violation> {
        let (manifest, contents) = match self {
            Self::Fact(fact) => return history.record(fact).err(),
            Self::Manifest(manifest, contents) => (manifest, contents),
        };
        let commits = history.committed_by(manifest).map(|record| record.id);
        let created = history.record(&Fact::ManifestCreated(Arc::clone(manifest))).err();
        let held = commits.zip(*contents).and_then(|(checkpoint, (found, expected))| {
            history.record(&Fact::Contents { checkpoint, found, expected }).err()
        });
        created.or(held)
    }
}

/// A step in the making.
#[derive(Debug)]
pub struct Step<'m> {
    model: &'m JobModel,
    world: World,
    touched: Vec<Slot>,
    told: Vec<Told>,
    sent: Vec<Arc<Message>>,
    left: Vec<Request>,
}

/// A step that was taken.
pub(crate) struct Taken {
    /// What it has looked at, in this order, and may have changed.
    pub(crate) touched: Vec<Slot>,
    /// How that is now. Everything else is as before.
    pub(crate) world: World,
    /// What comes on top of that.
    pub(crate) told: Vec<Told>,
    pub(crate) sent: Vec<Arc<Message>>,
    pub(crate) left: Vec<Request>,
}

impl<'m> Step<'m> {
    /// A step out of `world`.
    pub fn new(model: &'m JobModel, world: World) -> Self {
        let (touched, told, sent, left) = Default::default();
        Self { model, world, touched, told, sent, left }
    }

    /// The story.
    pub fn model(&self) -> &'m JobModel {
        self.model
    }

    /// What it has come to, before anything new is hashed and judged.
    pub fn into_world(mut self) -> World {
        self.history();
        self.network();
        self.late();
        self.world
    }

    /// What it has come to, and what it depends on.
    pub(crate) fn taken(self) -> Taken {
        let Self { mut world, touched, told, sent, left, .. } = self;
        world.coordinators.iter_mut().for_each(Part::settle);
        world.hosts.iter_mut().for_each(Part::settle);
        world.store.settle();
        world.late.settle();
        world.history.settle();
        Taken { touched, world, told, sent, left }
    }

    fn touch(&mut self, slot: Slot) {
        if !self.touched.contains(&slot) {
            self.touched.push(slot);
        }
    }

    /// A coordinator's process.
    pub fn coordinator(&mut self, index: usize) -> &Part<CoordinatorProcess> {
        self.touch(Slot::Coordinator(index));
        &self.world.coordinators[index]
    }

    fn edit_coordinator(&mut self, index: usize) -> &mut CoordinatorProcess {
        self.touch(Slot::Coordinator(index));
        self.world.coordinators[index].edit()
    }

    /// A host's process.
    pub fn host(&mut self, index: usize) -> &Part<HostProcess> {
        self.touch(Slot::Host(index));
        &self.world.hosts[index]
    }

    fn edit_host(&mut self, index: usize) -> &mut HostProcess {
        self.touch(Slot::Host(index));
        self.world.hosts[index].edit()
    }

    /// Every host there is.
    pub fn host_ids(&self) -> impl Iterator<Item = HostId> + use<> {
        (0..self.model.story().hosts.len() as u16).map(HostId)
    }

    /// What is durable.
    pub fn store(&mut self) -> &Part<Store> {
        self.touch(Slot::Store);
        &self.world.store
    }

    fn edit_store(&mut self) -> &mut Store {
        self.touch(Slot::Store);
        self.world.store.edit()
    }

    /// What was ever sent.
    pub fn network(&mut self) -> &Network {
        self.touch(Slot::Network);
        for message in &self.sent {
            if !self.world.network.contains(message) {
                self.world.network.edit().insert(Arc::clone(message));
            }
        }
        &self.world.network
    }

    /// What happened.
    pub fn history(&mut self) -> &History {
        self.touch(Slot::History);
        let told = std::mem::take(&mut self.told);
        told.iter().for_each(|told| self.tell(told));
        &self.world.history
    }

    fn late(&mut self) -> &BTreeSet<Request> {
        self.touch(Slot::Late);
        for request in std::mem::take(&mut self.left) {
            if !self.world.late.contains(&request) {
                self.world.late.edit().insert(request);
            }
        }
        &self.world.late
    }

    fn tell(&mut self, told: &Told) {
        if let (Some(violation), None) = (told.to(self.world.history.edit()), &self.world.violation) {
            self.world.violation = Some(violation);
        }
    }

    fn record(&mut self, fact: Fact) {
        self.told.push(Told::Fact(fact));
    }

    fn send(&mut self, message: Message) {
        self.sent.push(Arc::new(message));
    }

    /// Leaves a request to itself: it may land at any time, and nobody hears of it.
    fn leave(&mut self, request: Request) {
        self.left.push(request);
    }

    /// Does what the action says.
    pub fn take(&mut self, action: &Action) {
        match action {
            Action::Fire(id, timer) => {
                let index = usize::from(id.0);
                self.edit_coordinator(index).timers.remove(timer);
                self.tell_coordinator(index, None, CoordinatorInput::Timer(*timer));
            }
            Action::Deliver(message) => self.deliver(message),
            Action::Rescale(id, to) => {
                self.tell_coordinator(usize::from(id.0), None, CoordinatorInput::Rescale(*to));
            }
            Action::Store(id, request, ending) => self.end(usize::from(id.0), request, *ending),
            Action::Land(request) => {
                self.touch(Slot::Late);
                self.world.late.edit().remove(request);
                self.land(request);
            }
            Action::Heartbeat(host) => self.tell_host(usize::from(host.0), HostInput::Heartbeat),
            Action::Restore(host, task) => self.restore(usize::from(host.0), *task),
            Action::FailRestore(host, task) => self.fail_restore(usize::from(host.0), *task),
            Action::Read(host, task) => self.read(usize::from(host.0), *task),
            Action::Take { host, task, channel, .. } => {
                self.take_element(usize::from(host.0), *task, *channel);
            }
            Action::Upload(host, task, checkpoint) => {
                self.upload(usize::from(host.0), *task, *checkpoint, None);
            }
            Action::FailUpload(host, task, checkpoint, written) => {
                self.upload(usize::from(host.0), *task, *checkpoint, Some(written));
            }
            Action::FailTask(host, task) => self.fail(usize::from(host.0), *task),
            Action::CrashHost(host) => self.crash_host(usize::from(host.0)),
            Action::CrashCoordinator(id) => self.crash_coordinator(usize::from(id.0)),
        }
    }

    fn deliver(&mut self, message: &Message) {
        match message {
            Message::ToHost(host, message) => {
                self.tell_host(usize::from(host.0), HostInput::Coordinator(message.clone()));
            }
            Message::ToCoordinator(id, message) => {
                let input = CoordinatorInput::Host(message.clone());
                self.tell_coordinator(usize::from(id.0), None, input);
            }
            Message::ToPeer(id, epoch) => {
                self.tell_coordinator(usize::from(id.0), None, CoordinatorInput::PeerAlive(*epoch));
            }
        }
    }

    fn end(&mut self, index: usize, request: &Request, ending: Ending) {
        self.edit_coordinator(index).answered(request);
        let answer = match ending {
            Ending::Answered => self.land(request),
            Ending::AnswerLost => {
                self.land(request);
                request.time_out()
            }
            Ending::Delayed => {
                self.leave(request.clone());
                request.time_out()
            }
            Ending::Refused => request.time_out(),
        };
        if let Some(answer) = answer {
            self.tell_coordinator(index, Some(request), answer);
        }
    }
}
