//! Attempts: where tasks go, what they start from, when they start, when an attempt is over.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    super::{
        event::{AbortReason, Event, RestartReason},
        message::{
            CoordinatorOutput as Output, CoordinatorTimer as Timer, Deployment, HostId, Incarnation, Layout,
            ToHost,
        },
        restore::Restore,
    },
    HostInfo,
    checkpoint::PendingCheckpoint,
    leader::Leader,
};
use crate::{
    checkpoint::{Certificate, Manifest, TaskId},
    key_group::Parallelism,
};

/// How far the current attempt is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Execution {
    /// None runs; the next begins when the restart timer fires.
    Waiting,
    /// The last one ended with a committed checkpoint; the next begins at once.
    Stopped,
    /// Tasks restore.
    Deploying(Deploying),
    /// All tasks have restored; hosts are told to start them.
    Starting(Starting),
    /// All tasks process.
    Running(Running),
    /// All input is processed and committed.
    Done,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Deploying {
    pub(super) layout: Arc<Layout>,
    deployments: BTreeMap<TaskId, Arc<Deployment>>,
    ready: BTreeMap<TaskId, Certificate>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Starting {
    pub(super) layout: Arc<Layout>,
    missing: BTreeSet<HostId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Running {
    pub(super) layout: Arc<Layout>,
    /// Tasks that have processed all their input.
    pub(super) finished: BTreeSet<TaskId>,
    pub(super) checkpoint: Option<PendingCheckpoint>,
}

/// The highest parallelism up to the desired one for which these hosts have slots; `None` if they have too
/// few for any.
pub(super) fn achievable_parallelism(
    manifest: &Manifest,
    hosts: &BTreeMap<HostId, HostInfo>,
) -> Option<Parallelism> {
    let slots = hosts.values().map(|host| usize::from(host.slots)).sum();
    manifest.job.achievable(manifest.desired_parallelism, slots)
}

/// Deals tasks out to free slots, host by host in turn, so that load is even.
fn place(
    tasks: impl Iterator<Item = TaskId>,
    parallelism: Parallelism,
    hosts: &BTreeMap<HostId, HostInfo>,
) -> Layout {
    let most = hosts.values().map(|host| host.slots).max().unwrap_or(0);
    let slots = (0..most)
        .flat_map(|slot| hosts.iter().filter(move |(_, info)| slot < info.slots).map(|(host, _)| *host));
    let tasks: BTreeMap<TaskId, HostId> = tasks.zip(slots).collect();
    let used: BTreeSet<HostId> = tasks.values().copied().collect();
    let hosts = used.iter().filter_map(|host| Some((*host, hosts.get(host)?.incarnation))).collect();
    Layout { parallelism, tasks, hosts }
}

impl Leader {
    /// Where the tasks of the current attempt are.
    pub(super) fn layout(&self) -> Option<&Arc<Layout>> {
        match &self.execution {
            Execution::Deploying(deploying) => Some(&deploying.layout),
            Execution::Starting(starting) => Some(&starting.layout),
            Execution::Running(running) => Some(&running.layout),
            Execution::Waiting | Execution::Stopped | Execution::Done => None,
        }
    }

    /// Begins the next attempt from the newest committed checkpoint, at the parallelism that is
    /// wanted as far as slots allow. No commit is in flight, so the newest is known.
    pub(super) fn begin_attempt(&mut self, hosts: &BTreeMap<HostId, HostInfo>, out: &mut Vec<Output>) {
        let Some(parallelism) = achievable_parallelism(&self.manifest, hosts) else {
            let slots = hosts.values().map(|host| usize::from(host.slots)).sum();
            out.extend([Output::Event(Event::WaitingForSlots { slots }), Output::SetTimer(Timer::Restart)]);
            self.execution = Execution::Waiting;
            return;
        };
        let restores = match Restore::plan(&self.manifest, parallelism) {
            Ok(restores) => restores,
            Err(error) => {
                let reason = error.to_string();
                out.extend([
                    Output::Event(Event::CannotRestore { reason }),
                    Output::SetTimer(Timer::Restart),
                ]);
                self.execution = Execution::Waiting;
                return;
            }
        };
        let job = &self.manifest.job;
        let layout = Arc::new(place(restores.keys().copied(), parallelism, hosts));
        self.attempt.run += 1;
        let deployments: BTreeMap<_, _> = restores
            .into_iter()
            .map(|(task, restore)| {
                let deployment = Deployment {
                    attempt: self.attempt,
                    leader: self.id,
                    task,
                    source: job.is_source(task.vertex),
                    max_parallelism: job.vertex(task.vertex).and_then(|vertex| vertex.max_parallelism),
                    key_groups: job.key_groups(task, parallelism),
                    restore,
                    layout: Arc::clone(&layout),
                };
                (task, Arc::new(deployment))
            })
            .collect();
        let restore = self.manifest.newest_checkpoint_id();
        out.push(Output::Event(Event::Deployed { attempt: self.attempt, parallelism, restore }));
        self.execution = Execution::Deploying(Deploying { layout, deployments, ready: BTreeMap::new() });
        self.repeat_unanswered(out);
    }

    /// Sends again what tasks and hosts have not answered.
    pub(super) fn repeat_unanswered(&self, out: &mut Vec<Output>) {
        match &self.execution {
            Execution::Deploying(deploying) => {
                let missing =
                    deploying.deployments.values().filter(|d| !deploying.ready.contains_key(&d.task));
                out.extend(missing.filter_map(|deployment| {
                    let to = *deploying.layout.tasks.get(&deployment.task)?;
                    Some(Output::Send { to, message: ToHost::Deploy(Arc::clone(deployment)) })
                }));
            }
            Execution::Starting(starting) => {
                let message = ToHost::Start { attempt: self.attempt };
                out.extend(
                    starting.missing.iter().map(|to| Output::Send { to: *to, message: message.clone() }),
                );
            }
            Execution::Running(running) => {
                if let Some(pending) = &running.checkpoint {
                    self.send_trigger(running, pending, out);
                }
            }
            Execution::Waiting | Execution::Stopped | Execution::Done => {}
        }
    }

    /// A task of the current attempt has restored.
    pub(super) fn ready(
        &mut self,
        task: TaskId,
        host: HostId,
        incarnation: Incarnation,
        restored: Certificate,
        out: &mut Vec<Output>,
    ) {
        let Execution::Deploying(deploying) = &mut self.execution else { return };
        let planned = deploying.layout.tasks.get(&task) == Some(&host)
            && deploying.layout.hosts.get(&host) == Some(&incarnation);
        if !planned {
            return;
        }
        deploying.ready.insert(task, restored);
        if deploying.ready.len() < deploying.layout.tasks.len() {
            return;
        }
        if let Some(vertex) = self.manifest.not_conserved(&deploying.ready) {
            out.push(Output::Event(Event::ConservationViolated { attempt: self.attempt, vertex }));
            self.restart(RestartReason::NotConserved, out);
            return;
        }
        let layout = Arc::clone(&deploying.layout);
        out.push(Output::Event(Event::AllReady { attempt: self.attempt }));
        self.execution =
            Execution::Starting(Starting { missing: layout.hosts.keys().copied().collect(), layout });
        self.repeat_unanswered(out);
    }

    /// A host has started its tasks of the current attempt.
    pub(super) fn started(&mut self, host: HostId, out: &mut Vec<Output>) {
        let Execution::Starting(starting) = &mut self.execution else { return };
        starting.missing.remove(&host);
        if starting.missing.is_empty() {
            let layout = Arc::clone(&starting.layout);
            out.push(Output::Event(Event::Running { attempt: self.attempt }));
            out.push(Output::SetTimer(Timer::Checkpoint));
            self.execution =
                Execution::Running(Running { layout, finished: BTreeSet::new(), checkpoint: None });
        }
    }

    /// The current attempt is over. The next one begins after a pause, from the newest committed
    /// checkpoint; if a commit is in flight, not before it is decided.
    pub(super) fn restart(&mut self, reason: RestartReason, out: &mut Vec<Output>) {
        let Some(layout) = self.layout().cloned() else { return };
        if self.is_committing() {
            self.restart = Some(reason);
            return;
        }
        if let Execution::Running(Running { checkpoint: Some(pending), .. }) = &self.execution {
            let (attempt, checkpoint) = (self.attempt, pending.id);
            out.extend([
                Output::CancelTimer(Timer::Expiry(checkpoint)),
                Output::Event(Event::Aborted { attempt, checkpoint, reason: AbortReason::Restart }),
            ]);
        }
        let attempt = self.attempt;
        out.push(Output::Event(Event::Restarting { attempt, reason }));
        out.extend(
            layout.hosts.keys().map(|to| Output::Send { to: *to, message: ToHost::Cancel { attempt } }),
        );
        out.extend([Output::CancelTimer(Timer::Checkpoint), Output::SetTimer(Timer::Restart)]);
        self.checkpoint_failures = 0;
        self.execution = Execution::Waiting;
    }
}
