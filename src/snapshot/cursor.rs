//! Reads fields off the front of bytes, and knows where in the object it is.

use super::{Part, SnapshotError};
use crate::table::ImageError;

pub(super) struct Cursor<'a> {
    rest: &'a [u8],
    offset: u64,
    part: Part,
}

impl<'a> Cursor<'a> {
    /// A cursor over `bytes`, which lie at `offset` of the object.
    pub(super) fn new(part: Part, offset: u64, bytes: &'a [u8]) -> Self {
        Self { rest: bytes, offset, part }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], SnapshotError> {
        let Some((front, rest)) = self.rest.split_at_checked(length) else {
            return Err(self.malformed("a field reaches beyond the end"));
        };
        self.rest = rest;
        self.offset += length as u64;
        Ok(front)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], SnapshotError> {
        let Some((front, rest)) = self.rest.split_first_chunk::<N>() else {
            return Err(self.malformed("a field reaches beyond the end"));
        };
        self.rest = rest;
        self.offset += N as u64;
        Ok(*front)
    }

    pub(super) fn u8(&mut self) -> Result<u8, SnapshotError> {
        self.array().map(u8::from_le_bytes)
    }

    pub(super) fn u16(&mut self) -> Result<u16, SnapshotError> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, SnapshotError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, SnapshotError> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn u128(&mut self) -> Result<u128, SnapshotError> {
        self.array().map(u128::from_le_bytes)
    }

    /// A `u16` length and that many bytes of UTF-8.
    pub(super) fn name(&mut self) -> Result<&'a str, SnapshotError> {
        let length = self.u16()?;
        let bytes = self.take(usize::from(length))?;
        std::str::from_utf8(bytes).map_err(|_| self.malformed("a name is not UTF-8"))
    }

    /// The error that the field just read is wrong.
    pub(super) fn malformed(&self, problem: &'static str) -> SnapshotError {
        SnapshotError::Malformed { part: self.part.clone(), offset: self.offset, problem }
    }

    /// The error that what was just read is no table.
    pub(super) fn no_table(&self, source: ImageError) -> SnapshotError {
        SnapshotError::Table { part: self.part.clone(), offset: self.offset, source }
    }

    pub(super) fn check(&self, holds: bool, problem: &'static str) -> Result<(), SnapshotError> {
        if holds { Ok(()) } else { Err(self.malformed(problem)) }
    }
}
