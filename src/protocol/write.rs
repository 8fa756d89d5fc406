//! Whose step of history it is: one create of a manifest, driven until it is decided.
//!
//! The only place that concludes from a store's answers that a manifest is ours. It can be trusted
//! because it concludes so in one way only: the newest manifest was read *after* a create was
//! answered, and equals ours.
//!
//! - The read must be *begun* after that: one that was begun before may have listed an older newest
//!   version, slept, and then found ours by name, although higher ones were created and pruned.
//! - `Created` alone is not enough: a version that was pruned can be created again by a paused
//!   coordinator; the higher version that it then reads tells it.
//! - `Exists` alone is not a loss: our first create may have landed and its answer got lost.
//! - `Unknown` and absence are no answers: the very same create is repeated (FLINK-22494).

use std::sync::Arc;

use super::message::{CoordinatorOutput, CoordinatorTimer, CreateOutcome, ReadOutcome};
use crate::checkpoint::{Manifest, ManifestVersion};

/// A create of a manifest that is not decided yet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ManifestWrite {
    proposed: Arc<Manifest>,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Stage {
    // The create is in flight.
    Creating,
    // The create is to be repeated.
    CreateAgain,
    // The version exists; the newest manifest is being read.
    Reading,
    // The read is to be repeated.
    ReadAgain,
}

/// How a create ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Ours is the newest manifest.
    Won(Arc<Manifest>),
    /// Another coordinator took this version or a later one.
    Lost,
}

impl ManifestWrite {
    /// Begins to create `proposed`.
    pub fn begin(proposed: Arc<Manifest>, out: &mut Vec<CoordinatorOutput>) -> Self {
        out.push(CoordinatorOutput::CreateManifest(Arc::clone(&proposed)));
        Self { proposed, stage: Stage::Creating }
    }

    /// The manifest that is being created.
    pub fn proposed(&self) -> &Arc<Manifest> {
        &self.proposed
    }

    /// A create was answered.
    pub fn created(
        &mut self,
        version: ManifestVersion,
        outcome: CreateOutcome,
        out: &mut Vec<CoordinatorOutput>,
    ) {
        if self.stage != Stage::Creating || version != self.proposed.version {
            return;
        }
        match outcome {
            CreateOutcome::Created | CreateOutcome::Exists => {
                out.push(CoordinatorOutput::ReadLatest { after: version });
                self.stage = Stage::Reading;
            }
            CreateOutcome::Unknown | CreateOutcome::Failed => self.again(Stage::CreateAgain, out),
        }
    }

    /// The newest manifest was read, by a read that was begun after the create of version `after`
    /// was answered.
    pub fn latest(
        &mut self,
        after: ManifestVersion,
        outcome: &ReadOutcome,
        out: &mut Vec<CoordinatorOutput>,
    ) -> Option<Verdict> {
        if self.stage != Stage::Reading || after != self.proposed.version {
            return None;
        }
        match outcome {
            ReadOutcome::Found(newest) if *newest == self.proposed => Some(Verdict::Won(Arc::clone(newest))),
            ReadOutcome::Found(newest) if newest.version >= self.proposed.version => Some(Verdict::Lost),
            // The read lags behind the create that was answered before it.
            ReadOutcome::Found(_) | ReadOutcome::Absent | ReadOutcome::Unavailable | ReadOutcome::Corrupt => {
                self.again(Stage::ReadAgain, out);
                None
            }
        }
    }

    /// Time to repeat what failed.
    pub fn retry(&mut self, out: &mut Vec<CoordinatorOutput>) {
        match self.stage {
            Stage::CreateAgain => {
                out.push(CoordinatorOutput::CreateManifest(Arc::clone(&self.proposed)));
                self.stage = Stage::Creating;
            }
            Stage::ReadAgain => {
                out.push(CoordinatorOutput::ReadLatest { after: self.proposed.version });
                self.stage = Stage::Reading;
            }
            Stage::Creating | Stage::Reading => {}
        }
    }

    fn again(&mut self, stage: Stage, out: &mut Vec<CoordinatorOutput>) {
        self.stage = stage;
        out.push(CoordinatorOutput::SetTimer(CoordinatorTimer::StoreRetry));
    }
}
