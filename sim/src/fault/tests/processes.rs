//! Facts about faults of processes.

use super::*;
use crate::wire::Address;
use std::sync::OnceLock;

fn at(node: Node, port: u16) -> Address {
    Address { node, port }
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

#[test]
fn crash_during_start_ends_each_new_life_and_counts_once() {
    simulate(11, |world, store, targets| async move {
        let node = targets.hosts[0];
        let loops = CrashDuringStart { node, down_us: 100_000, life_us: 200_000, lives: 2 };
        let injector = Injector::start(&world, &store, after_a_second(Fault::CrashDuringStart(loops)));
        millis(1_050).await;
        let mut seen = Vec::new();
        for _ in 0..7 {
            seen.push(world.nodes.state(node) == ProcessState::Running);
            millis(150).await;
        }
        assert_eq!(seen, [false, true, false, true, false, true, true]);
        assert_eq!((injector.struck(), injector.is_healed()), (1, true));
    })
    .outcome
    .unwrap();
}

#[test]
fn process_that_dies_before_its_first_step_had_no_life_that_ended() {
    let run = simulate(12, |world, _, targets| async move {
        seconds(1).await;
        world.nodes.crash(targets.hosts[0]);
        world.nodes.restart(targets.hosts[0]);
        world.nodes.crash(targets.hosts[0]);
        seconds(1).await;
    });
    let kinds: Vec<_> = run.kept.iter().filter(|event| &*event.node == "host").map(|e| e.kind).collect();
    assert_eq!(kinds, ["crashed", "restarted", "crashed-before-it-began"]);
}

#[test]
fn slow_process_answers_late_and_then_in_time_again() {
    simulate(13, |world, store, targets| async move {
        let node = targets.hosts[0];
        let slow = Slow { node, step_us: 300_000, for_us: 5_000_000 };
        let _injector = Injector::start(&world, &store, after_a_second(Fault::Slow(slow)));
        let mailbox = Mailbox::<u32>::bind(&world.net, store.node(), 7, &Bell::new());
        let answer_ms = async || {
            let asked_us = now_us();
            mailbox.send(at(node, 1), &1_u32);
            mailbox.recv().await;
            (now_us() - asked_us) / 1_000
        };
        assert!(answer_ms().await < 10);
        seconds(2).await;
        assert!((300..310).contains(&answer_ms().await));
        seconds(5).await;
        assert!(answer_ms().await < 10);
    })
    .outcome
    .unwrap();
}

#[test]
fn rack_falls_and_stands_up_as_one() {
    simulate(14, |world, store, targets| async move {
        let nodes = targets.processes();
        let rack = Rack { nodes: nodes.clone(), fate: RackFate::Crashes, for_us: 1_000_000 };
        let _injector = Injector::start(&world, &store, after_a_second(Fault::Rack(rack)));
        let states = || nodes.iter().map(|node| world.nodes.state(*node)).collect::<Vec<_>>();
        millis(1_500).await;
        assert_eq!(states(), [ProcessState::Down, ProcessState::Down]);
        seconds(1).await;
        assert_eq!(states(), [ProcessState::Running, ProcessState::Running]);
    })
    .outcome
    .unwrap();
}

#[test]
fn what_is_sent_to_the_old_address_of_a_process_that_moved_finds_nobody() {
    simulate(15, |world, store, targets| async move {
        let node = targets.hosts[0];
        let moves = NewAddress { node, down_us: 100_000, known_after_us: 2_000_000 };
        let _injector = Injector::start(&world, &store, after_a_second(Fault::NewAddress(moves)));
        seconds(2).await;
        let place = crate::nodes::Place { moves: 1, known_after_us: 2_000_000 };
        assert_eq!((world.nodes.state(node), world.nodes.place(node)), (ProcessState::Running, place));
        let mailbox = Mailbox::<u32>::bind(&world.net, store.node(), 7, &Bell::new());
        mailbox.send(at(node, 1), &1_u32);
        mailbox.send(at(node, 2), &2_u32);
        seconds(1).await;
        assert_eq!(mailbox.try_recv(), Some(Inbound::Message { from: at(node, 2), message: 2 }));
        assert_eq!(mailbox.try_recv(), None);
    })
    .outcome
    .unwrap();
}

#[test]
fn spare_is_there_once_it_has_joined_and_who_left_does_not_come_back() {
    simulate(16, |world, store, targets| async move {
        let (host, spare) = (targets.hosts[0], targets.spares[0]);
        let timed = vec![
            (1_000_000, Fault::Join(Join { node: spare })),
            (2_000_000, Fault::Leave(Leave { node: host })),
            (3_000_000, Fault::Crash(Crash { node: host, down_us: 1_000 })),
        ];
        let plan = FaultPlan { timed, horizon_us: 5_000_000, faults_max: 9, ..FaultPlan::none() };
        let injector = Injector::start(&world, &store, plan);
        let states = || (world.nodes.state(host), world.nodes.state(spare));
        assert_eq!(states(), (ProcessState::Running, ProcessState::Absent));
        millis(1_500).await;
        assert_eq!(states(), (ProcessState::Running, ProcessState::Running));
        injector.healed().await;
        seconds(1).await;
        assert_eq!(states(), (ProcessState::Absent, ProcessState::Running));
        let mailbox = Mailbox::<u32>::bind(&world.net, store.node(), 7, &Bell::new());
        mailbox.send(at(host, 1), &1_u32);
        mailbox.send(at(spare, 1), &2_u32);
        seconds(1).await;
        assert_eq!(mailbox.try_recv(), Some(Inbound::Message { from: at(spare, 1), message: 2 }));
        assert_eq!(mailbox.try_recv(), None);
    })
    .outcome
    .unwrap();
}

/// When what follows from a step arrives, in milliseconds after the step, if it does within ten seconds.
fn follows_after_ms(when: When, fault: impl Fn(Node) -> Fault + Send) -> Option<u64> {
    simulate(17, |world, store, _| async move {
        let injector: std::sync::Arc<OnceLock<Injector>> = std::sync::Arc::default();
        let (net, aimed) = (world.net.clone(), injector.clone());
        let actor = world.nodes.add("actor", move |node| {
            let (net, aimed) = (net.clone(), aimed.clone());
            async move {
                let mailbox = Mailbox::<u32>::bind(&net, node, 1, &Bell::new());
                while let Inbound::Message { from, message } = mailbox.recv().await {
                    aimed.get().unwrap().on_step(node, "restoring");
                    mailbox.send(from, &message);
                }
            }
        });
        let mut plan = aim("restoring", 1, Victim::Actor, fault(actor));
        plan.aims[0].when = when;
        injector.set(Injector::start(&world, &store, plan)).unwrap();
        let mailbox = Mailbox::<u32>::bind(&world.net, store.node(), 7, &Bell::new());
        mailbox.send(at(actor, 1), &1_u32);
        let asked_us = now_us();
        while now_us() < asked_us + 10_000_000 {
            if mailbox.try_recv().is_some() {
                return Some((now_us() - asked_us) / 1_000);
            }
            millis(1).await;
        }
        None
    })
    .outcome
    .unwrap()
}

#[test]
fn crash_before_a_step_prevents_what_follows_and_a_pause_delays_it() {
    let crash = |node| Fault::Crash(Crash { node, down_us: 1_000_000 });
    let pause = |node| Fault::Pause(Pause { node, for_us: 2_000_000 });
    assert_eq!(follows_after_ms(When::Before, crash), None);
    assert!(follows_after_ms(When::After, crash).unwrap() < 10);
    assert!((2_000..2_010).contains(&follows_after_ms(When::Before, pause).unwrap()));
    assert!(follows_after_ms(When::After, pause).unwrap() < 10);
}
