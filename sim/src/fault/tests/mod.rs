//! Facts about plans and their execution, and about each kind of fault.

mod clocks;
mod disks;
mod effects;
mod network;
mod plans;
mod processes;

use super::*;
use crate::nodes::ProcessState;
use crate::run::{Run, Violation, World, run};
use crate::storage::{SimObjectStore, StoreNode};
use crate::trace::Recording;
use crate::wire::{Bell, Inbound, LinkFaults, Mailbox, Node, now_us};
use madsim::time::sleep;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};
use std::collections::BTreeSet;
use std::future::Future;
use std::time::Duration;

const STEPS: &[&str] = &["all-acked", "manifest-created", "restoring", "cancelled"];

fn targets() -> Targets {
    Targets {
        coordinators: vec![Node(1), Node(2)],
        hosts: vec![Node(3), Node(4), Node(5)],
        spares: vec![Node(6)],
        hosts_min: 2,
        manifests_retained: 4,
        disks: true,
        store: Node(0),
        steps: STEPS,
    }
}

/// A store and two echoing processes, `coordinator` and `host`; a third, `spare`, has not come yet.
fn simulate<T, F, Fut>(seed: u64, simulation: F) -> Run<T>
where
    T: Send,
    F: FnOnce(World, StoreNode, Targets) -> Fut + Send,
    Fut: Future<Output = T>,
{
    let recording = Recording { keep: true, stream: None };
    run(seed, Duration::from_secs(3600), recording, |world| async move {
        let store = StoreNode::start(&world.net, &world.trace, world.random("storage"));
        let main = || {
            let world = world.clone();
            move |node| echo(world.clone(), node)
        };
        let targets = Targets {
            coordinators: vec![world.nodes.add("coordinator", main())],
            hosts: vec![world.nodes.add("host", main())],
            spares: vec![world.nodes.add_absent("spare", main())],
            hosts_min: 1,
            manifests_retained: 4,
            disks: true,
            store: store.node(),
            steps: STEPS,
        };
        Ok::<T, Violation>(simulation(world, store, targets).await)
    })
}

async fn echo(world: World, node: Node) {
    let port = 1 + world.nodes.place(node).moves;
    let mailbox = Mailbox::<u32>::bind(&world.net, node, port, &Bell::new());
    loop {
        if let Inbound::Message { from, message } = mailbox.recv().await {
            mailbox.send(from, &message);
        }
    }
}

async fn seconds(count: u64) {
    sleep(Duration::from_secs(count)).await;
}

async fn millis(count: u64) {
    sleep(Duration::from_millis(count)).await;
}

/// One fault, a second after the beginning.
fn after_a_second(fault: Fault) -> FaultPlan {
    FaultPlan { timed: vec![(1_000_000, fault)], horizon_us: 100_000_000, faults_max: 1, ..FaultPlan::none() }
}

fn aim(step: &str, occurrence: u32, victim: Victim, fault: Fault) -> FaultPlan {
    let aims = vec![Aim { step: step.to_owned(), occurrence, when: When::Before, victim, fault }];
    FaultPlan { aims, horizon_us: 100_000_000, faults_max: 10, ..FaultPlan::none() }
}

#[test]
fn profile_none_is_healed_from_the_beginning() {
    simulate(1, |world, store, targets| async move {
        let plan = FaultPlan::draw(1, Profile::None, &targets, 30_000_000);
        let injector = Injector::start(&world, &store, plan);
        injector.healed().await;
        assert_eq!((now_us() / 1_000, injector.struck()), (0, 0));
        assert!(injector.on_step(targets.hosts[0], "all-acked").is_empty());
    })
    .outcome
    .unwrap();
}

/// Clients put objects and processes echo while everything goes wrong; afterwards all must work.
fn chaos(seed: u64, recording: Recording) -> Run<usize> {
    run(seed, Duration::from_secs(3600), recording, |world| async move {
        let store = StoreNode::start(&world.net, &world.trace, world.random("storage"));
        let processes: Vec<_> = (0..4)
            .map(|number| {
                let (net, store) = (world.net.clone(), store.node());
                world.nodes.add(&format!("process-{number}"), move |node| {
                    let net = net.clone();
                    async move {
                        let client = SimObjectStore::connect(&net, node, 2, store, 500_000);
                        for number in 0.. {
                            let path = Path::from(format!("{}/{number}", node.0));
                            let _ = client.put(&path, PutPayload::from_static(b"x")).await;
                            sleep(Duration::from_millis(200)).await;
                        }
                    }
                })
            })
            .collect();
        let targets = Targets {
            coordinators: processes[..2].to_vec(),
            hosts: processes[2..].to_vec(),
            spares: Vec::new(),
            hosts_min: 2,
            manifests_retained: 4,
            disks: true,
            store: store.node(),
            steps: &[],
        };
        let plan = FaultPlan::draw(seed, Profile::Chaos, &targets, 30_000_000);
        let injector = Injector::start(&world, &store, plan);
        injector.healed().await;
        let all = targets.processes();
        // Who has left for good has left.
        let stay = |node: &&Node| world.nodes.state(**node) != ProcessState::Absent;
        let bad = all.iter().filter(stay).find(|node| world.nodes.state(**node) != ProcessState::Running);
        if let Some(bad) = bad {
            return Err(Violation::broken("healed-cluster-runs", world.net.name(*bad)));
        }
        sleep(Duration::from_secs(1)).await;
        let before = store.counts().requests;
        sleep(Duration::from_secs(2)).await;
        if store.counts().requests - before < 8 * all.iter().filter(stay).count() as u64 {
            return Err(Violation::broken("healed-cluster-makes-progress", store.counts().requests - before));
        }
        Ok(injector.struck())
    })
}

#[test]
fn after_chaos_everything_works_again() {
    let batch = crate::batch::run_seeds(
        0..100,
        None,
        |seed| chaos(seed, Recording::default()),
        |_| std::ops::ControlFlow::Continue(()),
    );
    assert_eq!(batch.failures().collect::<Vec<_>>(), []);
    let struck: usize = batch.runs.iter().filter_map(|run| run.outcome.as_ref().ok()).sum();
    assert!(struck > 300, "{struck}");
}
