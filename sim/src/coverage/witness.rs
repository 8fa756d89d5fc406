//! Follows one run: which of the turns it takes that some must.

use super::marks::Mark;
use super::tracker::Tracker;
use crate::wire::Node;
use keygroups::checkpoint::{Attempt, ManifestVersion, ObjectName, TaskSnapshot};
use keygroups::driver::{CopyError, RestoreMetrics};
use keygroups::key_group::Parallelism;
use keygroups::protocol::invariant::Fact;
use keygroups::protocol::{
    AbortReason, CoordinatorInput, CoordinatorOutput, CreateOutcome, Event, FailureCause, HostOutput,
    RestartReason, ToCoordinator,
};
use std::collections::{BTreeMap, BTreeSet};

/// What is remembered of a run for that. It decides nothing.
#[derive(Debug, Default)]
pub(super) struct Witness {
    campaigning: BTreeSet<Node>,
    // Manifests whose creators do not know whether they were created.
    in_doubt: BTreeMap<Node, ManifestVersion>,
    desired: Option<Parallelism>,
    // State that a manifest named some time.
    named: BTreeSet<ObjectName>,
    ran_at: Option<Parallelism>,
    // Since the tracker's attempt was deployed.
    deployed: Option<(Attempt, Parallelism)>,
    seen: Vec<Mark>,
}

impl Witness {
    /// What was seen since somebody asked.
    pub(super) fn seen(&mut self) -> std::vec::Drain<'_, Mark> {
        self.seen.drain(..)
    }

    fn saw(&mut self, mark: Mark, is_so: bool) {
        if is_so {
            self.seen.push(mark);
        }
    }

    /// A process begins a life, knowing nothing.
    pub(super) fn lost(&mut self, node: Node) {
        self.campaigning.remove(&node);
        self.in_doubt.remove(&node);
    }

    /// A coordinator takes a step; `tracker` has not heard of it.
    pub(super) fn coordinator_step(
        &mut self,
        tracker: &Tracker,
        node: Node,
        input: &CoordinatorInput,
        outputs: &[CoordinatorOutput],
    ) {
        match input {
            CoordinatorInput::Create { version, outcome: CreateOutcome::Unknown } => {
                let before = self.in_doubt.insert(node, *version);
                self.saw(Mark::CreateInDoubt, before != Some(*version));
            }
            CoordinatorInput::Host(ToCoordinator::Acknowledge { attempt, checkpoint, .. }) => {
                self.saw(Mark::LateAcknowledgement, tracker.gave_up(*attempt, *checkpoint));
            }
            _ => {}
        }
        for output in outputs {
            match output {
                CoordinatorOutput::Event(event) => self.event(tracker, node, event),
                CoordinatorOutput::CreateManifest(manifest) => {
                    self.saw(Mark::CreateRepeated, self.in_doubt.get(&node) == Some(&manifest.version));
                }
                _ => {}
            }
        }
    }

    fn event(&mut self, tracker: &Tracker, node: Node, event: &Event) {
        if let Event::Elected { version, .. }
        | Event::Committed { version, .. }
        | Event::RescaleAccepted { version, .. } = event
        {
            let in_doubt = self.in_doubt.remove(&node);
            self.saw(Mark::CreateHadWorked, in_doubt == Some(*version));
        }
        match event {
            Event::Campaigned => {
                self.campaigning.insert(node);
            }
            Event::Elected { .. } => {
                self.campaigning.remove(&node);
                let others = !std::mem::take(&mut self.campaigning).is_empty();
                self.saw(Mark::CampaignsMeet, others);
                self.saw(Mark::CommitOutlivesLeader, tracker.is_committed_unknown());
                self.saw(Mark::CheckpointOutlivesLeader, tracker.takes_snapshots());
            }
            Event::Deposed { .. } => self.saw(Mark::LeaderDeposed, true),
            Event::WaitingForSlots { .. } => self.saw(Mark::WaitsForSlots, true),
            Event::Deployed { attempt, parallelism, restore } => {
                self.deployed = Some((*attempt, *parallelism));
                let less = self.desired.is_some_and(|desired| *parallelism < desired);
                self.saw(Mark::RunsAtLess, less);
                self.saw(Mark::BeginsFromNothing, attempt.epoch.0 > 1 && restore.0 == 0);
            }
            Event::Running { attempt } => {
                let deployed = self.deployed.filter(|(deployed, _)| deployed == attempt);
                if let Some((_, parallelism)) = deployed {
                    let before = self.ran_at.replace(parallelism);
                    self.saw(Mark::ScalesOut, before.is_some_and(|before| before < parallelism));
                    self.saw(Mark::ScalesIn, before.is_some_and(|before| before > parallelism));
                }
            }
            Event::Triggered { .. } => self.saw(Mark::CommitUnheard, tracker.commit_is_unheard()),
            Event::Aborted { reason, .. } => {
                self.saw(Mark::CheckpointExpires, *reason == AbortReason::Expired);
                self.saw(Mark::CheckpointDeclined, matches!(reason, AbortReason::Declined(_)));
            }
            Event::Restarting { attempt, reason } => {
                self.saw(Mark::EndsBeforeItRuns, !tracker.ran(*attempt));
                self.saw_reason(*reason);
            }
            Event::RescaleAccepted { .. } => self.saw(Mark::RescaleInRescale, tracker.is_rescaled()),
            Event::RescaleRefused { .. } => self.saw(Mark::RescaleRefused, true),
            _ => {}
        }
    }

    fn saw_reason(&mut self, reason: RestartReason) {
        let mark = match reason {
            RestartReason::HostLost(_) => Mark::HostLost,
            RestartReason::TaskFailed(_, FailureCause::Engine) => Mark::TaskFails,
            RestartReason::TaskFailed(_, FailureCause::RestoreUnavailable) => Mark::RestoreUnavailable,
            RestartReason::TaskFailed(_, FailureCause::RestoreCorrupt) => Mark::RestoreCorrupt,
            RestartReason::CheckpointsFailing => Mark::CheckpointsFail,
            RestartReason::StopAborted => Mark::StopGivenUp,
            // Only a bug of the library or a planted one gets there: an invariant breaks, too.
            RestartReason::NotConserved => return,
        };
        self.saw(mark, true);
    }

    /// A host takes a step; `tracker` has not heard of it.
    pub(super) fn host_step(&mut self, tracker: &Tracker, outputs: &[HostOutput]) {
        for output in outputs {
            match output {
                HostOutput::Run { attempt, task } => {
                    let others = || tracker.running().filter(|(of, _)| of != attempt);
                    self.saw(Mark::AttemptsOverlap, others().next().is_some());
                    self.saw(Mark::TaskTwice, others().any(|(_, other)| other == *task));
                }
                HostOutput::Restore(deployment) => {
                    self.saw(Mark::RestoresFromSeveral, deployment.restore.state.len() > 1);
                }
                HostOutput::Send { message: ToCoordinator::Acknowledge { snapshot, .. }, .. } => {
                    self.acknowledged(snapshot);
                }
                _ => {}
            }
        }
    }

    fn acknowledged(&mut self, snapshot: &TaskSnapshot) {
        let bases = &snapshot.state.bases;
        let earlier = bases.iter().any(|base| base.attempt() != snapshot.state.object.attempt());
        self.saw(Mark::LeansOnEarlierAttempt, earlier);
        self.saw(Mark::LeansOnSeveral, bases.len() > 1);
    }

    /// Something is so.
    pub(super) fn fact(&mut self, fact: &Fact) {
        match fact {
            Fact::ManifestCreated(manifest) => {
                self.desired = Some(manifest.desired_parallelism);
                let state = |name: &&ObjectName| matches!(name, ObjectName::State { .. });
                self.named.extend(manifest.objects().filter(state));
            }
            Fact::ObjectDeleted(name @ ObjectName::State { .. }) => {
                self.saw(Mark::LitterDeleted, !self.named.contains(name));
            }
            _ => {}
        }
    }

    /// A task has taken over its state.
    pub(super) fn restored(&mut self, metrics: &RestoreMetrics) {
        self.saw(Mark::CopyUsed, metrics.copies_used > 0);
        self.saw(Mark::CopyAndStore, metrics.bytes_local > 0 && metrics.bytes_read > 0);
    }

    /// Something could not be done with a local copy.
    pub(super) fn copy_error(&mut self, error: &CopyError) {
        self.saw(Mark::CopyRefused, matches!(error, CopyError::Refused { .. }));
        self.saw(Mark::CopyNotKept, matches!(error, CopyError::NotKept { .. }));
    }

    /// The user cancels the job, which goes on later.
    pub(super) fn cancelled(&mut self) {
        self.saw(Mark::JobStartedAgain, !self.named.is_empty());
    }
}

#[cfg(test)]
mod tests;
