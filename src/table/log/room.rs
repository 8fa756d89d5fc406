//! Room for records: how long chunks are, and which one is emptied.
//!
//! A chunk has room for a sixteenth of the log: little is unused in the last one, and a large table
//! still has few. The last chunk of a small table grows by quarters instead; twenty keys take 1 KiB.
//!
//! A snapshot cuts the last chunk off where it ends, and what is behind is wasted. So the first chunk behind a snapshot
//! has room for a quarter more than was appended between the last two, and for 64 KiB at most, so that it seldom
//! grows; later ones for as much as was appended since. Waste stays in proportion to what is written, however often
//! snapshots are taken. That makes small chunks; once there are many, the smallest is emptied, and once there are too
//! many, at once.

use bytes::BytesMut;

use super::{
    super::{
        buffer::counted,
        slot::{CHUNK_BYTES_MAX, CHUNKS_MAX},
    },
    Buffer, Chunk, Full, Log,
};

const CHUNK_BYTES_MIN: usize = 256;
/// A chunk below this size grows by copying it, which takes a few microseconds, also where the memory of the copy was never
/// touched: of 64 KiB, 16 page faults take longer than all else that a write may do.
const GROWN_BYTES_MAX: usize = 16 << 10;
/// The first chunk behind a snapshot has room for no more.
const EXPECTED_BYTES_MAX: usize = 64 << 10;
/// The share of the log that a chunk is.
const CHUNKS_WANTED: usize = 16;
/// A record above this share of a chunk has one of its own, so that less than this is unused at
/// the end of any chunk.
const RECORDS_PER_CHUNK_MIN: usize = 8;
/// Below this share of what a chunk should be, it is small.
const SMALL_SHARE: usize = 8;
/// How many small chunks may be.
const SMALL_CHUNKS_MAX: usize = 32;
/// How many there are at the most, whatever it takes: one for so many live bytes, so that the smallest has no more, and a
/// thousand in any case. Half of all numbers are left to chunks that are not small.
const LIVE_BYTES_PER_SMALL_CHUNK: usize = 4 << 10;
const SMALL_CHUNKS_LIMITS: [usize; 2] = [1 << 10, CHUNKS_MAX / 2];

impl Log {
    /// The chunk to empty, which is not appended to any more.
    pub(in super::super) fn retire(&mut self) -> Option<usize> {
        if self.is_crowded {
            return self.retire_smallest();
        }
        let number = self.emptiest();
        if self.tail == number {
            self.tail = None;
        }
        number
    }

    /// Of the small chunks, the one with the fewest live bytes.
    pub(in super::super) fn retire_smallest(&mut self) -> Option<usize> {
        self.is_crowded = false;
        self.small().min_by_key(|&number| self.chunks[number].live)
    }

    /// The chunks that are small beside those that are made for a log of this size, but not appended to.
    fn small(&self) -> impl Iterator<Item = usize> {
        let limit = self.share() / SMALL_SHARE;
        let used =
            self.chunks.iter().enumerate().filter(move |(_, chunk)| (1..limit).contains(&chunk.capacity));
        used.map(|(number, _)| number).filter(|&number| self.tail != Some(number))
    }

    /// The chunk with the smallest share of live bytes. The room in the chunk that was appended to last is not
    /// held against it.
    fn emptiest(&self) -> Option<usize> {
        let used = self.chunks.iter().enumerate().filter(|(_, chunk)| chunk.capacity > 0);
        let bytes = |number, chunk: &Chunk| match self.tail {
            Some(tail) if tail == number => chunk.bytes.len(),
            _ => chunk.capacity,
        };
        let shares = used.map(|(number, chunk)| (number, (chunk.live as u128, bytes(number, chunk) as u128)));
        let emptiest = shares.min_by(|(_, (a_live, a_bytes)), (_, (b_live, b_bytes))| {
            (a_live * b_bytes).cmp(&(b_live * a_bytes))
        });
        emptiest.map(|(number, _)| number)
    }

    /// As much as was appended since it was last frozen will be until it is next; the memory of busier times fades.
    pub(super) fn expect_as_before(&mut self) {
        self.expected = self.appended.max(self.expected / 4);
        self.appended = 0;
    }

    /// What a chunk should have room for.
    fn share(&self) -> usize {
        (self.live / CHUNKS_WANTED).clamp(CHUNK_BYTES_MIN, CHUNK_BYTES_MAX)
    }

    /// A chunk that is owned and has room for `size` bytes.
    pub(super) fn room(&mut self, size: usize) -> Result<usize, Full> {
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
        let share = self.share();
        if size > share.max(GROWN_BYTES_MAX) / RECORDS_PER_CHUNK_MIN {
            return self.new_chunk(size);
        }
        if let Some(tail) = self.tail.filter(|&tail| self.grow(tail, size)) {
            return Ok(tail);
        }
        // Not more at once than is soon had; and then as much again.
        let expected = (self.expected + self.expected / 4).min(EXPECTED_BYTES_MAX).max(self.appended);
        let wanted = expected.clamp(CHUNK_BYTES_MIN, share);
        let number = self.new_chunk(wanted.max(size))?;
        self.tail = Some(number);
        let small = self.small().count();
        self.is_crowded |= small > SMALL_CHUNKS_MAX;
        self.is_overcrowded = small > self.small_chunks_limit();
        Ok(number)
    }

    fn small_chunks_limit(&self) -> usize {
        let [least, most] = SMALL_CHUNKS_LIMITS;
        (self.live / LIVE_BYTES_PER_SMALL_CHUNK).clamp(least, most)
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
        let mut grown = counted(BytesMut::with_capacity(capacity), 0);
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
        let bytes = Buffer::from(counted(BytesMut::with_capacity(capacity), 0));
        self.chunks[number] = Chunk { bytes, capacity, live: 0 };
        self.reserved += capacity;
        Ok(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::record;

    #[test]
    fn no_chunk_is_copied_that_is_not_small() {
        let (key, value) = ([1; 8], [2; 100]);
        let size = record::size(&key, &value).expect("a record can be so long");
        let mut log = Log::default();
        let mut grown = Vec::new();
        let mut before = (0, std::ptr::null(), 0);
        for _ in 0..2_000 {
            let number = log.append(&key, &value, size).expect("there is room").chunk();
            let bytes = &log.chunks[number].bytes;
            let (last, address, length) = before;
            if number == last && bytes.as_ptr() != address {
                grown.push(length);
            }
            before = (number, bytes.as_ptr(), bytes.len());
        }
        assert!(grown.len() > 10 && log.chunks.len() > 10, "{} of {}", grown.len(), log.chunks.len());
        assert!(grown.iter().all(|length| length + size <= 16 << 10), "{grown:?}");
    }
}
