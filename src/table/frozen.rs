//! A table of a moment.

use std::marker::PhantomData;

use bytes::Bytes;

use super::{ImageError, KeyHash, Table, index::Index, log::Log, page::PageImage, record::Record};

/// A table as it was when it was frozen: shared buffers that nobody writes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FrozenTable {
    pub(super) pages: Vec<PageImage>,
    // By number; those without bytes are free.
    pub(super) chunks: Vec<FrozenChunk>,
    entries: usize,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FrozenChunk {
    pub(super) bytes: Bytes,
    // Of the bytes, those of records that the index names.
    pub(super) live: usize,
}

impl FrozenChunk {
    /// Whether no record in it is dead.
    pub(super) const fn is_live(&self) -> bool {
        self.live == self.bytes.len()
    }
}

/// What a chunk is in a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkImage {
    /// By which slots name it: below 262,143.
    pub number: u32,
    /// Whole records.
    pub bytes: Bytes,
}

impl FrozenTable {
    pub(super) const fn new(pages: Vec<PageImage>, chunks: Vec<FrozenChunk>, entries: usize) -> Self {
        Self { pages, chunks, entries }
    }

    /// The frozen table of these pages and chunks; see [`Table::from_parts`].
    ///
    /// # Errors
    ///
    /// [`ImageError`] if no table has these pages and chunks.
    pub fn from_parts(
        pages: Vec<PageImage>,
        chunks: impl IntoIterator<Item = ChunkImage>,
        entries: usize,
        visit: impl FnMut(&[u8], &[u8]),
    ) -> Result<Self, ImageError> {
        Table::<super::Xxh3>::from_parts(pages, chunks, entries, visit).map(|mut table| table.freeze())
    }

    /// The table that it was taken of, which shares its buffers until it writes to them. Looks at no record:
    /// they were verified when they were read.
    pub fn thaw<H: KeyHash>(&self) -> Table<H> {
        let index = Index::from_images(self.pages.clone()).expect("the pages are those of a table");
        let mut log = Log::from_chunks(self.chunks.iter().map(|chunk| chunk.bytes.clone()).collect());
        for (number, chunk) in self.chunks.iter().enumerate() {
            log.set_live(number, chunk.live);
        }
        Table { index, log, hash: PhantomData }
    }

    /// Bytes of the records of all entries, and of the slots of the index: what a snapshot of it takes, without
    /// what is dead.
    pub fn live_bytes(&self) -> usize {
        let records: usize = self.chunks.iter().map(|chunk| chunk.live).sum();
        records + self.pages.iter().map(|page| page.slots.len()).sum::<usize>()
    }

    /// Number of entries.
    pub const fn len(&self) -> usize {
        self.entries
    }

    /// Whether it has no entries.
    pub const fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// The pages of the index, ascending by prefix: together they cover all hashes once.
    pub fn pages(&self) -> &[PageImage] {
        &self.pages
    }

    /// The chunks that have bytes, ascending by number.
    pub fn chunks(&self) -> impl Iterator<Item = ChunkImage> {
        let numbered = (0..).zip(&self.chunks).filter(|(_, chunk)| !chunk.bytes.is_empty());
        numbered.map(|(number, chunk)| ChunkImage { number, bytes: chunk.bytes.clone() })
    }

    /// All entries, ascending by the hash of the key; those with equal tags in any order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
        let entries = self.pages.iter().flat_map(PageImage::slots).map(|slot| {
            let position = slot.position();
            let record = Record::read(&self.chunks[position.chunk()].bytes[position.offset()..])
                .expect("the index names only positions of whole records");
            (record.key, record.value)
        });
        Counted::new(entries, self.len())
    }
}

/// An iterator whose length is known.
pub(super) struct Counted<I> {
    items: I,
    left: usize,
}

impl<I> Counted<I> {
    pub(super) const fn new(items: I, left: usize) -> Self {
        Self { items, left }
    }
}

impl<I: Iterator> Iterator for Counted<I> {
    type Item = I::Item;

    #[inline]
    fn next(&mut self) -> Option<I::Item> {
        let item = self.items.next()?;
        self.left -= 1;
        Some(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<I: Iterator> ExactSizeIterator for Counted<I> {}
