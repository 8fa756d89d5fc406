//! What is done with records.

use super::Position;
use keygroups::backend::{BackendError, StateBackend, ValueState};
use keygroups::checkpoint::CheckpointId;
use keygroups::key_group::{JavaHash, KeyGroup};
use serde::{Serialize, de::DeserializeOwned};
use std::collections::VecDeque;
use std::fmt;

/// A keyed operator: gets the records of the key groups it owns, one at a time, those of one partition in
/// order.
///
/// What it keeps between records belongs into the states that [`Job::operator`](super::Job::operator)
/// registers: they are in every snapshot and move with their key group. What it keeps in its own fields is
/// lost with every restore; that is right for what can be computed again, and the bug that a simulation
/// finds first for everything else.
///
/// It must be deterministic: what it does may depend on the record, on state of the record's key and on
/// nothing else, no clock and no randomness.
pub trait Operator: Send + 'static {
    /// What it gets.
    type Record: Serialize + DeserializeOwned + 'static;
    /// What it puts out. It becomes visible with the checkpoint that commits it, each exactly once.
    type Output: Serialize + DeserializeOwned + fmt::Debug + Send + 'static;

    /// The key that a record belongs to: equal keys meet in the same task. Hashed as
    /// [`key_group::of`](keygroups::key_group::of) hashes it.
    fn key(record: &Self::Record) -> impl JavaHash;

    /// Processes one record.
    ///
    /// # Errors
    ///
    /// Those of the context; the simulation takes them for violations.
    fn process(
        &mut self,
        record: Self::Record,
        context: &mut Context<'_, Self::Output>,
    ) -> Result<(), BackendError>;

    /// An entry of its state for people, who want to know how it differs: type and encoding are the
    /// operator's own. By default the encoded bytes.
    fn describe(state: &str, key: &[u8], value: &[u8]) -> String {
        format!("{state}[{}] = {}", key.escape_ascii(), value.escape_ascii())
    }
}

/// What is put out and not known to be committed, each with the newest checkpoint before it.
pub(crate) type Outputs<O> = VecDeque<(CheckpointId, O)>;

/// What an operator can do while it processes a record.
pub struct Context<'a, O> {
    backend: &'a mut StateBackend,
    outputs: &'a mut Outputs<O>,
    after: CheckpointId,
    key_group: KeyGroup,
    position: Position,
    marks: Vec<&'static str>,
}

impl<'a, O> Context<'a, O> {
    /// For a record of this key group that was read at `position`, after the checkpoint `after`.
    pub(crate) fn new(
        key_group: KeyGroup,
        position: Position,
        backend: &'a mut StateBackend,
        outputs: &'a mut Outputs<O>,
        after: CheckpointId,
    ) -> Self {
        Self { backend, outputs, after, key_group, position, marks: Vec::new() }
    }

    /// What was marked.
    pub(crate) fn into_marks(self) -> Vec<&'static str> {
        self.marks
    }

    /// The key group of the record's key.
    #[must_use]
    pub fn key_group(&self) -> KeyGroup {
        self.key_group
    }

    /// Where the record was read.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// The value of `key` in the record's key group, if it has one.
    ///
    /// # Errors
    ///
    /// As [`StateBackend::get`].
    pub fn get<K: Serialize, V: DeserializeOwned>(
        &self,
        state: &ValueState<K, V>,
        key: &K,
    ) -> Result<Option<V>, BackendError> {
        self.backend.get(state, self.key_group, key)
    }

    /// Makes `value` the value of `key`.
    ///
    /// # Errors
    ///
    /// As [`StateBackend::put`].
    pub fn put<K: Serialize, V: Serialize>(
        &mut self,
        state: &ValueState<K, V>,
        key: &K,
        value: &V,
    ) -> Result<(), BackendError> {
        self.backend.put(state, self.key_group, key, value)
    }

    /// Replaces the value of `key` by what `change` makes of it; `None` is no value.
    ///
    /// # Errors
    ///
    /// As [`StateBackend::update`].
    pub fn update<K: Serialize, V: Serialize + DeserializeOwned>(
        &mut self,
        state: &ValueState<K, V>,
        key: &K,
        change: impl FnOnce(Option<V>) -> Option<V>,
    ) -> Result<(), BackendError> {
        self.backend.update(state, self.key_group, key, change)
    }

    /// Removes the value of `key`; whether there was one.
    ///
    /// # Errors
    ///
    /// As [`StateBackend::remove`].
    pub fn remove<K: Serialize, V>(
        &mut self,
        state: &ValueState<K, V>,
        key: &K,
    ) -> Result<bool, BackendError> {
        self.backend.remove(state, self.key_group, key)
    }

    /// Says that something has happened which must happen in some runs, for these to have tested what they are meant
    /// to: that an account passes its limit, that a window is closed late.
    /// [`Simulation::sometimes`](crate::simulation::Simulation::sometimes) asks for it, and
    /// [`Coverage::times`](crate::coverage::Coverage::times) says how often it did.
    ///
    /// Records that are processed again after a restore say so again; the run that the results are compared with does
    /// not count.
    pub fn sometimes(&mut self, mark: &'static str) {
        self.marks.push(mark);
    }

    /// Puts out a record.
    pub fn put_out(&mut self, output: O) {
        self.outputs.push_back((self.after, output));
    }
}

impl<O> fmt::Debug for Context<'_, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("key_group", &self.key_group)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}
