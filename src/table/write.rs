//! Writes: a key is looked for once, and where the value keeps its length, it is changed where it is.

use super::{
    KeyHash, Table,
    index::Place,
    log::{Found, Full},
    record,
    slot::Position,
};

/// Why a value cannot be put.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PutError {
    /// A record cannot say the length.
    #[error("a {what} has {bytes} bytes; 4 GiB are too many")]
    TooLarge {
        /// `key` or `value`.
        what: &'static str,
        /// Its length.
        bytes: usize,
    },
    /// The index can name no other chunk; with records of up to a MiB, those it can name have
    /// more than 32 GiB.
    #[error("the table is full")]
    Full,
}

impl PutError {
    /// That of a key and a value of which one is too large.
    pub(crate) const fn too_large(key: &[u8], value: &[u8]) -> Self {
        if key.len() > value.len() {
            Self::TooLarge { what: "key", bytes: key.len() }
        } else {
            Self::TooLarge { what: "value", bytes: value.len() }
        }
    }
}

impl From<Full> for PutError {
    fn from(Full: Full) -> Self {
        Self::Full
    }
}

impl<H: KeyHash> Table<H> {
    /// Sets the value of `key`.
    ///
    /// # Errors
    ///
    /// [`PutError`]; the table is unchanged then.
    #[inline(always)]
    pub fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), PutError> {
        let hash = H::hash(key);
        if let Some((_, position)) = self.index.at_home(hash)
            && let Some(before) = self.log.short_value_mut(position, key)
            && before.len() == value.len()
        {
            before.copy_from_slice(value);
            return Ok(());
        }
        self.put_anywhere(key, hash, value)
    }

    /// As [`put`](Self::put), wherever the key is, or nowhere.
    #[inline(never)]
    fn put_anywhere(&mut self, key: &[u8], hash: u64, value: &[u8]) -> Result<(), PutError> {
        for (place, position) in self.index.candidates(hash) {
            match self.log.find(position, key) {
                Some(Found::Writable(before)) if before.len() == value.len() => {
                    before.copy_from_slice(value);
                    return Ok(());
                }
                Some(_) => return self.append(key, hash, Some((place, position)), value),
                None => {}
            }
        }
        self.append(key, hash, None, value)
    }

    /// Replaces the value of `key` by what `change` makes of it, with one search; `None` is no value. Whether
    /// anything was written or removed.
    ///
    /// # Errors
    ///
    /// That of `change`, and [`PutError`]; the table is unchanged then.
    #[inline(always)]
    pub fn update<B: AsRef<[u8]>, E: From<PutError>>(
        &mut self,
        key: &[u8],
        change: impl FnOnce(Option<&[u8]>) -> Result<Option<B>, E>,
    ) -> Result<bool, E> {
        let hash = H::hash(key);
        if let Some((place, position)) = self.index.at_home(hash)
            && let Some(before) = self.log.short_value_mut(position, key)
        {
            // Read and written through one slice: a compiler then leaves alone what `change` left as it was.
            let after = change(Some(before))?;
            let after = after.as_ref().map(B::as_ref);
            if let Some(after) = after
                && after.len() == before.len()
            {
                before.copy_from_slice(after);
                return Ok(true);
            }
            return Ok(self.replace(key, hash, Some((place, position)), after)?);
        }
        self.update_anywhere(key, hash, change)
    }

    /// As [`update`](Self::update), wherever the key is, or nowhere.
    #[inline(never)]
    fn update_anywhere<B: AsRef<[u8]>, E: From<PutError>>(
        &mut self,
        key: &[u8],
        hash: u64,
        change: impl FnOnce(Option<&[u8]>) -> Result<Option<B>, E>,
    ) -> Result<bool, E> {
        for (place, position) in self.index.candidates(hash) {
            let after = match self.log.find(position, key) {
                Some(Found::Writable(before)) => match change(Some(before))? {
                    Some(after) if after.as_ref().len() == before.len() => {
                        before.copy_from_slice(after.as_ref());
                        return Ok(true);
                    }
                    after => after,
                },
                Some(Found::Shared(before)) => change(Some(before))?,
                None => continue,
            };
            let after = after.as_ref().map(B::as_ref);
            return Ok(self.replace(key, hash, Some((place, position)), after)?);
        }
        let after = change(None)?;
        Ok(self.replace(key, hash, None, after.as_ref().map(B::as_ref))?)
    }

    /// Removes `key` and its value; whether there was one.
    pub fn remove(&mut self, key: &[u8]) -> bool {
        let mut candidates = self.index.candidates(H::hash(key));
        let Some((place, position)) = candidates.find(|&(_, at)| self.log.value(at, key).is_some()) else {
            return false;
        };
        self.remove_at(place, position);
        true
    }

    /// Makes `after` the value where `old` was; whether that changes anything.
    #[inline(never)]
    fn replace(
        &mut self,
        key: &[u8],
        hash: u64,
        old: Option<(Place, Position)>,
        after: Option<&[u8]>,
    ) -> Result<bool, PutError> {
        match (old, after) {
            (_, Some(value)) => self.append(key, hash, old, value)?,
            (Some((place, position)), None) => self.remove_at(place, position),
            (None, None) => return Ok(false),
        }
        Ok(true)
    }

    /// Puts a record at the end of the log; `old` is where the key was.
    #[inline(never)]
    fn append(
        &mut self,
        key: &[u8],
        hash: u64,
        old: Option<(Place, Position)>,
        value: &[u8],
    ) -> Result<(), PutError> {
        let Self { index, log, .. } = self;
        let size = record::size(key, value).ok_or(PutError::too_large(key, value))?;
        let position = log.append(key, value, size)?;
        let (mut wasted, mut copied) = (0, 0);
        if let Some((place, old)) = old {
            wasted = log.record(old).size();
            copied = index.move_to(place, position);
            log.bury(old, wasted);
        } else {
            index.insert(hash, position);
        }
        self.compact(wasted, copied);
        Ok(())
    }

    fn remove_at(&mut self, place: Place, position: Position) {
        let size = self.log.record(position).size();
        self.index.remove(place);
        self.log.bury(position, size);
        self.compact(size, 0);
    }
}
