//! Who sent what, and who had which tasks.
//!
//! A trace holds what machines hear, not what they say. But they are deterministic: fresh ones, the
//! library's own, that hear the same say the same. So every message has its sender, and the tasks of
//! hosts are known at every moment, without a trace having to tell of either.

use std::collections::BTreeMap;

use keygroups::checkpoint::LeaderEpoch;
use keygroups::key_group::Parallelism;
use keygroups::protocol::{
    Coordinator, CoordinatorInput, CoordinatorOutput, Host, HostInput, HostOutput, TaskPhase, ToCoordinator,
    ToHost,
};
use keygroups_model::conform::{Asked, Began};

use super::kinds::{HEARTBEATS, MESSAGES};
use super::lanes::Lanes;
use crate::model::phase;
use crate::picture::Fate;
use crate::replay::words::Told;
use crate::report::diagram::{Arrow, At};
use crate::report::owners::Holder;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Message {
    ToHost(ToHost),
    ToCoordinator(ToCoordinator),
    Alive(LeaderEpoch),
    Rescale(Parallelism),
}

struct Sent {
    from: (usize, At),
    heard: bool,
}

/// The machines of all processes that are alive, by lane.
pub(super) struct Machines<'a> {
    lanes: &'a Lanes,
    coordinators: BTreeMap<usize, Coordinator>,
    hosts: BTreeMap<usize, Host>,
    // By lane of the receiver.
    sent: BTreeMap<(usize, Message), Vec<Sent>>,
    arrows: Vec<Arrow>,
}

impl<'a> Machines<'a> {
    pub(super) fn new(lanes: &'a Lanes) -> Self {
        let (coordinators, hosts, sent) = Default::default();
        Self { lanes, coordinators, hosts, sent, arrows: Vec::new() }
    }

    /// Lets machines hear what the event says that they heard. Whether tasks may have changed.
    pub(super) fn take(&mut self, at: At, lane: usize, told: Told<'_>) -> bool {
        match told.kind {
            "began" => self.began(lane, told),
            "crashed" => {
                self.coordinators.remove(&lane);
                return self.hosts.remove(&lane).is_some();
            }
            "asks" => {
                if let Some(Asked { parallelism }) = told.read() {
                    for coordinator in self.lanes.coordinators() {
                        self.send((lane, at), coordinator, Message::Rescale(parallelism));
                    }
                }
            }
            "input" if self.coordinators.contains_key(&lane) => self.coordinator_hears(at, lane, told),
            "input" if self.hosts.contains_key(&lane) => {
                self.host_hears(at, lane, told);
                return true;
            }
            _ => {}
        }
        false
    }

    fn began(&mut self, lane: usize, told: Told<'_>) {
        match told.read::<Began<'_>>() {
            Some(Began::Coordinator { id, nonce, options }) => {
                self.coordinators.insert(lane, Coordinator::new(id, nonce, options.into_owned()));
            }
            Some(Began::Host { id, incarnation, slots }) => {
                self.hosts.insert(lane, Host::new(id, incarnation, slots));
            }
            None => {}
        }
    }

    fn coordinator_hears(&mut self, at: At, lane: usize, told: Told<'_>) {
        let (Some(input), Some(machine)) = (told.read(), self.coordinators.get_mut(&lane)) else { return };
        let heard = match &input {
            CoordinatorInput::Host(message) => Some(Message::ToCoordinator(message.clone())),
            CoordinatorInput::PeerAlive(epoch) => Some(Message::Alive(*epoch)),
            CoordinatorInput::Rescale(parallelism) => Some(Message::Rescale(*parallelism)),
            _ => None,
        };
        let mut outputs = Vec::new();
        machine.handle(input, &mut outputs);
        if let Some(message) = heard {
            self.hear(at, lane, message);
        }
        for output in outputs {
            match output {
                CoordinatorOutput::Send { to, message } => {
                    if let Some(to) = self.lanes.named(&format!("host {to}")) {
                        self.send((lane, at), to, Message::ToHost(message));
                    }
                }
                CoordinatorOutput::TellPeers(epoch) => {
                    for peer in self.lanes.coordinators().filter(|peer| *peer != lane) {
                        self.send((lane, at), peer, Message::Alive(epoch));
                    }
                }
                _ => {}
            }
        }
    }

    fn host_hears(&mut self, at: At, lane: usize, told: Told<'_>) {
        let (Some(input), Some(machine)) = (told.read(), self.hosts.get_mut(&lane)) else { return };
        let heard = match &input {
            HostInput::Coordinator(message) => Some(Message::ToHost(message.clone())),
            _ => None,
        };
        let mut outputs = Vec::new();
        machine.handle(input, &mut outputs);
        if let Some(message) = heard {
            self.hear(at, lane, message);
        }
        for output in outputs {
            match output {
                HostOutput::Send { to, message } => {
                    if let Some(to) = self.lanes.named(&format!("coordinator {to}")) {
                        self.send((lane, at), to, Message::ToCoordinator(message));
                    }
                }
                HostOutput::SendAll(message) => {
                    for to in self.lanes.coordinators() {
                        self.send((lane, at), to, Message::ToCoordinator(message.clone()));
                    }
                }
                _ => {}
            }
        }
    }

    fn send(&mut self, from: (usize, At), to: usize, message: Message) {
        self.sent.entry((to, message)).or_default().push(Sent { from, heard: false });
    }

    /// Draws a message from where it was said last: which of several equal ones it was, nobody can know.
    fn hear(&mut self, at: At, lane: usize, message: Message) {
        let (kind, words) = (message.kind(), message.words());
        let Some(sent) = self.sent.get_mut(&(lane, message)).and_then(|all| all.last_mut()) else { return };
        sent.heard = true;
        let from = sent.from;
        self.arrows.push(Arrow { from, to: (lane, at), kind, fate: Fate::Arrives, words });
    }

    /// Every task that has key groups now.
    pub(super) fn holders(&self) -> Vec<Holder> {
        let tasks = self.hosts.values().flat_map(|host| host.tasks().map(move |task| (host.id(), task)));
        let holder =
            |(host, (id, task)): (_, (&keygroups::checkpoint::TaskId, &keygroups::protocol::Task))| {
                let deployment = task.deployment();
                let range = deployment.key_groups?;
                Some(Holder {
                    groups: (u32::from(range.first().0), u32::from(range.last().0)),
                    subtask: id.subtask.index(),
                    processes: task.phase() == TaskPhase::Running,
                    words: format!(
                        "task {id} of attempt {} on host {host}, {}",
                        deployment.attempt,
                        phase(task.phase())
                    ),
                })
            };
        tasks.filter_map(holder).collect()
    }

    /// Whether the process leads or processes.
    pub(super) fn is_active(&self, lane: usize) -> bool {
        let runs = |host: &Host| host.tasks().any(|(_, task)| task.phase() == TaskPhase::Running);
        self.coordinators.get(&lane).is_some_and(|coordinator| coordinator.leads().is_some())
            || self.hosts.get(&lane).is_some_and(runs)
    }

    /// Everything that was heard, and a stub for what was not.
    pub(super) fn arrows(mut self) -> Vec<Arrow> {
        for ((to, message), sent) in self.sent {
            for sent in sent.into_iter().filter(|sent| !sent.heard) {
                let (kind, words) = (message.kind(), format!("not heard: {}", message.words()));
                let to = (to, sent.from.1);
                self.arrows.push(Arrow { from: sent.from, to, kind, fate: Fate::NotHeard, words });
            }
        }
        self.arrows.sort_by_key(|arrow| (arrow.to.1, arrow.from.1, arrow.to.0));
        self.arrows
    }
}

impl Message {
    fn kind(&self) -> usize {
        match self {
            Self::ToCoordinator(ToCoordinator::Register { .. }) | Self::Alive(_) => HEARTBEATS,
            Self::ToHost(_) | Self::ToCoordinator(_) | Self::Rescale(_) => MESSAGES,
        }
    }

    fn words(&self) -> String {
        match self {
            Self::ToHost(message) => message.to_string(),
            Self::ToCoordinator(message) => message.to_string(),
            Self::Alive(epoch) => format!("the leader of epoch {epoch} is alive"),
            Self::Rescale(parallelism) => format!("parallelism {parallelism} is wanted"),
        }
    }
}
