//! What the user wants, and what he does.

use super::super::variety::JobRestart;
use super::Watch;
use keygroups::key_group::Parallelism;
use keygroups_model::conform::Asked;

impl Watch {
    /// The parallelism to ask for, while it is not durably accepted, and whether a stage begins with it;
    /// `slots` are those of all hosts that are not gone for good.
    pub(crate) fn wanted(&self, slots: usize) -> Option<(Parallelism, bool)> {
        let mut state = self.state();
        let committed = state.judge.committed_rows();
        state.progress.wanted(committed, slots)
    }

    /// The parallelism that is durably wanted.
    pub(crate) fn desired(&self) -> Option<Parallelism> {
        self.state().progress.newest.as_ref().map(|manifest| manifest.desired_parallelism)
    }

    /// The user asks for a parallelism.
    pub(crate) fn asks(&self, parallelism: Parallelism) {
        self.trace.event("user", "asks", &Asked { parallelism });
    }

    /// The user takes the whole job down.
    pub(crate) fn cancelled(&self, restart: &JobRestart) {
        let JobRestart { down_us, parallelism, slots, checkpoints_retained, .. } = restart;
        let (seconds, millis) = (down_us / 1_000_000, down_us / 1_000 % 1_000);
        let what = format!(
            "cancelled for {seconds}.{millis:03} s, then started with parallelism {parallelism}, \
             {slots} slots, {checkpoints_retained} checkpoints retained"
        );
        self.trace.event("job", "moved", &what);
        self.state().meetings.cancelled();
    }
}
