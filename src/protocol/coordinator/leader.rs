//! What a leader knows, and the loop that brings what is to what is wanted.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    super::{
        event::{AbortReason, Event, RefusalReason, RestartReason},
        garbage::Basis,
        message::{
            CoordinatorId, CoordinatorOutput as Output, CoordinatorTimer as Timer, CreateOutcome, HostId,
            ReadOutcome, SweepRequest, Swept, ToCoordinator, ToHost,
        },
        write::{ManifestWrite, Verdict},
    },
    HostInfo, Options,
    attempt::{Execution, achievable_parallelism},
    checkpoint::Goal,
};
use crate::{
    checkpoint::{Attempt, CheckpointId, JobStatus, Manifest, ManifestVersion},
    key_group::Parallelism,
};

/// The leader of one epoch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Leader {
    pub(super) id: CoordinatorId,
    pub(super) options: Options,
    /// The newest manifest. Only this leader can create the next, until somebody claims an epoch.
    pub(super) manifest: Arc<Manifest>,
    /// The manifest that is being created. One at a time: versions are dense.
    pub(super) write: Option<(ManifestWrite, Purpose)>,
    /// The current attempt, or the last one while the next is waiting.
    pub(super) attempt: Attempt,
    pub(super) execution: Execution,
    /// Never used by this leader so far.
    pub(super) next_checkpoint: CheckpointId,
    /// Aborted checkpoints since the last committed one.
    pub(super) checkpoint_failures: u32,
    /// A restart that must wait until the create in flight is decided: what it would restore
    /// depends on that.
    pub(super) restart: Option<RestartReason>,
    // Asked for and not durable yet.
    wanted: Option<Parallelism>,
    // The running parallelism is to be compared with what is wanted and possible.
    rescale_due: bool,
    // There are slots for more; the stabilize timer runs.
    stabilizing: bool,
    // The listing that is under way, and what was known when it was asked for.
    sweep: Option<(SweepRequest, Basis)>,
    // Attempts below were swept by this leader.
    swept: Attempt,
    // Short sweeps since the last one over all attempts.
    short_sweeps: u32,
}

/// What a manifest is created for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Purpose {
    Commit(Goal),
    Rescale,
}

impl Leader {
    pub(super) fn new(
        id: CoordinatorId,
        manifest: Arc<Manifest>,
        options: Options,
        out: &mut Vec<Output>,
    ) -> Self {
        let finished = manifest.status == JobStatus::Finished;
        out.push(Output::SetTimer(Timer::Sweep));
        if finished {
            // The leader before may have died before it could say so.
            out.push(Output::Event(Event::Finished { checkpoint: manifest.newest_checkpoint_id() }));
        } else {
            // Hosts that have not registered yet get the time of one restart pause.
            out.push(Output::SetTimer(Timer::Restart));
        }
        Self {
            id,
            options,
            write: None,
            attempt: Attempt { epoch: manifest.epoch, run: 0 },
            execution: if finished { Execution::Done } else { Execution::Waiting },
            next_checkpoint: manifest.next_checkpoint,
            checkpoint_failures: 0,
            restart: None,
            wanted: None,
            rescale_due: false,
            stabilizing: false,
            sweep: None,
            swept: Attempt::default(),
            short_sweeps: 0,
            manifest,
        }
    }

    pub(super) fn running(&self) -> Option<Attempt> {
        matches!(self.execution, Execution::Running(_)).then_some(self.attempt)
    }

    pub(super) fn pending_checkpoint(&self) -> Option<CheckpointId> {
        match &self.execution {
            Execution::Running(running) => running.checkpoint.as_ref().map(|pending| pending.id),
            Execution::Waiting
            | Execution::Stopped
            | Execution::Deploying(_)
            | Execution::Starting(_)
            | Execution::Done => None,
        }
    }

    /// See [`Coordinator::is_stale`](super::Coordinator::is_stale).
    pub(super) fn is_stale(&self, attempt: Attempt, message: &ToCoordinator) -> bool {
        if attempt != self.attempt {
            return attempt < self.attempt;
        }
        let Some(_) = self.layout() else { return true };
        match (message, &self.execution) {
            (ToCoordinator::Ready { .. }, execution) => !matches!(execution, Execution::Deploying(_)),
            (ToCoordinator::Started { .. }, execution) => matches!(execution, Execution::Running(_)),
            (
                ToCoordinator::Acknowledge { checkpoint, .. } | ToCoordinator::Decline { checkpoint, .. },
                _,
            ) => *checkpoint < self.next_checkpoint && self.pending_checkpoint() != Some(*checkpoint),
            (ToCoordinator::Finished { task, .. }, Execution::Running(running)) => {
                running.finished.contains(task)
            }
            (
                ToCoordinator::Finished { .. }
                | ToCoordinator::Failed { .. }
                | ToCoordinator::Register { .. },
                _,
            ) => false,
        }
    }

    /// Stops every timer of a leader.
    pub(super) fn silence(&self, out: &mut Vec<Output>) {
        let expiry = self.pending_checkpoint().map(Timer::Expiry);
        out.extend(
            [
                Timer::Heartbeat,
                Timer::Restart,
                Timer::Checkpoint,
                Timer::StoreRetry,
                Timer::Sweep,
                Timer::Stabilize,
            ]
            .into_iter()
            .chain(expiry)
            .map(Output::CancelTimer),
        );
    }

    /// The user wants another parallelism. It is accepted when a manifest says so.
    pub(super) fn request_rescale(&mut self, parallelism: Parallelism, out: &mut Vec<Output>) {
        let refused = if self.execution == Execution::Done {
            Some(RefusalReason::Finished)
        } else if self.manifest.job.check_parallelism(parallelism).is_err() {
            Some(RefusalReason::AboveMaxParallelism)
        } else {
            None
        };
        match refused {
            Some(reason) => out.push(Output::Event(Event::RescaleRefused { parallelism, reason })),
            None => self.wanted = Some(parallelism),
        }
    }

    pub(super) fn timer(&mut self, timer: Timer, hosts: &BTreeMap<HostId, HostInfo>, out: &mut Vec<Output>) {
        match timer {
            Timer::Heartbeat => {
                out.extend([Output::TellPeers(self.manifest.epoch), Output::SetTimer(Timer::Heartbeat)]);
                self.repeat_unanswered(out);
            }
            Timer::Restart => {
                if self.execution == Execution::Waiting {
                    self.begin_attempt(hosts, out);
                }
            }
            Timer::Checkpoint => self.checkpoint_due(out),
            Timer::Expiry(checkpoint) => {
                if self.pending_checkpoint() == Some(checkpoint) {
                    self.abort_checkpoint(AbortReason::Expired, out);
                }
            }
            Timer::StoreRetry => {
                // One timer for both: a manifest for a rescale and the outputs of a checkpoint may
                // wait at the same time, and each repeats only what has failed.
                if let Some((write, _)) = &mut self.write {
                    write.retry(out);
                }
                self.retry_output_list(out);
            }
            Timer::Sweep => {
                out.push(Output::SetTimer(Timer::Sweep));
                self.begin_sweep(out);
            }
            Timer::Stabilize => {
                self.stabilizing = false;
                self.rescale_due = true;
            }
            Timer::LeaderSilence | Timer::HostSilence(_) => {}
        }
    }

    pub(super) fn host(
        &mut self,
        message: ToCoordinator,
        hosts: &BTreeMap<HostId, HostInfo>,
        out: &mut Vec<Output>,
    ) {
        match message {
            ToCoordinator::Register { host, active, .. } => {
                self.cancel_leftovers(host, active, out);
                self.consider_scaling_up(hosts, out);
            }
            ToCoordinator::Ready { attempt, task, host, incarnation, restored } => {
                if attempt == self.attempt {
                    self.ready(task, host, incarnation, restored, out);
                }
            }
            ToCoordinator::Started { attempt, host } => {
                if attempt == self.attempt {
                    self.started(host, out);
                }
            }
            ToCoordinator::Acknowledge { attempt, checkpoint, snapshot } => {
                if attempt == self.attempt {
                    self.acknowledged(checkpoint, snapshot, out);
                }
            }
            ToCoordinator::Decline { attempt, checkpoint, task } => {
                if attempt == self.attempt && self.pending_checkpoint() == Some(checkpoint) {
                    self.abort_checkpoint(AbortReason::Declined(task), out);
                }
            }
            ToCoordinator::Failed { attempt, task, cause } => {
                if attempt == self.attempt {
                    self.restart(RestartReason::TaskFailed(task, cause), out);
                }
            }
            ToCoordinator::Finished { attempt, task } => {
                if let (true, Execution::Running(running)) = (attempt == self.attempt, &mut self.execution) {
                    running.finished.insert(task);
                }
            }
        }
    }

    pub(super) fn host_lost(&mut self, host: HostId, out: &mut Vec<Output>) {
        if self.layout().is_some_and(|layout| layout.hosts.contains_key(&host)) {
            self.restart(RestartReason::HostLost(host), out);
        }
    }

    pub(super) fn created(
        &mut self,
        version: ManifestVersion,
        outcome: CreateOutcome,
        out: &mut Vec<Output>,
    ) {
        if let Some((write, _)) = &mut self.write {
            write.created(version, outcome, out);
        }
    }

    /// Applies what was read to the create in flight. `Lost` means that this leader is deposed.
    pub(super) fn latest(
        &mut self,
        after: ManifestVersion,
        outcome: &ReadOutcome,
        out: &mut Vec<Output>,
    ) -> Option<Verdict> {
        let (write, purpose) = self.write.as_mut()?;
        let verdict = write.latest(after, outcome, out)?;
        if let Verdict::Won(manifest) = &verdict {
            let purpose = *purpose;
            self.write = None;
            let previous = std::mem::replace(&mut self.manifest, Arc::clone(manifest));
            match purpose {
                Purpose::Commit(goal) => self.committed(&previous, goal, out),
                Purpose::Rescale => {
                    let (parallelism, version) = (manifest.desired_parallelism, manifest.version);
                    out.push(Output::Event(Event::RescaleAccepted { parallelism, version }));
                    self.rescale_due = true;
                }
            }
        }
        Some(verdict)
    }

    /// Does what is due and possible now. Called after every input, so that nothing due depends on
    /// which input came last.
    pub(super) fn reconcile(&mut self, hosts: &BTreeMap<HostId, HostInfo>, out: &mut Vec<Output>) {
        if self.write.is_some() {
            return;
        }
        if let Some(reason) = self.restart.take() {
            self.restart(reason, out);
        }
        if self.begin_commit(out) {
            return;
        }
        if let Some(parallelism) =
            self.wanted.take().filter(|wanted| *wanted != self.manifest.desired_parallelism)
        {
            if self.execution == Execution::Done {
                let reason = RefusalReason::Finished;
                out.push(Output::Event(Event::RescaleRefused { parallelism, reason }));
                return;
            }
            let proposed = Manifest { desired_parallelism: parallelism, ..self.next_manifest() };
            self.write = Some((ManifestWrite::begin(Arc::new(proposed), out), Purpose::Rescale));
            return;
        }
        if self.execution == Execution::Stopped {
            self.begin_attempt(hosts, out);
        }
        let Execution::Running(running) = &self.execution else { return };
        if running.checkpoint.is_some() {
            return;
        }
        if running.finished.len() == running.layout.tasks.len() {
            self.trigger(Goal::Finish, out);
        } else if std::mem::take(&mut self.rescale_due) {
            let possible = achievable_parallelism(&self.manifest, hosts);
            if possible.is_some_and(|possible| possible != running.layout.parallelism) {
                self.trigger(Goal::Stop, out);
            }
        }
    }

    /// The newest manifest with the next version, by this leader.
    pub(super) fn next_manifest(&self) -> Manifest {
        Manifest { version: self.manifest.version.next(), ..Manifest::clone(&self.manifest) }
    }

    fn consider_scaling_up(&mut self, hosts: &BTreeMap<HostId, HostInfo>, out: &mut Vec<Output>) {
        let Execution::Running(running) = &self.execution else { return };
        let possible = achievable_parallelism(&self.manifest, hosts);
        if !self.stabilizing && possible.is_some_and(|possible| possible > running.layout.parallelism) {
            self.stabilizing = true;
            out.push(Output::SetTimer(Timer::Stabilize));
        }
    }

    // A host that still runs what is over did not hear so. It is told of an attempt of this epoch, not of
    // its own: whom it obeyed learns from what it has seen that somebody else leads. Otherwise it would
    // ignore that leader for ever and keep to itself why, and if this one dies, too, nobody knows.
    fn cancel_leftovers(&self, host: HostId, active: Option<Attempt>, out: &mut Vec<Output>) {
        let over = self.over();
        if active.is_some_and(|active| active <= over) {
            out.push(Output::Send { to: host, message: ToHost::Cancel { attempt: over } });
        }
    }

    // The last attempt that is over.
    fn over(&self) -> Attempt {
        match &self.execution {
            Execution::Waiting | Execution::Stopped | Execution::Done => self.attempt,
            // Runs count from 1: the one before the first is the epoch itself.
            Execution::Deploying(_) | Execution::Starting(_) | Execution::Running(_) => {
                Attempt { run: self.attempt.run - 1, ..self.attempt }
            }
        }
    }

    fn begin_sweep(&mut self, out: &mut Vec<Output>) {
        // While a create is in flight the newest manifest is not known.
        if self.write.is_some() || self.sweep.is_some() {
            return;
        }
        // A write of an older attempt that lands late is found by the next sweep over all attempts.
        self.short_sweeps += 1;
        if self.short_sweeps >= self.options.sweeps_per_full_sweep {
            self.short_sweeps = 0;
            self.swept = Attempt::default();
        }
        let head = self.manifest.newest_checkpoint().and_then(|record| record.outputs);
        let request = SweepRequest { epoch: self.manifest.epoch, from: self.swept, head };
        self.sweep = Some((request, Basis::new(&self.manifest, self.attempt)));
        out.push(Output::Sweep(request));
    }

    pub(super) fn swept(&mut self, request: SweepRequest, swept: Option<Swept>, out: &mut Vec<Output>) {
        let Some((_, basis)) = self.sweep.take_if(|(asked, _)| *asked == request) else { return };
        let Some(swept) = swept else { return };
        let outputs = swept.committed.into_iter().collect();
        let garbage: Vec<_> =
            swept.objects.into_iter().filter(|name| basis.is_garbage(name, &outputs)).collect();
        if garbage.is_empty() {
            // Nothing of older attempts is left; from now on only a late write could add to them.
            self.swept = basis.attempt;
            return;
        }
        out.push(Output::Event(Event::Collected { objects: garbage.len() }));
        out.push(Output::Delete(garbage));
    }

    /// Whether the pending checkpoint's create may be in flight.
    pub(super) fn is_committing(&self) -> bool {
        matches!(self.write, Some((_, Purpose::Commit(_))))
    }
}
