//! The coordinator: campaigns for leadership and, as leader, runs the job.
//!
//! This file holds the roles and how they change. What a leader does is told in [`leader`] (its
//! state, and the loop that reconciles what is with what is wanted), [`attempt`] (deploy, start,
//! restart) and [`checkpoint`] (trigger, collect, commit, abort).

mod attempt;
mod checkpoint;
mod leader;
mod options;
mod phase;

use std::{collections::BTreeMap, sync::Arc};

pub use self::options::{Options, OptionsError};
pub use self::phase::CoordinatorPhase;

use self::leader::Leader;
use super::{
    event::{Event, RefusalReason},
    message::{
        CoordinatorId, CoordinatorInput as Input, CoordinatorOutput as Output, CoordinatorTimer as Timer,
        HostId, Incarnation, ReadOutcome, ToCoordinator,
    },
    write::{ManifestWrite, Verdict},
};
use crate::checkpoint::{Attempt, CheckpointId, JobSpec, JobStatus, LeaderEpoch, Manifest, ManifestVersion};

/// What a coordinator knows of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct HostInfo {
    incarnation: Incarnation,
    slots: u16,
}

/// One coordinator. Several may run; at most one is the leader whose manifests count.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Coordinator {
    id: CoordinatorId,
    nonce: u64,
    options: Options,
    // Hosts register with every coordinator, so that a new leader knows them.
    hosts: BTreeMap<HostId, HostInfo>,
    // The highest epoch it has heard of, from whomever. Signs of life of a lower one are a zombie's.
    heard: LeaderEpoch,
    role: Role,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Role {
    // Another leads, or nobody yet.
    Standby,
    // The newest manifest is being read, to claim the version after it.
    Reading,
    // The manifest that would make it leader is being created.
    Claiming(ManifestWrite),
    Leading(Box<Leader>),
    // The job in the store is another one.
    Refused,
}

/// The read before a claim follows no create.
const READ_TO_CLAIM: Output = Output::ReadLatest { after: ManifestVersion(0) };

impl Coordinator {
    /// A coordinator at address `id`. `nonce` tells this process from every other coordinator
    /// process of this job, for ever: draw it at random.
    pub fn new(id: CoordinatorId, nonce: u64, options: Options) -> Self {
        Self { id, nonce, options, hosts: BTreeMap::new(), heard: LeaderEpoch(0), role: Role::Standby }
    }

    /// Its address.
    pub fn id(&self) -> CoordinatorId {
        self.id
    }

    /// The epoch it believes to lead, if it does.
    pub fn leads(&self) -> Option<LeaderEpoch> {
        self.leader().map(|leader| leader.manifest.epoch)
    }

    /// The newest manifest it knows of, if it believes to lead.
    pub fn manifest(&self) -> Option<&Arc<Manifest>> {
        self.leader().map(|leader| &leader.manifest)
    }

    /// The attempt it runs, if it believes to lead and all tasks were started.
    pub fn running(&self) -> Option<Attempt> {
        self.leader().and_then(Leader::running)
    }

    /// The checkpoint in progress, if it believes to lead.
    pub fn pending_checkpoint(&self) -> Option<CheckpointId> {
        self.leader().and_then(Leader::pending_checkpoint)
    }

    /// Whether it makes no difference any more if this message arrives, now and ever after, crashes of
    /// this process included. What is about an attempt is said to the leader that deployed it; the
    /// process that led then never leads that epoch again.
    pub fn is_stale(&self, message: &ToCoordinator) -> bool {
        let Some(attempt) = message.attempt() else { return false };
        self.leader().is_none_or(|leader| leader.is_stale(attempt, message))
    }

    /// Whether it believes that a leader is alive that says so with this epoch. A standby whose leader is
    /// heard of does not campaign, and below the highest epoch it has heard of a leader is a zombie.
    pub fn heeds(&self, epoch: LeaderEpoch) -> bool {
        epoch >= self.heard
    }

    fn leader(&self) -> Option<&Leader> {
        match &self.role {
            Role::Leading(leader) => Some(leader),
            Role::Standby | Role::Reading | Role::Claiming(_) | Role::Refused => None,
        }
    }

    /// Applies one input and appends to `out` what the driver does next, in that order.
    pub fn handle(&mut self, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Boot => out.push(Output::SetTimer(Timer::LeaderSilence)),
            Input::Host(message) => self.host(message, out),
            Input::PeerAlive(epoch) => self.peer_alive(epoch, out),
            Input::Timer(timer) => self.timer(timer, out),
            Input::Latest { after, outcome } => self.latest(after, outcome, out),
            Input::Rescale(parallelism) => match &mut self.role {
                Role::Leading(leader) => leader.request_rescale(parallelism, out),
                Role::Standby | Role::Reading | Role::Claiming(_) | Role::Refused => {
                    out.push(Output::Event(Event::RescaleRefused {
                        parallelism,
                        reason: RefusalReason::NotLeader,
                    }));
                }
            },
            Input::Create { version, outcome } => match &mut self.role {
                Role::Claiming(write) => write.created(version, outcome, out),
                Role::Leading(leader) => leader.created(version, outcome, out),
                Role::Standby | Role::Reading | Role::Refused => {}
            },
            Input::OutputList { name, outcome } => {
                if let Role::Leading(leader) = &mut self.role {
                    leader.output_list(name, outcome, out);
                }
            }
            Input::Swept { request, swept } => {
                if let Role::Leading(leader) = &mut self.role {
                    leader.swept(request, swept, out);
                }
            }
        }
        if let Role::Leading(leader) = &mut self.role {
            leader.reconcile(&self.hosts, out);
        }
    }

    fn timer(&mut self, timer: Timer, out: &mut Vec<Output>) {
        match (timer, &mut self.role) {
            (Timer::LeaderSilence, Role::Standby) => {
                out.extend([Output::Event(Event::Campaigned), READ_TO_CLAIM]);
                self.role = Role::Reading;
            }
            (Timer::StoreRetry, Role::Reading) => out.push(READ_TO_CLAIM),
            (Timer::StoreRetry, Role::Claiming(write)) => write.retry(out),
            (Timer::HostSilence(host), _) => {
                if self.hosts.remove(&host).is_some() {
                    self.host_lost(host, out);
                }
            }
            (timer, Role::Leading(leader)) => leader.timer(timer, &self.hosts, out),
            (
                Timer::LeaderSilence
                | Timer::Heartbeat
                | Timer::Restart
                | Timer::Checkpoint
                | Timer::Expiry(_)
                | Timer::StoreRetry
                | Timer::Sweep
                | Timer::Stabilize,
                Role::Standby | Role::Reading | Role::Claiming(_) | Role::Refused,
            ) => {}
        }
    }

    fn latest(&mut self, after: ManifestVersion, outcome: ReadOutcome, out: &mut Vec<Output>) {
        match &mut self.role {
            Role::Reading if after == ManifestVersion(0) => self.claim(outcome, out),
            Role::Claiming(write) => match write.latest(after, &outcome, out) {
                // The read may be older than what was heard meanwhile: then another has claimed since.
                Some(Verdict::Won(manifest)) if manifest.epoch >= self.heard => self.elected(manifest, out),
                Some(Verdict::Won(_) | Verdict::Lost) => self.stand_by(out),
                None => {}
            },
            Role::Leading(leader) => {
                if let Some(Verdict::Lost) = leader.latest(after, &outcome, out) {
                    self.depose(out);
                }
            }
            Role::Standby | Role::Reading | Role::Refused => {}
        }
    }

    // Taking leadership is creating the next version with the next epoch.
    fn claim(&mut self, newest: ReadOutcome, out: &mut Vec<Output>) {
        let claim = match newest {
            ReadOutcome::Found(newest) if newest.job != *self.options.job => {
                out.push(Output::Event(Event::JobRefused));
                self.role = Role::Refused;
                return;
            }
            ReadOutcome::Found(newest) => newest.taken_over(self.nonce),
            ReadOutcome::Absent => Manifest {
                version: ManifestVersion(1),
                epoch: LeaderEpoch(1),
                nonce: self.nonce,
                job: JobSpec::clone(&self.options.job),
                status: JobStatus::Running,
                desired_parallelism: self.options.parallelism,
                next_checkpoint: CheckpointId::NONE.next(),
                checkpoints: Vec::new(),
            },
            ReadOutcome::Unavailable => {
                out.push(Output::SetTimer(Timer::StoreRetry));
                return;
            }
            // Never an older one instead: recovery starts from the newest or not at all.
            ReadOutcome::Corrupt => {
                out.extend([Output::Event(Event::ManifestUnreadable), Output::SetTimer(Timer::StoreRetry)]);
                return;
            }
        };
        self.role = Role::Claiming(ManifestWrite::begin(Arc::new(claim), out));
    }

    fn elected(&mut self, manifest: Arc<Manifest>, out: &mut Vec<Output>) {
        let (epoch, version) = (manifest.epoch, manifest.version);
        self.heard = self.heard.max(epoch);
        out.extend([
            Output::CancelTimer(Timer::LeaderSilence),
            Output::Event(Event::Elected { epoch, version }),
            Output::TellPeers(epoch),
            Output::SetTimer(Timer::Heartbeat),
        ]);
        self.role = Role::Leading(Box::new(Leader::new(self.id, manifest, self.options.clone(), out)));
    }

    fn depose(&mut self, out: &mut Vec<Output>) {
        if let Role::Leading(leader) = &self.role {
            out.push(Output::Event(Event::Deposed { epoch: leader.manifest.epoch }));
            leader.silence(out);
        }
        self.stand_by(out);
    }

    fn stand_by(&mut self, out: &mut Vec<Output>) {
        out.push(Output::SetTimer(Timer::LeaderSilence));
        self.role = Role::Standby;
    }

    fn peer_alive(&mut self, epoch: LeaderEpoch, out: &mut Vec<Output>) {
        if !self.heeds(epoch) {
            return;
        }
        self.heard = epoch;
        match &self.role {
            Role::Standby | Role::Reading => self.stand_by(out),
            Role::Leading(leader) if epoch > leader.manifest.epoch => self.depose(out),
            // A claim in flight must be settled first; it does not win any more.
            Role::Claiming(_) | Role::Leading(_) | Role::Refused => {}
        }
    }

    fn host(&mut self, message: ToCoordinator, out: &mut Vec<Output>) {
        if let ToCoordinator::Register { host, incarnation, slots, seen, .. } = message {
            if !self.register(host, HostInfo { incarnation, slots }, out) {
                return;
            }
            self.heard = self.heard.max(seen.epoch);
            if self.leader().is_some_and(|leader| seen.epoch > leader.manifest.epoch) {
                // Somebody leads with a higher epoch.
                self.depose(out);
            }
        }
        if let Role::Leading(leader) = &mut self.role {
            leader.host(message, &self.hosts, out);
        }
    }

    // Whether the message is of the newest life of the host that is known.
    fn register(&mut self, host: HostId, info: HostInfo, out: &mut Vec<Output>) -> bool {
        let known = self.hosts.get(&host).copied();
        if known.is_some_and(|known| known.incarnation > info.incarnation) {
            return false;
        }
        out.push(Output::SetTimer(Timer::HostSilence(host)));
        self.hosts.insert(host, info);
        if known.is_none_or(|known| known.incarnation != info.incarnation) {
            if known.is_some() {
                self.host_lost(host, out);
            }
            out.push(Output::Event(Event::HostJoined { host, slots: info.slots }));
        }
        true
    }

    fn host_lost(&mut self, host: HostId, out: &mut Vec<Output>) {
        out.push(Output::Event(Event::HostLost { host }));
        if let Role::Leading(leader) = &mut self.role {
            leader.host_lost(host, out);
        }
    }
}
