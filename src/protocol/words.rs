//! Messages and events in words, for timelines, traces and counterexamples.

use std::fmt;

use super::{
    event::{AbortReason, Event, RefusalReason, RestartReason},
    message::{Barrier, Deployment, FailureCause, ToCoordinator, ToHost},
};

impl fmt::Display for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "barrier {}{}", self.checkpoint, if self.stop { " (stop)" } else { "" })
    }
}

impl fmt::Display for Deployment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {} of attempt {}", self.task, self.attempt)?;
        if let Some(key_groups) = self.key_groups {
            write!(f, ", key groups {key_groups}")?;
        }
        match self.restore.checkpoint.0 {
            0 => write!(f, ", empty"),
            checkpoint => write!(f, ", from checkpoint {checkpoint}"),
        }
    }
}

impl fmt::Display for ToHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deploy(deployment) => write!(f, "deploy {deployment}"),
            Self::Start { attempt } => write!(f, "start attempt {attempt}"),
            Self::Trigger { attempt, barrier } => write!(f, "trigger {barrier} in attempt {attempt}"),
            Self::Committed { attempt, checkpoint } => {
                write!(f, "checkpoint {checkpoint} of attempt {attempt} is committed")
            }
            Self::Abort { attempt, checkpoint } => {
                write!(f, "give up checkpoint {checkpoint} of attempt {attempt}")
            }
            Self::Cancel { attempt } => write!(f, "attempt {attempt} is over"),
        }
    }
}

impl fmt::Display for ToCoordinator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Register { host, slots, .. } => write!(f, "host {host} is here with {slots} slots"),
            Self::Ready { attempt, task, restored, .. } => {
                write!(f, "task {task} of attempt {attempt} is ready with {} entries", restored.entries)
            }
            Self::Started { attempt, host } => write!(f, "host {host} has started attempt {attempt}"),
            Self::Acknowledge { attempt, checkpoint, snapshot } => {
                write!(f, "task {} of attempt {attempt} acknowledges checkpoint {checkpoint}", snapshot.task)
            }
            Self::Decline { attempt, checkpoint, task } => {
                write!(f, "task {task} of attempt {attempt} declines checkpoint {checkpoint}")
            }
            Self::Failed { attempt, task, cause } => {
                write!(f, "task {task} of attempt {attempt} failed: {cause}")
            }
            Self::Finished { attempt, task } => {
                write!(f, "task {task} of attempt {attempt} has processed its input")
            }
        }
    }
}

impl fmt::Display for FailureCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RestoreUnavailable => "its state could not be read",
            Self::RestoreCorrupt => "its state is damaged or missing",
            Self::Engine => "the engine reported a failure",
        })
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Campaigned => write!(f, "campaigns for leadership"),
            Self::Elected { epoch, version } => write!(f, "leads epoch {epoch} (manifest {version})"),
            Self::Deposed { epoch } => write!(f, "no longer leads epoch {epoch}"),
            Self::JobRefused => write!(
                f,
                "refuses to lead: the job in the store has other vertices or another max parallelism"
            ),
            Self::ManifestUnreadable => write!(f, "cannot read the newest manifest: it must be repaired"),
            Self::HostJoined { host, slots } => write!(f, "host {host} joined with {slots} slots"),
            Self::HostLost { host } => write!(f, "host {host} is lost"),
            Self::WaitingForSlots { slots } => write!(f, "waits for slots: {slots} are too few"),
            Self::CannotRestore { reason } => write!(f, "cannot restore the newest checkpoint: {reason}"),
            Self::Deployed { attempt, parallelism, restore } => {
                write!(f, "deploys attempt {attempt} at parallelism {parallelism}, ")?;
                match restore.0 {
                    0 => write!(f, "empty"),
                    checkpoint => write!(f, "from checkpoint {checkpoint}"),
                }
            }
            Self::ConservationViolated { attempt, vertex } => {
                write!(
                    f,
                    "attempt {attempt} restored other state into vertex {vertex} than the checkpoint holds"
                )
            }
            Self::AllReady { attempt } => {
                write!(f, "attempt {attempt}: all tasks are ready, state conserved")
            }
            Self::Running { attempt } => write!(f, "attempt {attempt} runs"),
            Self::Triggered { attempt, checkpoint, stop } => {
                write!(
                    f,
                    "triggers checkpoint {checkpoint} of attempt {attempt}{}",
                    if *stop { " and stop" } else { "" }
                )
            }
            Self::AllAcknowledged { checkpoint, .. } => {
                write!(f, "checkpoint {checkpoint} is acknowledged by all")
            }
            Self::Committed { checkpoint, version, .. } => {
                write!(f, "checkpoint {checkpoint} is committed (manifest {version})")
            }
            Self::Aborted { checkpoint, reason, .. } => {
                write!(f, "gives up checkpoint {checkpoint}: {reason}")
            }
            Self::Restarting { attempt, reason } => write!(f, "attempt {attempt} is over: {reason}"),
            Self::RescaleAccepted { parallelism, version } => {
                write!(f, "parallelism {parallelism} is wanted (manifest {version})")
            }
            Self::RescaleRefused { parallelism, reason } => {
                write!(f, "parallelism {parallelism} is refused: {reason}")
            }
            Self::Collected { objects } => write!(f, "collects {objects} objects of garbage"),
            Self::Finished { checkpoint } => write!(f, "the job is finished with checkpoint {checkpoint}"),
        }
    }
}

impl fmt::Display for AbortReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired => write!(f, "it took too long"),
            Self::Declined(task) => write!(f, "task {task} could not take it"),
            Self::Restart => write!(f, "the attempt is over"),
            Self::OutputListConflict => write!(f, "its list of outputs exists with other contents"),
        }
    }
}

impl fmt::Display for RestartReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TaskFailed(task, cause) => write!(f, "task {task} failed: {cause}"),
            Self::HostLost(host) => write!(f, "host {host} is lost"),
            Self::CheckpointsFailing => write!(f, "too many checkpoints in a row were given up"),
            Self::StopAborted => write!(f, "its last checkpoint was given up after sources had stopped"),
            Self::NotConserved => write!(f, "restored state differs from the checkpoint"),
        }
    }
}

impl fmt::Display for RefusalReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotLeader => "this coordinator does not lead",
            Self::AboveMaxParallelism => "it is above the max parallelism",
            Self::Finished => "the job is finished",
        })
    }
}
