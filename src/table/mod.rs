//! The entries of one state in one key group: a log of records and an index of where they are.
//!
//! State is read and written at the speed of memory, a snapshot of it is a few buffers, and a
//! restored table *is* the bytes that were read. Layout and bounds are in docs/table.md. The ideas:
//!
//! - **A record is written once**, at the end of a log of chunks (`log`). There is no allocation
//!   for an entry, four bytes besides key and value (`record`), and eight to sixteen in the index.
//! - **The index holds hashes**, not keys (`page`, `index`): it grows, splits and is verified
//!   without a look at a record, and a search looks at one record, nearly always the right one.
//!   Nearly all keys are found by a few dozen instructions without a loop, so that the processor looks for
//!   several at once; the others, and those that are not there, are then looked for again, anywhere.
//!   It grows by one page of 32 KiB at a time; no write ever pauses for the whole table.
//! - **Freezing shares buffers** ([`Table::freeze`]). The table then appends instead of writing
//!   over what is shared and copies a shared page before it changes one; buffers that are
//!   shared no more are written in place again.
//! - **The index is part of a snapshot**: [`Table::from_parts`] takes chunks and pages as they were
//!   read, and believes nothing of them before it has looked.
//! - **Dead space is bounded** (`compact`): above a third of the log, each write also moves a few
//!   live records out of the emptiest chunk.
//!
//! The hash and thereby the layout depend on the key alone: equal operations give equal
//! bytes, on every machine.
//!
//! ```
//! use keygroups::table::Table;
//!
//! let mut table: Table = Table::new();
//! table.put(b"N14228", b"1")?;
//! let frozen = table.freeze();
//! table.put(b"N14228", b"2")?;
//!
//! assert_eq!(table.get(b"N14228"), Some(&b"2"[..]));
//! assert_eq!(frozen.iter().next(), Some((&b"N14228"[..], &b"1"[..])));
//! # Ok::<(), keygroups::table::PutError>(())
//! ```

mod buffer;
mod compact;
mod frozen;
mod hash;
mod index;
mod log;
mod named;
mod page;
mod prefetch;
mod record;
mod renumber;
mod restore;
mod scan;
mod slot;
mod slots;
mod walk;
mod window;
mod write;

use std::{iter::Sum, marker::PhantomData, ops::Add};

pub use self::{
    frozen::{ChunkImage, FrozenTable},
    hash::{KeyHash, Xxh3},
    page::PageImage,
    restore::ImageError,
    write::PutError,
};
use self::{index::Index, log::Log};

/// Keys and values as bytes. `H` decides where a key is looked for; only a test needs another one.
#[derive(Debug)]
pub struct Table<H: KeyHash = Xxh3> {
    index: Index,
    log: Log,
    hash: PhantomData<H>,
}

/// What a table takes. Bytes of allocations as they were asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Number of entries.
    pub entries: usize,
    /// Bytes of the records of these entries: keys, values, headers and padding.
    pub live_bytes: usize,
    /// Bytes of records that were replaced or removed.
    pub dead_bytes: usize,
    /// Bytes allocated for records: live, dead and free ones.
    pub reserved_bytes: usize,
    /// Bytes allocated for the index, those among them that are kept for copies of its pages.
    pub index_bytes: usize,
}

impl Add for Memory {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            entries: self.entries + other.entries,
            live_bytes: self.live_bytes + other.live_bytes,
            dead_bytes: self.dead_bytes + other.dead_bytes,
            reserved_bytes: self.reserved_bytes + other.reserved_bytes,
            index_bytes: self.index_bytes + other.index_bytes,
        }
    }
}

impl Sum for Memory {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), Add::add)
    }
}

impl<H: KeyHash> Table<H> {
    /// Without entries and without an allocation.
    pub fn new() -> Self {
        Self { index: Index::default(), log: Log::default(), hash: PhantomData }
    }

    /// Number of entries.
    pub const fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether it has no entries.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of `key`.
    #[inline(always)]
    pub fn get(&self, key: &[u8]) -> Option<&[u8]> {
        let hash = H::hash(key);
        if let Some((_, position)) = self.index.at_home(hash)
            && let Some(value) = self.log.short_value(position, key)
        {
            return Some(value);
        }
        self.get_anywhere(key, hash)
    }

    /// A function of its own: where it is inlined, the search at home has more instructions.
    #[inline(never)]
    fn get_anywhere(&self, key: &[u8], hash: u64) -> Option<&[u8]> {
        self.index.candidates(hash).find_map(|(_, position)| self.log.value(position, key))
    }

    /// All entries, ascending by the hash of the key; those with equal tags in any order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
        let entries = self.index.slots().map(|slot| {
            let record = self.log.record(slot.position());
            (record.key, record.value)
        });
        frozen::Counted::new(entries, self.len())
    }

    /// What it takes; in time proportional to the number of chunks and pages.
    pub fn memory(&self) -> Memory {
        Memory {
            entries: self.len(),
            live_bytes: self.log.live(),
            dead_bytes: self.log.used() - self.log.live(),
            reserved_bytes: self.log.reserved(),
            index_bytes: self.index.bytes(),
        }
    }

    /// The table as it is now; later writes do not change it. Copies no entry: takes time
    /// proportional to the number of chunks and pages.
    pub fn freeze(&mut self) -> FrozenTable {
        FrozenTable::new(self.index.freeze(), self.log.freeze(), self.len())
    }
}

impl<H: KeyHash> Default for Table<H> {
    fn default() -> Self {
        Self::new()
    }
}
