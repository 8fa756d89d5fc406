//! Exactly the leader, or exactly the store, is cut off: from everybody, or from some.
//!
//! Who leads is known only when it strikes. A leader that has lost the store, or the other coordinators but
//! no host, is the one that goes on believing.

use super::{Partition, Targets};
use crate::random::{pick, spread};
use crate::wire::Node;
use fastrand::Rng;
use serde::{Deserialize, Serialize};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Isolation {
    /// Who is cut off.
    pub whom: Isolated,
    /// From whom; itself, if it is among them, not.
    pub others: Vec<Node>,
    /// What is lost.
    pub lost: Lost,
    /// Virtual microseconds until the links are mended.
    pub for_us: u64,
}

/// Who is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Isolated {
    /// The coordinator that was elected last, when the fault strikes. Nobody before the first election.
    Leader,
    /// The store.
    Store,
}

/// What a cut takes, as seen from who is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lost {
    /// What it sends: requests of the leader, answers of the store.
    Sent,
    /// What others send to it.
    Received,
    /// Everything.
    Both,
}

impl Isolation {
    pub(super) fn draw(random: &mut Rng, whom: Isolated, targets: &Targets) -> Self {
        let others = match (whom, random.u8(0..4)) {
            (Isolated::Leader, 0) => targets.coordinators.clone(),
            (Isolated::Leader, 1) => targets.hosts.iter().chain(&targets.spares).copied().collect(),
            (Isolated::Leader, 2) => vec![targets.store],
            (Isolated::Store, 0) => targets.coordinators.clone(),
            (Isolated::Store, 1) => targets.hosts.iter().chain(&targets.spares).copied().collect(),
            _ => targets.all(),
        };
        let lost = pick(random, &[Lost::Sent, Lost::Received, Lost::Both, Lost::Both]);
        Self { whom, others, lost, for_us: spread(random, (200_000, 15_000_000)) }
    }

    /// The partition that it is now.
    pub(super) fn partition(&self, leader: Option<Node>, store: Node) -> Option<Partition> {
        let alone = match self.whom {
            Isolated::Leader => leader?,
            Isolated::Store => store,
        };
        let others: Vec<_> = self.others.iter().copied().filter(|node| *node != alone).collect();
        let (from, to) = match self.lost {
            Lost::Sent | Lost::Both => (vec![alone], others),
            Lost::Received => (others, vec![alone]),
        };
        Some(Partition { from, to, both_ways: self.lost == Lost::Both, for_us: self.for_us })
    }

    pub(super) fn describe(&self) -> String {
        match self.whom {
            Isolated::Leader => "nobody leads who could be cut off".to_owned(),
            Isolated::Store => "the store is cut off".to_owned(),
        }
    }
}
