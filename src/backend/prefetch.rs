//! Keys whose state will be accessed soon.

use serde::Serialize;

use super::{BackendError, StateBackend, ValueState};
use crate::{
    codec,
    key_group::KeyGroup,
    table::{KeyHash, Xxh3},
};

/// As many keys at once as keep a processor busy: more lines of the cache than it can wait for together, fewer than would
/// be forgotten before they are used.
const TOGETHER: usize = 32;

impl StateBackend {
    /// Asks for what accesses to the state of `keys` will need, and does not wait for it: who then accesses them one by
    /// one waits for memory once for all and not twice for each. Nothing else is different, and nothing has to follow.
    ///
    /// For state that is larger than the processor's cache, and for some dozens of keys at a time, as a batch of records
    /// has them: what was asked for a thousand keys ago may be gone again. State on disk is left where it is.
    ///
    /// ```
    /// use keygroups::backend::{StateBackend, StateDescriptor};
    /// use keygroups::key_group::{self, MaxParallelism};
    ///
    /// let max_parallelism = MaxParallelism::new(128)?;
    /// let mut backend = StateBackend::new(max_parallelism, max_parallelism.all())?;
    /// let counts = backend.register(StateDescriptor::<u64, u64>::value("counts"))?;
    ///
    /// let batch: Vec<_> = [7_u64, 40, 7].map(|key| (key_group::of(&key, max_parallelism), key)).into();
    /// backend.prefetch(&counts, batch.iter().map(|(key_group, key)| (*key_group, key)))?;
    /// for (key_group, key) in &batch {
    ///     backend.update(&counts, *key_group, key, |count| Some(count.unwrap_or(0) + 1))?;
    /// }
    /// assert_eq!(backend.get(&counts, batch[0].0, &7)?, Some(2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`BackendError::NotOwned`]; [`BackendError::ForeignState`] if the state was registered with
    /// another backend; [`BackendError::Codec`] if a key cannot be encoded.
    pub fn prefetch<'k, K: Serialize + 'k, V>(
        &self,
        state: &ValueState<K, V>,
        keys: impl IntoIterator<Item = (KeyGroup, &'k K)>,
    ) -> Result<(), BackendError> {
        let hashed = |(key_group, key)| Ok((key_group, Xxh3::hash(&codec::encode_small(key)?)));
        self.prefetch_hashed(state, keys.into_iter().map(hashed))
    }

    /// As [`prefetch`](Self::prefetch), for an engine that has encoded the keys itself.
    ///
    /// # Errors
    ///
    /// As [`get_encoded`](Self::get_encoded).
    #[inline]
    pub fn prefetch_encoded<'k, K, V>(
        &self,
        state: &ValueState<K, V>,
        keys: impl IntoIterator<Item = (KeyGroup, &'k [u8])>,
    ) -> Result<(), BackendError> {
        self.prefetch_hashed(state, keys.into_iter().map(|(key_group, key)| Ok((key_group, Xxh3::hash(key)))))
    }

    #[inline]
    fn prefetch_hashed<K, V>(
        &self,
        state: &ValueState<K, V>,
        mut keys: impl Iterator<Item = Result<(KeyGroup, u64), BackendError>>,
    ) -> Result<(), BackendError> {
        let id = self.check_state(state)?;
        let mut asked = [(None, 0); TOGETHER];
        loop {
            let mut count = 0;
            for (asked, key) in asked.iter_mut().zip(keys.by_ref()) {
                let (key_group, hash) = key?;
                let table = self.storage.table(self.place(id, key_group)?);
                if let Some(table) = table {
                    table.prefetch_slots(hash);
                }
                *asked = (table, hash);
                count += 1;
            }
            for &(table, hash) in &asked[..count] {
                if let Some(table) = table {
                    table.prefetch_record(hash);
                }
            }
            if count < TOGETHER {
                return Ok(());
            }
        }
    }
}
