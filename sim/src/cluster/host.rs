//! The process of a host: the production driver, a mailbox, and the engine with its data channels, all in
//! one task.

use super::Cluster;
use super::engine::SimEngine;
use super::planted::TwistedHost;
use crate::wire::{Bell, Inbound, Mailbox, Node};
use futures::future::{Either, select};
use keygroups::driver::{HostDriver, LocalCopies};
use keygroups::protocol::{Host, HostId, HostInput, Incarnation, ToHost};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;

pub(crate) async fn main(cluster: Arc<Cluster>, id: HostId, node: Node) {
    let life = cluster.start(node);
    let bell = Bell::new();
    let port = cluster.address(node).port;
    let mailbox: Rc<Mailbox<ToHost>> = Rc::new(Mailbox::bind(&cluster.net, node, port, &bell));
    let slots = cluster.terms().slots;
    let machine = Host::new(id, Incarnation(life), slots);
    cluster.watch.host_began(node, life, &machine, slots);
    let engine = SimEngine::new(cluster.clone(), node, mailbox.clone(), bell.clone());
    let timings = cluster.scenario.timings.clone();
    let (store, runtime) = (cluster.connect(node), cluster.runtime(node));
    let machine = TwistedHost::new(machine, cluster.clone(), node);
    let mut driver =
        HostDriver::new(machine, store, engine, runtime, timings).expect("timings that can work");
    if cluster.scenario.disks {
        let disk = Arc::new(cluster.nodes.disk(node).open());
        driver = driver.with_local_copies(LocalCopies::new(disk, cluster.layout().prefix().clone()));
    }
    driver.handle(HostInput::Boot);
    let interval_us = cluster.scenario.batch_interval_us;
    mailbox.wake_after(interval_us, 0);
    loop {
        while let Some(inbound) = mailbox.try_recv() {
            match inbound {
                Inbound::Message { message, .. } => driver.handle(HostInput::Coordinator(message)),
                Inbound::Timer(_) => {
                    driver.engine_mut().tick();
                    mailbox.wake_after(interval_us, 0);
                }
            }
        }
        // Feeds each input before the next record is processed: the moment of a snapshot is exact.
        while let Some(input) = driver.engine_mut().work() {
            driver.handle(input);
        }
        match select(pin!(driver.progress()), pin!(bell.heard())).await {
            Either::Left(((), _)) | Either::Right(((), _)) => {}
        }
    }
}
