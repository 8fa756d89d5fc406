//! What the network does to what is sent: delay, loss, duplication, spikes, and cut links.

use super::Node;
use super::misfortune::{MessageFate, Named};
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

    /// Each thing as the worse of the two has it.
    #[must_use]
    pub fn worse_of(self, other: Self) -> Self {
        let wider = |a: (u64, u64), b: (u64, u64)| (a.0.max(b.0), a.1.max(b.1));
        Self {
            latency_us: wider(self.latency_us, other.latency_us),
            loss_per_million: self.loss_per_million.max(other.loss_per_million),
            duplicate_per_million: self.duplicate_per_million.max(other.duplicate_per_million),
            spike_per_million: self.spike_per_million.max(other.spike_per_million),
            spike_us: wider(self.spike_us, other.spike_us),
        }
    }

    fn draw(&self, random: &mut Rng) -> Drawn {
        if happens(random, self.loss_per_million) {
            return Drawn { lost: true, ..Drawn::usual(self.latency_us.0) };
        }
        let (usual_us, late_us) = self.delay_us(random);
        let mut drawn = Drawn { late_us, ..Drawn::usual(usual_us) };
        if happens(random, self.duplicate_per_million) {
            let (usual_us, late_us) = self.delay_us(random);
            drawn.again_us = Some(usual_us + late_us);
        }
        drawn
    }

    /// How long it takes, and how much longer it is held up.
    fn delay_us(&self, random: &mut Rng) -> (u64, u64) {
        let delay_us = between(random, self.latency_us);
        let held_up = happens(random, self.spike_per_million);
        (delay_us, if held_up { between(random, self.spike_us) } else { 0 })
    }
}

/// What chance does to one datagram. Times are microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Drawn {
    /// It does not arrive.
    lost: bool,
    /// What the link takes.
    usual_us: u64,
    /// How much later it arrives.
    late_us: u64,
    /// When it arrives a second time, after it was sent.
    again_us: Option<u64>,
}

impl Drawn {
    const fn usual(usual_us: u64) -> Self {
        Self { lost: false, usual_us, late_us: 0, again_us: None }
    }

    /// Nothing but what the link takes.
    pub(super) const fn without_misfortunes(self) -> Self {
        Self::usual(self.usual_us)
    }

    /// What of it is a misfortune.
    pub(super) fn misfortunes(self) -> impl Iterator<Item = MessageFate> {
        let lost = self.lost.then_some(MessageFate::Lost);
        let late = (self.late_us > 0).then_some(MessageFate::Late { by_us: self.late_us });
        lost.into_iter().chain(late).chain(self.again_us.map(|again_us| MessageFate::Twice { again_us }))
    }

    /// The same with this misfortune.
    pub(super) fn with(self, what: MessageFate) -> Self {
        match what {
            MessageFate::Lost => Self { lost: true, ..self },
            MessageFate::Late { by_us } => Self { late_us: self.late_us + by_us, ..self },
            MessageFate::Twice { again_us } => Self { again_us: Some(again_us), ..self },
        }
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

impl From<Drawn> for Fate {
    fn from(drawn: Drawn) -> Self {
        let arrives_us = drawn.usual_us + drawn.late_us;
        match drawn.again_us {
            _ if drawn.lost => Self::Lost,
            None => Self::Arrives(arrives_us),
            Some(again_us) => Self::ArrivesTwice(arrives_us, again_us),
        }
    }
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

    /// Makes every link at least as bad as this.
    pub fn worsen_every(&mut self, faults: LinkFaults) {
        self.every = self.every.worse_of(faults);
        self.links.values_mut().for_each(|link| *link = link.worse_of(faults));
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

    /// What becomes of what one node sends to another; `named` may know better than the draw.
    pub(super) fn fate(&self, from: Node, to: Node, random: &mut Rng, named: Option<&mut Named>) -> Fate {
        if from == to {
            return Fate::Arrives(0);
        }
        if self.cut.contains(&(from, to)) {
            return Fate::Cut;
        }
        let drawn = self.links.get(&(from, to)).unwrap_or(&self.every).draw(random);
        match named {
            Some(named) => named.judge(from, to, drawn),
            None => drawn,
        }
        .into()
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
