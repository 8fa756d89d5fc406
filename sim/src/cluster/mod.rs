//! A cluster that runs a real job: the production machines, driver, snapshots and store, on simulated
//! processes, links and storage.
//!
//! ```text
//! user ──▶ coordinators ◀──▶ hosts ══ data channels ══ hosts
//!               └──────▶ store ◀──────┘
//! ```
//!
//! The job: partitions of a table → key by → totals per key → output. It takes no decision of the
//! protocol; it only tells what happens to one watcher, where every invariant is checked after every step.

mod contents;
mod coordinator;
mod data;
mod engine;
mod host;
mod loss;
mod names;
mod operator;
mod planted;
mod progress;
mod scenario;
mod source;
mod summary;
#[cfg(test)]
mod tests;
mod user;
mod watch;

pub use data::OutputRecord;
pub use planted::Planted;
pub use scenario::{EngineBug, Jitter, Scenario, ScenarioError};
pub use summary::{Moment, Restored, Summary};
pub use watch::STEPS;

use crate::case::Case;
use crate::fault::{FaultPlan, Injector, Targets};
use crate::nodes::{Nodes, ProcessState};
use crate::oracle::PartitionedInput;
use crate::process::Clock;
use crate::random;
use crate::run::{Run, Violation, World, run};
use crate::storage::{SimObjectStore, StoreNode};
use crate::trace::Recording;
use crate::wire::{Address, Net, Node};
use bytes::Bytes;
use futures::future::BoxFuture;
use keygroups::checkpoint::ObjectName;
use keygroups::driver::Runtime;
use keygroups::protocol::{CoordinatorId, HostId};
use keygroups::store::{CheckpointStore, Identified, Layout};
use names::Names;
use object_store::ObjectStore;
use object_store::path::Path;
use planted::TwistedStore;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use watch::Watch;

/// The port of a process's mailbox at its first address; each move adds one.
const MAIL_PORT: u16 = 7_000;
/// The port of a process's store client, likewise.
const STORE_CLIENT_PORT: u16 = 27_000;

/// What all processes of one cluster share: where everybody is, and what is outside of the system.
struct Cluster {
    scenario: Scenario,
    planted: Planted,
    seed: u64,
    net: Net,
    nodes: Nodes,
    store: StoreNode,
    input: PartitionedInput,
    watch: Watch,
    names: Names,
    // Which process is who; where it can be reached may change.
    coordinators: Vec<Node>,
    hosts: Vec<Node>,
    // How often each process was started: the durable counter that incarnations come from.
    starts: Mutex<BTreeMap<Node, u64>>,
}

impl Cluster {
    /// Where the coordinator can be reached, as far as is known.
    fn coordinator(&self, id: CoordinatorId) -> Option<Address> {
        self.names.lookup(*self.coordinators.get(usize::from(id.0))?)
    }

    /// Where the host can be reached, as far as is known.
    fn host(&self, id: HostId) -> Option<Address> {
        self.names.lookup(*self.hosts.get(usize::from(id.0))?)
    }

    /// Where this process is.
    fn address(&self, node: Node) -> Address {
        names::address(node, self.nodes.place(node))
    }

    /// How many slots there are with all hosts that have come and not gone, whether they run or not.
    fn slots(&self) -> usize {
        let hosts = self.hosts.iter().filter(|host| self.nodes.state(**host) != ProcessState::Absent);
        hosts.count() * usize::from(self.scenario.slots)
    }

    fn runtime(&self, node: Node) -> Arc<SimRuntime> {
        Arc::new(SimRuntime { clock: self.nodes.clock(node) })
    }

    fn connect(self: &Arc<Self>, node: Node) -> CheckpointStore {
        let timeout_us = self.scenario.store_timeout_us;
        let port = STORE_CLIENT_PORT + self.nodes.place(node).moves;
        let client = SimObjectStore::connect(&self.net, node, port, self.store.node(), timeout_us);
        let client: Arc<dyn ObjectStore> = match self.planted.mutant() {
            Some(_) => Arc::new(TwistedStore::new(client, Arc::clone(self))),
            None => Arc::new(client),
        };
        CheckpointStore::new(client, self.layout().prefix().clone())
    }

    fn layout(&self) -> &Layout {
        self.watch.layout()
    }

    /// What the store holds besides manifests, ascending.
    fn objects(&self) -> Vec<ObjectName> {
        let identify = |path: &String| match self.layout().identify(&Path::from(path.as_str())) {
            Identified::Object(name) => Some(name),
            Identified::Manifest(_) | Identified::Foreign => None,
        };
        let mut names: Vec<_> = self.store.look(|objects| objects.keys().filter_map(identify).collect());
        names.sort_unstable();
        names
    }

    /// The object there, as it is now.
    fn bytes(&self, path: &Path) -> Option<Bytes> {
        self.store.look(|objects| objects.get(path.as_ref()).map(|object| object.bytes.clone()))
    }

    /// A process begins; which of its lives this is, from 1.
    fn start(&self, node: Node) -> u64 {
        self.names.announce(node, self.nodes.place(node));
        let mut starts = self.starts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = starts.entry(node).or_default();
        *count += 1;
        *count
    }
}

/// The clock of one process, for its driver.
#[derive(Debug)]
struct SimRuntime {
    clock: Clock,
}

impl Runtime for SimRuntime {
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.clock.sleep(duration)
    }
}

/// Runs one seed of a scenario, with the faults that are drawn from the seed.
#[must_use]
pub fn simulate(seed: u64, scenario: &Scenario, recording: Recording) -> Run<Summary> {
    Case::draw(seed, scenario).run(recording)
}

/// Runs a scenario with the faults of this plan, and with a bug if one is planted.
#[must_use]
pub fn simulate_plan(
    seed: u64,
    scenario: &Scenario,
    plan: FaultPlan,
    planted: Planted,
    recording: Recording,
) -> Run<Summary> {
    let limit = Duration::from_micros(scenario.horizon_us + 4 * scenario.liveness_us + 3_600_000_000);
    let scenario = scenario.clone();
    run(seed, limit, recording, move |world| build_and_run(world, scenario, plan, planted))
}

async fn build_and_run(
    world: World,
    scenario: Scenario,
    plan: FaultPlan,
    planted: Planted,
) -> Result<Summary, Violation> {
    let World { seed, net, nodes, trace } = world.clone();
    let store = StoreNode::start(&net, &trace, world.random("store"));
    let input = PartitionedInput::new(scenario.input.clone(), scenario.partitions);
    let watch = Watch::new(&world, &scenario, input.clone());
    watch.observe(&store);

    // Nodes are numbered in order of creation, so that addresses are known before anybody starts.
    let Targets { coordinators, hosts, spares, store: expected, .. } = scenario.targets();
    let hosts: Vec<_> = hosts.into_iter().chain(spares.iter().copied()).collect();
    assert_eq!(store.node(), expected, "nodes are numbered in order of creation");
    let user = net.add_node("user");
    let cluster = Arc::new(Cluster {
        seed,
        net: net.clone(),
        nodes: nodes.clone(),
        store: store.clone(),
        input,
        watch: watch.clone(),
        names: Names::new(coordinators.iter().chain(&hosts).copied()),
        coordinators: coordinators.clone(),
        hosts: hosts.clone(),
        starts: Mutex::default(),
        scenario,
        planted,
    });
    for (id, &expected) in coordinators.iter().enumerate() {
        let cluster = cluster.clone();
        let id = CoordinatorId(id as u16);
        let node =
            nodes.add(&format!("coordinator {id}"), move |node| coordinator::main(cluster.clone(), id, node));
        assert_eq!(node, expected, "nodes are numbered in order of creation");
    }
    for (id, &expected) in hosts.iter().enumerate() {
        let cluster = cluster.clone();
        let id = HostId(id as u16);
        let (name, main) = (format!("host {id}"), move |node| host::main(cluster.clone(), id, node));
        let node =
            if spares.contains(&expected) { nodes.add_absent(&name, main) } else { nodes.add(&name, main) };
        assert_eq!(node, expected, "nodes are numbered in order of creation");
    }

    let injector = Injector::start(&world, &store, plan);
    watch.aim(&injector);
    let outcome = user::run(&cluster, user, &injector).await;
    loss::judge(outcome, &store.destroyed(), &watch.reports(), || watch.summary(injector.struck()))
}

/// The random stream of one life of one process.
fn stream_of(cluster: &Cluster, node: Node, life: u64) -> fastrand::Rng {
    random::stream(cluster.seed, &format!("process {} {life}", node.0))
}
