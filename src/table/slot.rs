//! One slot of the index: some bits of a key's hash, and where its record lies.
//!
//! A slot is a `u64`, little endian: the complement of the 28 top bits of the hash of the key (the
//! tag) and, below them, the 36 bits of the position; 0 is an empty slot. A position is 18 bits of chunk
//! number and 18 bits of offset in units of four bytes.
//!
//! The complement, because then zero is what the greatest tag would be, and one comparison tells
//! smaller tags from the wanted one, greater ones and gaps.

use super::record::ALIGN;

/// How many of the hash's top bits a slot holds.
pub(super) const TAG_BITS: u32 = 28;
const POSITION_BITS: u32 = 64 - TAG_BITS;
const OFFSET_BITS: u32 = 18;
/// The bits of the position in the upper half of a slot.
pub(super) const POSITION_HALF: u32 = (1 << (POSITION_BITS - 32)) - 1;

/// Chunk numbers are below this. The number of all ones is left out: with the last offset and the greatest
/// tag it would be an empty slot.
pub(super) const CHUNKS_MAX: usize = (1 << (POSITION_BITS - OFFSET_BITS)) - 1;
/// Records begin below this offset in their chunk.
pub(super) const CHUNK_BYTES_MAX: usize = ALIGN << OFFSET_BITS;

/// Where a record begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position(u64);

impl Position {
    /// `None` if a slot cannot say it.
    #[inline]
    pub(super) fn new(chunk: usize, offset: usize) -> Option<Self> {
        let is_sayable = chunk < CHUNKS_MAX && offset < CHUNK_BYTES_MAX && offset.is_multiple_of(ALIGN);
        is_sayable.then_some(Self((chunk as u64) << OFFSET_BITS | (offset / ALIGN) as u64))
    }

    #[inline]
    pub(super) const fn chunk(self) -> usize {
        (self.0 >> OFFSET_BITS) as usize
    }

    /// In bytes.
    #[inline]
    pub(super) const fn offset(self) -> usize {
        (self.0 & ((1 << OFFSET_BITS) - 1)) as usize * ALIGN
    }
}

/// The tag of `hash`.
#[inline]
pub(super) const fn tag(hash: u64) -> u64 {
    hash >> POSITION_BITS
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot(u64);

impl Slot {
    pub(super) const BYTES: usize = 8;
    pub(super) const EMPTY: Self = Self(0);

    #[inline]
    pub(super) const fn new(hash: u64, position: Position) -> Self {
        Self(!(tag(hash) << POSITION_BITS | position.0))
    }

    #[inline]
    pub(super) const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(u64::from_le_bytes(bytes))
    }

    #[inline]
    pub(super) const fn to_bytes(self) -> [u8; Self::BYTES] {
        self.0.to_le_bytes()
    }

    #[inline]
    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The tag; for an empty slot the greatest one.
    #[inline]
    pub(super) const fn tag(self) -> u64 {
        tag(!self.0)
    }

    /// Whether it is not empty and its tag is smaller than that whose [`upper_limit`](Self::upper_limit) this
    /// is.
    #[inline]
    pub(super) const fn is_smaller(self, upper_limit: u32) -> bool {
        (self.0 >> 32) as u32 > upper_limit
    }

    /// Whether it is empty or its tag is greater than that whose [`upper_limit`](Self::upper_limit) this is,
    /// unless it is empty and that is the greatest tag.
    #[inline]
    pub(super) const fn is_greater(self, upper_limit: u32) -> bool {
        (self.0 >> 32) as u32 | POSITION_HALF < upper_limit
    }

    /// Slots descend where tags ascend; this is the upper half of the greatest with the tag of `hash`.
    #[inline]
    pub(super) const fn upper_limit(hash: u64) -> u32 {
        !((hash >> 32) as u32) | POSITION_HALF
    }

    /// The tag as the top bits of a hash. The slot is not empty.
    #[inline]
    pub(super) const fn hash(self) -> u64 {
        self.tag() << POSITION_BITS
    }

    /// The slot is not empty.
    #[inline]
    pub(super) const fn position(self) -> Position {
        Position(!self.0 & ((1 << POSITION_BITS) - 1))
    }

    /// A number that looks like chance, one for one (SplitMix64): sums of these tell sets of slots apart.
    #[inline]
    pub(super) const fn mixed(self) -> u64 {
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    /// The position of a slot whose upper half is an [`upper_limit`](Self::upper_limit) as it is, as those in the first 16,384
    /// chunks are.
    #[inline]
    pub(super) const fn low_position(self) -> Position {
        Position(!(self.0 as u32) as u64)
    }

    #[inline]
    pub(super) const fn moved_to(self, position: Position) -> Self {
        Self::new(self.hash(), position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_has_the_documented_bytes() {
        let position = Position::new(2, 12).expect("a slot can say it");
        let slot = Slot::new(0xABCD_EF12_3456_789A, position);
        assert_eq!(slot.0, !(0x0ABC_DEF1 << 36 | 2 << 18 | 3));
        assert_eq!(slot.to_bytes(), slot.0.to_le_bytes());
    }

    #[test]
    fn the_greatest_slot_is_read_as_it_was_made() {
        let (chunk, offset) = (CHUNKS_MAX - 1, CHUNK_BYTES_MAX - ALIGN);
        let position = Position::new(chunk, offset).expect("a slot can say it");
        let slot = Slot::new(u64::MAX, position);
        assert_eq!((slot.tag(), slot.position()), (tag(u64::MAX), position));
        assert_eq!((position.chunk(), position.offset()), (chunk, offset));
        assert!(!slot.is_empty());
    }

    #[test]
    fn an_upper_half_without_chunk_bits_leaves_the_position_to_the_lower_one() {
        for hash in [0, 0xABCD_EF12_3456_789A, u64::MAX] {
            for chunk in [0, (1 << 14) - 1, 1 << 14, CHUNKS_MAX - 1] {
                let position = Position::new(chunk, 4 * ALIGN).expect("a slot can say it");
                let slot = Slot::new(hash, position);
                let is_low = (slot.0 >> 32) as u32 == Slot::upper_limit(hash);
                assert_eq!(is_low, chunk < 1 << 14);
                assert_eq!(slot.low_position() == position, is_low);
            }
        }
    }

    #[test]
    fn only_smaller_tags_are_smaller() {
        let ends = [(0, 0), (0, CHUNK_BYTES_MAX - ALIGN), (CHUNKS_MAX - 1, 0)];
        let positions = ends.map(|(chunk, offset)| Position::new(chunk, offset).expect("a slot can say it"));
        let hashes = [0, 1 << 36, 2 << 36, 1 << 63, u64::MAX - (1 << 36), u64::MAX];
        for (at, &hash) in hashes.iter().enumerate() {
            let limit = Slot::upper_limit(hash);
            assert!(!Slot::EMPTY.is_smaller(limit));
            for (other_at, &other) in hashes.iter().enumerate() {
                for position in positions {
                    assert_eq!(Slot::new(other, position).is_smaller(limit), other_at < at);
                }
            }
        }
    }

    #[test]
    fn positions_that_a_slot_cannot_say_are_none() {
        for (chunk, offset) in [(CHUNKS_MAX, 0), (0, CHUNK_BYTES_MAX), (0, 2)] {
            assert_eq!(Position::new(chunk, offset), None);
        }
    }
}
