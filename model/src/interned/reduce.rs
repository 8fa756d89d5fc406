//! Reduction over numbers.

use super::{Ids, Interned};
use crate::reduce;

impl Interned {
    /// Only what is new is looked at: elsewhere everything is reduced.
    pub(super) fn reduce(&self, before: &Ids, ids: &mut Ids) {
        let shape = self.shape;
        for index in 0..shape.hosts {
            let (receiver, mail) = (shape.host(index), shape.mail_of_host(index));
            let mut host = ids.get(receiver);
            if host != before.get(receiver) {
                host = self.calm_hosts.get(host, 0, || {
                    let mut part = self.hosts[host].value.clone();
                    reduce::calm_host(part.edit());
                    part.settle();
                    self.hosts.intern(part.digest(), part)
                });
                self.put(ids, receiver, host);
            }
            let history = ids.get(shape.history());
            if host != before.get(receiver) || history != before.get(shape.history()) {
                let left = self.unnoticed.get(history, host, || {
                    let mut part = self.histories[history].value.clone();
                    part.edit().forget_notices(&self.hosts[host].value.machine);
                    part.settle();
                    self.histories.intern(part.digest(), part)
                });
                self.put(ids, shape.history(), left);
            }
            let mailbox = ids.get(mail);
            if host != before.get(receiver) || mailbox != before.get(mail) {
                let left = self.fresh_for_hosts.get(host, mailbox, || {
                    let process = &self.hosts[host].value;
                    self.without(mailbox, |message| reduce::is_stale_for_host(process, message))
                });
                self.put(ids, mail, left);
            }
        }
        for index in 0..shape.coordinators {
            let (receiver, mail) = (shape.coordinator(index), shape.mail_of_coordinator(index));
            let (process, mailbox) = (ids.get(receiver), ids.get(mail));
            if process == before.get(receiver) && mailbox == before.get(mail) {
                continue;
            }
            let (process, mailbox) = self.calm_coordinators.get(process, mailbox, || {
                let mut part = self.coordinators[process].value.clone();
                let mail = self.in_order(mailbox);
                reduce::calm_coordinator(part.edit(), mail.iter().map(|id| &*self.messages[*id].value));
                part.settle();
                let left = self.without(mailbox, |message| reduce::is_stale_for_coordinator(&part, message));
                (self.coordinators.intern(part.digest(), part), left)
            });
            self.put(ids, receiver, process);
            self.put(ids, mail, mailbox);
        }
    }

    fn without(&self, mailbox: u32, is_stale: impl Fn(&crate::network::Message) -> bool) -> u32 {
        let messages = self.mailboxes[mailbox].value.iter().copied();
        self.mailbox(messages.filter(|id| !is_stale(&self.messages[*id].value)).collect())
    }
}
