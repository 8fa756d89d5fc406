//! A table of a moment.

use bytes::Bytes;

use super::{page::PageImage, record::Record};

/// A table as it was when it was frozen: shared buffers that nobody writes to.
#[derive(Clone, Debug, Default)]
pub struct FrozenTable {
    pages: Vec<PageImage>,
    // By number; those without bytes are free.
    chunks: Vec<Bytes>,
    entries: usize,
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
    pub(super) const fn new(pages: Vec<PageImage>, chunks: Vec<Bytes>, entries: usize) -> Self {
        Self { pages, chunks, entries }
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
        let numbered = (0..).zip(&self.chunks).filter(|(_, bytes)| !bytes.is_empty());
        numbered.map(|(number, bytes)| ChunkImage { number, bytes: bytes.clone() })
    }

    /// All entries, ascending by the hash of the key; those with equal tags in any order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
        let entries = self.pages.iter().flat_map(PageImage::slots).map(|slot| {
            let position = slot.position();
            let record = Record::read(&self.chunks[position.chunk()][position.offset()..])
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
