//! What an engine does for a host: data, operators and messages.

use std::sync::Arc;

use bytes::Bytes;

use super::{DriverError, local::CopyError};
use crate::{
    backend::{FrozenState, StateBackend},
    checkpoint::{Attempt, CheckpointId, TaskId},
    protocol::{
        Barrier, CoordinatorId, Deployment, FailureCause, Host, HostInput, HostOutput, ToCoordinator,
    },
    snapshot::OperatorState,
};

/// The engine of one host. Every function is called while an input is handled and must not block;
/// what it finds out goes back as a [`HostInput`].
pub trait Engine {
    /// Sends to one coordinator. May lose, repeat and reorder.
    fn send(&mut self, to: CoordinatorId, message: ToCoordinator);

    /// Sends to every coordinator. May lose, repeat and reorder.
    fn send_all(&mut self, message: ToCoordinator);

    /// Takes over the state of a task that is to run later. Not called for a task that was dropped
    /// while its state was being read.
    ///
    /// # Errors
    ///
    /// Why the engine cannot run the task with that state; the leader hears it.
    fn restore(&mut self, deployment: &Arc<Deployment>, restored: RestoredTask) -> Result<(), FailureCause>;

    /// Lets a restored task process.
    fn run(&mut self, attempt: Attempt, task: TaskId);

    /// Freezes the task's state as it is **now**, and puts `barrier` into all its output channels
    /// before any further record. If the barrier says [`stop`](Barrier::stop), the task processes
    /// nothing more. The output is everything that was put out since [`confirmed`](Barrier::confirmed).
    /// `None` if the state cannot be frozen: the checkpoint is declined.
    fn snapshot(&mut self, attempt: Attempt, task: TaskId, barrier: Barrier) -> Option<FrozenTask>;

    /// The checkpoint is committed: output up to it can be forgotten, external effects may follow.
    fn commit(&mut self, attempt: Attempt, task: TaskId, checkpoint: CheckpointId);

    /// Stops waiting for the barriers of `checkpoint`:
    /// [`AlignerInput::Aborted`](crate::protocol::AlignerInput::Aborted).
    fn cancel_alignment(&mut self, attempt: Attempt, task: TaskId, checkpoint: CheckpointId);

    /// Tears the task down, restored or not, and forgets it.
    fn drop_task(&mut self, attempt: Attempt, task: TaskId);

    /// The task's state could not be read, or its snapshot not be written. The machine hears the
    /// outcome and decides; this is for people.
    fn error(&mut self, attempt: Attempt, task: TaskId, error: &DriverError);

    /// A local copy could not be kept, used or deleted. Nobody depends on one; this is for people.
    fn copy_error(&mut self, _error: CopyError) {}

    /// `machine` has handled `input`; `outputs` are executed after this returns.
    fn step(&mut self, _machine: &Host, _input: &HostInput, _outputs: &[HostOutput]) {}
}

/// What a task starts from, read and verified.
#[derive(Debug)]
pub struct RestoredTask {
    /// Its keyed state; `None` for a vertex without. Empty if the job starts empty.
    pub backend: Option<StateBackend>,
    /// Its operator states, ascending by name, items in the order of the plan. One without items
    /// is not listed.
    pub operator_state: Vec<OperatorState>,
    /// What it took to read them.
    pub metrics: RestoreMetrics,
}

impl RestoredTask {
    /// The items of the operator state `name`; none if there is no such state.
    pub fn items(&self, name: &str) -> &[Bytes] {
        self.operator_state.iter().find(|state| state.name == name).map_or(&[], |state| &state.items)
    }
}

/// What was read to restore a task, repeats not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RestoreMetrics {
    /// Bytes of indexes and of state that came from the store.
    pub bytes_read: u64,
    /// Bytes of state that came from local copies.
    pub bytes_local: u64,
    /// Bytes of state that the task owns now. Nothing else but indexes is read.
    pub bytes_owned: u64,
    /// Ranged reads of the store.
    pub requests: u64,
    /// Snapshots whose state came from a local copy.
    pub copies_used: u64,
    /// Local copies that could not be read or were not what they should be: their snapshots were read
    /// from the store.
    pub copies_refused: u64,
}

impl RestoreMetrics {
    /// Bytes read for each byte owned, from wherever: 1, and what indexes add; `None` if nothing is owned.
    pub fn amplification(&self) -> Option<f64> {
        let read = self.bytes_read.saturating_add(self.bytes_local);
        (self.bytes_owned > 0).then(|| read as f64 / self.bytes_owned as f64)
    }
}

/// A task at its barrier.
#[derive(Clone, Debug, Default)]
pub struct FrozenTask {
    /// Its keyed state; `None` for a vertex without.
    pub keyed: Option<FrozenState>,
    /// Its operator states in any order.
    pub operator_state: Vec<OperatorState>,
    /// What it put out since the barrier's `confirmed`; `None` if nothing.
    pub output: Option<FrozenOutput>,
}

/// Output that becomes visible with the checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrozenOutput {
    /// The output object, in whatever form the engine chooses.
    pub bytes: Bytes,
    /// Number of records in it.
    pub records: u64,
}
