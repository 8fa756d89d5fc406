//! Every message that a machine has sent: the model's monotone bag.

use std::collections::{BTreeMap, BTreeSet};

use keygroups::{
    checkpoint::LeaderEpoch,
    protocol::{CoordinatorId, HostId, ToCoordinator, ToHost},
};

use super::rule::{Refusal, SENT};

/// How many messages are listed where another was delivered.
const LISTED_MAX: usize = 3;

/// What was sent, by whom it is for. Nothing is taken out: a message may be lost, repeated and late.
#[derive(Debug, Default)]
pub(super) struct Sent {
    to_hosts: BTreeMap<HostId, BTreeSet<ToHost>>,
    to_coordinators: BTreeMap<CoordinatorId, BTreeSet<ToCoordinator>>,
    // A host does not know who the coordinators are.
    to_all: BTreeSet<ToCoordinator>,
    leaders: BTreeMap<LeaderEpoch, BTreeSet<CoordinatorId>>,
}

impl Sent {
    pub(super) fn send_to_host(&mut self, host: HostId, message: ToHost) {
        self.to_hosts.entry(host).or_default().insert(message);
    }

    pub(super) fn send_to_coordinator(&mut self, id: CoordinatorId, message: ToCoordinator) {
        self.to_coordinators.entry(id).or_default().insert(message);
    }

    pub(super) fn send_to_every_coordinator(&mut self, message: ToCoordinator) {
        self.to_all.insert(message);
    }

    pub(super) fn send_to_peers(&mut self, from: CoordinatorId, epoch: LeaderEpoch) {
        self.leaders.entry(epoch).or_default().insert(from);
    }

    /// Whether `message` can reach `host`.
    pub(super) fn reaches_host(&self, host: HostId, message: &ToHost) -> Result<(), Refusal> {
        let sent = self.to_hosts.get(&host);
        if sent.is_some_and(|sent| sent.contains(message)) {
            return Ok(());
        }
        let alike = |other: &&ToHost| std::mem::discriminant(*other) == std::mem::discriminant(message);
        let newest = sent.into_iter().flatten().filter(alike).rev();
        SENT.instead(newest.take(LISTED_MAX).map(|message| format!("← {message}")))
    }

    /// Whether `message` can reach the coordinator `id`.
    pub(super) fn reaches_coordinator(
        &self,
        id: CoordinatorId,
        message: &ToCoordinator,
    ) -> Result<(), Refusal> {
        let sent = self.to_coordinators.get(&id);
        if sent.is_some_and(|sent| sent.contains(message)) || self.to_all.contains(message) {
            return Ok(());
        }
        let alike =
            |other: &&ToCoordinator| std::mem::discriminant(*other) == std::mem::discriminant(message);
        let sent: Vec<_> = sent.into_iter().flatten().chain(&self.to_all).filter(alike).collect();
        SENT.instead(sent.iter().rev().take(LISTED_MAX).map(|message| format!("← {message}")))
    }

    /// Whether the coordinator `id` can hear that `epoch` has a leader.
    pub(super) fn reaches_peer(&self, id: CoordinatorId, epoch: LeaderEpoch) -> Result<(), Refusal> {
        let others = |from: &BTreeSet<CoordinatorId>| from.iter().any(|coordinator| *coordinator != id);
        if self.leaders.get(&epoch).is_some_and(others) {
            return Ok(());
        }
        let epochs = self.leaders.iter().filter(|(_, from)| others(from)).rev();
        SENT.instead(
            epochs.take(LISTED_MAX).map(|(epoch, _)| format!("← the leader of epoch {epoch} is alive")),
        )
    }
}
