//! What the network does to what is sent: delay, loss, duplication, spikes, and cut links.

use super::Node;
use crate::random::{between, happens};
use fastrand::Rng;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How one direction of a link behaves. Probabilities are per datagram, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkFaults {
    /// Shortest and longest ordinary delay in microseconds, both inclusive. Two datagrams whose delays
    /// differ overtake each other: a wide range is what reorders.
    pub latency_us: (u64, u64),
    /// Probability that a datagram is lost.
    pub loss_per_million: u32,
    /// Probability that a datagram arrives twice, each copy with a delay of its own.
    pub duplicate_per_million: u32,
    /// Probability that a datagram is held up by a further delay from `spike_us`.
    pub spike_per_million: u32,
    /// Shortest and longest hold-up in microseconds.
    pub spike_us: (u64, u64),
}

impl LinkFaults {
    /// A healthy link within one data centre: 1 to 2 ms, nothing lost, nothing twice.
    pub const CALM: Self = Self {
        latency_us: (1_000, 2_000),
        loss_per_million: 0,
        duplicate_per_million: 0,
        spike_per_million: 0,
        spike_us: (0, 0),
    };

    fn delay_us(&self, random: &mut Rng) -> u64 {
        let delay_us = between(random, self.latency_us);
        let held_up = happens(random, self.spike_per_million);
        delay_us + if held_up { between(random, self.spike_us) } else { 0 }
    }
}

/// What happens to one datagram: when its copies arrive, in microseconds after it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Cut,
    Lost,
    Arrives(u64),
    ArrivesTwice(u64, u64),
}

/// The present behaviour of the whole network; may change at any time and applies to what is sent from
/// then on. What is already on its way arrives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkFaults {
    every: LinkFaults,
    #[serde(with = "as_list")]
    links: BTreeMap<(Node, Node), LinkFaults>,
    cut: BTreeSet<(Node, Node)>,
}

impl Default for NetworkFaults {
    fn default() -> Self {
        Self { every: LinkFaults::CALM, links: BTreeMap::new(), cut: BTreeSet::new() }
    }
}

impl NetworkFaults {
    /// Gives every link this behaviour, except those that have one of their own.
    pub fn set_every(&mut self, faults: LinkFaults) {
        self.every = faults;
    }

    /// Gives one direction of one link a behaviour of its own.
    pub fn set_link(&mut self, from: Node, to: Node, faults: LinkFaults) {
        self.links.insert((from, to), faults);
    }

    /// Gives every link this behaviour, also those that had one of their own.
    pub fn override_every(&mut self, faults: LinkFaults) {
        self.every = faults;
        self.links.clear();
    }

    /// Drops whatever `from` sends to `to`; the other direction keeps working.
    pub fn cut(&mut self, from: Node, to: Node) {
        self.cut.insert((from, to));
    }

    /// Undoes [`cut`](Self::cut).
    pub fn mend(&mut self, from: Node, to: Node) {
        self.cut.remove(&(from, to));
    }

    /// True if what `from` sends to `to` is dropped because the link is cut.
    #[must_use]
    pub fn is_cut(&self, from: Node, to: Node) -> bool {
        self.cut.contains(&(from, to))
    }

    /// The same for a network in which `place` says who a node is now; links of nodes that are gone are gone.
    pub(crate) fn moved(&self, place: &impl Fn(Node) -> Option<Node>) -> Self {
        let pair = |from: Node, to: Node| Some((place(from)?, place(to)?));
        Self {
            every: self.every,
            links: self.links.iter().filter_map(|(&(a, b), faults)| Some((pair(a, b)?, *faults))).collect(),
            cut: self.cut.iter().filter_map(|&(a, b)| pair(a, b)).collect(),
        }
    }

    /// Mends every link and makes all of them calm.
    pub fn heal(&mut self) {
        *self = Self::default();
    }

    pub(super) fn fate(&self, from: Node, to: Node, random: &mut Rng) -> Fate {
        if from == to {
            return Fate::Arrives(0);
        }
        if self.cut.contains(&(from, to)) {
            return Fate::Cut;
        }
        let link = self.links.get(&(from, to)).unwrap_or(&self.every);
        if happens(random, link.loss_per_million) {
            return Fate::Lost;
        }
        let delay_us = link.delay_us(random);
        if happens(random, link.duplicate_per_million) {
            return Fate::ArrivesTwice(delay_us, link.delay_us(random));
        }
        Fate::Arrives(delay_us)
    }
}

/// A pair is no key of a JSON object.
mod as_list {
    use super::{BTreeMap, LinkFaults, Node};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Link {
        from: Node,
        to: Node,
        faults: LinkFaults,
    }

    pub(super) fn serialize<S: Serializer>(
        links: &BTreeMap<(Node, Node), LinkFaults>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(links.iter().map(|(&(from, to), &faults)| Link { from, to, faults }))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<(Node, Node), LinkFaults>, D::Error> {
        let links = Vec::<Link>::deserialize(deserializer)?;
        Ok(links.into_iter().map(|Link { from, to, faults }| ((from, to), faults)).collect())
    }
}
