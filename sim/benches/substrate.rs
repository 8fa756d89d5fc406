//! What a simulation costs before the first line of protocol runs in it.
//!
//! `cargo bench -p keygroups-sim --bench substrate`: runs per second of a cluster of eight idle nodes and
//! a store, and datagrams per second on one core, ours against madsim's own sockets.

use keygroups_sim::batch::run_seeds;
use keygroups_sim::run::{Run, World, run};
use keygroups_sim::storage::StoreNode;
use keygroups_sim::trace::Recording;
use keygroups_sim::wire::{Address, Bell, Inbound, Mailbox};
use std::future::{Future, pending};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

const ROUND_TRIPS: u64 = 20_000;
const PORT: u16 = 7_000;

fn simulate<Fut: Future<Output = ()>>(seed: u64, simulation: impl FnOnce(World) -> Fut + Send) -> Run<()> {
    run(seed, Duration::from_secs(36_000), Recording::default(), |world| async move {
        simulation(world).await;
        Ok(())
    })
}

async fn idle(world: World) {
    let _store = StoreNode::start(&world.net, &world.trace, world.random("storage"));
    for number in 0..8 {
        let _ = world.nodes.add(&format!("node-{number}"), |_| pending());
    }
    madsim::time::sleep(Duration::from_secs(1)).await;
}

/// Two processes throw one message to and fro.
async fn ours(world: World) {
    let net = world.net.clone();
    let echo = world.nodes.add("echo", move |node| {
        let net = net.clone();
        async move {
            let mailbox = Mailbox::<u64>::bind(&net, node, PORT, &Bell::new());
            loop {
                if let Inbound::Message { from, message } = mailbox.recv().await {
                    mailbox.send(from, &message);
                }
            }
        }
    });
    madsim::time::sleep(Duration::from_millis(10)).await;
    let node = world.net.add_node("client");
    let mailbox = Mailbox::<u64>::bind(&world.net, node, PORT, &Bell::new());
    for number in 0..ROUND_TRIPS {
        mailbox.send(Address { node: echo, port: PORT }, &number);
        mailbox.recv().await;
    }
}

/// The same over madsim's sockets.
async fn madsims(_: World) {
    let handle = madsim::runtime::Handle::current();
    let [echo, client] = [1, 2].map(|last| std::net::SocketAddr::from(([10, 0, 0, last], PORT)));
    let bind = |address| async move { madsim::net::Endpoint::bind(address).await.expect("a free address") };
    handle.create_node().ip(echo.ip()).build().spawn(async move {
        let socket = bind(echo).await;
        let mut buffer = [0; 16];
        while let Ok((length, from)) = socket.recv_from(0, &mut buffer).await {
            let _ = socket.send_to(from, 0, &buffer[..length]).await;
        }
    });
    let sending = handle.create_node().ip(client.ip()).build().spawn(async move {
        madsim::time::sleep(Duration::from_millis(10)).await;
        let socket = bind(client).await;
        let mut buffer = [0; 16];
        for number in 0..ROUND_TRIPS {
            let _ = socket.send_to(echo, 0, &number.to_le_bytes()).await;
            let _ = socket.recv_from(0, &mut buffer).await;
        }
    });
    sending.await.expect("the client ends");
}

fn main() {
    let batch = run_seeds(0..2_000, None, |seed| simulate(seed, idle), |_| ControlFlow::Continue(()));
    println!("idle cluster: {:.0} runs per second on all cores", batch.runs_per_second());
    let rate = |run: &dyn Fn() -> Run<()>| {
        #[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
        let began = Instant::now();
        run().outcome.expect("no violation");
        2.0 * ROUND_TRIPS as f64 / began.elapsed().as_secs_f64()
    };
    let (ours, madsims) = (rate(&|| simulate(1, ours)), rate(&|| simulate(1, madsims)));
    println!("datagrams one after the other: ours {ours:.0} per second, madsim's {madsims:.0}");
}
