//! Facts about faults of links and connections.

use super::*;
use crate::wire::{ConnectionTag, NetworkFaults};
use bytes::Bytes;

#[test]
fn partition_never_cuts_a_node_from_itself_and_always_cuts_something() {
    for seed in 0..500 {
        let partition = Partition::draw(&mut crate::random::stream(seed, "test"), seed % 2 == 0, &targets());
        assert!(!partition.from.is_empty() && !partition.to.is_empty(), "{partition:?}");
        assert!(partition.from.iter().all(|node| !partition.to.contains(node)), "{partition:?}");
    }
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

#[test]
fn exactly_who_leads_when_it_strikes_is_cut_off() {
    simulate(21, |world, store, targets| async move {
        let (leader, host) = (targets.coordinators[0], targets.hosts[0]);
        let others = targets.all();
        let isolation = Isolation { whom: Isolated::Leader, others, lost: Lost::Received, for_us: 1_000_000 };
        let isolation = Fault::Isolation(isolation);
        let timed = vec![(1_000_000, isolation.clone()), (3_000_000, isolation)];
        let plan = FaultPlan { timed, horizon_us: 60_000_000, faults_max: 2, ..FaultPlan::none() };
        let injector = Injector::start(&world, &store, plan);
        let cut = |from, to| world.net.faults(|faults| faults.is_cut(from, to));
        millis(1_500).await;
        assert!(!cut(host, leader), "nobody leads yet");
        injector.elected(leader);
        millis(2_000).await;
        assert!(cut(host, leader) && cut(store.node(), leader));
        assert!(!cut(leader, host) && !cut(host, store.node()));
        seconds(1).await;
        assert!(!cut(host, leader) && injector.is_healed());
        assert_eq!((injector.struck(), injector.effective()), (2, 1));
    })
    .outcome
    .unwrap();
}

#[test]
fn half_open_channel_stays_dead_in_one_direction_and_a_new_one_works() {
    simulate(22, |world, store, targets| async move {
        let (from, to) = (targets.hosts[0], targets.coordinators[0]);
        let bell = Bell::new();
        let open = |tag: u8| {
            let tag = ConnectionTag::of(&tag);
            (world.net.open(from, to, tag, &bell), world.net.accept(from, to, tag, &bell))
        };
        let (half_open, dead) = open(1);
        let plan = after_a_second(Fault::HalfOpen(HalfOpen { from, to, data: true }));
        let injector = Injector::start(&world, &store, plan);
        half_open.try_send(Bytes::from_static(b"before")).unwrap();
        millis(500).await;
        assert_eq!(dead.try_recv(), Some(Bytes::from_static(b"before")));
        seconds(1).await;
        assert!(injector.is_healed());
        let (works, alive) = open(2);
        half_open.try_send(Bytes::from_static(b"lost")).unwrap();
        works.try_send(Bytes::from_static(b"arrives")).unwrap();
        seconds(60).await;
        assert_eq!((dead.try_recv(), alive.try_recv()), (None, Some(Bytes::from_static(b"arrives"))));
    })
    .outcome
    .unwrap();
}

#[test]
fn writer_of_a_channel_without_acknowledgements_stops_when_its_window_is_full() {
    simulate(23, |world, store, targets| async move {
        let (from, to) = (targets.hosts[0], targets.coordinators[0]);
        let (bell, tag) = (Bell::new(), ConnectionTag::of(&1));
        let (writer, reader) = (world.net.open(from, to, tag, &bell), world.net.accept(from, to, tag, &bell));
        let plan = after_a_second(Fault::HalfOpen(HalfOpen { from, to, data: false }));
        let _injector = Injector::start(&world, &store, plan);
        seconds(2).await;
        let mut sent = 0;
        while writer.try_send(Bytes::from_static(b"x")).is_ok() {
            sent += 1;
        }
        seconds(60).await;
        let received = std::iter::from_fn(|| reader.try_recv()).count() as u64;
        assert_eq!((sent, received, writer.has_room()), (crate::wire::WINDOW_MESSAGES, sent, false));
    })
    .outcome
    .unwrap();
}

#[test]
fn rough_links_leave_what_is_worse_already() {
    let slow = LinkFaults { latency_us: (1_000, 50_000), ..LinkFaults::CALM };
    let mut network = NetworkFaults::default();
    network.set_link(Node(1), Node(2), slow);
    let lossy = LinkFaults { loss_per_million: 7, ..LinkFaults::CALM };
    Fault::RoughLinks(RoughLinks { faults: lossy, for_us: 1 })
        .shape(&mut network, &mut crate::storage::StoreFaults::CALM.clone());
    let mut expected = NetworkFaults::default();
    expected.set_every(lossy);
    expected.set_link(Node(1), Node(2), LinkFaults { loss_per_million: 7, ..slow });
    assert_eq!(network, expected);
}
