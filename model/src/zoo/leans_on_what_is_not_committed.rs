//! A snapshot leans on what the one before has written, before that is committed.
//!
//! A task knows that its own upload is durable long before it knows whether the checkpoint is committed, and it
//! is tempting to build on it at once. If the checkpoint is given up, nobody names what it wrote. Flink's
//! backends waited for the notice for that reason, and still shared files of checkpoints that were given up,
//! because their notice of it came late.
//!
//! Source: invented, after FLINK-24611.

use keygroups::checkpoint::CheckpointId;

use super::Twist;

/// Tasks lean on the newest checkpoint that they were frozen for.
#[derive(Debug)]
pub struct LeansOnWhatIsNotCommitted;

impl Twist for LeansOnWhatIsNotCommitted {
    fn leans_on(&self, newest: CheckpointId, confirmed: CheckpointId) -> CheckpointId {
        newest.max(confirmed)
    }
}
