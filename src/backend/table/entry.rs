//! One key of a table: looked for once, then read and changed.

use super::{
    KeyHash, Table,
    index::Place,
    log::Full,
    record::{self, Record},
    slot::Position,
};

/// Why a value cannot be put.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PutError {
    /// A record cannot say the length.
    #[error("a key or a value has 4 GiB or more")]
    TooLarge,
    /// The index can name no other chunk; with records of up to a MiB, those it can name have
    /// more than 32 GiB.
    #[error("the table is full")]
    Full,
}

impl From<Full> for PutError {
    fn from(Full: Full) -> Self {
        Self::Full
    }
}

/// A key in a table, there or not. See [`Table::entry`].
#[derive(Debug)]
pub struct Entry<'t, 'k, H: KeyHash> {
    table: &'t mut Table<H>,
    key: &'k [u8],
    hash: u64,
    found: Result<(Place, Position), Place>,
}

impl<'t, 'k, H: KeyHash> Entry<'t, 'k, H> {
    #[inline]
    pub(super) fn new(table: &'t mut Table<H>, key: &'k [u8]) -> Self {
        let hash = H::hash(key);
        let is_key = |position| record::is_same_key(table.log.record(position).key, key);
        let found = table.index.search(hash, is_key);
        Self { table, key, hash, found }
    }

    /// The value, if the key is there.
    #[inline]
    pub fn value(&self) -> Option<&[u8]> {
        let (_, position) = self.found.ok()?;
        Some(self.table.log.record(position).value)
    }

    /// Sets the value.
    ///
    /// # Errors
    ///
    /// [`PutError`]; the table is unchanged then.
    #[inline]
    pub fn put(self, value: &[u8]) -> Result<(), PutError> {
        let Table { index, log, .. } = self.table;
        match self.found {
            Ok((place, position)) => {
                let record = log.record(position);
                let (size, value_at) = (record.size(), record.value_at());
                if record.value.len() == value.len() && log.overwrite(position, value_at, value) {
                    return Ok(());
                }
                let new_size = record::size(self.key, value).ok_or(PutError::TooLarge)?;
                index.move_to(place, log.append(self.key, value, new_size)?);
                log.bury(position, size);
                self.table.compact(size);
            }
            Err(place) => {
                let size = record::size(self.key, value).ok_or(PutError::TooLarge)?;
                let position = log.append(self.key, value, size)?;
                index.insert(self.hash, place, position);
                self.table.compact(0);
            }
        }
        Ok(())
    }

    /// Removes key and value; whether they were there.
    pub fn remove(self) -> bool {
        let Ok((place, position)) = self.found else { return false };
        let size = Record::size(&self.table.log.record(position));
        self.table.index.remove(place);
        self.table.log.bury(position, size);
        self.table.compact(size);
        true
    }
}
