//! Facts about plans and their execution.

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
        store: Node(0),
        steps: STEPS,
    }
}

/// A store and two echoing processes, `coordinator` and `host`.
fn simulate<T, F, Fut>(seed: u64, simulation: F) -> Run<T>
where
    T: Send,
    F: FnOnce(World, StoreNode, Targets) -> Fut + Send,
    Fut: Future<Output = T>,
{
    run(seed, Duration::from_secs(3600), Recording::default(), |world| async move {
        let store = StoreNode::start(&world.net, &world.trace, world.random("storage"));
        let add = |name| {
            let net = world.net.clone();
            world.nodes.add(name, move |node| echo(net.clone(), node))
        };
        let targets = Targets {
            coordinators: vec![add("coordinator")],
            hosts: vec![add("host")],
            store: store.node(),
            steps: STEPS,
        };
        Ok::<T, Violation>(simulation(world, store, targets).await)
    })
}

async fn echo(net: crate::wire::Net, node: Node) {
    let mailbox = Mailbox::<u32>::bind(&net, node, 1, &Bell::new());
    loop {
        if let Inbound::Message { from, message } = mailbox.recv().await {
            mailbox.send(from, &message);
        }
    }
}

async fn seconds(count: u64) {
    sleep(Duration::from_secs(count)).await;
}

fn aim(step: &str, occurrence: u32, victim: Victim, fault: Fault) -> FaultPlan {
    let aims = vec![Aim { step: step.to_owned(), occurrence, victim, fault }];
    FaultPlan { aims, horizon_us: 100_000_000, faults_max: 10, ..FaultPlan::none() }
}

#[test]
fn plans_repeat_by_seed_and_together_hold_every_kind_of_fault_at_every_step() {
    let draw = |seed| FaultPlan::draw(seed, Profile::Chaos, &targets(), 30_000_000);
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));

    let (mut kinds, mut aimed_at) = (BTreeSet::new(), BTreeSet::new());
    for seed in 0..200 {
        let plan = draw(seed);
        assert!(plan.timed.is_sorted_by_key(|(at_us, _)| *at_us));
        kinds.extend(plan.timed.iter().map(|(_, fault)| fault.kind()));
        aimed_at.extend(plan.aims.into_iter().map(|aim| aim.step));
    }
    assert_eq!(kinds.len(), 4 + 2 + 14 + 4, "{kinds:?}");
    assert!(aimed_at.iter().eq(BTreeSet::from(["all-acked", "cancelled", "manifest-created", "restoring"])));
}

#[test]
fn partition_never_cuts_a_node_from_itself_and_always_cuts_something() {
    for seed in 0..500 {
        let partition = Partition::draw(&mut crate::random::stream(seed, "test"), &targets());
        assert!(!partition.from.is_empty() && !partition.to.is_empty(), "{partition:?}");
        assert!(partition.from.iter().all(|node| !partition.to.contains(node)), "{partition:?}");
    }
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

#[test]
fn aimed_crash_hits_the_actor_of_exactly_that_occurrence_at_once() {
    simulate(2, |world, store, targets| async move {
        let host = targets.hosts[0];
        let crash = Fault::Crash(Crash { node: Node(0), down_us: 2_000_000 });
        let injector = Injector::start(&world, &store, aim("all-acked", 2, Victim::Actor, crash));
        assert!(injector.on_step(host, "all-acked").is_empty());
        assert!(injector.on_step(host, "restoring").is_empty());
        assert_eq!(injector.on_step(host, "all-acked").len(), 1);
        assert_eq!((world.nodes.state(host), world.net.is_up(host)), (ProcessState::Down, false));
        assert!(injector.on_step(host, "all-acked").is_empty());
        seconds(3).await;
        assert_eq!((world.nodes.state(host), world.net.is_up(host)), (ProcessState::Running, true));
    })
    .outcome
    .unwrap();
}

#[test]
fn aimed_partition_isolates_the_actor_from_everybody() {
    simulate(3, |world, store, targets| async move {
        let (host, coordinator) = (targets.hosts[0], targets.coordinators[0]);
        let drawn_for_the_store = Partition {
            from: vec![store.node()],
            to: vec![coordinator, host],
            both_ways: false,
            for_us: 1_000_000,
        };
        let plan = aim("restoring", 1, Victim::Actor, Fault::Partition(drawn_for_the_store));
        let injector = Injector::start(&world, &store, plan);
        injector.on_step(host, "restoring");
        let cut = |from, to| world.net.faults(|faults| faults.is_cut(from, to));
        assert!(cut(host, coordinator) && cut(host, store.node()));
        assert!(!cut(coordinator, host) && !cut(host, host) && !cut(store.node(), coordinator));
        seconds(2).await;
        assert!(!cut(host, coordinator));
    })
    .outcome
    .unwrap();
}

#[test]
fn end_of_one_fault_leaves_another_on_the_same_link_in_place() {
    simulate(4, |world, store, targets| async move {
        let (host, coordinator) = (targets.hosts[0], targets.coordinators[0]);
        let cut_for = |for_us| {
            Fault::Partition(Partition { from: vec![host], to: vec![coordinator], both_ways: true, for_us })
        };
        let timed = vec![(1_000_000, cut_for(5_000_000)), (2_000_000, cut_for(1_000_000))];
        let plan = FaultPlan { timed, horizon_us: 60_000_000, faults_max: 2, ..FaultPlan::none() };
        let injector = Injector::start(&world, &store, plan);
        let cut = || world.net.faults(|faults| faults.is_cut(host, coordinator));
        seconds(4).await;
        assert!(cut());
        seconds(3).await;
        assert!(!cut() && injector.is_healed());
    })
    .outcome
    .unwrap();
}

#[test]
fn paused_process_is_resumed_and_answers_its_mail() {
    simulate(5, |world, store, targets| async move {
        let host = targets.hosts[0];
        let timed = vec![(100_000, Fault::Pause(Pause { node: host, for_us: 5_000_000 }))];
        let plan = FaultPlan { timed, horizon_us: 60_000_000, faults_max: 2, ..FaultPlan::none() };
        let _injector = Injector::start(&world, &store, plan);
        let mailbox = Mailbox::<u32>::bind(&world.net, store.node(), 7, &Bell::new());
        seconds(1).await;
        mailbox.send(crate::wire::Address { node: host, port: 1 }, &9_u32);
        seconds(1).await;
        assert_eq!((mailbox.try_recv(), world.nodes.state(host)), (None, ProcessState::Paused));
        assert!(matches!(mailbox.recv().await, Inbound::Message { message: 9, .. }));
        assert!((5_100_000..5_110_000).contains(&now_us()), "{}", now_us());
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
            store: store.node(),
            steps: &[],
        };
        let plan = FaultPlan::draw(seed, Profile::Chaos, &targets, 30_000_000);
        let injector = Injector::start(&world, &store, plan);
        injector.healed().await;
        let all = targets.processes();
        let bad = all.iter().find(|node| world.nodes.state(**node) != ProcessState::Running);
        if let Some(bad) = bad {
            return Err(Violation::broken("healed-cluster-runs", world.net.name(*bad)));
        }
        sleep(Duration::from_secs(1)).await;
        let before = store.counts().requests;
        sleep(Duration::from_secs(2)).await;
        if store.counts().requests - before < 4 * 8 {
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

#[test]
fn calm_links_are_what_a_healed_network_has() {
    let run = simulate(6, |world, store, targets| async move {
        let plan = FaultPlan::draw(6, Profile::Chaos, &targets, 1_000_000);
        let injector = Injector::start(&world, &store, plan);
        injector.heal();
        let (host, coordinator) = (targets.hosts[0], targets.coordinators[0]);
        world.net.faults(|faults| {
            let mut calm = crate::wire::NetworkFaults::default();
            calm.set_every(LinkFaults::CALM);
            assert_eq!(*faults, calm);
            assert!(!faults.is_cut(host, coordinator));
        });
        assert_eq!(store.faults(|faults| faults.clone()), crate::storage::StoreFaults::CALM);
    });
    run.outcome.unwrap();
}
