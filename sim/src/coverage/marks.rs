//! What must happen sometimes: rare turns of a job that no fault is, and without which little was tested.
//!
//! The matrix says where faults strike. Whether two leaders ever believed in themselves, whether a commit whose answer was
//! lost was ever found to have worked, whether anybody ever restored from a local copy, it does not say: these say it.

use serde::Serialize;

/// A turn that many runs together must take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "MARKS says what each is")]
#[rustfmt::skip]
pub enum Mark {
    CampaignsMeet, LeaderDeposed, CreateInDoubt, CreateHadWorked, CreateRepeated, CommitOutlivesLeader,
    CheckpointOutlivesLeader, BeginsFromNothing, JobStartedAgain,
    CheckpointExpires, CheckpointDeclined, LateAcknowledgement, CommitUnheard, LeansOnEarlierAttempt, LeansOnSeveral,
    LitterDeleted,
    EndsBeforeItRuns, HostLost, TaskFails, RestoreUnavailable, RestoreCorrupt, CheckpointsFail, StopGivenUp,
    AttemptsOverlap, TaskTwice,
    ScalesOut, ScalesIn, RescaleInRescale, RescaleRefused, WaitsForSlots, RunsAtLess,
    CopyUsed, CopyAndStore, CopyRefused, CopyNotKept, RestoresFromSeveral, UploadInParts,
    UploadUnfinished,
}

/// A mark, and when it is set.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Sometimes {
    /// Which.
    #[serde(skip)]
    pub mark: Mark,
    /// What it is called.
    pub name: &'static str,
    /// What happens then.
    pub sentence: &'static str,
}

const fn sometimes(mark: Mark, name: &'static str, sentence: &'static str) -> Sometimes {
    Sometimes { mark, name, sentence }
}

/// Every mark, in the order of the enumeration.
pub const MARKS: &[Sometimes] = &[
    sometimes(Mark::CampaignsMeet, "campaigns-meet", "somebody is elected while another one campaigns"),
    sometimes(Mark::LeaderDeposed, "leader-deposed", "a leader finds out that it was succeeded"),
    sometimes(Mark::CreateInDoubt, "create-in-doubt", "nobody knows whether a manifest was created"),
    sometimes(Mark::CreateHadWorked, "create-had-worked", "it turns out that one in doubt was"),
    sometimes(Mark::CreateRepeated, "create-repeated", "one in doubt is created again"),
    sometimes(
        Mark::CommitOutlivesLeader,
        "commit-outlives-leader",
        "a leader is elected after a checkpoint was committed whose leader did not live to know it",
    ),
    sometimes(
        Mark::CheckpointOutlivesLeader,
        "checkpoint-outlives-leader",
        "a leader is elected while tasks take snapshots for the one before",
    ),
    sometimes(
        Mark::BeginsFromNothing,
        "begins-from-nothing",
        "a later leader begins from nothing, because nothing was committed",
    ),
    sometimes(
        Mark::JobStartedAgain,
        "job-started-again",
        "a job that has committed is cancelled by its user and started again",
    ),
    sometimes(Mark::CheckpointExpires, "checkpoint-expires", "a checkpoint takes too long"),
    sometimes(Mark::CheckpointDeclined, "checkpoint-declined", "a task cannot store its snapshot"),
    sometimes(
        Mark::LateAcknowledgement,
        "late-acknowledgement",
        "a snapshot is acknowledged for a checkpoint that was given up",
    ),
    sometimes(
        Mark::CommitUnheard,
        "commit-unheard",
        "a checkpoint begins, and some task never heard that the one before was committed",
    ),
    sometimes(
        Mark::LeansOnEarlierAttempt,
        "leans-on-earlier-attempt",
        "a snapshot leans on one that an earlier attempt took",
    ),
    sometimes(Mark::LeansOnSeveral, "leans-on-several", "a snapshot leans on several older ones"),
    sometimes(Mark::LitterDeleted, "litter-deleted", "a snapshot is deleted that no manifest ever named"),
    sometimes(
        Mark::EndsBeforeItRuns,
        "ends-before-it-runs",
        "an attempt is given up before all its tasks run",
    ),
    sometimes(Mark::HostLost, "host-lost", "an attempt is given up because a host is gone"),
    sometimes(Mark::TaskFails, "task-fails", "an attempt is given up because a running task fails"),
    sometimes(
        Mark::RestoreUnavailable,
        "restore-unavailable",
        "an attempt is given up because state cannot be read for now",
    ),
    sometimes(
        Mark::RestoreCorrupt,
        "restore-corrupt",
        "an attempt is given up because state is read damaged, or is missing",
    ),
    sometimes(Mark::CheckpointsFail, "checkpoints-fail", "an attempt is given up because it never commits"),
    sometimes(
        Mark::StopGivenUp,
        "stop-given-up",
        "the checkpoint is given up that an attempt was to stop with",
    ),
    sometimes(Mark::AttemptsOverlap, "attempts-overlap", "tasks of two attempts process at the same time"),
    sometimes(
        Mark::TaskTwice,
        "task-twice",
        "the same task processes twice at the same time, as a zombie and as its successor",
    ),
    sometimes(Mark::ScalesOut, "scales-out", "an attempt runs at a higher parallelism than the one before"),
    sometimes(Mark::ScalesIn, "scales-in", "an attempt runs at a lower parallelism than the one before"),
    sometimes(
        Mark::RescaleInRescale,
        "rescale-in-rescale",
        "another parallelism is accepted before the last one has committed anything",
    ),
    sometimes(Mark::RescaleRefused, "rescale-refused", "a rescale is refused"),
    sometimes(Mark::WaitsForSlots, "waits-for-slots", "a job cannot run at all: there are too few slots"),
    sometimes(
        Mark::RunsAtLess,
        "runs-at-less",
        "an attempt is planned at less than is wanted: there are too few slots for that",
    ),
    sometimes(Mark::CopyUsed, "copy-used", "a task restores from a local copy"),
    sometimes(
        Mark::CopyAndStore,
        "copy-and-store",
        "a task restores from a local copy and from the store at once",
    ),
    sometimes(Mark::CopyRefused, "copy-refused", "a local copy is damaged or stale, and refused"),
    sometimes(Mark::CopyNotKept, "copy-not-kept", "a local copy cannot be written"),
    sometimes(
        Mark::RestoresFromSeveral,
        "restores-from-several",
        "a task restores from the snapshots of several tasks",
    ),
    sometimes(Mark::UploadInParts, "upload-in-parts", "an object goes up in parts"),
    sometimes(
        Mark::UploadUnfinished,
        "upload-unfinished",
        "an upload in parts is never finished: whoever began it has died, or was not heard",
    ),
];

impl Mark {
    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        MARKS[self as usize].name
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_mark_has_its_place_and_a_name_of_its_own() {
        assert!(MARKS.iter().enumerate().all(|(index, it)| it.mark as usize == index));
        assert_eq!(Mark::UploadUnfinished as usize + 1, MARKS.len());
        assert_eq!(MARKS.iter().map(|it| it.name).collect::<BTreeSet<_>>().len(), MARKS.len());
        assert_eq!(Mark::LeaderDeposed.name(), "leader-deposed");
    }
}
