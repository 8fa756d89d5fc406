//! What comes of what can happen.

use std::sync::OnceLock;

use super::{Ids, Interned, Row, menus::Offer};
use crate::{
    action::Action,
    choice::Purse,
    network::Receiver,
    part::hash_of,
    reduce,
    step::{Slot, Step, Taken},
};

/// A point at which the outcome of an action is known or depends on one more component.
#[derive(Default)]
pub(super) struct Node {
    // Of the first point of an action: which.
    action: u32,
    next: OnceLock<Next>,
}

impl Node {
    /// The first point of an action.
    pub(super) fn first(action: u32) -> Self {
        Self { action, next: OnceLock::new() }
    }
}

enum Next {
    // Which component is looked at; `edges` says where its value leads.
    Ask(usize),
    Done(Effects),
}

#[derive(Default, PartialEq, Eq)]
struct Effects {
    // Slots and what is in them now.
    writes: Box<[(usize, u32)]>,
    told: u32,
    // Mailboxes by slot, and what is put into them.
    sent: Box<[(usize, u32)]>,
    left: u32,
    violation: u32,
    // Whether a host has changed and has then calmed down to what it was.
    stirs: bool,
}

impl Interned {
    /// Shows everything that can happen in a state, and what it comes to if it changes anything. The
    /// order depends on the state alone.
    pub fn steps(&self, ids: &Ids, mut show: impl FnMut(Offer, Ids)) {
        self.offers(ids, |offer| {
            if let Some(next) = self.step(ids, offer) {
                show(offer, next);
            }
        });
    }

    /// What an offer is.
    pub fn action(&self, offer: Offer) -> &Action {
        &self.actions[self.nodes[offer.root as usize].action as usize]
    }

    /// What an offer comes to; `None` if nobody can pay for it or it changes nothing.
    pub fn step(&self, ids: &Ids, offer: Offer) -> Option<Ids> {
        let budget = match offer.purse {
            Some(purse) => Some(self.charge(ids.get(self.shape.budget()), purse)?),
            None => None,
        };
        let next = self.free_step(ids, offer)?;
        Some(self.settled(ids, next, budget))
    }

    // The step, its price and the verdict on it left out.
    pub(super) fn free_step(&self, ids: &Ids, offer: Offer) -> Option<Row> {
        let effects = self.effects(ids, offer.root);
        let mut next = *ids.row();
        for (slot, id) in &effects.writes {
            next.put(*slot, *id);
        }
        if effects.told != 0 {
            let history = next.get(self.shape.history());
            let (history, violation) =
                self.told.get(history, effects.told, || self.tell(history, effects.told));
            next.put(self.shape.history(), history);
            if effects.violation == 0 && violation != 0 {
                next.put(self.shape.violation(), violation);
            }
        }
        if effects.violation != 0 {
            next.put(self.shape.violation(), effects.violation);
        }
        for (slot, sent) in &effects.sent {
            let mail = next.get(*slot);
            let mail = self.sent.get(mail, *sent, || self.send(mail, *sent));
            next.put(*slot, mail);
        }
        if effects.left != 0 {
            let late = next.get(self.shape.late());
            let late = self.left.get(late, effects.left, || self.leave(late, effects.left));
            next.put(self.shape.late(), late);
        }
        (effects.stirs || next != *ids.row()).then_some(next)
    }

    pub(super) fn settled(&self, before: &Ids, mut row: Row, budget: Option<u32>) -> Ids {
        if let Some(budget) = budget {
            row.put(self.shape.budget(), budget);
        }
        if self.model.is_reduced() {
            self.reduce(before.row(), &mut row);
        }
        if row.get(self.shape.violation()) == 0 {
            let violation = self.judge(before.row(), &row);
            row.put(self.shape.violation(), violation);
        }
        self.state(before, row)
    }

    fn charge(&self, budget: u32, purse: Purse) -> Option<u32> {
        self.charged.get(budget, purse.number(), || {
            let left = purse.charge(self.budgets[budget].value)?;
            Some(self.budgets.intern(hash_of(&left), left))
        })
    }

    fn tell(&self, history: u32, told: u32) -> (u32, u32) {
        let mut part = self.histories[history].value.clone();
        let mut broken = None;
        for told in &self.tellings[told].value {
            let breaks = told.to(part.edit());
            broken = broken.or(breaks);
        }
        if self.model.is_reduced() {
            part.edit().forget();
        }
        part.settle();
        (self.histories.intern(part.digest(), part), self.violation(broken))
    }

    fn send(&self, mailbox: u32, sent: u32) -> u32 {
        let (known, new) = (&self.mailboxes[mailbox].value, &self.sendings[sent].value);
        let mut messages = known.to_vec();
        messages.extend(new.iter().filter(|id| known.binary_search(id).is_err()));
        self.mailbox(messages)
    }

    fn leave(&self, late: u32, left: u32) -> u32 {
        let mut part = self.lates[late].value.clone();
        part.edit().extend(self.leavings[left].value.iter().cloned());
        part.settle();
        self.lates.intern(part.digest(), part)
    }

    fn effects(&self, ids: &Ids, root: u32) -> &Effects {
        let mut at = root;
        loop {
            match self.nodes[at as usize].next.get() {
                Some(Next::Done(effects)) => return effects,
                Some(Next::Ask(slot)) => at = self.edge(at, ids.get(*slot)),
                None => self.work_out(ids, root),
            }
        }
    }

    // Whether an offer changes nothing, whatever is elsewhere.
    pub(super) fn is_idle(&self, ids: &Ids, offer: Offer) -> bool {
        self.effects(ids, offer.root);
        match self.nodes[offer.root as usize].next.get() {
            Some(Next::Done(effects)) => *effects == Effects::default(),
            Some(Next::Ask(_)) | None => false,
        }
    }

    fn edge(&self, node: u32, value: u32) -> u32 {
        self.edges.get(node, value, || self.node(Node::default()))
    }

    pub(super) fn node(&self, node: Node) -> u32 {
        u32::try_from(self.nodes.push(node)).expect("a model takes fewer than 2^32 different steps")
    }

    // Runs the machines once, and remembers on what the outcome depends.
    fn work_out(&self, ids: &Ids, root: u32) {
        let action = &self.actions[self.nodes[root as usize].action as usize];
        let mut taken = self.take(self.world_without_network(ids), action);
        if taken.touched.contains(&Slot::Network) {
            taken = self.take(self.world(ids), action);
        }
        let mut at = root;
        let primary = self.primary(action);
        for slot in taken.touched.iter().flat_map(|slot| self.slots(*slot)).filter(|slot| *slot != primary) {
            // Another thread may have come to the same.
            self.nodes[at as usize].next.get_or_init(|| Next::Ask(slot));
            at = self.edge(at, ids.get(slot));
        }
        let effects = self.effects_of(ids, taken);
        self.nodes[at as usize].next.get_or_init(|| Next::Done(effects));
    }

    fn take(&self, world: crate::world::World, action: &Action) -> Taken {
        let mut step = Step::new(&self.model, world);
        step.take(action);
        step.taken()
    }

    fn slots(&self, slot: Slot) -> std::ops::Range<usize> {
        let one = |slot| slot..slot + 1;
        match slot {
            Slot::Coordinator(index) => one(self.shape.coordinator(index)),
            Slot::Host(index) => one(self.shape.host(index)),
            Slot::Network => self.shape.mail_of_host(0)..self.shape.store(),
            Slot::Store => one(self.shape.store()),
            Slot::Late => one(self.shape.late()),
            Slot::History => one(self.shape.history()),
        }
    }

    // The component that an action is offered by: its number is known where the offer is.
    fn primary(&self, action: &Action) -> usize {
        match action {
            Action::Fire(id, _)
            | Action::Rescale(id, _)
            | Action::Store(id, ..)
            | Action::CrashCoordinator(id) => self.shape.coordinator(usize::from(id.0)),
            Action::Deliver(message) => match message.receiver() {
                Receiver::Coordinator(id) => self.shape.coordinator(usize::from(id.0)),
                Receiver::Host(host) => self.shape.host(usize::from(host.0)),
            },
            Action::Land(_) => self.shape.late(),
            Action::Heartbeat(host)
            | Action::Restore(host, _)
            | Action::FailRestore(host, _)
            | Action::Read(host, _)
            | Action::Take { host, .. }
            | Action::Upload(host, ..)
            | Action::FailUpload(host, ..)
            | Action::FailTask(host, _)
            | Action::CrashHost(host) => self.shape.host(usize::from(host.0)),
        }
    }

    fn effects_of(&self, ids: &Ids, taken: Taken) -> Effects {
        let Taken { touched, world, told, sent, left } = taken;
        let shape = self.shape;
        let (mut writes, mut stirs) = (Vec::new(), false);
        for slot in touched {
            let (slot, id) = match slot {
                Slot::Coordinator(index) => {
                    let process = &world.coordinators[index];
                    (shape.coordinator(index), self.coordinators.intern(process.digest(), process.clone()))
                }
                Slot::Host(index) => {
                    let (slot, mut process) = (shape.host(index), world.hosts[index].clone());
                    if self.model.is_reduced() && process != self.hosts[ids.get(slot)].value {
                        reduce::calm_host(process.edit());
                        process.settle();
                        stirs |= process == self.hosts[ids.get(slot)].value;
                    }
                    (slot, self.hosts.intern(process.digest(), process))
                }
                Slot::Store => (shape.store(), self.stores.intern(world.store.digest(), world.store.clone())),
                Slot::Late => (shape.late(), self.lates.intern(world.late.digest(), world.late.clone())),
                Slot::History => {
                    (shape.history(), self.histories.intern(world.history.digest(), world.history.clone()))
                }
                // What was sent is in `sent` too.
                Slot::Network => continue,
            };
            if ids.get(slot) != id {
                writes.push((slot, id));
            }
        }
        let mut mails: Vec<(usize, Vec<u32>)> = Vec::new();
        for message in &sent {
            let slot = match message.receiver() {
                Receiver::Coordinator(id) => shape.mail_of_coordinator(usize::from(id.0)),
                Receiver::Host(host) => shape.mail_of_host(usize::from(host.0)),
            };
            let id = self.message(message);
            match mails.iter_mut().find(|(mail, _)| *mail == slot) {
                Some((_, ids)) if !ids.contains(&id) => ids.push(id),
                Some(_) => {}
                None => mails.push((slot, vec![id])),
            }
        }
        let sent = mails.into_iter().map(|(slot, mut messages)| {
            messages.sort_unstable();
            (slot, self.sendings.intern(hash_of(&messages), messages.into()))
        });
        let told = if told.is_empty() { 0 } else { self.tellings.intern(hash_of(&told), told.into()) };
        let left = if left.is_empty() { 0 } else { self.leavings.intern(hash_of(&left), left.into()) };
        let violation = self.violation(world.violation);
        Effects { writes: writes.into(), told, sent: sent.collect(), left, violation, stirs }
    }
}
