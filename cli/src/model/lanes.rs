//! Who has which lane in a picture, and who does what.

use keygroups::protocol::{CoordinatorId, HostId, TaskPhase, ToCoordinator};
use keygroups_model::action::Action;
use keygroups_model::network::Message;
use keygroups_model::world::World;

use crate::picture::{Kind, Lane};

/// The store, then coordinators, then hosts.
#[derive(Clone, Copy)]
pub(super) struct Lanes {
    pub(super) coordinators: usize,
}

pub(super) const STORE: usize = 0;

impl Lanes {
    pub(super) fn coordinator(self, id: CoordinatorId) -> usize {
        1 + usize::from(id.0)
    }

    pub(super) fn host(self, id: HostId) -> usize {
        1 + self.coordinators + usize::from(id.0)
    }

    pub(super) fn all(self, world: &World) -> Vec<Lane> {
        let coordinators = world.coordinators.iter().map(|process| Lane {
            name: format!("coordinator {}", process.machine.id()),
            kind: Kind::Coordinator,
        });
        let hosts = world
            .hosts
            .iter()
            .map(|process| Lane { name: format!("host {}", process.machine.id()), kind: Kind::Host });
        [Lane { name: "store".into(), kind: Kind::Store }]
            .into_iter()
            .chain(coordinators)
            .chain(hosts)
            .collect()
    }

    pub(super) fn active(self, world: &World) -> Vec<bool> {
        let leads = world.coordinators.iter().map(|process| process.machine.leads().is_some());
        let runs = world
            .hosts
            .iter()
            .map(|process| process.machine.tasks().any(|(_, task)| task.phase() == TaskPhase::Running));
        [false].into_iter().chain(leads).chain(runs).collect()
    }

    /// Who does it; `None` for the store and the user.
    pub(super) fn actor(self, action: &Action) -> Option<usize> {
        match action {
            Action::Fire(id, _)
            | Action::Rescale(id, _)
            | Action::Store(id, ..)
            | Action::CrashCoordinator(id) => Some(self.coordinator(*id)),
            Action::Heartbeat(host)
            | Action::Restore(host, _)
            | Action::FailRestore(host, _)
            | Action::Read(host, _)
            | Action::Take { host, .. }
            | Action::Upload(host, ..)
            | Action::FailUpload(host, ..)
            | Action::FailTask(host, _)
            | Action::CrashHost(host) => Some(self.host(*host)),
            Action::Deliver(message) => Some(self.receiver(message)),
            Action::Land(_) => None,
        }
    }

    pub(super) fn receiver(self, message: &Message) -> usize {
        match message {
            Message::ToHost(host, _) => self.host(*host),
            Message::ToCoordinator(id, _) | Message::ToPeer(id, _) => self.coordinator(*id),
        }
    }

    /// Who sent a message that no step of the path has sent: a host, when it came up.
    pub(super) fn first_sender(self, message: &Message) -> Option<usize> {
        match message {
            Message::ToCoordinator(_, ToCoordinator::Register { host, .. }) => Some(self.host(*host)),
            Message::ToCoordinator(..) | Message::ToHost(..) | Message::ToPeer(..) => None,
        }
    }
}
