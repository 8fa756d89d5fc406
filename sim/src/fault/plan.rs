//! Which faults a simulation meets: drawn from the seed, before it begins.

use super::{Crash, Fault, Partition, Pause, RoughLinks, store};
use crate::random::{self, between, pick, spread};
use crate::storage::StoreFaults;
use crate::wire::{LinkFaults, NetworkFaults, Node};
use fastrand::Rng;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How much goes wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// Nothing.
    None,
    /// A bad day: a few faults, and links that now and then lose something.
    #[default]
    Default,
    /// Everything, often, at the same time.
    Chaos,
}

/// The text names no [`Profile`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown fault profile {0:?}; there are none, default and chaos")]
pub struct UnknownProfile(pub String);

impl FromStr for Profile {
    type Err = UnknownProfile;

    fn from_str(text: &str) -> Result<Self, UnknownProfile> {
        match text {
            "none" => Ok(Self::None),
            "default" => Ok(Self::Default),
            "chaos" => Ok(Self::Chaos),
            _ => Err(UnknownProfile(text.to_owned())),
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Default => "default",
            Self::Chaos => "chaos",
        })
    }
}

/// Who can be hit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Targets {
    /// Processes that coordinate.
    pub coordinators: Vec<Node>,
    /// Processes that run subtasks.
    pub hosts: Vec<Node>,
    /// The store: no process, but a node that links lead to.
    pub store: Node,
    /// Protocol steps that faults may be aimed at; see [`Injector::on_step`](super::Injector::on_step).
    pub steps: &'static [&'static str],
}

impl Targets {
    /// Coordinators and hosts.
    pub(super) fn processes(&self) -> Vec<Node> {
        self.coordinators.iter().chain(&self.hosts).copied().collect()
    }

    pub(super) fn all(&self) -> Vec<Node> {
        self.coordinators.iter().chain(&self.hosts).copied().chain([self.store]).collect()
    }
}

/// A plan that cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// A fault names a node that the cluster does not have.
    #[error("a fault names node {}, which is none of the cluster's: {}", .0.0, .1)]
    UnknownNode(Node, String),
    /// A fault is aimed at a step that no protocol has.
    #[error("a fault is aimed at {0:?}; steps are {1}")]
    UnknownStep(String, String),
    /// Times do not ascend.
    #[error("timed faults must be in the order of their times, and {0} µs comes after a later one")]
    Disorder(u64),
}

/// Whom an aimed fault hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Victim {
    /// The process that takes the step.
    Actor,
    /// This one.
    Node(Node),
}

/// A fault that strikes when a protocol step is taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Aim {
    /// Label of the step: `all-acked`.
    pub step: String,
    /// At which occurrence of the step over all processes, counted from 1.
    pub occurrence: u32,
    /// Whom to hit: replaces the node of a crash or pause, and the isolated side of a partition.
    pub victim: Victim,
    /// What strikes.
    pub fault: Fault,
}

/// Every fault of one simulation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultPlan {
    /// How links behave from the beginning to the horizon.
    pub network: NetworkFaults,
    /// How the store behaves from the beginning to the horizon.
    pub store: StoreFaults,
    /// Faults by virtual time in microseconds, in that order.
    pub timed: Vec<(u64, Fault)>,
    /// Faults by protocol step.
    pub aims: Vec<Aim>,
    /// Virtual microseconds at which all faults end at the latest.
    pub horizon_us: u64,
    /// After this many faults have struck, and ended, everything is healed even before the horizon.
    pub faults_max: usize,
}

impl FaultPlan {
    /// No faults; "healed" from the beginning.
    #[must_use]
    pub fn none() -> Self {
        Self {
            network: NetworkFaults::default(),
            store: StoreFaults::CALM,
            timed: Vec::new(),
            aims: Vec::new(),
            horizon_us: 0,
            faults_max: 0,
        }
    }

    /// The plan for this seed. Equal arguments give equal plans.
    ///
    /// # Panics
    /// If there are fewer than two nodes or no process to hit, unless the profile is [`Profile::None`].
    #[must_use]
    pub fn draw(seed: u64, profile: Profile, targets: &Targets, horizon_us: u64) -> Self {
        let mut random = random::stream(seed, "faults");
        let random = &mut random;
        let (timed, aims) = match profile {
            Profile::None => return Self::none(),
            Profile::Default => (random.usize(1..=3), random.usize(1..=2)),
            Profile::Chaos => (random.usize(3..=10), random.usize(2..=6)),
        };
        let mut timed: Vec<_> =
            (0..timed).map(|_| (between(random, (0, horizon_us)), draw_fault(random, targets))).collect();
        timed.sort_by_key(|(at_us, _)| *at_us);
        let aims = if targets.steps.is_empty() { 0 } else { aims };
        let aims: Vec<_> = (0..aims).map(|_| draw_aim(random, targets)).collect();
        Self {
            network: draw_network(random, profile, targets),
            store: draw_store(random, profile),
            faults_max: timed.len() + aims.len(),
            timed,
            aims,
            horizon_us,
        }
    }

    /// Whether it can be carried out in a cluster with these targets.
    ///
    /// # Errors
    ///
    /// [`PlanError`] says what cannot.
    pub fn check(&self, targets: &Targets) -> Result<(), PlanError> {
        let known = targets.all();
        let faults = self.timed.iter().map(|(_, fault)| fault).chain(self.aims.iter().map(|aim| &aim.fault));
        let victims = self.aims.iter().filter_map(|aim| match aim.victim {
            Victim::Node(node) => Some(node),
            Victim::Actor => None,
        });
        let mut named = faults.flat_map(Fault::nodes).chain(victims);
        if let Some(unknown) = named.find(|node| !known.contains(node)) {
            let known: Vec<_> = known.iter().map(|node| node.0.to_string()).collect();
            return Err(PlanError::UnknownNode(unknown, known.join(", ")));
        }
        if let Some(aim) = self.aims.iter().find(|aim| !targets.steps.contains(&&*aim.step)) {
            return Err(PlanError::UnknownStep(aim.step.clone(), targets.steps.join(", ")));
        }
        match self.timed.windows(2).find(|pair| pair[0].0 > pair[1].0) {
            Some(pair) => Err(PlanError::Disorder(pair[1].0)),
            None => Ok(()),
        }
    }
}

fn draw_fault(random: &mut Rng, targets: &Targets) -> Fault {
    let process = pick(random, &targets.processes());
    match random.u8(0..100) {
        0..25 => Fault::Crash(Crash::draw(random, process)),
        25..50 => Fault::Pause(Pause::draw(random, process)),
        50..70 => Fault::Partition(Partition::draw(random, targets)),
        70..78 => Fault::RoughLinks(RoughLinks::draw(random)),
        _ => store::draw(random),
    }
}

fn draw_aim(random: &mut Rng, targets: &Targets) -> Aim {
    let step = pick(random, targets.steps).to_owned();
    // Small occurrences are more likely: not every step is taken often.
    let occurrence = spread(random, (1, 16)) as u32;
    let victim = if random.bool() { Victim::Actor } else { Victim::Node(pick(random, &targets.processes())) };
    let node = match victim {
        Victim::Node(node) => node,
        Victim::Actor => targets.store,
    };
    let fault = match random.u8(0..100) {
        0..40 => Fault::Crash(Crash::draw(random, node)),
        40..70 => Fault::Pause(Pause::draw(random, node)),
        70..80 => Fault::Partition(Partition::of(random, node, targets)),
        _ => store::draw_for_a_step(random),
    };
    Aim { step, occurrence, victim, fault }
}

fn draw_network(random: &mut Rng, profile: Profile, targets: &Targets) -> NetworkFaults {
    let mut network = NetworkFaults::default();
    let (rate_max, latency_max_us) = match profile {
        Profile::None => return network,
        Profile::Default => (10_000, 5_000),
        Profile::Chaos => (50_000, 20_000),
    };
    // Every link has a character of its own.
    for from in targets.all() {
        for to in targets.all() {
            let faults = LinkFaults {
                latency_us: (1_000, spread(random, (2_000, latency_max_us))),
                loss_per_million: random.u32(0..rate_max),
                duplicate_per_million: random.u32(0..rate_max),
                spike_per_million: random.u32(0..rate_max / 2),
                spike_us: (20_000, 500_000),
            };
            network.set_link(from, to, faults);
        }
    }
    network
}

fn draw_store(random: &mut Rng, profile: Profile) -> StoreFaults {
    let rate_max = match profile {
        Profile::None => return StoreFaults::CALM,
        Profile::Default => 5_000,
        Profile::Chaos => 25_000,
    };
    StoreFaults {
        latency_us: (2_000, spread(random, (5_000, 40_000))),
        refused_per_million: random.u32(0..rate_max),
        swallowed_per_million: random.u32(0..rate_max),
        unanswered_per_million: random.u32(0..rate_max),
        late_per_million: random.u32(0..rate_max),
        late_us: (100_000, 10_000_000),
        outage: None,
        page_objects: random.usize(2..200),
        troubles: Vec::new(),
    }
}
