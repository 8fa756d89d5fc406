//! Facts about the network, each in a simulation of its own.

use super::*;
use crate::run::{Run, Violation, World, run};
use crate::trace::Recording;
use madsim::time::sleep;
use std::future::Future;
use std::time::Duration;

const SECOND: u64 = 1_000_000;

/// Lossy, repeating, reordering, with hold-ups longer than the first resend pause.
const ROUGH: LinkFaults = LinkFaults {
    latency_us: (1_000, 20_000),
    loss_per_million: 200_000,
    duplicate_per_million: 100_000,
    spike_per_million: 50_000,
    spike_us: (50_000, 300_000),
};

fn simulate<T, F, Fut>(seed: u64, simulation: F) -> Run<T>
where
    T: Send,
    F: FnOnce(World) -> Fut + Send,
    Fut: Future<Output = Result<T, Violation>>,
{
    run(seed, Duration::from_secs(600), Recording::default(), simulation)
}

fn pass(world: &World, us: u64) -> impl Future<Output = ()> + use<> {
    let _ = world;
    sleep(Duration::from_micros(us))
}

fn messages(mailbox: &Mailbox<u32>) -> Vec<u32> {
    std::iter::from_fn(|| mailbox.try_recv())
        .map(|inbound| match inbound {
            Inbound::Message { message, .. } => message,
            Inbound::Timer(token) => panic!("timer {token}"),
        })
        .collect()
}

#[test]
fn calm_network_delivers_each_message_once_within_its_latency() {
    let run = simulate(1, |world| async move {
        let (a, b) = (world.net.add_node("a"), world.net.add_node("b"));
        let bell = Bell::new();
        let from = Mailbox::<u32>::bind(&world.net, a, 1, &Bell::new());
        let to = Mailbox::<u32>::bind(&world.net, b, 1, &bell);
        for number in 0..100_u32 {
            from.send(to.address(), &number);
        }
        assert_eq!(messages(&to), [0; 0]);
        pass(&world, 4_000).await;
        let mut all = messages(&to);
        all.sort_unstable();
        assert!(all.into_iter().eq(0..100));
        Ok(())
    });
    run.outcome.unwrap();
    assert_eq!(run.network, NetworkCounts { sent: 100, delivered: 100, ..NetworkCounts::default() });
}

#[test]
fn rough_network_loses_repeats_and_reorders() {
    let run = simulate(2, |world| async move {
        let (a, b) = (world.net.add_node("a"), world.net.add_node("b"));
        world.net.faults(|faults| faults.set_every(ROUGH));
        let from = Mailbox::<u32>::bind(&world.net, a, 1, &Bell::new());
        let to = Mailbox::<u32>::bind(&world.net, b, 1, &Bell::new());
        for number in 0..1000_u32 {
            from.send(to.address(), &number);
        }
        pass(&world, SECOND).await;
        Ok(messages(&to))
    });
    let arrived = run.outcome.unwrap();
    assert!(!arrived.is_sorted(), "nothing was reordered");
    assert!((150..250).contains(&run.network.lost), "{:?}", run.network);
    assert!((50..110).contains(&run.network.duplicated), "{:?}", run.network);
    assert_eq!(arrived.len() as u64, 1000 - run.network.lost + run.network.duplicated);
}

#[test]
fn one_way_cut_stops_one_direction_until_it_is_mended() {
    simulate(3, |world| async move {
        let (a, b) = (world.net.add_node("a"), world.net.add_node("b"));
        let left = Mailbox::<u32>::bind(&world.net, a, 1, &Bell::new());
        let right = Mailbox::<u32>::bind(&world.net, b, 1, &Bell::new());
        world.net.faults(|faults| faults.cut(a, b));
        left.send(right.address(), &1_u32);
        right.send(left.address(), &2_u32);
        pass(&world, SECOND).await;
        assert_eq!((messages(&left), messages(&right)), (vec![2], vec![]));
        world.net.faults(|faults| faults.mend(a, b));
        left.send(right.address(), &3_u32);
        pass(&world, SECOND).await;
        assert_eq!(messages(&right), [3]);
        Ok(())
    })
    .outcome
    .unwrap();
}

#[test]
fn timers_arrive_in_order_and_die_with_their_incarnation() {
    simulate(4, |world| async move {
        let a = world.net.add_node("a");
        let mailbox = Mailbox::<u32>::bind(&world.net, a, 1, &Bell::new());
        mailbox.wake_after(20_000, 2);
        mailbox.wake_after(10_000, 1);
        assert_eq!(mailbox.recv().await, Inbound::Timer(1));
        assert!((10_000..12_000).contains(&now_us()), "{}", now_us());
        world.net.crash(a);
        world.net.boot(a);
        let next = Mailbox::<u32>::bind(&world.net, a, 1, &Bell::new());
        pass(&world, SECOND).await;
        assert_eq!((mailbox.try_recv(), next.try_recv()), (None, None));
        Ok(())
    })
    .outcome
    .unwrap();
}

#[test]
fn crashed_process_sends_nothing_more_and_its_mail_meets_the_next_incarnation() {
    simulate(5, |world| async move {
        let (a, b) = (world.net.add_node("a"), world.net.add_node("b"));
        let from = Mailbox::<u32>::bind(&world.net, a, 1, &Bell::new());
        let to = Mailbox::<u32>::bind(&world.net, b, 1, &Bell::new());
        from.send(to.address(), &1_u32);
        world.net.crash(a);
        from.send(to.address(), &2_u32);
        world.net.crash(b);
        world.net.boot(b);
        let reborn = Mailbox::<u32>::bind(&world.net, b, 1, &Bell::new());
        drop(to);
        world.net.boot(a);
        from.send(reborn.address(), &3_u32);
        pass(&world, SECOND).await;
        assert_eq!(messages(&reborn), [1]);
        assert!(!from.socket().is_alive());
        Ok(())
    })
    .outcome
    .unwrap();
}

#[test]
fn paused_process_finds_its_mail_when_it_is_resumed() {
    let run = simulate(6, |world| async move {
        let client = world.net.add_node("client");
        let from = Mailbox::<u32>::bind(&world.net, client, 1, &Bell::new());
        let net = world.net.clone();
        let echo = world.nodes.add("echo", move |node| {
            let net = net.clone();
            async move {
                let mailbox = Mailbox::<u32>::bind(&net, node, 1, &Bell::new());
                loop {
                    if let Inbound::Message { from, message } = mailbox.recv().await {
                        mailbox.send(from, &message);
                    }
                }
            }
        });
        let address = Address { node: echo, port: 1 };
        pass(&world, 10_000).await;
        world.nodes.pause(echo);
        from.send(address, &1_u32);
        pass(&world, SECOND).await;
        assert_eq!(from.try_recv(), None);
        world.nodes.resume(echo);
        pass(&world, SECOND).await;
        assert_eq!(messages(&from), [1]);
        world.nodes.restart(echo);
        pass(&world, SECOND).await;
        from.send(address, &2_u32);
        pass(&world, SECOND).await;
        assert_eq!(messages(&from), [2]);
        Ok(())
    });
    run.outcome.unwrap();
}

/// Sends `count` numbered messages through one channel while `disturb` acts; returns what arrived.
fn through_a_channel<F, Fut>(seed: u64, count: u32, disturb: F) -> Run<Vec<u32>>
where
    F: FnOnce(World, Node, Node) -> Fut + Send,
    Fut: Future<Output = ()>,
{
    simulate(seed, move |world| async move {
        let (a, b) = (world.net.add_node("a"), world.net.add_node("b"));
        let tag = ConnectionTag::of(&("attempt 1", 0, 3));
        let sender = world.net.open(a, b, tag, &Bell::new());
        let receiver = world.net.accept(a, b, tag, &Bell::new());
        let sending = async {
            for number in 0..count {
                sender.send(Bytes::copy_from_slice(&number.to_le_bytes())).await;
            }
        };
        let receiving = async {
            let mut arrived = Vec::new();
            while arrived.len() < count as usize {
                let message = receiver.recv().await;
                arrived.push(u32::from_le_bytes(message[..].try_into().expect("four bytes")));
            }
            arrived
        };
        let ((), arrived, ()) = futures::join!(sending, receiving, disturb(world.clone(), a, b));
        pass(&world, 10 * SECOND).await;
        assert_eq!(receiver.try_recv(), None, "more arrived than was sent");
        Ok(arrived)
    })
}

#[test]
fn channel_over_rough_links_loses_repeats_and_reorders_nothing() {
    for seed in 0..20 {
        let run = through_a_channel(seed, 500, |world, _, _| async move {
            world.net.faults(|faults| faults.set_every(ROUGH));
        });
        assert!(run.outcome.unwrap().into_iter().eq(0..500), "seed {seed}");
        assert!(run.network.lost > 5, "{:?}", run.network);
    }
}

#[test]
fn channel_survives_a_partition() {
    let run = through_a_channel(1, 500, |world, a, b| async move {
        pass(&world, 1_000).await;
        world.net.faults(|faults| faults.cut(b, a));
        pass(&world, 30 * SECOND).await;
        world.net.faults(NetworkFaults::heal);
    });
    assert!(run.outcome.unwrap().into_iter().eq(0..500));
    assert!(run.virtual_us > 30 * SECOND);
}

#[test]
fn calm_channel_batches_messages_into_few_frames() {
    let run = through_a_channel(1, 1000, |_, _, _| async {});
    run.outcome.unwrap();
    assert!(run.network.sent < 200, "{:?}", run.network);
}

#[test]
fn channel_of_a_dead_sender_is_silent_and_its_successor_is_not_mistaken_for_it() {
    simulate(8, |world| async move {
        let (a, b) = (world.net.add_node("a"), world.net.add_node("b"));
        let tag = ConnectionTag(1);
        let receiver = world.net.accept(a, b, tag, &Bell::new());
        let sender = world.net.open(a, b, tag, &Bell::new());
        sender.try_send(Bytes::from_static(b"old")).unwrap();
        assert_eq!(receiver.recv().await, "old");
        world.net.crash(a);
        assert!(sender.try_send(Bytes::from_static(b"dead")).is_err());
        world.net.boot(a);
        let again = world.net.open(a, b, tag, &Bell::new());
        again.try_send(Bytes::from_static(b"same tag")).unwrap();
        pass(&world, 5 * SECOND).await;
        assert_eq!(receiver.try_recv(), None);

        let next = ConnectionTag(2);
        let receiver = world.net.accept(a, b, next, &Bell::new());
        world.net.open(a, b, next, &Bell::new()).try_send(Bytes::from_static(b"new")).unwrap();
        assert_eq!(receiver.recv().await, "new", "a dropped sender still delivers");
        Ok(())
    })
    .outcome
    .unwrap();
}

#[test]
fn same_seed_gives_the_same_hash_and_another_seed_another() {
    let hash = |seed| {
        through_a_channel(seed, 200, |world, _, _| async move {
            world.net.faults(|faults| faults.set_every(ROUGH));
        })
        .hash
    };
    assert_eq!(hash(5), hash(5));
    assert_ne!(hash(5), hash(6));
}
