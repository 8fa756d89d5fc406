//! Reads and writes of entries, through the codec and without it.

use serde::{Serialize, de::DeserializeOwned};

use super::{BackendError, StateBackend, StoredBytes, ValueState, storage::Place};
use crate::{codec, key_group::KeyGroup};

impl StateBackend {
    /// The value of `key` in `key_group`, if it has one.
    ///
    /// # Errors
    ///
    /// [`BackendError::NotOwned`]; [`BackendError::ForeignState`] if the state was registered with
    /// another backend; [`BackendError::Codec`] if the stored bytes are no `V`; `BackendError::Disk` of a
    /// backend on disk.
    pub fn get<K: Serialize, V: DeserializeOwned>(
        &self,
        state: &ValueState<K, V>,
        key_group: KeyGroup,
        key: &K,
    ) -> Result<Option<V>, BackendError> {
        let id = self.check_state(state)?;
        let place = self.place(id, key_group)?;
        let key = codec::encode_small(key)?;
        Ok(self.storage.get(place, &key)?.map(|value| codec::decode(&value)).transpose()?)
    }

    /// Makes `value` the value of `key` in `key_group`.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get), and [`BackendError::TooLarge`] if the encoded key or value is 4 GiB
    /// or longer; of a backend on disk `BackendError::LongKey`, if the key is longer than 65,531 bytes, and
    /// `BackendError::LongValue`, if the value is longer than 1 GiB.
    pub fn put<K: Serialize, V: Serialize>(
        &mut self,
        state: &ValueState<K, V>,
        key_group: KeyGroup,
        key: &K,
        value: &V,
    ) -> Result<(), BackendError> {
        let id = self.check_state(state)?;
        let (key, value) = (codec::encode_small(key)?, codec::encode_small(value)?);
        self.put_bytes(id, key_group, &key, &value)
    }

    /// Replaces the value of `key` in `key_group` by what `change` makes of it; `None` is no
    /// value.
    ///
    /// # Errors
    ///
    /// As [`put`](Self::put); nothing is changed then.
    pub fn update<K: Serialize, V: Serialize + DeserializeOwned>(
        &mut self,
        state: &ValueState<K, V>,
        key_group: KeyGroup,
        key: &K,
        change: impl FnOnce(Option<V>) -> Option<V>,
    ) -> Result<(), BackendError> {
        let id = self.check_state(state)?;
        let key = codec::encode_small(key)?;
        let place = self.place(id, key_group)?;
        let changed = self.storage.update(place, &key, |before| {
            let after = change(before.map(codec::decode).transpose()?);
            after.as_ref().map(codec::encode_small).transpose()
        })?;
        if changed {
            self.lineage.write(place.slot);
        }
        Ok(())
    }

    /// Removes the value of `key` in `key_group`; whether there was one.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn remove<K: Serialize, V>(
        &mut self,
        state: &ValueState<K, V>,
        key_group: KeyGroup,
        key: &K,
    ) -> Result<bool, BackendError> {
        let id = self.check_state(state)?;
        let key = codec::encode_small(key)?;
        self.remove_bytes(id, key_group, &key)
    }

    /// As [`get`](Self::get), for an engine that has encoded the key and decodes the value itself.
    ///
    /// # Errors
    ///
    /// [`BackendError::NotOwned`] and [`BackendError::ForeignState`]; `BackendError::Disk` of a backend on disk.
    #[inline(always)]
    pub fn get_encoded<K, V>(
        &self,
        state: &ValueState<K, V>,
        key_group: KeyGroup,
        key: &[u8],
    ) -> Result<Option<StoredBytes<'_>>, BackendError> {
        let id = self.check_state(state)?;
        self.storage.get(self.place(id, key_group)?, key)
    }

    /// As [`put`](Self::put), for an engine that has encoded key and value itself: as the
    /// [`codec`] does, if anybody is to read them as `K` and `V`.
    ///
    /// # Errors
    ///
    /// As [`put`](Self::put), without the codec's.
    #[inline]
    pub fn put_encoded<K, V>(
        &mut self,
        state: &ValueState<K, V>,
        key_group: KeyGroup,
        key: &[u8],
        value: &[u8],
    ) -> Result<(), BackendError> {
        let id = self.check_state(state)?;
        self.put_bytes(id, key_group, key, value)
    }

    /// As [`update`](Self::update), for an engine that has encoded the key and encodes values itself. Looks
    /// for the key once.
    ///
    /// # Errors
    ///
    /// As [`put_encoded`](Self::put_encoded).
    #[inline(always)]
    pub fn update_encoded<K, V, B: AsRef<[u8]>>(
        &mut self,
        state: &ValueState<K, V>,
        key_group: KeyGroup,
        key: &[u8],
        change: impl FnOnce(Option<&[u8]>) -> Option<B>,
    ) -> Result<(), BackendError> {
        let id = self.check_state(state)?;
        let place = self.place(id, key_group)?;
        let changed = self.storage.update(place, key, |before| Ok(change(before)))?;
        if changed {
            self.lineage.write(place.slot);
        }
        Ok(())
    }

    /// As [`remove`](Self::remove), for an engine that has encoded the key itself.
    ///
    /// # Errors
    ///
    /// As [`get_encoded`](Self::get_encoded).
    pub fn remove_encoded<K, V>(
        &mut self,
        state: &ValueState<K, V>,
        key_group: KeyGroup,
        key: &[u8],
    ) -> Result<bool, BackendError> {
        let id = self.check_state(state)?;
        self.remove_bytes(id, key_group, key)
    }

    /// The keys and values of `state` in `key_group`, in an order that depends on the keys alone.
    ///
    /// # Errors
    ///
    /// [`BackendError::NotOwned`] and [`BackendError::ForeignState`]; the items are
    /// [`BackendError::Codec`] where stored bytes are no `K` or `V`, and `BackendError::Disk` where a disk
    /// cannot be read.
    pub fn iter<K: DeserializeOwned, V: DeserializeOwned>(
        &self,
        state: &ValueState<K, V>,
        key_group: KeyGroup,
    ) -> Result<impl Iterator<Item = Result<(K, V), BackendError>>, BackendError> {
        let id = self.check_state(state)?;
        let entries = self.storage.entries(self.place(id, key_group)?);
        Ok(entries.map(|entry| {
            let (key, value) = entry?;
            Ok((codec::decode(&key)?, codec::decode(&value)?))
        }))
    }

    /// The encoded keys and values of the state `name` in `key_group`, in an order that depends on the
    /// keys alone; none if there is no such state.
    ///
    /// # Errors
    ///
    /// [`BackendError::NotOwned`]; the items are `BackendError::Disk` where a disk cannot be read.
    pub fn entries(
        &self,
        name: &str,
        key_group: KeyGroup,
    ) -> Result<impl Iterator<Item = Result<(StoredBytes<'_>, StoredBytes<'_>), BackendError>>, BackendError>
    {
        let slot = self.slot(key_group)?;
        let place = self.by_name.get(name).map(|&state| Place { key_group, slot, state });
        Ok(place.map(|place| self.storage.entries(place)).into_iter().flatten())
    }

    fn remove_bytes(&mut self, id: usize, key_group: KeyGroup, key: &[u8]) -> Result<bool, BackendError> {
        let place = self.place(id, key_group)?;
        let removed = self.storage.remove(place, key)?;
        if removed {
            self.lineage.write(place.slot);
        }
        Ok(removed)
    }

    #[inline]
    fn put_bytes(
        &mut self,
        id: usize,
        key_group: KeyGroup,
        key: &[u8],
        value: &[u8],
    ) -> Result<(), BackendError> {
        let place = self.place(id, key_group)?;
        self.storage.put(place, key, value)?;
        self.lineage.write(place.slot);
        Ok(())
    }
}
