//! The records of a table, in chunks that are only appended to.
//!
//! A record that is replaced or removed stays where it is, dead, until its chunk has no other or is
//! emptied ([`compact`](super::compact)). Where nobody shares a chunk, a value of the same length is
//! written over the one before.
//!
//! A chunk has room for a sixteenth of the log: little is unused in the last one, and a large table
//! still has few. The last chunk of a small table grows by quarters instead; twenty keys take 1 KiB.

use bytes::{Bytes, BytesMut};

use super::{
    buffer::Buffer,
    frozen::FrozenChunk,
    record::{self, Record},
    slot::{CHUNK_BYTES_MAX, CHUNKS_MAX, Position},
    walk::Walk,
};

const CHUNK_BYTES_MIN: usize = 256;
/// A chunk below this size grows by copying it, which takes a few microseconds.
const GROWN_BYTES_MAX: usize = 64 << 10;
/// The share of the log that a chunk is.
const CHUNKS_WANTED: usize = 16;
/// A record above this share of a chunk has one of its own, so that less than this is unused at
/// the end of any chunk.
const RECORDS_PER_CHUNK_MIN: usize = 8;

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
        let Buffer::Owned(bytes) = &mut self.chunks.get_mut(at.chunk())?.bytes else { return None };
        let bytes = &mut **bytes;
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

    /// The chunk with the smallest share of live bytes, which is not appended to any more. The room in the
    /// chunk that was appended to last is not held against it.
    pub(super) fn retire_emptiest(&mut self) -> Option<usize> {
        let used = self.chunks.iter().enumerate().filter(|(_, chunk)| chunk.capacity > 0);
        let bytes = |number, chunk: &Chunk| match self.tail {
            Some(tail) if tail == number => chunk.bytes.len(),
            _ => chunk.capacity,
        };
        let (number, _) =
            used.map(|(number, chunk)| (number, (chunk.live as u128, bytes(number, chunk) as u128))).min_by(
                |(_, (a_live, a_bytes)), (_, (b_live, b_bytes))| (a_live * b_bytes).cmp(&(b_live * a_bytes)),
            )?;
        if self.tail == Some(number) {
            self.tail = None;
        }
        Some(number)
    }

    /// A chunk that is owned and has room for `size` bytes.
    fn room(&mut self, size: usize) -> Result<usize, Full> {
        if let Some(tail) = self.tail
            && let chunk = &mut self.chunks[tail]
            && chunk.capacity - chunk.bytes.len() >= size
            && chunk.bytes.owned().is_some()
        {
            return Ok(tail);
        }
        self.make_room(size)
    }

    #[cold]
    fn make_room(&mut self, size: usize) -> Result<usize, Full> {
        let wanted = (self.live / CHUNKS_WANTED).clamp(CHUNK_BYTES_MIN, CHUNK_BYTES_MAX);
        if size > wanted.max(GROWN_BYTES_MAX) / RECORDS_PER_CHUNK_MIN {
            return self.new_chunk(size);
        }
        if let Some(tail) = self.tail.filter(|&tail| self.grow(tail, size)) {
            return Ok(tail);
        }
        let number = self.new_chunk(wanted.max(size))?;
        self.tail = Some(number);
        Ok(number)
    }

    /// Whether chunk `number` is owned and small and so could be given room for `size` bytes more.
    fn grow(&mut self, number: usize, size: usize) -> bool {
        let chunk = &mut self.chunks[number];
        let needed = chunk.bytes.len() + size;
        if needed > GROWN_BYTES_MAX {
            return false;
        }
        let Some(bytes) = chunk.bytes.owned() else { return false };
        let capacity = (chunk.capacity + chunk.capacity / 4).clamp(needed, GROWN_BYTES_MAX.max(needed));
        let mut grown = BytesMut::with_capacity(capacity);
        grown.extend_from_slice(bytes);
        *bytes = grown;
        self.reserved += capacity - chunk.capacity;
        chunk.capacity = capacity;
        true
    }

    fn new_chunk(&mut self, capacity: usize) -> Result<usize, Full> {
        let number = match self.free.pop() {
            Some(number) => number,
            None if self.chunks.len() == CHUNKS_MAX => return Err(Full),
            None => {
                self.chunks.push(Chunk::default());
                self.chunks.len() - 1
            }
        };
        let bytes = Buffer::Owned(BytesMut::with_capacity(capacity));
        self.chunks[number] = Chunk { bytes, capacity, live: 0 };
        self.reserved += capacity;
        Ok(number)
    }

    /// All chunks by number, those that are free without bytes.
    pub(super) fn freeze(&mut self) -> Vec<FrozenChunk> {
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
        Self { chunks: chunks.into_iter().map(chunk).collect(), reserved, ..Self::default() }
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
