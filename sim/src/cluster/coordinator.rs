//! The process of a coordinator: the production driver, a mailbox, and an observer.

use super::names::AddressBook;
use super::planted::TwistedCoordinator;
use super::{Cluster, Jitter, stream_of};
use crate::wire::{Address, Bell, Inbound, Mailbox, Node};
use futures::stream;
use keygroups::checkpoint::LeaderEpoch;
use keygroups::driver::{CoordinatorDriver, CoordinatorTransport, DriverError};
use keygroups::key_group::Parallelism;
use keygroups::protocol::{
    Coordinator, CoordinatorId, CoordinatorInput, CoordinatorOutput, HostId, Options, ToCoordinator, ToHost,
};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// What a coordinator receives.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum CoordinatorMail {
    Host(ToCoordinator),
    PeerAlive(LeaderEpoch),
    Rescale(Parallelism),
}

pub(crate) async fn main(cluster: Arc<Cluster>, id: CoordinatorId, node: Node) {
    let life = cluster.start(node);
    let mut random = stream_of(&cluster, node, life);
    let mailbox: Rc<Mailbox<CoordinatorMail>> =
        Rc::new(Mailbox::bind(&cluster.net, node, cluster.address(node).port, &Bell::new()));
    let scenario = &cluster.scenario;
    let terms = cluster.terms();
    let options = Options::new(scenario.job(cluster.job.name()), terms.parallelism)
        .and_then(|options| options.with_checkpoints_retained(terms.checkpoints_retained))
        .and_then(|options| options.with_manifests_retained(scenario.manifests_retained))
        .expect("the scenario was checked")
        .with_sweeps_per_full_sweep(4);
    let nonce = random.u64(..);
    let machine = Coordinator::new(id, nonce, options.clone());
    cluster.watch.coordinator_began(node, life, &machine, nonce, &options);
    let jitter_ms = match scenario.jitter {
        Jitter::Random => random.u64(0..800),
        Jitter::Apart => u64::from(id.0) * 400 + random.u64(0..200),
    };
    let timings = scenario.timings.clone().with_leader_silence_jitter(Duration::from_millis(jitter_ms));
    let book = Rc::new(RefCell::new(AddressBook::default()));
    let transport =
        Transport { cluster: cluster.clone(), node, id, mailbox: mailbox.clone(), book: book.clone() };
    let (store, runtime) = (cluster.connect(node), cluster.runtime(node));
    let machine = TwistedCoordinator::new(machine, cluster.clone());
    let driver =
        CoordinatorDriver::new(machine, store, transport, runtime, timings).expect("timings that can work");
    let inbox = pin!(stream::unfold((mailbox, book), |(mailbox, book)| async {
        loop {
            let input = match mailbox.recv().await {
                Inbound::Message { message: CoordinatorMail::Host(message), from } => {
                    if let ToCoordinator::Register { host, incarnation, .. } = &message {
                        book.borrow_mut().registered(*host, *incarnation, from);
                    }
                    CoordinatorInput::Host(message)
                }
                Inbound::Message { message: CoordinatorMail::PeerAlive(epoch), .. } => {
                    CoordinatorInput::PeerAlive(epoch)
                }
                Inbound::Message { message: CoordinatorMail::Rescale(parallelism), .. } => {
                    CoordinatorInput::Rescale(parallelism)
                }
                Inbound::Timer(_) => continue,
            };
            return Some((input, (mailbox, book)));
        }
    }));
    driver.run(inbox).await;
}

struct Transport {
    cluster: Arc<Cluster>,
    node: Node,
    id: CoordinatorId,
    mailbox: Rc<Mailbox<CoordinatorMail>>,
    book: Rc<RefCell<AddressBook>>,
}

impl Transport {
    fn post<T: Serialize>(&self, to: Address, message: &T) {
        self.mailbox.send(to, message);
    }
}

impl CoordinatorTransport for Transport {
    fn send(&mut self, to: HostId, message: ToHost) {
        let address = self.book.borrow().host(to);
        if let Some(address) = address {
            self.post(address, &message);
        }
    }

    fn tell_peers(&mut self, epoch: LeaderEpoch) {
        let peers =
            (0..self.cluster.scenario.coordinators).map(CoordinatorId).filter(|peer| *peer != self.id);
        let addresses = peers.filter_map(|peer| self.cluster.coordinator(peer));
        self.mailbox.send_to_each(addresses, &CoordinatorMail::PeerAlive(epoch));
    }

    fn error(&mut self, error: &DriverError) {
        self.cluster.watch.driver_error(self.node, error);
    }

    fn step(&mut self, machine: &Coordinator, input: &CoordinatorInput, outputs: &[CoordinatorOutput]) {
        self.cluster.watch.coordinator_step(self.node, machine, input, outputs);
    }
}
