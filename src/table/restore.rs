//! Pages and chunks that were read, to a table that uses them where they are.
//!
//! Nothing is believed. A page is one that a table could have made: its slots lie where a search
//! finds them, and pages cover all hashes once. Then every chunk is walked in the order of memory,
//! and each record asks the index whether it names its position under the record's own hash.
//! If as many records are named as there are slots, each slot names a record of its tag.

use std::{marker::PhantomData, mem};

use super::{ChunkImage, KeyHash, PageImage, Table, index::Index, log::Log, renumber::Numbered};

/// Why pages and chunks are no table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// A page that cannot be, or does not fit the others.
    #[error("page {page} of the index: {reason}")]
    Page {
        /// Which, in the order of prefixes; one past the last if pages are missing.
        page: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// Bytes that are no record.
    #[error("chunk {chunk}, offset {offset}: not a record")]
    Record {
        /// The number of the chunk.
        chunk: u32,
        /// Where in it, in bytes.
        offset: usize,
    },
    /// A number that no chunk has, or two have.
    #[error("chunk {chunk}: no chunk has this number, or another one has it, too")]
    ChunkNumber {
        /// The number.
        chunk: u32,
    },
    /// Two entries with one key.
    #[error("chunk {chunk}, offset {offset}: another entry has the same key")]
    DuplicateKey {
        /// The number of the chunk with the second entry.
        chunk: u32,
        /// Where in it, in bytes.
        offset: usize,
    },
    /// Slots that name no record of their tag.
    #[error("{slots} slots of the index name {found} records")]
    DanglingSlots {
        /// How many slots there are.
        slots: usize,
        /// How many of them name a record of their tag.
        found: usize,
    },
    /// Another number of entries than was promised.
    #[error("{expected} entries were promised, and there are {found}")]
    Entries {
        /// How many were promised.
        expected: usize,
        /// How many there are.
        found: usize,
    },
}

impl<H: KeyHash> Table<H> {
    /// The table of these pages, ascending by prefix, and chunks, in any order, which it shares until it
    /// writes to them. It should have `entries` entries. Each is shown to `visit` once, in the order of
    /// chunk numbers; what was shown means nothing if an error follows.
    ///
    /// Chunks keep the buffer alive that they are slices of: a whole file, if it was read
    /// at once.
    ///
    /// # Errors
    ///
    /// [`ImageError`] if no table has these pages and chunks. Values that are others than they were are no
    /// error here: it takes a checksum or digest to see that.
    pub fn from_parts(
        mut pages: Vec<PageImage>,
        chunks: impl IntoIterator<Item = ChunkImage>,
        entries: usize,
        mut visit: impl FnMut(&[u8], &[u8]),
    ) -> Result<Self, ImageError> {
        let mut chunks = Numbered::new(chunks, &mut pages)?;
        let index = Index::from_images(pages).map_err(|(page, reason)| ImageError::Page { page, reason })?;
        if index.len() != entries {
            return Err(ImageError::Entries { expected: entries, found: index.len() });
        }
        let mut log = Log::from_chunks(mem::take(&mut chunks.bytes));
        let mut found = 0;
        for number in 0..log.chunk_count() {
            let live = check_chunk::<H>(&index, &log, number, chunks.read_as(number), &mut |key, value| {
                found += 1;
                visit(key, value);
            })?;
            log.set_live(number, live);
        }
        if found != index.len() {
            return Err(ImageError::DanglingSlots { slots: index.len(), found });
        }
        Ok(Self { index, log, hash: PhantomData })
    }
}

/// Shows the live records of chunk `number`, which was read as `chunk`, and gives the bytes they take.
fn check_chunk<H: KeyHash>(
    index: &Index,
    log: &Log,
    number: usize,
    chunk: u32,
    visit: &mut impl FnMut(&[u8], &[u8]),
) -> Result<usize, ImageError> {
    let mut live = 0;
    let mut walk = log.walk(number, 0);
    for (position, record) in walk.by_ref() {
        let Some(position) = position else { continue };
        let (mut is_named, mut is_elsewhere) = (false, false);
        for (_, named) in index.candidates(H::hash(record.key)) {
            if named == position {
                is_named = true;
            } else {
                is_elsewhere |= log.get(named).is_some_and(|other| other.key == record.key);
            }
        }
        if is_named && is_elsewhere {
            return Err(ImageError::DuplicateKey { chunk, offset: position.offset() });
        }
        if is_named {
            live += record.size();
            visit(record.key, record.value);
        }
    }
    if !walk.is_at_end() {
        return Err(ImageError::Record { chunk, offset: walk.offset() });
    }
    Ok(live)
}
