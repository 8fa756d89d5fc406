//! What must be true of a manifest and of an output list, whoever wrote it.
//!
//! Writers check before they write, because a manifest that no reader accepts would end the job;
//! readers check because a checksum vouches for the bytes, not for what they say.

use super::{
    Attempt, CheckpointId, CheckpointRecord, JobSpec, LeaderEpoch, Manifest, ManifestVersion, ObjectName,
    OutputList, TaskId, TaskSnapshot,
};
use crate::key_group::{BoundsError, KeyGroupRange, Parallelism};

/// The highest version, leader epoch and checkpoint of a manifest: as many again can follow.
const LAST: u64 = u64::MAX / 2;

/// A rule that a manifest or an output list breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContentError {
    /// The content belongs to another version: a write went to the wrong place.
    #[error("it lies at version {expected} and says it is version {found}")]
    Misdirected {
        /// The version asked for.
        expected: ManifestVersion,
        /// The version inside.
        found: ManifestVersion,
    },
    /// Versions begin at 1.
    #[error("version 0 does not exist: the chain begins with 1")]
    VersionZero,
    /// Numbers are counted up from there, and must not come to an end.
    #[error("{what} {found} is no number that a job comes to: at most {LAST}")]
    Last {
        /// Of what the number is.
        what: &'static str,
        /// The number.
        found: u64,
    },
    /// Leader epochs begin at 1.
    #[error("leader epoch 0 does not exist: the first leader has 1")]
    EpochZero,
    /// The job cannot run at this parallelism.
    #[error("{what}: {error}")]
    Parallelism {
        /// Which parallelism it is, in words: the desired one, or that of a checkpoint.
        what: String,
        /// Which bound it breaks.
        error: BoundsError,
    },
    /// Checkpoint ids must ascend strictly, from 1.
    #[error("checkpoint {found} follows {before}: ids must ascend")]
    CheckpointOrder {
        /// The id before, 0 at the first.
        before: CheckpointId,
        /// The id that is not above it.
        found: CheckpointId,
    },
    /// The attempt of a checkpoint is older than that of the one before, newer than the leader,
    /// or has a zero in it.
    #[error(
        "checkpoint {checkpoint} was taken by attempt {found}: \
         leader epoch {epoch} can hold attempts from {before} to its own"
    )]
    Attempt {
        /// The checkpoint.
        checkpoint: CheckpointId,
        /// Its attempt.
        found: Attempt,
        /// The attempt of the checkpoint before; `1.1` at the first.
        before: Attempt,
        /// The leader epoch of the manifest.
        epoch: LeaderEpoch,
    },
    /// The next checkpoint would repeat a committed id.
    #[error("the next checkpoint would be {next}: it must be above {newest}, which is committed")]
    NextCheckpoint {
        /// The id the next checkpoint would get.
        next: CheckpointId,
        /// The newest committed id.
        newest: CheckpointId,
    },
    /// The tasks of a checkpoint are not exactly those of the job.
    #[error("checkpoint {checkpoint}: its next task must be {}, found {}", text(.expected), text(.found))]
    Tasks {
        /// The checkpoint.
        checkpoint: CheckpointId,
        /// The task of the job whose turn it is; `None` after the last.
        expected: Option<TaskId>,
        /// The task there; `None` at the end.
        found: Option<TaskId>,
    },
    /// A handle points to an object that belongs to another task, attempt or checkpoint.
    #[error("checkpoint {checkpoint}, task {task}: its object is {expected}, found {found}")]
    Object {
        /// The checkpoint.
        checkpoint: CheckpointId,
        /// The task.
        task: TaskId,
        /// The only name it can have.
        expected: ObjectName,
        /// The name there.
        found: ObjectName,
    },
    /// A handle holds other key groups than its task owned.
    #[error("checkpoint {checkpoint}, task {task}: it owns key groups {}, found {}", text(.expected), text(.found))]
    KeyGroups {
        /// The checkpoint.
        checkpoint: CheckpointId,
        /// The task.
        task: TaskId,
        /// What the assignment says.
        expected: Option<KeyGroupRange>,
        /// What the handle says.
        found: Option<KeyGroupRange>,
    },
    /// An index longer than its object.
    #[error("checkpoint {checkpoint}, task {task}: an index of {index_bytes} bytes in an object of {bytes}")]
    IndexLength {
        /// The checkpoint.
        checkpoint: CheckpointId,
        /// The task.
        task: TaskId,
        /// Length of the index.
        index_bytes: u64,
        /// Length of the object.
        bytes: u64,
    },
    /// A snapshot leans on something that cannot be a base of it.
    #[error("checkpoint {checkpoint}, task {task}: its snapshot cannot lean on {found}")]
    Base {
        /// The checkpoint.
        checkpoint: CheckpointId,
        /// The task.
        task: TaskId,
        /// No snapshot of the same vertex, not older, out of order, or one too many.
        found: ObjectName,
    },
    /// Operator states are not ascending by name, or one is there twice.
    #[error("checkpoint {checkpoint}, task {task}: operator state `{name}` is out of order or repeated")]
    OperatorState {
        /// The checkpoint.
        checkpoint: CheckpointId,
        /// The task.
        task: TaskId,
        /// The state that is not above the one before.
        name: String,
    },
    /// The head of the output chain is no output list, is newer than its checkpoint, or leaves out
    /// output of its checkpoint.
    #[error("checkpoint {checkpoint}: the head of its output chain cannot be {}", text(.found))]
    OutputHead {
        /// The checkpoint.
        checkpoint: CheckpointId,
        /// The head there.
        found: Option<ObjectName>,
    },
    /// An output list lies under a name that is not its own.
    #[error("it lies at {name} and says it belongs to checkpoint {found}")]
    MisdirectedList {
        /// The name asked for.
        name: ObjectName,
        /// The checkpoint inside.
        found: CheckpointId,
    },
    /// An output list names an object of another checkpoint or attempt, or names a task twice or
    /// out of order.
    #[error("output list {name}: {found} does not belong into it, or not at this place")]
    ListedOutput {
        /// The list.
        name: ObjectName,
        /// The object.
        found: ObjectName,
    },
    /// A link that does not lead to something older would make the chain endless.
    #[error("output list {name}: the link before it cannot be {found}, which is not older")]
    PreviousLink {
        /// The list.
        name: ObjectName,
        /// What it calls the link before.
        found: ObjectName,
    },
}

fn text<T: ToString>(value: &Option<T>) -> String {
    value.as_ref().map_or_else(|| "none".to_owned(), T::to_string)
}

impl Manifest {
    /// Whether this manifest may exist. [`encode`](Self::encode) and [`decode`](Self::decode) call
    /// it.
    ///
    /// # Errors
    ///
    /// [`ContentError`] says which rule is broken and where.
    pub fn check(&self) -> Result<(), ContentError> {
        if self.version == ManifestVersion(0) {
            return Err(ContentError::VersionZero);
        }
        if self.epoch == LeaderEpoch(0) {
            return Err(ContentError::EpochZero);
        }
        let counted = [
            ("version", self.version.0),
            ("leader epoch", self.epoch.0),
            ("checkpoint", self.next_checkpoint.0),
        ];
        if let Some((what, found)) = counted.into_iter().find(|(_, found)| *found > LAST) {
            return Err(ContentError::Last { what, found });
        }
        runs_at(&self.job, self.desired_parallelism, || "desired parallelism".to_owned())?;
        let mut before = (CheckpointId::NONE, Attempt { epoch: LeaderEpoch(1), run: 1 });
        for record in &self.checkpoints {
            if record.id <= before.0 {
                return Err(ContentError::CheckpointOrder { before: before.0, found: record.id });
            }
            if record.attempt < before.1 || record.attempt.epoch > self.epoch || record.attempt.run == 0 {
                return Err(ContentError::Attempt {
                    checkpoint: record.id,
                    found: record.attempt,
                    before: before.1,
                    epoch: self.epoch,
                });
            }
            record.check(&self.job)?;
            before = (record.id, record.attempt);
        }
        if self.next_checkpoint <= before.0 {
            return Err(ContentError::NextCheckpoint { next: self.next_checkpoint, newest: before.0 });
        }
        Ok(())
    }
}

fn runs_at(
    job: &JobSpec,
    parallelism: Parallelism,
    what: impl FnOnce() -> String,
) -> Result<(), ContentError> {
    job.check_parallelism(parallelism).map_err(|error| ContentError::Parallelism { what: what(), error })
}

impl CheckpointRecord {
    fn check(&self, job: &JobSpec) -> Result<(), ContentError> {
        runs_at(job, self.parallelism, || format!("checkpoint {}", self.id))?;
        // Lazily: a few bytes of a hostile manifest can stand for two thousand million tasks.
        let mut tasks = job.vertices().flat_map(|(vertex, _)| {
            let subtasks = job.parallelism_of(vertex, self.parallelism).subtasks();
            subtasks.map(move |subtask| TaskId { vertex, subtask })
        });
        for snapshot in &self.tasks {
            let expected = tasks.next();
            if expected != Some(snapshot.task) {
                return Err(ContentError::Tasks {
                    checkpoint: self.id,
                    expected,
                    found: Some(snapshot.task),
                });
            }
            snapshot.check(self.attempt, self.id, job.key_groups(snapshot.task, self.parallelism))?;
        }
        if let Some(missing) = tasks.next() {
            return Err(ContentError::Tasks { checkpoint: self.id, expected: Some(missing), found: None });
        }
        self.check_output_head()
    }

    fn check_output_head(&self) -> Result<(), ContentError> {
        let own = ObjectName::OutputList { attempt: self.attempt, checkpoint: self.id };
        let has_output = self.tasks.iter().any(|task| task.output.is_some());
        let possible = match self.outputs {
            None => !has_output,
            Some(head) if head == own => true,
            Some(head) => !has_output && is_older_list(head, own),
        };
        if possible {
            Ok(())
        } else {
            Err(ContentError::OutputHead { checkpoint: self.id, found: self.outputs })
        }
    }
}

impl TaskSnapshot {
    /// Whether a checkpoint that `attempt` has taken may name it, of a task that owned `expected`: whatever passes can
    /// be committed and read back.
    pub(crate) fn check(
        &self,
        attempt: Attempt,
        checkpoint: CheckpointId,
        expected: Option<KeyGroupRange>,
    ) -> Result<(), ContentError> {
        let task = self.task;
        let state = &self.state;
        let named = |expected: ObjectName, found: ObjectName| {
            let error = ContentError::Object { checkpoint, task, expected, found };
            if expected == found { Ok(()) } else { Err(error) }
        };
        named(ObjectName::State { attempt, task, checkpoint }, state.object)?;
        if let Some(output) = &self.output {
            named(ObjectName::Output { attempt, task, checkpoint }, output.object)?;
        }
        if state.key_groups != expected {
            return Err(ContentError::KeyGroups { checkpoint, task, expected, found: state.key_groups });
        }
        if state.index_bytes > state.bytes {
            let (index_bytes, bytes) = (state.index_bytes, state.bytes);
            return Err(ContentError::IndexLength { checkpoint, task, index_bytes, bytes });
        }
        if let Some(&found) = state.impossible_base() {
            return Err(ContentError::Base { checkpoint, task, found });
        }
        let names = state.operator_state.iter().map(|info| &info.name);
        match names.clone().zip(names.skip(1)).find(|(before, after)| before >= after) {
            Some((_, after)) => Err(ContentError::OperatorState { checkpoint, task, name: after.clone() }),
            None => Ok(()),
        }
    }
}

/// Whether `link` is an output list that was committed before `than`.
fn is_older_list(link: ObjectName, than: ObjectName) -> bool {
    matches!(link, ObjectName::OutputList { .. })
        && link.checkpoint() < than.checkpoint()
        && link.attempt() <= than.attempt()
}

impl OutputList {
    /// Whether this list may lie under `name`. [`encode`](Self::encode) and
    /// [`decode`](Self::decode) call it.
    ///
    /// # Errors
    ///
    /// [`ContentError`] says which rule is broken and where.
    pub fn check(&self, name: ObjectName) -> Result<(), ContentError> {
        if !matches!(name, ObjectName::OutputList { .. }) || name.checkpoint() != self.checkpoint {
            return Err(ContentError::MisdirectedList { name, found: self.checkpoint });
        }
        let mut before = None;
        for output in &self.outputs {
            let found = output.object;
            match found {
                ObjectName::Output { attempt, task, checkpoint }
                    if attempt == name.attempt()
                        && checkpoint == self.checkpoint
                        && before.is_none_or(|before| before < task) =>
                {
                    before = Some(task);
                }
                _ => return Err(ContentError::ListedOutput { name, found }),
            }
        }
        match self.previous {
            Some(found) if !is_older_list(found, name) => Err(ContentError::PreviousLink { name, found }),
            _ => Ok(()),
        }
    }
}
