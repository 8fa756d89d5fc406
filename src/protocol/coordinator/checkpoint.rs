//! Checkpoints: trigger, collect, commit, abort.
//!
//! A checkpoint may be given up at any time before its manifest is being created. From then on it
//! is undecided until the create is settled ([`super::super::write`]), and everything that depends
//! on it waits.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    super::{
        event::{AbortReason, Event, RestartReason},
        garbage,
        message::{Barrier, CoordinatorOutput as Output, CoordinatorTimer as Timer, PutOutcome, ToHost},
        write::ManifestWrite,
    },
    attempt::{Execution, Running},
    leader::{Leader, Purpose},
};
use crate::{
    checkpoint::{
        Attempt, CheckpointId, CheckpointRecord, JobStatus, Manifest, ObjectName, OutputHandle, OutputList,
        TaskId, TaskSnapshot,
    },
    key_group::KeyGroupRange,
};

/// What follows a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Goal {
    /// The attempt goes on.
    Continue,
    /// The attempt ends, the next begins at another parallelism.
    Stop,
    /// The job ends.
    Finish,
}

/// A checkpoint that is not decided.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct PendingCheckpoint {
    pub(super) id: CheckpointId,
    goal: Goal,
    barrier: Barrier,
    acknowledged: BTreeMap<TaskId, Arc<TaskSnapshot>>,
    pub(super) stage: Stage,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Stage {
    /// Tasks owe acknowledgements.
    Collecting,
    /// The link of the output chain is being written.
    Listing { name: ObjectName, list: Arc<OutputList>, again: bool },
    /// Everything but the manifest is durable; `outputs` is the head of the output chain.
    Complete { outputs: Option<ObjectName> },
}

/// Whether `snapshot` is what its task had to take: one that a manifest may name, of the key groups it owns,
/// leaning on nothing but what the newest committed checkpoint names.
///
/// What no manifest may name must not come as far as the commit: a create that can never succeed would be repeated for
/// ever, and nothing else happens while one may be under way.
///
/// That checkpoint is the newest from the trigger of this one to its commit, because there is one at a
/// time, and so the newest manifest names all of that until the one that commits this checkpoint does.
/// Anything else may be garbage already, or be so before the commit (FLINK-24611, FLINK-25395).
fn describes(
    snapshot: &TaskSnapshot,
    attempt: Attempt,
    checkpoint: CheckpointId,
    key_groups: Option<KeyGroupRange>,
    newest: Option<&CheckpointRecord>,
) -> bool {
    snapshot.check(attempt, checkpoint, key_groups).is_ok()
        && snapshot.state.bases.iter().all(|base| newest.is_some_and(|newest| newest.has_state(base)))
}

impl Leader {
    /// The checkpoint timer fired. It is set again whatever happens: periodic triggering must not
    /// get lost (FLINK-13256).
    pub(super) fn checkpoint_due(&mut self, out: &mut Vec<Output>) {
        let Execution::Running(running) = &self.execution else { return };
        let idle = running.checkpoint.is_none();
        out.push(Output::SetTimer(Timer::Checkpoint));
        if idle && self.write.is_none() {
            self.trigger(Goal::Continue, out);
        }
    }

    /// Begins the next checkpoint. None is pending.
    pub(super) fn trigger(&mut self, goal: Goal, out: &mut Vec<Output>) {
        let Execution::Running(running) = &mut self.execution else { return };
        let id = self.next_checkpoint;
        self.next_checkpoint = id.next();
        let (attempt, stop) = (self.attempt, goal != Goal::Continue);
        let barrier = Barrier { checkpoint: id, confirmed: self.manifest.newest_checkpoint_id(), stop };
        let pending =
            PendingCheckpoint { id, goal, barrier, acknowledged: BTreeMap::new(), stage: Stage::Collecting };
        out.extend([
            Output::Event(Event::Triggered { attempt, checkpoint: id, stop }),
            Output::SetTimer(Timer::Expiry(id)),
        ]);
        running.checkpoint = Some(pending);
        self.repeat_unanswered(out);
    }

    /// Tells the sources to emit the barrier, if acknowledgements are missing. One that has done so
    /// ignores it.
    pub(super) fn send_trigger(&self, running: &Running, pending: &PendingCheckpoint, out: &mut Vec<Output>) {
        if pending.stage != Stage::Collecting {
            return;
        }
        let job = &self.manifest.job;
        let sources = running.layout.tasks.iter().filter(|(task, _)| job.is_source(task.vertex));
        let hosts: BTreeSet<_> = sources.map(|(_, host)| *host).collect();
        let message = ToHost::Trigger { attempt: self.attempt, barrier: pending.barrier };
        out.extend(hosts.into_iter().map(|to| Output::Send { to, message: message.clone() }));
    }

    /// A task of the current attempt has made its snapshot durable. Valid for the pending
    /// checkpoint only, from a planned task, once.
    pub(super) fn acknowledged(
        &mut self,
        checkpoint: CheckpointId,
        snapshot: Arc<TaskSnapshot>,
        out: &mut Vec<Output>,
    ) {
        let Execution::Running(Running { layout, checkpoint: Some(pending), .. }) = &mut self.execution
        else {
            return;
        };
        if pending.id != checkpoint
            || pending.stage != Stage::Collecting
            || !layout.tasks.contains_key(&snapshot.task)
            // Repeated with each heartbeat, by every task that waits for the others.
            || pending.acknowledged.get(&snapshot.task).is_some_and(|known| *known == snapshot)
        {
            return;
        }
        if !describes(
            &snapshot,
            self.attempt,
            checkpoint,
            self.manifest.job.key_groups(snapshot.task, layout.parallelism),
            self.manifest.newest_checkpoint(),
        ) {
            self.abort_checkpoint(AbortReason::Declined(snapshot.task), out);
            return;
        }
        pending.acknowledged.entry(snapshot.task).or_insert(snapshot);
        if pending.acknowledged.len() < layout.tasks.len() {
            return;
        }
        out.push(Output::Event(Event::AllAcknowledged { attempt: self.attempt, checkpoint }));
        let outputs: Vec<OutputHandle> =
            pending.acknowledged.values().filter_map(|snapshot| snapshot.output.clone()).collect();
        let previous = self.manifest.newest_checkpoint().and_then(|record| record.outputs);
        if outputs.is_empty() {
            pending.stage = Stage::Complete { outputs: previous };
        } else {
            let name = ObjectName::OutputList { attempt: self.attempt, checkpoint };
            let list = Arc::new(OutputList { checkpoint, outputs, previous });
            out.push(Output::PutOutputList { name, list: Arc::clone(&list) });
            pending.stage = Stage::Listing { name, list, again: false };
        }
    }

    /// A write of a link of the output chain was answered.
    pub(super) fn output_list(&mut self, name: ObjectName, outcome: PutOutcome, out: &mut Vec<Output>) {
        let Execution::Running(Running { checkpoint: Some(pending), .. }) = &mut self.execution else {
            return;
        };
        let Stage::Listing { name: expected, again, .. } = &mut pending.stage else { return };
        if *expected != name || *again {
            return;
        }
        match outcome {
            PutOutcome::Written => pending.stage = Stage::Complete { outputs: Some(name) },
            PutOutcome::Retry => {
                *again = true;
                out.push(Output::SetTimer(Timer::StoreRetry));
            }
            PutOutcome::Conflict => self.abort_checkpoint(AbortReason::OutputListConflict, out),
        }
    }

    /// Time to repeat a write of a link of the output chain.
    pub(super) fn retry_output_list(&mut self, out: &mut Vec<Output>) {
        let Execution::Running(Running { checkpoint: Some(pending), .. }) = &mut self.execution else {
            return;
        };
        if let Stage::Listing { name, list, again } = &mut pending.stage
            && std::mem::take(again)
        {
            out.push(Output::PutOutputList { name: *name, list: Arc::clone(list) });
        }
    }

    /// Begins to commit the pending checkpoint if everything but its manifest is durable. No
    /// create is in flight. Returns whether it did.
    pub(super) fn begin_commit(&mut self, out: &mut Vec<Output>) -> bool {
        let Execution::Running(Running { layout, checkpoint: Some(pending), .. }) = &self.execution else {
            return false;
        };
        let Stage::Complete { outputs } = pending.stage else { return false };
        let record = CheckpointRecord {
            id: pending.id,
            attempt: self.attempt,
            parallelism: layout.parallelism,
            tasks: pending.acknowledged.values().map(|snapshot| TaskSnapshot::clone(snapshot)).collect(),
            outputs,
        };
        let goal = pending.goal;
        let mut proposed = Manifest { next_checkpoint: pending.id.next(), ..self.next_manifest() };
        proposed.checkpoints.push(record);
        let subsumed = proposed.checkpoints.len().saturating_sub(self.options.checkpoints_retained);
        proposed.checkpoints.drain(..subsumed);
        if goal == Goal::Finish {
            proposed.status = JobStatus::Finished;
        }
        self.write = Some((ManifestWrite::begin(Arc::new(proposed), out), Purpose::Commit(goal)));
        true
    }

    /// The pending checkpoint is committed by the manifest that is now the newest.
    pub(super) fn committed(&mut self, previous: &Manifest, goal: Goal, out: &mut Vec<Output>) {
        let (attempt, checkpoint, version) =
            (self.attempt, self.manifest.newest_checkpoint_id(), self.manifest.version);
        out.extend([
            Output::CancelTimer(Timer::Expiry(checkpoint)),
            Output::Event(Event::Committed { attempt, checkpoint, version }),
        ]);
        self.checkpoint_failures = 0;
        if let Execution::Running(running) = &mut self.execution {
            running.checkpoint = None;
            let hosts = running.layout.hosts.keys().copied().collect::<Vec<_>>();
            out.extend(
                hosts
                    .iter()
                    .map(|to| Output::Send { to: *to, message: ToHost::Committed { attempt, checkpoint } }),
            );
            let next = match goal {
                Goal::Continue => None,
                Goal::Stop => Some(Execution::Stopped),
                Goal::Finish => {
                    out.push(Output::Event(Event::Finished { checkpoint }));
                    Some(Execution::Done)
                }
            };
            if let Some(next) = next {
                // What was to be restarted is over.
                self.restart = None;
                out.push(Output::CancelTimer(Timer::Checkpoint));
                out.extend(
                    hosts.iter().map(|to| Output::Send { to: *to, message: ToHost::Cancel { attempt } }),
                );
                self.execution = next;
            }
        }
        let garbage = garbage::subsumed(previous, &self.manifest);
        if !garbage.is_empty() {
            out.push(Output::Delete(garbage));
        }
        let below = garbage::prune_below(version, self.options.manifests_retained);
        if below.0 > 1 {
            out.push(Output::PruneManifests { below });
        }
    }

    /// Gives the pending checkpoint up, unless its manifest is already being created.
    pub(super) fn abort_checkpoint(&mut self, reason: AbortReason, out: &mut Vec<Output>) {
        if self.is_committing() {
            return;
        }
        let Execution::Running(running) = &mut self.execution else { return };
        let Some(pending) = running.checkpoint.take() else { return };
        let (attempt, checkpoint) = (self.attempt, pending.id);
        out.extend([
            Output::CancelTimer(Timer::Expiry(checkpoint)),
            Output::Event(Event::Aborted { attempt, checkpoint, reason }),
        ]);
        let message = ToHost::Abort { attempt, checkpoint };
        out.extend(running.layout.hosts.keys().map(|to| Output::Send { to: *to, message: message.clone() }));
        self.checkpoint_failures += 1;
        if pending.goal != Goal::Continue {
            // Sources have stopped; nothing would ever process again.
            self.restart(RestartReason::StopAborted, out);
        } else if self.checkpoint_failures >= self.options.checkpoint_failures_max {
            self.restart(RestartReason::CheckpointsFailing, out);
        }
    }
}
