//! The tests of this theme, over state in memory.

use keygroups::{
    backend::{BackendError, StateBackend},
    key_group::{KeyGroupRange, MaxParallelism},
};
use proptest::prelude::ProptestConfig;

/// A backend without state.
pub fn empty(max: MaxParallelism, owned: KeyGroupRange) -> Result<StateBackend, BackendError> {
    StateBackend::new(max, owned)
}

/// How often a property is tried.
pub fn cases() -> ProptestConfig {
    ProptestConfig::default()
}
