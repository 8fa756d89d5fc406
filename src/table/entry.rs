//! One key of a table: looked for once, then read and changed.

use super::{KeyHash, Table, index::Place, log::Full, record, slot::Position};

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
    found: Option<Found>,
}

/// Where the record is, and the value in it.
#[derive(Clone, Copy, Debug)]
struct Found {
    place: Place,
    position: Position,
    value_at: usize,
    value_bytes: usize,
}

impl<'t, 'k, H: KeyHash> Entry<'t, 'k, H> {
    #[inline(always)]
    pub(super) fn new(table: &'t mut Table<H>, key: &'k [u8]) -> Self {
        let hash = H::hash(key);
        let mut found = None;
        for (place, position) in table.index.candidates(hash) {
            if let Some(record) = table.log.get_if(position, key) {
                let (value_at, value_bytes) = (record.value_at(), record.value.len());
                found = Some(Found { place, position, value_at, value_bytes });
                break;
            }
        }
        Self { table, key, hash, found }
    }

    /// The value, if the key is there.
    #[inline(always)]
    pub fn value(&self) -> Option<&[u8]> {
        let Found { position, value_at, value_bytes, .. } = self.found?;
        Some(self.table.log.bytes(position, value_at, value_bytes))
    }

    /// Sets the value.
    ///
    /// # Errors
    ///
    /// [`PutError`]; the table is unchanged then.
    #[inline(always)]
    pub fn put(self, value: &[u8]) -> Result<(), PutError> {
        if let Some(Found { position, value_at, value_bytes, .. }) = self.found
            && value_bytes == value.len()
            && self.table.log.overwrite(position, value_at, value)
        {
            return Ok(());
        }
        self.append(value)
    }

    #[inline(never)]
    fn append(self, value: &[u8]) -> Result<(), PutError> {
        let Table { index, log, .. } = self.table;
        let size = record::size(self.key, value).ok_or(PutError::TooLarge)?;
        let position = log.append(self.key, value, size)?;
        let mut wasted = 0;
        if let Some(found) = self.found {
            wasted = log.record(found.position).size();
            index.move_to(found.place, position);
            log.bury(found.position, wasted);
        } else {
            index.insert(self.hash, position);
        }
        self.table.compact(wasted);
        Ok(())
    }

    /// Removes key and value; whether they were there.
    pub fn remove(self) -> bool {
        let Some(Found { place, position, .. }) = self.found else { return false };
        let size = self.table.log.record(position).size();
        self.table.index.remove(place);
        self.table.log.bury(position, size);
        self.table.compact(size);
        true
    }
}
