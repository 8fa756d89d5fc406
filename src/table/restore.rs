//! Pages and chunks that were read, to a table that uses them where they are.
//!
//! Nothing is believed. A page is one that a table could have made: its slots lie where a search
//! finds them, and pages cover all hashes once. No position is named twice, and no two slots of one tag
//! name records of one key. Then every chunk is walked in the order of memory, and each record that is named
//! says what its slot must be, by its own hash. What slots are is compared with what they must be by their
//! number and by a sum of 64 bits. To search the index for each record would be exact and takes several times
//! as long; that is done once the sums differ, to say what is wrong.

use std::{marker::PhantomData, mem};

use smallvec::SmallVec;

use super::{
    ChunkImage, KeyHash, PageImage, Table,
    index::Index,
    log::Log,
    named::Named,
    record::Record,
    renumber::Numbered,
    slot::{Position, Slot},
};

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
        let Some((named, promised)) = named(&index, &log, &chunks)? else {
            return Err(dangling::<H>(&index, &log));
        };
        let mut found = Slots::default();
        for number in 0..log.chunk_count() {
            let chunk = chunks.read_as(number);
            let live = visit_chunk::<H>(&log, number, chunk, &named, &mut found, &mut visit)?;
            log.set_live(number, live);
        }
        if found != promised {
            return Err(dangling::<H>(&index, &log));
        }
        Ok(Self { index, log, hash: PhantomData })
    }
}

/// Slots in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Slots {
    count: usize,
    sum: u64,
}

impl Slots {
    #[inline]
    fn add(&mut self, slot: Slot) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(slot.mixed());
    }
}

/// What the slots of the index name, and the slots; `None` if one names nothing or what another one names, too.
fn named(index: &Index, log: &Log, chunks: &Numbered) -> Result<Option<(Named, Slots)>, ImageError> {
    let mut named = Named::new(log.chunk_bytes());
    let mut slots = Slots::default();
    // Those of the tag of the last slot; nearly always one.
    let mut alike: SmallVec<[Slot; 4]> = SmallVec::new();
    for slot in index.slots() {
        if !named.insert(slot.position()) {
            return Ok(None);
        }
        slots.add(slot);
        if alike.first().is_some_and(|other| other.tag() != slot.tag()) {
            alike.clear();
        }
        if alike.iter().any(|other| is_same_key(log, other.position(), slot.position())) {
            let (chunk, offset) = (chunks.read_as(slot.position().chunk()), slot.position().offset());
            return Err(ImageError::DuplicateKey { chunk, offset });
        }
        alike.push(slot);
    }
    Ok(Some((named, slots)))
}

fn is_same_key(log: &Log, a: Position, b: Position) -> bool {
    let key = |position| log.get(position).map(|record| record.key);
    key(a).is_some() && key(a) == key(b)
}

/// Shows the named records of chunk `number`, which was read as `chunk`, adds what their slots must be, and gives
/// the bytes they take.
fn visit_chunk<H: KeyHash>(
    log: &Log,
    number: usize,
    chunk: u32,
    named: &Named,
    slots: &mut Slots,
    visit: &mut impl FnMut(&[u8], &[u8]),
) -> Result<usize, ImageError> {
    let named = named.of_chunk(number);
    let mut live = 0;
    let mut walk = log.walk(number, 0);
    while let (offset, Some((position, record))) = (walk.offset(), walk.next()) {
        if !named.contains(offset) {
            continue;
        }
        // Where no slot can name it, none has.
        let Some(position) = position else { continue };
        slots.add(Slot::new(H::hash(record.key), position));
        live += record.size();
        visit(record.key, record.value);
    }
    if !walk.is_at_end() {
        return Err(ImageError::Record { chunk, offset: walk.offset() });
    }
    Ok(live)
}

/// Looks for every record in the index.
#[cold]
fn dangling<H: KeyHash>(index: &Index, log: &Log) -> ImageError {
    let records = (0..log.chunk_count()).flat_map(|number| log.walk(number, 0));
    let is_named = |(position, record): &(Option<Position>, Record<'_>)| {
        index.candidates(H::hash(record.key)).any(|(_, named)| Some(named) == *position)
    };
    ImageError::DanglingSlots { slots: index.len(), found: records.filter(is_named).count() }
}
