//! Back to an older checkpoint, because somebody says so.

use futures::{StreamExt, TryStreamExt, stream};
use object_store::ObjectStoreExt;

use super::{CheckpointStore, Create, StoreError};
use crate::{
    ErrorKind,
    checkpoint::{CheckpointId, CheckpointRecord, JobStatus, Manifest, ManifestVersion, ObjectName},
};

// As many as a store answers in about the time of one.
const LOOKS_AT_ONCE: usize = 8;

/// Why a job cannot go back to a checkpoint. Nothing was changed, but for [`Unknown`](Self::Unknown).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RollBackError {
    /// No job has begun here.
    #[error("there is no manifest in {path}: no job has begun there")]
    NoJob {
        /// Where manifests would be.
        path: String,
    },
    /// The newest manifest does not name the checkpoint.
    #[error(
        "checkpoint {to} is not among those that are retained: {}; a coordinator retains more than one only if its \
         options say so (checkpoints_retained)",
        listed(.retained)
    )]
    NotRetained {
        /// The checkpoint.
        to: CheckpointId,
        /// Those that there are, ascending.
        retained: Vec<CheckpointId>,
    },
    /// Something of the checkpoint is missing or too short.
    #[error("checkpoint {to} is not whole: {found}")]
    NotWhole {
        /// The checkpoint.
        to: CheckpointId,
        /// What was found of it.
        found: Box<StoreError>,
    },
    /// Somebody else has created the next manifest: a coordinator is alive.
    #[error("manifest {version} was created by somebody else meanwhile: stop the coordinators and try again")]
    Overtaken {
        /// The version.
        version: ManifestVersion,
    },
    /// The store gave no clear answer to the create. It may have taken effect, and a repeat does no harm.
    #[error("it is not known whether this has happened; repeat it: {0}")]
    Unknown(Box<StoreError>),
    /// The store cannot be read or written to.
    #[error(transparent)]
    Store(Box<StoreError>),
}

impl From<StoreError> for RollBackError {
    fn from(error: StoreError) -> Self {
        Self::Store(Box::new(error))
    }
}

fn listed(checkpoints: &[CheckpointId]) -> String {
    let checkpoints: Vec<_> = checkpoints.iter().map(ToString::to_string).collect();
    if checkpoints.is_empty() { "none".to_owned() } else { checkpoints.join(", ") }
}

impl RollBackError {
    /// What the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NoJob { .. } | Self::NotRetained { .. } => ErrorKind::Invalid,
            Self::Overtaken { .. } | Self::Unknown(_) => ErrorKind::Retry,
            Self::NotWhole { found: error, .. } | Self::Store(error) => error.kind(),
        }
    }
}

impl CheckpointStore {
    /// Makes `to` the newest checkpoint again and gives up those after it: the manifest that says so, or the
    /// newest one if `to` is its newest.
    ///
    /// For the day on which state of the newest checkpoint was lost, which the protocol itself never answers by going
    /// back: outputs of the checkpoints that are given up were committed, readers may have taken them, and they are no
    /// longer in the chain of outputs; what the job puts out again from `to` on, such readers get twice. What only
    /// those checkpoints name is deleted by the next leader's sweep.
    ///
    /// Every object that `to` names must be there and no shorter than its handle says. Then the next manifest is created, as a
    /// leader does that takes over, with `nonce`, which is random: who led before is deposed when it writes the next one,
    /// so coordinators should be stopped, but nothing breaks if one is not.
    ///
    /// # Errors
    ///
    /// [`RollBackError`].
    pub async fn roll_back(&self, to: CheckpointId, nonce: u64) -> Result<Manifest, RollBackError> {
        let newest = self.latest_manifest().await?;
        let newest =
            newest.ok_or_else(|| RollBackError::NoJob { path: self.layout.manifests().to_string() })?;
        let Some(record) = newest.checkpoints.iter().find(|record| record.id == to) else {
            let retained = newest.checkpoints.iter().map(|record| record.id).collect();
            return Err(RollBackError::NotRetained { to, retained });
        };
        self.look_at(record).await.map_err(|error| RollBackError::NotWhole { to, found: Box::new(error) })?;
        if newest.newest_checkpoint_id() == to {
            return Ok(newest);
        }
        let mut manifest = Manifest { status: JobStatus::Running, ..newest.taken_over(nonce) };
        manifest.checkpoints.retain(|record| record.id <= to);
        match self.create_manifest(&manifest).await {
            Create::Created => Ok(manifest),
            Create::Exists => Err(RollBackError::Overtaken { version: manifest.version }),
            Create::Unknown { reason } => Err(RollBackError::Unknown(Box::new(reason))),
            Create::Failed { reason } => Err(reason.into()),
        }
    }

    /// Whether all that `record` names is there, and no shorter than it says.
    async fn look_at(&self, record: &CheckpointRecord) -> Result<(), StoreError> {
        let lengths = record.tasks.iter().flat_map(|task| {
            let output = task.output.as_ref().map(|output| (output.object, output.bytes));
            [Some((task.state.object, task.state.bytes)), output].into_iter().flatten()
        });
        let bases = record.tasks.iter().flat_map(|task| &task.state.bases);
        let named: Vec<(ObjectName, u64)> =
            lengths.chain(bases.chain(&record.outputs).map(|object| (*object, 0))).collect();
        stream::iter(named)
            .map(|(object, bytes)| async move {
                let path = self.layout.object(&object);
                match self.store.head(&path).await {
                    Ok(found) if found.size >= bytes => Ok(()),
                    Ok(found) => Err(StoreError::short(&path, 0..bytes, found.size)),
                    Err(object_store::Error::NotFound { .. }) => {
                        Err(StoreError::Missing { path: path.to_string() })
                    }
                    Err(source) => Err(StoreError::access("look at", &path, source)),
                }
            })
            .buffered(LOOKS_AT_ONCE)
            .try_collect()
            .await
    }
}
