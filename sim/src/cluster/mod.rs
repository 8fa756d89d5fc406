//! A cluster that runs a real job: the production machines, driver, snapshots and store, on simulated
//! processes, links and storage.
//!
//! ```text
//! user ──▶ coordinators ◀──▶ hosts ══ data channels ══ hosts
//!               └──────▶ store ◀──────┘
//! ```
//!
//! The job is any [`Job`](crate::job::Job); the cluster's own: partitions of a table → key by → totals per
//! key → output. The cluster takes no decision of the protocol; it only tells what happens to one watcher,
//! where every invariant is checked after every step.

mod coordinator;
mod data;
mod drawn;
mod engine;
mod flights;
mod host;
mod judge;
mod loss;
mod names;
mod operator;
mod own_store;
mod planted;
mod progress;
mod scenario;
mod slowness;
mod source;
mod stores;
mod summary;
mod surroundings;
mod terms;
#[cfg(test)]
mod tests;
mod untyped;
mod user;
mod variety;
mod watch;

pub use data::OutputRecord;
pub use planted::Planted;
pub use scenario::{EngineBug, Jitter, Scenario, ScenarioError};
pub use stores::Process;
pub(crate) use stores::Stores;
pub use summary::{Moment, Restored, Summary};
use surroundings::Surroundings;
pub(crate) use untyped::{AnyJob, Rules};
pub use variety::{JobRestart, Sections, Silence, Slow, Variety, Wish};
pub use watch::STEPS;

use crate::case::Case;
use crate::coverage::Mark;
use crate::fault::{FaultPlan, Injector, Targets};
use crate::misfortune::{Misfortunes, Noted};
use crate::nodes::{Nodes, ProcessState};
use crate::process::Clock;
use crate::random;
use crate::run::{Run, Violation, World, run};
use crate::storage::{RequestMisfortune, StoreNode};
use crate::trace::Recording;
use crate::wire::{Address, MessageMisfortune, Net, Node};
use bytes::Bytes;
use futures::future::BoxFuture;
use keygroups::checkpoint::ObjectName;
use keygroups::driver::Runtime;
use keygroups::protocol::{CoordinatorId, HostId};
use keygroups::snapshot::KeyGroupSections;
use keygroups::store::{CheckpointStore, Identified, Layout};
use names::Names;
use object_store::path::Path;
use own_store::OwnStore;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use stores::WrapStore;
use terms::Terms;
use untyped::Untyped;
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
    own_store: Option<OwnStore>,
    wrap_store: Option<WrapStore>,
    job: Arc<dyn Untyped>,
    watch: Watch,
    names: Names,
    // Which process is who; where it can be reached may change.
    coordinators: Vec<Node>,
    hosts: Vec<Node>,
    // How often each process was started: the durable counter that incarnations come from.
    starts: Mutex<BTreeMap<Node, u64>>,
    terms: Mutex<Terms>,
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
        hosts.count() * usize::from(self.terms().slots)
    }

    fn runtime(&self, node: Node) -> Arc<SimRuntime> {
        Arc::new(SimRuntime { clock: self.nodes.clock(node) })
    }

    fn connect(self: &Arc<Self>, node: Node) -> CheckpointStore {
        let store = CheckpointStore::new(self.object_store(node), self.layout().prefix().clone());
        match self.scenario.variety.part_bytes {
            Some(part_bytes) => store.with_parts(part_bytes.into()),
            None => store,
        }
    }

    fn layout(&self) -> &Layout {
        self.watch.layout()
    }

    /// What the store holds besides manifests, ascending.
    fn objects(&self) -> Vec<ObjectName> {
        let identify = |path: &String| match self.layout().identify(path) {
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
    simulate_flights(seed, scenario, plan, planted, recording, None)
}

/// What chance strikes in such a run, whatever becomes of it.
pub(crate) fn misfortunes(seed: u64, scenario: &Scenario, plan: FaultPlan, planted: Planted) -> Misfortunes {
    let noted = Unlucky::default();
    let recording = Recording::default();
    let _ = simulate_flights(seed, scenario, plan, planted, recording, Some(noted.clone()));
    Misfortunes { messages: noted.messages.so_far(), requests: noted.requests.so_far() }
}

fn simulate_flights(
    seed: u64,
    scenario: &Scenario,
    plan: FaultPlan,
    planted: Planted,
    recording: Recording,
    noted: Option<Unlucky>,
) -> Run<Summary> {
    let job = AnyJob::new(Arc::new(flights::Flights::new(scenario)), Vec::new());
    let stores = Stores::default();
    let setting = Setting { scenario: scenario.clone(), plan, planted, job, stores, noted };
    simulate_job(seed, setting, recording).map(|Finished { summary, state }| Summary { state, ..summary })
}

/// Everything that a run is made of besides its seed.
pub(crate) struct Setting {
    pub(crate) scenario: Scenario,
    pub(crate) plan: FaultPlan,
    pub(crate) planted: Planted,
    pub(crate) job: AnyJob,
    pub(crate) stores: Stores,
    /// Where what chance strikes is noted, if anybody wants to know.
    pub(crate) noted: Option<Unlucky>,
}

/// Messages and requests that chance strikes.
#[derive(Clone, Default)]
pub(crate) struct Unlucky {
    messages: Noted<MessageMisfortune>,
    requests: Noted<RequestMisfortune>,
}

/// A run that holds.
pub(crate) struct Finished {
    pub(crate) summary: Summary,
    /// The keyed state of the last checkpoint; none where a loss ended the job.
    pub(crate) state: Vec<KeyGroupSections>,
}

/// Runs one seed of any job.
pub(crate) fn simulate_job(seed: u64, setting: Setting, recording: Recording) -> Run<Finished> {
    let Scenario { horizon_us, liveness_us, variety, .. } = &setting.scenario;
    let limit_us = horizon_us + 4 * liveness_us + variety.ends_us() + 3_600_000_000;
    run(seed, Duration::from_micros(limit_us), recording, move |world| build_and_run(world, setting))
}

async fn build_and_run(world: World, setting: Setting) -> Result<Finished, Violation> {
    let Setting { scenario, plan, planted, job, stores, noted } = setting;
    let job = job.untyped();
    let World { seed, net, nodes, trace } = world.clone();
    let store = StoreNode::start(&net, &trace, world.random("store"));
    let watch = Watch::new(&world, &scenario, &*job);
    watch.observe(&store);

    if let Some(messages) = scenario.variety.window_messages {
        net.set_window(messages.into());
    }
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
        own_store: stores.own.map(|make| OwnStore::new(make(), &watch, seed)),
        wrap_store: stores.wrap,
        job,
        watch: watch.clone(),
        names: Names::new(coordinators.iter().chain(&hosts).copied()),
        coordinators: coordinators.clone(),
        hosts: hosts.clone(),
        starts: Mutex::default(),
        terms: Terms::of(&scenario),
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

    if let Some(Unlucky { messages, requests }) = noted {
        net.note_misfortunes(messages);
        store.note_misfortunes(requests);
    }
    if let Some(surroundings) = Surroundings::of(&plan, &cluster.scenario.variety) {
        trace.event("faults", "surroundings", &surroundings);
    }
    let injector = Injector::start(&world, &store, plan);
    watch.aim(&injector);
    let (outcome, state) = match user::run(&cluster, user, &injector).await {
        Ok(Finished { summary, state }) => (Ok(summary), state),
        Err(violation) => (Err(violation), Vec::new()),
    };
    let summary = || watch.summary(injector.effective());
    let summary = loss::judge(outcome, &store.destroyed(), &watch.reports(), summary)?;
    let (uploads_in_parts, uploads_unfinished) = cluster.uploads();
    let mut summary = Summary { uploads_in_parts, uploads_unfinished, ..summary };
    summary.coverage.happened(Mark::UploadInParts.name(), uploads_in_parts);
    summary.coverage.happened(Mark::UploadUnfinished.name(), uploads_unfinished);
    Ok(Finished { summary, state })
}

/// The random stream of one life of one process.
fn stream_of(cluster: &Cluster, node: Node, life: u64) -> fastrand::Rng {
    random::stream(cluster.seed, &format!("process {} {life}", node.0))
}
