//! The same model for machines: a state is a row of numbers, and what was worked out once is looked
//! up.
//!
//! Each value of a component (a coordinator's process, a mailbox, the store, …) is kept once, under
//! a number. What an action does depends on the few components that its [`Step`](crate::step::Step) looks at; for the
//! same numbers there it does the same. So the production machines run a few thousand times, and the
//! millions of states in which the same thing happens elsewhere cost a look into a table. Nothing is
//! approximated: values are compared in full when they get their number, and a step is looked up by
//! all that it depends on.

mod arena;
mod checker;
mod ids;
mod judge;
mod memo;
mod menus;
mod quiet;
mod reduce;
mod steps;

use std::{
    collections::BTreeSet,
    sync::{Arc, OnceLock},
};

use arena::Arena;
pub use ids::Ids;
use ids::{Places, Row, Shape};
use keygroups::{
    checkpoint::JobSpec,
    protocol::{
        Deployment,
        invariant::{History, Violation},
    },
};
use memo::Memo;
use menus::Menu;
pub use menus::Offer;
pub use quiet::Quiet;
use steps::Node;

use crate::{
    action::Action,
    model::JobModel,
    network::{Message, Receiver},
    part::{Part, hash_of},
    process::{CoordinatorProcess, HostProcess},
    step::Told,
    store::{Request, Store},
    story::Budget,
    world::World,
};

/// What is known about a value on its own.
#[derive(Default)]
pub(crate) struct About {
    menu: OnceLock<u32>,
    // Of a host: its active tasks. Of a history: the job.
    projection: OnceLock<u32>,
    cases: OnceLock<u32>,
}

/// A [`JobModel`] over numbers.
pub struct Interned {
    model: JobModel,
    shape: Shape,
    places: Places,
    coordinators: Arena<Part<CoordinatorProcess>, About>,
    hosts: Arena<Part<HostProcess>, About>,
    messages: Arena<Arc<Message>>,
    // Ascending numbers of messages.
    mailboxes: Arena<Box<[u32]>>,
    stores: Arena<Part<Store>>,
    lates: Arena<Part<BTreeSet<Request>>, About>,
    histories: Arena<Part<History>, About>,
    budgets: Arena<Budget>,
    // Number 0 is none.
    violations: Arena<Option<Violation>>,
    actives: Arena<Vec<Arc<Deployment>>>,
    jobs: Arena<Option<JobSpec>>,
    // What steps add. Number 0 adds nothing.
    tellings: Arena<Box<[Told]>>,
    sendings: Arena<Box<[u32]>>,
    leavings: Arena<Box<[Request]>>,

    nodes: boxcar::Vec<Node>,
    edges: Memo<u32>,
    actions: boxcar::Vec<Action>,
    menus: boxcar::Vec<Menu>,
    mail_menus: [Memo<u32>; 2],
    deliveries: [Memo<u32>; 2],
    calm_coordinators: Memo<(u32, u32)>,
    fresh_for_hosts: Memo<u32>,
    unnoticed: Memo<u32>,
    told: Memo<(u32, u32)>,
    sent: Memo<u32>,
    left: Memo<u32>,
    charged: Memo<Option<u32>>,
    believed: Memo<u32>,
    owned: Memo<u32>,
    // A row of numbers is folded from the left, two at a time.
    folded: Memo<u32>,
    owners: Arena<[u32; 2]>,
    kinds: judge::Kinds,
    paired_cases: [Memo<u32>; 4],
}

impl Interned {
    /// The model over numbers.
    pub fn new(model: JobModel) -> Self {
        Self::salted(model, 0)
    }

    /// The same with other [prints](Ids::print): two states that have the same print by accident
    /// differ under another salt.
    pub fn salted(model: JobModel, salt: u64) -> Self {
        let interned = Self {
            model,
            shape: Shape::of(model.story()),
            places: Places::new(salt),
            coordinators: Arena::new(),
            hosts: Arena::new(),
            messages: Arena::new(),
            mailboxes: Arena::new(),
            stores: Arena::new(),
            lates: Arena::new(),
            histories: Arena::new(),
            budgets: Arena::new(),
            violations: Arena::new(),
            actives: Arena::new(),
            jobs: Arena::new(),
            tellings: Arena::new(),
            sendings: Arena::new(),
            leavings: Arena::new(),
            nodes: boxcar::Vec::new(),
            edges: Memo::new(),
            actions: boxcar::Vec::new(),
            menus: boxcar::Vec::new(),
            mail_menus: [Memo::new(), Memo::new()],
            deliveries: [Memo::new(), Memo::new()],
            calm_coordinators: Memo::new(),
            fresh_for_hosts: Memo::new(),
            unnoticed: Memo::new(),
            told: Memo::new(),
            sent: Memo::new(),
            left: Memo::new(),
            charged: Memo::new(),
            believed: Memo::new(),
            owned: Memo::new(),
            folded: Memo::new(),
            owners: Arena::new(),
            kinds: judge::Kinds::new(),
            paired_cases: [Memo::new(), Memo::new(), Memo::new(), Memo::new()],
        };
        interned.violation(None);
        interned.tellings.intern(0, Box::default());
        interned.sendings.intern(0, Box::default());
        interned.leavings.intern(0, Box::default());
        interned
    }

    /// The model itself.
    pub fn model(&self) -> &JobModel {
        &self.model
    }

    /// The state in which all processes have just come up.
    pub fn first(&self) -> Ids {
        self.of(&World::new(&self.model))
    }

    /// The numbers of a world.
    pub fn of(&self, world: &World) -> Ids {
        let shape = self.shape;
        let mut ids = Ids::empty();
        let mut fill = |slot, id| ids.fill(&self.places, slot, id, self.digest(slot, id));
        for (index, process) in world.coordinators.iter().enumerate() {
            fill(shape.coordinator(index), self.coordinators.intern(process.digest(), process.clone()));
            let mail = world.network.iter().filter(|message| {
                matches!(message.receiver(), Receiver::Coordinator(id) if usize::from(id.0) == index)
            });
            fill(shape.mail_of_coordinator(index), self.mailbox(mail.map(|m| self.message(m)).collect()));
        }
        for (index, process) in world.hosts.iter().enumerate() {
            fill(shape.host(index), self.hosts.intern(process.digest(), process.clone()));
            let mail = world.network.iter().filter(
                |message| matches!(message.receiver(), Receiver::Host(id) if usize::from(id.0) == index),
            );
            fill(shape.mail_of_host(index), self.mailbox(mail.map(|m| self.message(m)).collect()));
        }
        fill(shape.store(), self.stores.intern(world.store.digest(), world.store.clone()));
        fill(shape.late(), self.lates.intern(world.late.digest(), world.late.clone()));
        fill(shape.history(), self.histories.intern(world.history.digest(), world.history.clone()));
        fill(shape.budget(), self.budgets.intern(hash_of(&world.budget), world.budget));
        fill(shape.violation(), self.violation(world.violation.clone()));
        ids
    }

    /// The world behind the numbers.
    pub fn world(&self, ids: &Ids) -> World {
        let mut world = self.world_without_network(ids);
        let mails = self.shape.mail_of_host(0)..self.shape.store();
        let messages = mails.flat_map(|slot| &*self.mailboxes[ids.get(slot)].value);
        world.network = Part::new(messages.map(|id| Arc::clone(&self.messages[*id].value)).collect());
        world
    }

    fn world_without_network(&self, ids: &Ids) -> World {
        let shape = self.shape;
        World {
            coordinators: (0..shape.coordinators)
                .map(|index| self.coordinators[ids.get(shape.coordinator(index))].value.clone())
                .collect(),
            hosts: (0..shape.hosts)
                .map(|index| self.hosts[ids.get(shape.host(index))].value.clone())
                .collect(),
            network: Part::new(BTreeSet::new()),
            store: self.stores[ids.get(shape.store())].value.clone(),
            late: self.lates[ids.get(shape.late())].value.clone(),
            history: self.histories[ids.get(shape.history())].value.clone(),
            budget: self.budgets[ids.get(shape.budget())].value,
            violation: self.violations[ids.get(shape.violation())].value.clone(),
        }
    }

    fn message(&self, message: &Arc<Message>) -> u32 {
        self.messages.intern(hash_of(&**message), Arc::clone(message))
    }

    fn mailbox(&self, mut messages: Vec<u32>) -> u32 {
        messages.sort_unstable();
        // Numbers are given in the order of arrival, digests are not.
        let digest = messages.iter().map(|id| arena::spread(self.messages[*id].digest));
        self.mailboxes.intern(digest.fold(0, u64::wrapping_add), messages.into())
    }

    fn violation(&self, violation: Option<Violation>) -> u32 {
        self.violations.intern(hash_of(&violation), violation)
    }

    fn digest(&self, slot: usize, id: u32) -> u64 {
        let shape = self.shape;
        if slot < shape.coordinators {
            self.coordinators[id].digest
        } else if slot < shape.coordinators + shape.hosts {
            self.hosts[id].digest
        } else if slot < shape.store() {
            self.mailboxes[id].digest
        } else if slot == shape.store() {
            self.stores[id].digest
        } else if slot == shape.late() {
            self.lates[id].digest
        } else if slot == shape.history() {
            self.histories[id].digest
        } else if slot == shape.budget() {
            self.budgets[id].digest
        } else {
            self.violations[id].digest
        }
    }

    fn put(&self, ids: &mut Ids, slot: usize, id: u32) {
        let mut row = *ids.row();
        row.put(slot, id);
        *ids = self.state(ids, row);
    }

    // The state with these numbers, which differs in a few from the one before.
    fn state(&self, before: &Ids, row: Row) -> Ids {
        before.with(row, &self.places, |slot, id| self.digest(slot, id))
    }
}

impl std::fmt::Debug for Interned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Interned").field("model", &self.model).finish_non_exhaustive()
    }
}
