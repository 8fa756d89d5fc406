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
        let old = self.found.map(|found| (found.place, found.position));
        append(self.table, self.key, self.hash, old, value)
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

/// Puts a record at the end of the log; `old` is where the key was. The parts of an entry come one by one: whole,
/// an entry would have to be in memory whenever one is looked for.
#[inline(never)]
fn append<H: KeyHash>(
    table: &mut Table<H>,
    key: &[u8],
    hash: u64,
    old: Option<(Place, Position)>,
    value: &[u8],
) -> Result<(), PutError> {
    let Table { index, log, .. } = table;
    let size = record::size(key, value).ok_or(PutError::TooLarge)?;
    let position = log.append(key, value, size)?;
    let mut wasted = 0;
    if let Some((place, old)) = old {
        wasted = log.record(old).size();
        index.move_to(place, position);
        log.bury(old, wasted);
    } else {
        index.insert(hash, position);
    }
    table.compact(wasted);
    Ok(())
}
