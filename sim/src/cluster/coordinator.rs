//! The process of a coordinator: the production driver, a mailbox, and an observer.

use super::planted::TwistedCoordinator;
use super::{Cluster, MAIL_PORT, SimRuntime, stream_of};
use crate::wire::{Address, Bell, Inbound, Mailbox, Node};
use futures::stream;
use keygroups::checkpoint::LeaderEpoch;
use keygroups::driver::{CoordinatorDriver, CoordinatorTransport, DriverError};
use keygroups::key_group::Parallelism;
use keygroups::protocol::{
    Coordinator, CoordinatorId, CoordinatorInput, CoordinatorOutput, HostId, Options, ToCoordinator, ToHost,
};
use serde::{Deserialize, Serialize};
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
        Rc::new(Mailbox::bind(&cluster.net, node, MAIL_PORT, &Bell::new()));
    let scenario = &cluster.scenario;
    let terms = cluster.terms();
    let options = Options::new(scenario.job(cluster.job.name()), terms.parallelism)
        .and_then(|options| options.with_checkpoints_retained(terms.checkpoints_retained))
        .and_then(|options| options.with_manifests_retained(4))
        .expect("the scenario was checked")
        .with_sweeps_per_full_sweep(4);
    let nonce = random.u64(..);
    let machine = Coordinator::new(id, nonce, options.clone());
    cluster.watch.coordinator_began(node, &machine, nonce, &options);
    let jitter = Duration::from_millis(random.u64(0..800));
    let timings = scenario.timings.clone().with_leader_silence_jitter(jitter);
    let transport = Transport { cluster: cluster.clone(), node, id, mailbox: mailbox.clone() };
    let machine = TwistedCoordinator::new(machine, cluster.clone());
    let driver =
        CoordinatorDriver::new(machine, cluster.connect(node), transport, Arc::new(SimRuntime), timings)
            .expect("timings that can work");
    let inbox = pin!(stream::unfold(mailbox, |mailbox| async {
        loop {
            let input = match mailbox.recv().await {
                Inbound::Message { message: CoordinatorMail::Host(message), .. } => {
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
            return Some((input, mailbox));
        }
    }));
    driver.run(inbox).await;
}

struct Transport {
    cluster: Arc<Cluster>,
    node: Node,
    id: CoordinatorId,
    mailbox: Rc<Mailbox<CoordinatorMail>>,
}

impl Transport {
    fn post<T: Serialize>(&self, to: Address, message: &T) {
        self.mailbox.send(to, message);
    }
}

impl CoordinatorTransport for Transport {
    fn send(&mut self, to: HostId, message: ToHost) {
        if let Some(address) = self.cluster.host(to) {
            self.post(address, &message);
        }
    }

    fn tell_peers(&mut self, epoch: LeaderEpoch) {
        let peers =
            (0..self.cluster.scenario.coordinators).map(CoordinatorId).filter(|peer| *peer != self.id);
        for address in peers.filter_map(|peer| self.cluster.coordinator(peer)) {
            self.post(address, &CoordinatorMail::PeerAlive(epoch));
        }
    }

    fn error(&mut self, error: &DriverError) {
        self.cluster.watch.driver_error(self.node, error);
    }

    fn step(&mut self, machine: &Coordinator, input: &CoordinatorInput, outputs: &[CoordinatorOutput]) {
        self.cluster.watch.coordinator_step(self.node, machine, input, outputs);
    }
}
