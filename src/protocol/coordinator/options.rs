//! How a coordinator runs its job.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    checkpoint::JobSpec,
    key_group::{BoundsError, Parallelism},
};

/// How a coordinator runs its job.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Options {
    pub(super) job: Arc<JobSpec>,
    pub(super) parallelism: Parallelism,
    pub(super) checkpoints_retained: usize,
    pub(super) manifests_retained: u64,
    pub(super) checkpoint_failures_max: u32,
    pub(super) sweeps_per_full_sweep: u32,
}

/// Options that cannot work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OptionsError {
    /// The parallelism does not fit the job.
    #[error(transparent)]
    Parallelism(#[from] BoundsError),
    /// At least one checkpoint must be retained.
    #[error("checkpoints_retained is 0: without a checkpoint a failed job would start empty")]
    NoCheckpointRetained,
    /// At least one manifest must be retained.
    #[error("manifests_retained is 0: the newest manifest is the job's state")]
    NoManifestRetained,
}

impl Options {
    /// Runs `job`, at first at `parallelism`. A job that is already in the store keeps the
    /// parallelism that was last wanted for it.
    ///
    /// # Errors
    ///
    /// [`OptionsError::Parallelism`] if an elastic vertex of `job` cannot run at `parallelism`.
    pub fn new(job: JobSpec, parallelism: Parallelism) -> Result<Self, OptionsError> {
        job.check_parallelism(parallelism)?;
        Ok(Self {
            job: Arc::new(job),
            parallelism,
            checkpoints_retained: 1,
            manifests_retained: 16,
            checkpoint_failures_max: 3,
            sweeps_per_full_sweep: 64,
        })
    }

    /// How many committed checkpoints are kept, at least 1. Default 1, as in Flink.
    ///
    /// # Errors
    ///
    /// [`OptionsError::NoCheckpointRetained`].
    pub fn with_checkpoints_retained(mut self, count: usize) -> Result<Self, OptionsError> {
        if count == 0 {
            return Err(OptionsError::NoCheckpointRetained);
        }
        self.checkpoints_retained = count;
        Ok(self)
    }

    /// How many manifests are kept, at least 1. Default 16: enough history to read what happened,
    /// and a late coordinator finds its next version taken rather than pruned.
    ///
    /// # Errors
    ///
    /// [`OptionsError::NoManifestRetained`].
    pub fn with_manifests_retained(mut self, count: u64) -> Result<Self, OptionsError> {
        if count == 0 {
            return Err(OptionsError::NoManifestRetained);
        }
        self.manifests_retained = count;
        Ok(self)
    }

    /// How many checkpoints in a row may be aborted before the attempt is restarted. Default 3: a
    /// task that silently stopped answering would otherwise block checkpoints for ever.
    #[must_use]
    pub fn with_checkpoint_failures_max(mut self, count: u32) -> Self {
        self.checkpoint_failures_max = count;
        self
    }

    /// Every how many sweeps for garbage all attempts are listed and the whole chain of outputs is
    /// walked, not only attempts since the last sweep that found nothing. Default 64, once an hour
    /// with the default interval: it costs time in proportion to the job's history and finds only
    /// what a zombie or a delayed write has left. 0 and 1 are the same: every sweep.
    #[must_use]
    pub fn with_sweeps_per_full_sweep(mut self, count: u32) -> Self {
        self.sweeps_per_full_sweep = count;
        self
    }

    /// The job.
    pub fn job(&self) -> &JobSpec {
        &self.job
    }
}

/// Options as they are written down; reading makes them anew, so that no others can come in.
#[derive(Deserialize)]
#[serde(rename = "Options", deny_unknown_fields)]
struct Written {
    job: JobSpec,
    parallelism: Parallelism,
    checkpoints_retained: usize,
    manifests_retained: u64,
    checkpoint_failures_max: u32,
    sweeps_per_full_sweep: u32,
}

impl TryFrom<Written> for Options {
    type Error = OptionsError;

    fn try_from(written: Written) -> Result<Self, OptionsError> {
        Ok(Self::new(written.job, written.parallelism)?
            .with_checkpoints_retained(written.checkpoints_retained)?
            .with_manifests_retained(written.manifests_retained)?
            .with_checkpoint_failures_max(written.checkpoint_failures_max)
            .with_sweeps_per_full_sweep(written.sweeps_per_full_sweep))
    }
}
