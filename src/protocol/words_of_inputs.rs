//! What machines hear, and what is judged, in words.

use std::fmt;

use super::{
    invariant::Fact,
    message::{CoordinatorInput, CoordinatorTimer, CreateOutcome, HostInput, PutOutcome, ReadOutcome},
};

impl fmt::Display for CoordinatorTimer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LeaderSilence => write!(f, "no leader was heard of for too long"),
            Self::Heartbeat => write!(f, "heartbeat"),
            Self::HostSilence(host) => write!(f, "host {host} was silent for too long"),
            Self::Restart => write!(f, "time for the next attempt"),
            Self::Checkpoint => write!(f, "time for a checkpoint"),
            Self::Expiry(checkpoint) => write!(f, "checkpoint {checkpoint} takes too long"),
            Self::StoreRetry => write!(f, "time to ask the store again"),
            Self::Sweep => write!(f, "time to look for garbage"),
            Self::Stabilize => write!(f, "the slots are stable"),
        }
    }
}

impl fmt::Display for CoordinatorInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boot => write!(f, "boots"),
            Self::Timer(timer) => write!(f, "timer: {timer}"),
            Self::Host(message) => message.fmt(f),
            Self::PeerAlive(epoch) => write!(f, "the leader of epoch {epoch} is alive"),
            Self::Rescale(parallelism) => write!(f, "the user wants parallelism {parallelism}"),
            Self::Latest { outcome, .. } => match outcome {
                ReadOutcome::Found(manifest) => {
                    write!(f, "the newest manifest is {}, of epoch {}", manifest.version, manifest.epoch)
                }
                ReadOutcome::Absent => write!(f, "there is no manifest yet"),
                ReadOutcome::Unavailable => write!(f, "the newest manifest could not be read"),
                ReadOutcome::Corrupt => write!(f, "the newest manifest is damaged"),
            },
            Self::Create { version, outcome } => match outcome {
                CreateOutcome::Created => write!(f, "manifest {version} was created"),
                CreateOutcome::Exists => write!(f, "manifest {version} exists"),
                CreateOutcome::Unknown => write!(f, "manifest {version} may or may not exist"),
                CreateOutcome::Failed => write!(f, "manifest {version} was not created"),
            },
            Self::OutputList { name, outcome } => match outcome {
                PutOutcome::Written => write!(f, "{name} is written"),
                PutOutcome::Retry => write!(f, "{name} may or may not be written"),
                PutOutcome::Conflict => write!(f, "{name} exists with other contents"),
            },
            Self::Swept { swept: Some(swept), .. } => {
                write!(f, "the store holds {} objects of recent attempts", swept.objects.len())
            }
            Self::Swept { swept: None, .. } => write!(f, "the store could not be listed"),
        }
    }
}

impl fmt::Display for HostInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boot => write!(f, "boots"),
            Self::Heartbeat => write!(f, "timer: heartbeat"),
            Self::Coordinator(message) => message.fmt(f),
            Self::Restored { attempt, task, outcome: Ok(certificate) } => {
                write!(f, "task {task} of attempt {attempt} has restored {} entries", certificate.entries)
            }
            Self::Restored { attempt, task, outcome: Err(cause) } => {
                write!(f, "task {task} of attempt {attempt} cannot restore: {cause}")
            }
            Self::Aligned { attempt, task, barrier } => {
                write!(f, "task {task} of attempt {attempt} is aligned on {barrier}")
            }
            Self::Uploaded { attempt, task, checkpoint, snapshot } => {
                let what = if snapshot.is_some() { "is durable" } else { "could not be uploaded" };
                write!(f, "checkpoint {checkpoint} of task {task} of attempt {attempt} {what}")
            }
            Self::Failed { attempt, task } => write!(f, "task {task} of attempt {attempt} failed"),
            Self::Finished { attempt, task } => {
                write!(f, "task {task} of attempt {attempt} has processed its input")
            }
        }
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ManifestCreated(manifest) => write!(
                f,
                "manifest {} exists (epoch {}, newest checkpoint {}, parallelism {})",
                manifest.version,
                manifest.epoch,
                manifest.newest_checkpoint_id(),
                manifest.desired_parallelism
            ),
            Self::ManifestDeleted(version) => write!(f, "manifest {version} is deleted"),
            Self::ObjectWritten { name, .. } => write!(f, "{name} exists"),
            Self::ObjectDeleted(name) => write!(f, "{name} is deleted"),
            Self::Deployed(deployment) => write!(f, "{deployment} is deployed"),
            Self::Started(attempt) => write!(f, "attempt {attempt} is started"),
            Self::Restored { attempt, task, groups } => {
                write!(f, "task {task} of attempt {attempt} has {} key groups with state", groups.len())
            }
            Self::Frozen { attempt, task, checkpoint, groups } => write!(
                f,
                "task {task} of attempt {attempt} froze {} key groups with state for checkpoint {checkpoint}",
                groups.len()
            ),
            Self::Acknowledged { attempt, checkpoint, snapshot } => {
                write!(f, "task {} of attempt {attempt} acknowledged checkpoint {checkpoint}", snapshot.task)
            }
            Self::Notified { attempt, task, checkpoint, .. } => write!(
                f,
                "task {task} of attempt {attempt} believes that checkpoint {checkpoint} is committed"
            ),
            Self::Contents { checkpoint, found, expected } => {
                let equal = if found == expected { "equals" } else { "differs from" };
                write!(f, "checkpoint {checkpoint} {equal} a sequential run")
            }
        }
    }
}
