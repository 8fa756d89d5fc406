//! The same model once nothing goes wrong any more: nothing is in flight, and nothing needs a budget.

use keygroups::protocol::invariant::History;

use super::{Ids, Interned, Offer};
use crate::{
    network::Receiver,
    part::{Part, hash_of},
    process::{CoordinatorProcess, HostProcess},
    store::Store,
    story::Budget,
};

/// What goes wrong is left out by kind, so nothing needs a budget.
const ENOUGH: Budget = Budget {
    checkpoints: 1,
    expiries: 1,
    sweeps: 1,
    rescales: 0,
    host_crashes: 0,
    coordinator_crashes: 0,
    campaigns: 1,
    host_suspicions: 0,
    store_faults: 0,
    upload_failures: 0,
    task_failures: 0,
    heartbeats: 1,
};

/// A model between whose steps everything that was said has arrived.
#[derive(Debug)]
pub struct Quiet<'m> {
    model: &'m Interned,
    no_mail: u32,
    no_history: u32,
    enough: u32,
}

impl<'m> Quiet<'m> {
    /// A model, to be looked at where nothing is in flight.
    pub fn new(model: &'m Interned) -> Self {
        let history = Part::new(History::new());
        Self {
            model,
            no_mail: model.mailbox(Vec::new()),
            no_history: model.histories.intern(history.digest(), history),
            enough: model.budgets.intern(hash_of(&ENOUGH), ENOUGH),
        }
    }

    /// The model itself.
    pub fn model(&self) -> &'m Interned {
        self.model
    }

    /// A state after the loss of everything in flight between processes.
    pub fn without_mail(&self, ids: &Ids) -> Ids {
        let shape = self.model.shape;
        let mut quiet = *ids;
        for slot in self.mail_slots() {
            self.model.put(&mut quiet, slot, self.no_mail);
        }
        self.model.put(&mut quiet, shape.budget(), self.enough);
        quiet
    }

    /// What decides how a state without mail goes on: processes, store and late requests. States that
    /// differ in nothing else have the same situation. A situation has an empty history, which no
    /// state has where something has happened.
    pub fn situation(&self, quiet: &Ids) -> Ids {
        let mut situation = *quiet;
        self.model.put(&mut situation, self.model.shape.history(), self.no_history);
        situation
    }

    /// What an offer comes to in a state without mail, and the arrival of everything that is said
    /// because of it, and because of that; `None` if that changes nothing.
    ///
    /// Each of these steps is judged as in any other search. If one breaks an invariant, the state after
    /// it is given, so that [`Interned::violation_of`] says what is broken.
    pub fn step(&self, quiet: &Ids, offer: Offer) -> Option<Ids> {
        let model = self.model;
        let mut at = model.settled(quiet, model.free_step(quiet, offer)?, None);
        loop {
            let said = at;
            if model.violation_of(&at).is_some() || self.mail_slots().all(|slot| at.get(slot) == self.no_mail)
            {
                return Some(at);
            }
            self.mail_slots().for_each(|slot| model.put(&mut at, slot, self.no_mail));
            for slot in self.mail_slots() {
                for message in model.in_order(said.get(slot)) {
                    at = self.deliver(&at, message);
                }
            }
        }
    }

    fn deliver(&self, at: &Ids, message: u32) -> Ids {
        let (model, shape) = (self.model, self.model.shape);
        let offer = match model.messages[message].value.receiver() {
            Receiver::Coordinator(id) => {
                model.delivery(0, at.get(shape.coordinator(usize::from(id.0))), message)
            }
            Receiver::Host(host) => model.delivery(1, at.get(shape.host(usize::from(host.0))), message),
        };
        model.free_step(at, offer).map_or(*at, |next| model.settled(at, next, None))
    }

    fn mail_slots(&self) -> std::ops::Range<usize> {
        self.model.shape.mail_of_host(0)..self.model.shape.store()
    }

    /// Every coordinator's process, each with its number: equal for equal values.
    pub(crate) fn coordinators(&self, ids: &Ids) -> impl Iterator<Item = (u32, &'m CoordinatorProcess)> {
        let (model, ids) = (self.model, *ids);
        (0..model.shape.coordinators).map(move |index| {
            let id = ids.get(model.shape.coordinator(index));
            (id, &*model.coordinators[id].value)
        })
    }

    /// Every host's process.
    pub(crate) fn hosts(&self, ids: &Ids) -> impl Iterator<Item = &'m HostProcess> {
        let (model, ids) = (self.model, *ids);
        (0..model.shape.hosts).map(move |index| &*model.hosts[ids.get(model.shape.host(index))].value)
    }

    /// The store with its number.
    pub(crate) fn store(&self, ids: &Ids) -> (u32, &'m Store) {
        let id = ids.get(self.model.shape.store());
        (id, &self.model.stores[id].value)
    }
}
