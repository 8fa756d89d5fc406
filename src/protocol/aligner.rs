//! Barriers across the input channels of one task: where the cut of a checkpoint goes.
//!
//! A channel that has delivered the barrier waits until all have. Then every record before the
//! barriers, and none after, is in the task's state: that is the moment to snapshot.
//!
//! Source: Flink, `SingleCheckpointBarrierHandler` in aligned mode.

use std::collections::BTreeSet;

use super::message::Barrier;
use crate::checkpoint::CheckpointId;

/// What an aligner hears. Channels are numbered from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlignerInput {
    /// The channel delivered this barrier.
    Barrier {
        /// The channel, counted from 0.
        channel: u32,
        /// What it delivered.
        barrier: Barrier,
    },
    /// The channel will deliver nothing more. Counts as having delivered every barrier.
    Ended {
        /// The channel, counted from 0.
        channel: u32,
    },
    /// The checkpoint was given up: do not wait for it, and ignore its late barriers.
    Aborted {
        /// The checkpoint that was given up.
        checkpoint: CheckpointId,
    },
}

/// What an aligner wants done, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlignerOutput {
    /// Take nothing more from this channel.
    Block {
        /// The channel, counted from 0.
        channel: u32,
    },
    /// All channels stand at the barrier: snapshot now, before any further record.
    Aligned(Barrier),
    /// Take from all channels again.
    Unblock,
}

/// Aligns barriers of one task.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Aligner {
    channels: u32,
    // Nothing at or below is waited for any more.
    floor: CheckpointId,
    ended: BTreeSet<u32>,
    pending: Option<Pending>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Pending {
    barrier: Barrier,
    delivered: BTreeSet<u32>,
}

impl Aligner {
    /// For a task with `channels` inputs that starts from checkpoint `restored`.
    pub fn new(channels: u32, restored: CheckpointId) -> Self {
        Self { channels, floor: restored, ended: BTreeSet::new(), pending: None }
    }

    /// Whether records of `channel` must wait.
    pub fn is_blocked(&self, channel: u32) -> bool {
        self.pending.as_ref().is_some_and(|pending| pending.delivered.contains(&channel))
    }

    /// Applies one input.
    pub fn handle(&mut self, input: AlignerInput, out: &mut Vec<AlignerOutput>) {
        match input {
            AlignerInput::Barrier { channel, barrier } => self.barrier(channel, barrier, out),
            AlignerInput::Ended { channel } => {
                self.ended.insert(channel);
                self.complete(out);
            }
            AlignerInput::Aborted { checkpoint } => {
                if self.pending.as_ref().is_some_and(|pending| pending.barrier.checkpoint <= checkpoint) {
                    self.pending = None;
                    out.push(AlignerOutput::Unblock);
                }
                self.floor = self.floor.max(checkpoint);
            }
        }
    }

    fn barrier(&mut self, channel: u32, barrier: Barrier, out: &mut Vec<AlignerOutput>) {
        let waiting_for = self.pending.as_ref().map(|pending| pending.barrier.checkpoint);
        if barrier.checkpoint <= self.floor || waiting_for.is_some_and(|id| barrier.checkpoint < id) {
            return;
        }
        if let Some(older) = waiting_for.filter(|id| barrier.checkpoint > *id) {
            // A newer checkpoint was triggered, so the older one was given up; only its notice is
            // late or lost.
            self.floor = older;
            self.pending = None;
            out.push(AlignerOutput::Unblock);
        }
        let pending = self.pending.get_or_insert_with(|| Pending { barrier, delivered: BTreeSet::new() });
        pending.delivered.insert(channel);
        out.push(AlignerOutput::Block { channel });
        self.complete(out);
    }

    fn complete(&mut self, out: &mut Vec<AlignerOutput>) {
        let Some(pending) = &self.pending else { return };
        if (0..self.channels)
            .all(|channel| pending.delivered.contains(&channel) || self.ended.contains(&channel))
        {
            out.extend([AlignerOutput::Aligned(pending.barrier), AlignerOutput::Unblock]);
            self.floor = pending.barrier.checkpoint;
            self.pending = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn barrier(id: u64) -> Barrier {
        Barrier { checkpoint: CheckpointId(id), confirmed: CheckpointId(0), stop: false }
    }

    fn run(aligner: &mut Aligner, inputs: &[AlignerInput]) -> Vec<AlignerOutput> {
        let mut out = Vec::new();
        for input in inputs {
            aligner.handle(*input, &mut out);
        }
        out
    }

    use AlignerInput::{Aborted, Barrier as Deliver, Ended};
    use AlignerOutput::{Aligned, Block, Unblock};

    #[test]
    fn aligned_only_when_every_channel_has_delivered() {
        let mut aligner = Aligner::new(2, CheckpointId(0));
        let out = run(&mut aligner, &[Deliver { channel: 0, barrier: barrier(1) }]);
        assert_eq!(out, [Block { channel: 0 }]);
        assert!(aligner.is_blocked(0) && !aligner.is_blocked(1));
        let out = run(&mut aligner, &[Deliver { channel: 1, barrier: barrier(1) }]);
        assert_eq!(out, [Block { channel: 1 }, Aligned(barrier(1)), Unblock]);
        assert!(!aligner.is_blocked(0) && !aligner.is_blocked(1));
    }

    #[test]
    fn newer_barrier_cancels_an_unfinished_older_one() {
        let mut aligner = Aligner::new(2, CheckpointId(0));
        let out = run(
            &mut aligner,
            &[
                Deliver { channel: 0, barrier: barrier(1) },
                Deliver { channel: 1, barrier: barrier(2) },
                // The barrier that channel 0 was held with has passed; its next one is 2.
                Deliver { channel: 0, barrier: barrier(2) },
            ],
        );
        assert_eq!(
            out,
            [
                Block { channel: 0 },
                Unblock,
                Block { channel: 1 },
                Block { channel: 0 },
                Aligned(barrier(2)),
                Unblock
            ]
        );
    }

    #[test]
    fn late_barrier_of_an_aborted_checkpoint_blocks_nothing() {
        let mut aligner = Aligner::new(2, CheckpointId(0));
        let out = run(
            &mut aligner,
            &[Aborted { checkpoint: CheckpointId(3) }, Deliver { channel: 0, barrier: barrier(3) }],
        );
        assert_eq!(out, []);
    }

    #[test]
    fn abort_unblocks_what_waited() {
        let mut aligner = Aligner::new(2, CheckpointId(0));
        let out = run(
            &mut aligner,
            &[Deliver { channel: 1, barrier: barrier(3) }, Aborted { checkpoint: CheckpointId(3) }],
        );
        assert_eq!(out, [Block { channel: 1 }, Unblock]);
        assert!(!aligner.is_blocked(1));
    }

    #[test]
    fn end_of_input_counts_as_a_barrier() {
        let mut aligner = Aligner::new(3, CheckpointId(0));
        let out = run(
            &mut aligner,
            &[Ended { channel: 2 }, Deliver { channel: 0, barrier: barrier(1) }, Ended { channel: 1 }],
        );
        assert_eq!(out, [Block { channel: 0 }, Aligned(barrier(1)), Unblock]);
    }

    #[test]
    fn repeated_barrier_changes_nothing() {
        let mut aligner = Aligner::new(1, CheckpointId(4));
        let out = run(
            &mut aligner,
            &[
                Deliver { channel: 0, barrier: barrier(4) },
                Deliver { channel: 0, barrier: barrier(5) },
                Deliver { channel: 0, barrier: barrier(5) },
            ],
        );
        assert_eq!(out, [Block { channel: 0 }, Aligned(barrier(5)), Unblock]);
    }
}
