//! What can happen in a state, and what it comes to.

use std::sync::OnceLock;

use super::{Ids, Interned};
use crate::{
    action::Action,
    choice::{self, Purse},
    network::Receiver,
    part::hash_of,
    step::{Slot, Step, Taken},
};

/// Something that can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    root: u32,
    purse: Option<Purse>,
}

pub(super) type Menu = Box<[Offer]>;

/// A point at which the outcome of an action is known or depends on one more component.
#[derive(Default)]
pub(super) struct Node {
    // Of the first point of an action: which.
    action: u32,
    next: OnceLock<Next>,
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

    /// Shows everything that may happen in a state.
    pub fn offers(&self, ids: &Ids, mut show: impl FnMut(Offer)) {
        let shape = self.shape;
        if ids.get(shape.violation()) != 0 {
            return;
        }
        for index in 0..shape.coordinators {
            self.menu_of_coordinator(ids.get(shape.coordinator(index))).iter().copied().for_each(&mut show);
            self.mail_of_coordinator(ids, index).iter().copied().for_each(&mut show);
        }
        self.menu_of_late(ids.get(shape.late())).iter().copied().for_each(&mut show);
        for index in 0..shape.hosts {
            self.menu_of_host(ids.get(shape.host(index))).iter().copied().for_each(&mut show);
            self.mail_of_host(ids, index).iter().copied().for_each(&mut show);
        }
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
    pub(super) fn free_step(&self, ids: &Ids, offer: Offer) -> Option<Ids> {
        let effects = self.effects(ids, offer.root);
        let mut next = *ids;
        for (slot, id) in &effects.writes {
            self.put(&mut next, *slot, *id);
        }
        if effects.told != 0 {
            let history = next.get(self.shape.history());
            let (history, violation) =
                self.told.get(history, effects.told, || self.tell(history, effects.told));
            self.put(&mut next, self.shape.history(), history);
            if effects.violation == 0 && violation != 0 {
                self.put(&mut next, self.shape.violation(), violation);
            }
        }
        if effects.violation != 0 {
            self.put(&mut next, self.shape.violation(), effects.violation);
        }
        for (slot, sent) in &effects.sent {
            let mail = next.get(*slot);
            let mail = self.sent.get(mail, *sent, || self.send(mail, *sent));
            self.put(&mut next, *slot, mail);
        }
        if effects.left != 0 {
            let late = next.get(self.shape.late());
            let late = self.left.get(late, effects.left, || self.leave(late, effects.left));
            self.put(&mut next, self.shape.late(), late);
        }
        (next != *ids).then_some(next)
    }

    pub(super) fn settled(&self, before: &Ids, mut ids: Ids, budget: Option<u32>) -> Ids {
        if let Some(budget) = budget {
            self.put(&mut ids, self.shape.budget(), budget);
        }
        if self.model.is_reduced() {
            self.reduce(before, &mut ids);
        }
        if ids.get(self.shape.violation()) == 0 {
            let violation = self.judge(before, &ids);
            self.put(&mut ids, self.shape.violation(), violation);
        }
        ids
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

    fn edge(&self, node: u32, value: u32) -> u32 {
        self.edges.get(node, value, || self.node(Node::default()))
    }

    fn node(&self, node: Node) -> u32 {
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
        let mut writes = Vec::new();
        for slot in touched {
            let (slot, id) = match slot {
                Slot::Coordinator(index) => {
                    let process = &world.coordinators[index];
                    (shape.coordinator(index), self.coordinators.intern(process.digest(), process.clone()))
                }
                Slot::Host(index) => {
                    let process = &world.hosts[index];
                    (shape.host(index), self.hosts.intern(process.digest(), process.clone()))
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
        Effects { writes: writes.into(), told, sent: sent.collect(), left, violation }
    }

    fn menu(&self, actions: Vec<Action>, budget: crate::story::Budget) -> u32 {
        let offers = actions.into_iter().map(|action| {
            let purse = Purse::of(&action, budget);
            Offer { root: self.root(action), purse }
        });
        self.menus.push(offers.collect()) as u32
    }

    fn root(&self, action: Action) -> u32 {
        let action = self.actions.push(action) as u32;
        self.node(Node { action, next: OnceLock::new() })
    }

    fn menu_of_coordinator(&self, id: u32) -> &[Offer] {
        let entry = &self.coordinators[id];
        let menu = entry.about.menu.get_or_init(|| {
            let story = self.model.story();
            let process = &entry.value;
            let mut actions = Vec::new();
            choice::of_coordinator(process, &mut actions);
            let mut offers = self.menus[self.menu(actions, story.budget) as usize].to_vec();
            if process.machine.leads().is_some() {
                offers.extend((1..=story.budget.rescales).filter_map(|left| {
                    let to = choice::next_rescale(story, left)?;
                    let root = self.root(Action::Rescale(process.machine.id(), to));
                    Some(Offer { root, purse: Some(Purse::Rescales { left }) })
                }));
            }
            self.menus.push(offers.into()) as u32
        });
        &self.menus[*menu as usize]
    }

    fn menu_of_host(&self, id: u32) -> &[Offer] {
        let entry = &self.hosts[id];
        let menu = entry.about.menu.get_or_init(|| {
            let (story, mut actions) = (self.model.story(), Vec::new());
            choice::of_host(&entry.value, story, self.model.twist(), &mut actions);
            self.menu(actions, story.budget)
        });
        &self.menus[*menu as usize]
    }

    fn menu_of_late(&self, id: u32) -> &[Offer] {
        let entry = &self.lates[id];
        let menu = entry.about.menu.get_or_init(|| {
            let actions = entry.value.iter().cloned().map(Action::Land).collect();
            self.menu(actions, self.model.story().budget)
        });
        &self.menus[*menu as usize]
    }

    fn mail_of_coordinator(&self, ids: &Ids, index: usize) -> &[Offer] {
        let (receiver, mailbox) =
            (ids.get(self.shape.coordinator(index)), ids.get(self.shape.mail_of_coordinator(index)));
        self.mail(ids, 0, receiver, mailbox)
    }

    fn mail_of_host(&self, ids: &Ids, index: usize) -> &[Offer] {
        let (receiver, mailbox) = (ids.get(self.shape.host(index)), ids.get(self.shape.mail_of_host(index)));
        self.mail(ids, 1, receiver, mailbox)
    }

    // Messages that change nothing, whatever is elsewhere, are not offered: most of those that were
    // ever sent. A repeated request of a state costs one look for all of them.
    fn mail(&self, ids: &Ids, kind: usize, receiver: u32, mailbox: u32) -> &[Offer] {
        let menu = self.mail_menus[kind].get(receiver, mailbox, || {
            let mut messages: Vec<_> = self.mailboxes[mailbox].value.to_vec();
            messages
                .sort_unstable_by(|one, other| self.messages[*one].value.cmp(&self.messages[*other].value));
            let offers = messages.into_iter().filter_map(|message| {
                let offer = self.delivery(kind, receiver, message);
                let root = offer.root;
                self.effects(ids, root);
                let idle = matches!(
                    self.nodes[root as usize].next.get(),
                    Some(Next::Done(effects)) if *effects == Effects::default()
                );
                (!idle).then_some(offer)
            });
            self.menus.push(offers.collect()) as u32
        });
        &self.menus[menu as usize]
    }

    // A message reaches a coordinator (kind 0) or a host (kind 1).
    pub(super) fn delivery(&self, kind: usize, receiver: u32, message: u32) -> Offer {
        let root = self.deliveries[kind]
            .get(receiver, message, || self.root(Action::Deliver(self.messages[message].value.clone())));
        Offer { root, purse: None }
    }

    // The messages of a mailbox in an order that does not depend on when they got their numbers.
    pub(super) fn in_order(&self, mailbox: u32) -> Vec<u32> {
        let mut messages = self.mailboxes[mailbox].value.to_vec();
        messages.sort_unstable_by(|one, other| self.messages[*one].value.cmp(&self.messages[*other].value));
        messages
    }
}
