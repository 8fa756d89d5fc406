//! What can happen in a state: what each of its components offers.

use super::{Ids, Interned, steps::Node};
use crate::{
    action::Action,
    choice::{self, Purse},
};

/// Something that can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    pub(super) root: u32,
    pub(super) purse: Option<Purse>,
}

pub(super) type Menu = Box<[Offer]>;

impl Interned {
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

    fn offer(&self, action: Action) -> Offer {
        let purse = Purse::of(&action, self.model.story().budget);
        Offer { root: self.root(action), purse }
    }

    fn menu(&self, offers: impl Iterator<Item = Offer>) -> u32 {
        self.menus.push(offers.collect()) as u32
    }

    fn root(&self, action: Action) -> u32 {
        let action = self.actions.push(action) as u32;
        self.node(Node::first(action))
    }

    fn menu_of_coordinator(&self, id: u32) -> &[Offer] {
        let entry = &self.coordinators[id];
        let menu = entry.about.menu.get_or_init(|| {
            let story = self.model.story();
            let process = &entry.value;
            let mut actions = Vec::new();
            choice::of_coordinator(process, &mut actions);
            let wishes = if process.machine.leads().is_some() { story.budget.rescales } else { 0 };
            let rescales = (1..=wishes).filter_map(|left| {
                let to = choice::next_rescale(story, left)?;
                let root = self.root(Action::Rescale(process.machine.id(), to));
                Some(Offer { root, purse: Some(Purse::Rescales { left }) })
            });
            self.menu(actions.into_iter().map(|action| self.offer(action)).chain(rescales))
        });
        &self.menus[*menu as usize]
    }

    fn menu_of_host(&self, id: u32) -> &[Offer] {
        let entry = &self.hosts[id];
        let menu = entry.about.menu.get_or_init(|| {
            let (story, mut actions) = (self.model.story(), Vec::new());
            choice::of_host(&entry.value, story, self.model.twist(), &mut actions);
            self.menu(actions.into_iter().map(|action| self.offer(action)))
        });
        &self.menus[*menu as usize]
    }

    fn menu_of_late(&self, id: u32) -> &[Offer] {
        let entry = &self.lates[id];
        let menu = entry.about.menu.get_or_init(|| {
            self.menu(entry.value.iter().cloned().map(|request| self.offer(Action::Land(request))))
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
            let offers =
                self.in_order(mailbox).into_iter().map(|message| self.delivery(kind, receiver, message));
            self.menu(offers.filter(|offer| !self.is_idle(ids, *offer)))
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
