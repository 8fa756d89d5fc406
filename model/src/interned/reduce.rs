//! Reduction over numbers: what depends on two components. A host calms down on its own, where its step is
//! worked out.

use super::{Interned, Row};
use crate::reduce;

impl Interned {
    /// Only what is new is looked at: elsewhere everything is reduced.
    pub(super) fn reduce(&self, before: &Row, row: &mut Row) {
        let shape = self.shape;
        for index in 0..shape.hosts {
            let (receiver, mail) = (shape.host(index), shape.mail_of_host(index));
            let host = row.get(receiver);
            let history = row.get(shape.history());
            if host != before.get(receiver) || history != before.get(shape.history()) {
                let left = self.unnoticed.get(history, host, || {
                    let mut part = self.histories[history].value.clone();
                    part.edit().forget_notices(&self.hosts[host].value.machine);
                    // Most forget nothing. Comparing costs less than hashing.
                    if part == self.histories[history].value {
                        return history;
                    }
                    part.settle();
                    self.histories.intern(part.digest(), part)
                });
                row.put(shape.history(), left);
            }
            let mailbox = row.get(mail);
            if host != before.get(receiver) || mailbox != before.get(mail) {
                let left = self.fresh_for_hosts.get(host, mailbox, || {
                    let process = &self.hosts[host].value;
                    self.without(mailbox, |message| reduce::is_stale_for_host(process, message))
                });
                row.put(mail, left);
            }
        }
        for index in 0..shape.coordinators {
            let (receiver, mail) = (shape.coordinator(index), shape.mail_of_coordinator(index));
            let (process, mailbox) = (row.get(receiver), row.get(mail));
            if process == before.get(receiver) && mailbox == before.get(mail) {
                continue;
            }
            let (process, mailbox) = self.calm_coordinators.get(process, mailbox, || {
                let mut part = self.coordinators[process].value.clone();
                let mail = self.in_order(mailbox);
                reduce::calm_coordinator(part.edit(), mail.iter().map(|id| &*self.messages[*id].value));
                let left = self.without(mailbox, |message| reduce::is_stale_for_coordinator(&part, message));
                if part == self.coordinators[process].value {
                    return (process, left);
                }
                part.settle();
                (self.coordinators.intern(part.digest(), part), left)
            });
            row.put(receiver, process);
            row.put(mail, mailbox);
        }
    }

    fn without(&self, mailbox: u32, is_stale: impl Fn(&crate::network::Message) -> bool) -> u32 {
        let messages = &self.mailboxes[mailbox].value;
        let left: Vec<u32> =
            messages.iter().copied().filter(|id| !is_stale(&self.messages[*id].value)).collect();
        if left.len() == messages.len() { mailbox } else { self.mailbox(left) }
    }
}
