//! The records of a table, in chunks that are only appended to.
//!
//! A record that is replaced or removed stays where it is, dead, until its chunk has no other or is
//! emptied ([`compact`](super::compact)). Where nobody shares a chunk, a value of the same length is
//! written over the one before.
//!
//! How long chunks are, and which is emptied, is in `room`.

mod room;

use bytes::Bytes;

use super::{
    buffer::Buffer,
    frozen::FrozenChunk,
    record::{self, Record},
    slot::Position,
    walk::Walk,
};

#[derive(Debug, Default)]
struct Chunk {
    bytes: Buffer,
    // How far the bytes may grow where they are.
    capacity: usize,
    // Of the bytes, those of records that the index names.
    live: usize,
}

#[derive(Debug, Default)]
pub(super) struct Log {
    // By number. Those in `free` have no capacity.
    chunks: Vec<Chunk>,
    free: Vec<usize>,
    // The chunk that is appended to.
    tail: Option<usize>,
    // The chunk that is emptied, and how far it is: live records begin there or later.
    pub(super) emptied: Option<(usize, usize)>,
    live: usize,
    reserved: usize,
    // Bytes of records since the log was last frozen, and what is expected from then to the next time.
    appended: usize,
    expected: usize,
    // Whether there are so many small chunks that one is to be emptied.
    pub(super) is_crowded: bool,
    // Whether there are so many that the next write must not leave as many behind.
    pub(super) is_overcrowded: bool,
    // How many bytes of records were not looked at yet of those that writes have to pay for.
    pub(super) owed: usize,
}

/// The table has as many bytes as it can say the positions of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

/// The value of a key.
pub(super) enum Found<'a> {
    Writable(&'a mut [u8]),
    // A frozen table has it, too.
    Shared(&'a [u8]),
}

impl Log {
    /// Bytes of records that are live.
    pub(super) const fn live(&self) -> usize {
        self.live
    }

    /// Bytes that chunks have room for.
    pub(super) const fn reserved(&self) -> usize {
        self.reserved
    }

    /// Bytes that chunks are filled to.
    pub(super) fn used(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.bytes.len()).sum()
    }

    /// Bytes in which no live record is and none will be: all but the room in the chunk that is
    /// appended to.
    #[inline]
    pub(super) fn waste(&self) -> usize {
        let tail = self.tail.map_or(0, |tail| self.chunks[tail].capacity - self.chunks[tail].bytes.len());
        self.reserved - self.live - tail
    }

    /// The record that the index says lies here.
    #[inline]
    pub(super) fn record(&self, at: Position) -> Record<'_> {
        self.get(at).expect("the index names only positions of whole records")
    }

    /// The record that begins here, `None` if there is no whole one.
    #[inline]
    pub(super) fn get(&self, at: Position) -> Option<Record<'_>> {
        Record::read(self.chunks.get(at.chunk())?.bytes.get(at.offset()..)?)
    }

    /// What follows from here on in the chunk; nothing if there is no such place.
    #[inline(always)]
    pub(super) fn bytes_from(&self, at: Position) -> &[u8] {
        self.chunks.get(at.chunk()).and_then(|chunk| chunk.bytes.get(at.offset()..)).unwrap_or_default()
    }

    /// The value of the record that begins here, if that is one of `key`.
    pub(super) fn value(&self, at: Position, key: &[u8]) -> Option<&[u8]> {
        let bytes = &*self.chunks.get(at.chunk())?.bytes;
        let (start, length) = record::value(bytes, at.offset(), key)?;
        bytes.get(start..)?.get(..length)
    }

    /// As [`value`](Self::value), to write to if nobody shares the chunk.
    pub(super) fn find(&mut self, at: Position, key: &[u8]) -> Option<Found<'_>> {
        let buffer = &mut self.chunks.get_mut(at.chunk())?.bytes;
        let (start, length) = record::value(buffer, at.offset(), key)?;
        match buffer.writable() {
            Ok(bytes) => bytes.get_mut(start..)?.get_mut(..length).map(Found::Writable),
            Err(bytes) => bytes.get(start..)?.get(..length).map(Found::Shared),
        }
    }

    /// As [`value`](Self::value), if the record has the short header.
    #[inline(always)]
    pub(super) fn short_value(&self, at: Position, key: &[u8]) -> Option<&[u8]> {
        let bytes = &*self.chunks.get(at.chunk())?.bytes;
        let (start, length) = record::short_value(bytes, at.offset(), key)?;
        bytes.get(start..)?.get(..length)
    }

    /// As [`short_value`](Self::short_value), to write to, if the chunk was not shared when somebody last looked.
    #[inline(always)]
    pub(super) fn short_value_mut(&mut self, at: Position, key: &[u8]) -> Option<&mut [u8]> {
        let Buffer::Owned(owned) = &mut self.chunks.get_mut(at.chunk())?.bytes else { return None };
        let bytes = &mut *owned.bytes;
        let (start, length) = record::short_value(bytes, at.offset(), key)?;
        bytes.get_mut(start..)?.get_mut(..length)
    }

    /// Where records begin in chunk `number` at or after `offset`, and the records.
    pub(super) fn walk(&self, number: usize, offset: usize) -> Walk<'_> {
        Walk::new(&self.chunks[number].bytes, number, offset)
    }

    /// Appends a live record of `size` bytes, as [`record::size`] says.
    pub(super) fn append(&mut self, key: &[u8], value: &[u8], size: usize) -> Result<Position, Full> {
        let number = self.room(size)?;
        let chunk = &mut self.chunks[number];
        let bytes = chunk.bytes.owned().expect("the chunk that is appended to is owned");
        let offset = bytes.len();
        record::write(key, value, bytes);
        Ok(self.appended(number, offset, size))
    }

    /// Appends a copy of the record of `size` bytes at `from`, which [`bury`](Self::bury) follows.
    pub(super) fn relocate(&mut self, from: Position, size: usize) -> Result<Position, Full> {
        let number = self.room(size)?;
        let [source, chunk] = self
            .chunks
            .get_disjoint_mut([from.chunk(), number])
            .expect("a chunk that is emptied is not appended to");
        let bytes = chunk.bytes.owned().expect("the chunk that is appended to is owned");
        let offset = bytes.len();
        bytes.extend_from_slice(&source.bytes[from.offset()..from.offset() + size]);
        Ok(self.appended(number, offset, size))
    }

    fn appended(&mut self, number: usize, offset: usize, size: usize) -> Position {
        self.chunks[number].live += size;
        self.live += size;
        self.appended += size;
        Position::new(number, offset).expect("chunks are no longer than slots can say")
    }

    /// The record of `size` bytes at `at` is dead. A chunk without a live record is free.
    pub(super) fn bury(&mut self, at: Position, size: usize) {
        let number = at.chunk();
        let chunk = &mut self.chunks[number];
        chunk.live -= size;
        self.live -= size;
        if chunk.live > 0 {
            return;
        }
        if self.tail == Some(number) {
            self.tail = None;
        }
        if self.emptied.is_some_and(|(emptied, _)| emptied == number) {
            self.emptied = None;
        }
        self.reserved -= chunk.capacity;
        *chunk = Chunk::default();
        self.free.push(number);
    }

    /// All chunks by number, those that are free without bytes.
    pub(super) fn freeze(&mut self) -> Vec<FrozenChunk> {
        self.expect_as_before();
        let used = self.chunks.iter_mut().filter(|chunk| chunk.capacity > 0);
        used.for_each(|chunk| chunk.bytes.prepare_to_share());
        let frozen = |chunk: &mut Chunk| {
            let bytes = if chunk.capacity == 0 { Bytes::new() } else { chunk.bytes.share() };
            FrozenChunk { bytes, live: chunk.live }
        };
        self.chunks.iter_mut().map(frozen).collect()
    }

    /// A log of these chunks, by number, with no record known to be live.
    pub(super) fn from_chunks(chunks: Vec<Bytes>) -> Self {
        let reserved = chunks.iter().map(Bytes::len).sum();
        let chunk = |bytes: Bytes| Chunk { capacity: bytes.len(), bytes: Buffer::Shared(bytes), live: 0 };
        let chunks = chunks.into_iter().map(chunk).collect();
        Self { chunks, reserved, expected: reserved, ..Self::default() }
    }

    /// The bytes that each chunk is filled to, by number.
    pub(super) fn chunk_bytes(&self) -> impl Iterator<Item = usize> {
        self.chunks.iter().map(|chunk| chunk.bytes.len())
    }

    pub(super) fn chunk_count(&self) -> usize {
        self.chunks.len()
    }

    /// Says how many bytes of chunk `number` are live; it is free if none are.
    pub(super) fn set_live(&mut self, number: usize, live: usize) {
        let chunk = &mut self.chunks[number];
        chunk.live = live;
        self.live += live;
        if live == 0 {
            self.reserved -= chunk.capacity;
            *chunk = Chunk::default();
            self.free.push(number);
        }
    }
}
