//! Which faults a simulation meets: drawn from the seed, before it begins.

use super::Fault;
use super::kinds::Drawing;
use super::mix::Mix;
use crate::misfortune::Misfortunes;
use crate::random::{self, spread};
use crate::storage::StoreFaults;
use crate::wire::{LinkFaults, NetworkFaults, Node};
use fastrand::Rng;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
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
    /// Processes that can run subtasks and are not there unless a fault lets them join.
    pub spares: Vec<Node>,
    /// How many of `hosts` the job cannot do without.
    pub hosts_min: usize,
    /// How many manifests the store keeps: a listing may omit as many of the newest, less one.
    pub manifests_retained: u64,
    /// Whether hosts keep local copies on their disks.
    pub disks: bool,
    /// The store: no process, but a node that links lead to.
    pub store: Node,
    /// Protocol steps that faults may be aimed at; see [`Injector::on_step`](super::Injector::on_step).
    pub steps: &'static [&'static str],
}

impl Targets {
    /// Coordinators and hosts, without spares.
    pub(super) fn processes(&self) -> Vec<Node> {
        self.coordinators.iter().chain(&self.hosts).copied().collect()
    }

    pub(super) fn all(&self) -> Vec<Node> {
        let processes = self.coordinators.iter().chain(&self.hosts).chain(&self.spares);
        processes.copied().chain([self.store]).collect()
    }

    /// How many hosts and how many coordinators may go for good: whatever else happens, the job can then still
    /// run at the smallest parallelism that is wanted of it.
    pub(super) fn may_leave(&self) -> (usize, usize) {
        (self.hosts.len().saturating_sub(self.hosts_min), self.coordinators.len().saturating_sub(1))
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
    /// Too few would be left.
    #[error("{leave} {what} leave for good, and at most {most} may")]
    TooFewStay {
        /// Hosts or coordinators.
        what: &'static str,
        /// How many go.
        leave: usize,
        /// How many may.
        most: usize,
    },
    /// A number of a fault makes no sense.
    #[error("a fault of kind {kind}: {what}")]
    Senseless {
        /// Which kind of fault.
        kind: &'static str,
        /// What is wrong with it.
        what: &'static str,
    },
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

/// When an aimed fault strikes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Before what follows from the step is carried out: a crash prevents it, a pause delays it.
    #[default]
    Before,
    /// After the process has sent and asked for all that follows from the step.
    After,
}

/// A fault that strikes when a protocol step is taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Aim {
    /// Label of the step: `all-acked`.
    pub step: String,
    /// At which occurrence of the step over all processes, counted from 1.
    pub occurrence: u32,
    /// On which side of the step.
    #[serde(default)]
    pub when: When,
    /// Whom to hit: replaces the node of a fault of one process, and the isolated side of a partition.
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
    /// What chance strikes from the beginning to the horizon, one by one; `None` if the rates of links and store
    /// decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub misfortunes: Option<Misfortunes>,
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
    /// Whether enough stay.
    fn check_leaves(&self, targets: &Targets) -> Result<(), PlanError> {
        let leaves = self.faults().filter_map(|fault| match fault {
            Fault::Leave(leave) => Some(leave.node),
            _ => None,
        });
        let leaves: BTreeSet<_> = leaves.collect();
        let (hosts_max, coordinators_max) = targets.may_leave();
        let of = |nodes: &[Node]| nodes.iter().filter(|node| leaves.contains(node)).count();
        let counts = [
            ("hosts", of(&targets.hosts), hosts_max),
            ("coordinators", of(&targets.coordinators), coordinators_max),
        ];
        match counts.into_iter().find(|(_, leave, most)| leave > most) {
            Some((what, leave, most)) => Err(PlanError::TooFewStay { what, leave, most }),
            None => Ok(()),
        }
    }

    /// No faults; "healed" from the beginning.
    #[must_use]
    pub fn none() -> Self {
        Self {
            network: NetworkFaults::default(),
            store: StoreFaults::CALM,
            misfortunes: None,
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
        let mix = match profile {
            Profile::None => return Self::none(),
            Profile::Default => Mix::bad_day(&mut random),
            Profile::Chaos => Mix::chaos(&mut random),
        };
        // A stream of their own: a seed without disks draws what it drew before there were any.
        let mut of_disks = random::stream(seed, "disk faults");
        let (mix, disks) = if targets.disks {
            let [mix, disks] = Mix::of_disks(&mut of_disks, profile, mix);
            (mix, Some(disks))
        } else {
            (mix, None)
        };
        let network = mix.background.then(|| draw_network(&mut random, profile, targets));
        let store = mix.background.then(|| draw_store(&mut random, profile));
        let mut drawing = Drawing::new(random, targets);
        let (mut timed, mut aims) = mix.draw_all(&mut drawing, horizon_us);
        if let Some(disks) = disks {
            let (more_timed, more_aims) = disks.draw_all(&mut Drawing::new(of_disks, targets), horizon_us);
            timed.extend(more_timed);
            aims.extend(more_aims);
        }
        timed.sort_by_key(|(at_us, _)| *at_us);
        Self {
            network: network.unwrap_or_default(),
            store: store.unwrap_or(StoreFaults::CALM),
            misfortunes: None,
            faults_max: timed.len() + aims.len(),
            timed,
            aims,
            horizon_us,
        }
    }

    /// Every fault in it.
    pub fn faults(&self) -> impl Iterator<Item = &Fault> {
        self.timed.iter().map(|(_, fault)| fault).chain(self.aims.iter().map(|aim| &aim.fault))
    }

    /// Whether nothing goes wrong in it.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.faults_max == 0 && self.misfortunes.as_ref().is_none_or(Misfortunes::is_empty)
    }

    /// Whether it can be carried out in a cluster with these targets.
    ///
    /// # Errors
    ///
    /// [`PlanError`] says what cannot.
    pub fn check(&self, targets: &Targets) -> Result<(), PlanError> {
        let known = targets.all();
        let victims = self.aims.iter().filter_map(|aim| match aim.victim {
            Victim::Node(node) => Some(node),
            Victim::Actor => None,
        });
        let unlucky = self.misfortunes.iter().flat_map(Misfortunes::nodes);
        let mut named = self.faults().flat_map(Fault::nodes).chain(victims).chain(unlucky);
        if let Some(unknown) = named.find(|node| !known.contains(node)) {
            let known: Vec<_> = known.iter().map(|node| node.0.to_string()).collect();
            return Err(PlanError::UnknownNode(unknown, known.join(", ")));
        }
        if let Some(aim) = self.aims.iter().find(|aim| !targets.steps.contains(&&*aim.step)) {
            return Err(PlanError::UnknownStep(aim.step.clone(), targets.steps.join(", ")));
        }
        self.faults().try_for_each(Fault::check)?;
        self.check_leaves(targets)?;
        match self.timed.windows(2).find(|pair| pair[0].0 > pair[1].0) {
            Some(pair) => Err(PlanError::Disorder(pair[1].0)),
            None => Ok(()),
        }
    }
}

fn draw_network(random: &mut Rng, profile: Profile, targets: &Targets) -> NetworkFaults {
    let mut network = NetworkFaults::default();
    let (rate_max, latency_max_us): (u64, u64) = match profile {
        Profile::None => return network,
        Profile::Default => (10_000, 5_000),
        Profile::Chaos => (50_000, 20_000),
    };
    // What links do at all is the seed's; every link has a character of its own.
    let mut at_most = |usual| if random.u8(0..4) > 0 { spread(random, (1_000, usual)) as u32 } else { 1 };
    let (loss, duplicates, spikes) = (at_most(2 * rate_max), at_most(2 * rate_max), at_most(rate_max));
    for from in targets.all() {
        for to in targets.all() {
            let faults = LinkFaults {
                latency_us: (1_000, spread(random, (2_000, latency_max_us))),
                loss_per_million: random.u32(0..loss),
                duplicate_per_million: random.u32(0..duplicates),
                spike_per_million: random.u32(0..spikes),
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
