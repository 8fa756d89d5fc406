//! A page of the index: slots sorted by tag, with gaps.
//!
//! A page holds the keys whose hash begins with its prefix. It has a power of two of *homes*, in lines of
//! eight: the bits of the hash that follow the prefix name the line of a key. It lies there or
//! after it, with no gap in between, and slots ascend by tag. So a search begins at the line, a line of the
//! cache, nearly always ends in it, and ends at the key, at a gap or at a greater tag: a miss costs as
//! much as a hit, where plain linear probing pays for the whole cluster. After the homes come a few
//! spare slots, for nothing wraps around; that keeps a page one sorted run, which splits and grows in
//! one pass and without looking at a record.

use bytes::Bytes;

use super::{
    buffer::{self, Buffer, Spares},
    slot::{Position, Slot, TAG_BITS},
    slots::Slots,
    window::{self, Equal, Line, WINDOW},
};

/// The homes of the smallest page.
const HOME_BITS_MIN: u8 = 3;
/// The homes of a page that splits instead of growing: 32 KiB of them.
pub(super) const HOME_BITS_MAX: u8 = 12;
/// The longest prefix: the tag has no bits for another one.
pub(super) const DEPTH_MAX: u8 = TAG_BITS as u8 - HOME_BITS_MAX;
/// The spare slots of the smallest page: every search begins with a whole window.
const SPARE_MIN: usize = WINDOW;
const SPARE_MAX: usize = 64;

#[derive(Debug)]
pub(super) struct Page {
    // Whole lines.
    slots: Buffer,
    entries: u32,
    homes: Homes,
}

/// What a page is in a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageImage {
    /// How many bits of the hash all keys of the page share: at most 16.
    pub depth: u8,
    /// The page has two to the power of this many homes: 3 to 12, and 12 unless the depth is 0.
    pub home_bits: u8,
    /// The slots: `u64`, little endian, at least one for each home.
    pub slots: Bytes,
}

impl Page {
    /// The only page of a table, empty.
    pub(super) fn first() -> Self {
        Self::build(Homes::new(0, HOME_BITS_MIN), std::iter::empty())
    }

    pub(super) const fn depth(&self) -> u8 {
        self.homes.depth
    }

    pub(super) const fn entries(&self) -> usize {
        self.entries as usize
    }

    pub(super) fn bytes(&self) -> usize {
        self.slots.len()
    }

    /// The slots that are not empty, ascending by tag.
    pub(super) fn slots(&self) -> Slots<'_> {
        Slots::new(&self.slots)
    }

    /// The first slot with the tag of `hash` in its home, and its position, if that is a
    /// [low one](Slot::low_position).
    #[inline(always)]
    pub(super) fn at_home(&self, hash: u64) -> Option<(usize, Position)> {
        let number = self.homes.line(hash);
        let line = lines(&self.slots).get(number)?;
        let at = window::first_equal(line, Slot::upper_limit(hash))?;
        Some((number * WINDOW + at, Slot::from_bytes(line[at]).low_position()))
    }

    /// The line in which a key of this hash is looked for first.
    #[inline(always)]
    pub(super) fn home(&self, hash: u64) -> Option<&Line> {
        lines(&self.slots).get(self.homes.line(hash))
    }

    /// All slots that have the tag of `hash`, and their positions. With the greatest tag, empty slots come, too, at
    /// positions where no key is.
    pub(super) fn candidates(&self, hash: u64) -> Candidates<'_> {
        Candidates::from(lines(&self.slots), self.homes.line(hash), Slot::upper_limit(hash))
    }

    /// Puts a new slot before all with greater tags; `false` if there is no room.
    pub(super) fn insert(&mut self, hash: u64, new: Slot, spares: &mut Spares) -> bool {
        // A page with the longest prefix has nothing left to split by: it is filled to the end.
        if self.entries() >= self.homes.count() / 8 * 7 && self.homes.depth < DEPTH_MAX {
            return false;
        }
        let lines = lines(&self.slots);
        let slot = first_not_smaller(lines, self.homes.line(hash), hash);
        let after = lines.as_flattened().get(slot..).unwrap_or_default();
        let Some(gap) = after.iter().position(|&slot| Slot::from_bytes(slot).is_empty()) else {
            return false;
        };
        let (slots, _) = self.slots.owned_or_copied(spares).as_chunks_mut::<{ Slot::BYTES }>();
        slots.copy_within(slot..slot + gap, slot + 1);
        slots[slot] = new.to_bytes();
        self.entries += 1;
        true
    }

    /// Names another position; gives how many bytes it copied for that.
    pub(super) fn move_to(&mut self, slot: usize, position: Position, spares: &mut Spares) -> usize {
        let copied = if self.slots.is_shared() { self.slots.len() } else { 0 };
        let (slots, _) = self.slots.owned_or_copied(spares).as_chunks_mut::<{ Slot::BYTES }>();
        slots[slot] = Slot::from_bytes(slots[slot]).moved_to(position).to_bytes();
        copied
    }

    /// Empties a slot. Those that lie behind it and not in their homes move up, so that no search
    /// ends too early and nothing is left to mark the place.
    pub(super) fn remove(&mut self, slot: usize, spares: &mut Spares) {
        let homes = self.homes;
        let (slots, _) = self.slots.owned_or_copied(spares).as_chunks_mut::<{ Slot::BYTES }>();
        let is_displaced = |&(at, &slot): &(usize, &[u8; Slot::BYTES])| {
            let slot = Slot::from_bytes(slot);
            !slot.is_empty() && homes.home(slot.hash()) < at
        };
        let displaced = slots.iter().enumerate().skip(slot + 1).take_while(is_displaced).count();
        slots.copy_within(slot + 1..slot + 1 + displaced, slot);
        slots[slot + displaced] = Slot::EMPTY.to_bytes();
        self.entries -= 1;
    }

    /// This page with more room, as one page, or as two whose prefixes have one more bit.
    pub(super) fn grown(&self) -> (Self, Option<Self>) {
        let Homes { depth, .. } = self.homes;
        if self.homes.bits() < HOME_BITS_MAX {
            return (Self::build(Homes::new(depth, self.homes.bits() + 1), self.slots()), None);
        }
        if depth < DEPTH_MAX {
            let is_high = |slot: &Slot| (slot.hash() << depth) >> 63 == 1;
            let low = self.slots().take_while(|slot| !is_high(slot));
            let high = self.slots().skip_while(|slot| !is_high(slot));
            let homes = Homes::new(depth + 1, HOME_BITS_MAX);
            return (Self::build(homes, low), Some(Self::build(homes, high)));
        }
        // More than a thousand keys of equal tags: whoever looks for them is an adversary.
        // A page that was read may have had no spare slots, and twice none is none.
        let spare = (2 * (self.slots.len() / Slot::BYTES - self.homes.count())).max(SPARE_MIN);
        let grown = Self::with_spare(self.homes, spare, self.slots());
        (grown.expect("a page with more spare slots has room for as many keys"), None)
    }

    /// Makes freezing many pages faster.
    pub(super) fn prepare_to_freeze(&mut self) {
        self.slots.prepare_to_share();
    }

    pub(super) fn freeze(&mut self) -> PageImage {
        PageImage { depth: self.homes.depth, home_bits: self.homes.bits(), slots: self.slots.share() }
    }

    /// The page of an image whose prefix is `prefix`, of a depth that can be; the error says what no
    /// page is.
    pub(super) fn from_image(image: PageImage, prefix: u64) -> Result<Self, &'static str> {
        let PageImage { depth, home_bits, slots } = image;
        let smallest = if depth == 0 { HOME_BITS_MIN } else { HOME_BITS_MAX };
        if !(smallest..=HOME_BITS_MAX).contains(&home_bits) {
            return Err("no page of its depth has so many homes");
        }
        if !slots.len().is_multiple_of(Slot::BYTES) || slots.len() / Slot::BYTES < 1 << home_bits {
            return Err("it has fewer slots than homes, or a part of one");
        }
        let homes = Homes::new(depth, home_bits);
        let (mut entries, mut before, mut gap_end) = (0_u32, 0, 0);
        for (at, slot) in read(&slots).enumerate() {
            if slot.is_empty() {
                gap_end = at + 1;
                continue;
            }
            let hash = slot.hash();
            if (hash ^ prefix).leading_zeros() < u32::from(depth) {
                return Err("a slot is of another page");
            }
            if hash < before {
                return Err("slots do not ascend");
            }
            if !(gap_end..=at).contains(&homes.home(hash)) {
                return Err("a slot cannot be reached from its home");
            }
            before = hash;
            entries = entries.checked_add(1).ok_or("it has too many slots")?;
        }
        Ok(Self { slots: in_lines(slots), entries, homes })
    }

    /// With as many spare slots as these slots need.
    fn build(homes: Homes, slots: impl Iterator<Item = Slot> + Clone) -> Self {
        let mut spare = homes.count().div_ceil(4).clamp(SPARE_MIN, SPARE_MAX);
        loop {
            if let Some(page) = Self::with_spare(homes, spare, slots.clone()) {
                return page;
            }
            spare *= 2;
        }
    }

    /// Of a multiple of [`WINDOW`] spare slots.
    fn with_spare(homes: Homes, spare: usize, slots: impl Iterator<Item = Slot>) -> Option<Self> {
        let size = (homes.count() + spare) * Slot::BYTES;
        let mut bytes = buffer::with_lines(size);
        bytes.resize(size, 0);
        let (to, _) = bytes.as_chunks_mut::<{ Slot::BYTES }>();
        let (mut next, mut entries) = (0, 0);
        for slot in slots {
            let at = next.max(homes.home(slot.hash()));
            *to.get_mut(at)? = slot.to_bytes();
            next = at + 1;
            entries += 1;
        }
        Some(Self { slots: bytes.into(), entries, homes })
    }
}

/// Where in a page keys would like to be. Uses bits of the tag alone, so that a slot says where it belongs.
#[derive(Clone, Copy, Debug)]
struct Homes {
    depth: u8,
    // How many bits of the hash follow those that say the line.
    behind: u8,
    // All these bits.
    lines: u16,
}

impl Homes {
    /// Two to the power of `bits`, after a prefix of `depth` bits.
    const fn new(depth: u8, bits: u8) -> Self {
        let lines = (1 << bits) / WINDOW as u16 - 1;
        // Where there is but one line, no bits say which, and 64 would follow.
        let behind = 64 - depth - bits + WINDOW.ilog2() as u8;
        Self { depth, behind: if behind < 64 { behind } else { 63 }, lines }
    }

    const fn bits(self) -> u8 {
        self.count().ilog2() as u8
    }

    const fn count(self) -> usize {
        (self.lines as usize + 1) * WINDOW
    }

    /// The line of a key of this hash.
    #[inline(always)]
    const fn line(self, hash: u64) -> usize {
        (hash >> self.behind) as usize & self.lines as usize
    }

    /// The first slot of the line.
    const fn home(self, hash: u64) -> usize {
        self.line(hash) * WINDOW
    }
}

/// Lines of eight slots.
#[inline(always)]
fn lines(slots: &[u8]) -> &[Line] {
    slots.as_chunks::<{ Slot::BYTES }>().0.as_chunks().0
}

/// Slots that were read; where they end within a line, empty ones follow.
fn in_lines(slots: Bytes) -> Buffer {
    let size = slots.len().next_multiple_of(size_of::<Line>());
    if size == slots.len() {
        return Buffer::Shared(slots);
    }
    let mut bytes = buffer::with_lines(size);
    bytes.extend_from_slice(&slots);
    bytes.resize(size, 0);
    bytes.into()
}

/// The first slot at or after the beginning of line `home` that is empty or has no smaller tag than `hash`. Behind it
/// there is none that has: slots ascend by tag, and behind a gap lie only those with a later home.
#[inline(always)]
fn first_not_smaller(lines: &[Line], home: usize, hash: u64) -> usize {
    let limit = Slot::upper_limit(hash);
    let mut at = home * WINDOW;
    for line in lines.get(home..).unwrap_or_default() {
        let smaller = window::smaller(line, limit);
        at += smaller;
        if smaller < WINDOW {
            break;
        }
    }
    at
}

fn read(bytes: &[u8]) -> impl Iterator<Item = Slot> + Clone {
    bytes.as_chunks::<{ Slot::BYTES }>().0.iter().map(|&slot| Slot::from_bytes(slot))
}

/// Slots of one tag, line by line.
pub(super) struct Candidates<'a> {
    lines: &'a [Line],
    // The line that is looked at, its number, and which of its slots are left.
    line: &'a Line,
    number: usize,
    equal: Equal,
    limit: u32,
}

impl<'a> Candidates<'a> {
    pub(super) const NONE: Self = Self {
        lines: &[],
        line: &[Slot::EMPTY.to_bytes(); WINDOW],
        number: 0,
        equal: Equal::NONE,
        limit: u32::MAX,
    };

    /// From line `number` on.
    fn from(lines: &'a [Line], number: usize, limit: u32) -> Self {
        let Some(line) = lines.get(number) else { return Self::NONE };
        Self { lines, line, number, equal: window::equal(line, limit), limit }
    }
}

impl Iterator for Candidates<'_> {
    type Item = (usize, Position);

    fn next(&mut self) -> Option<(usize, Position)> {
        loop {
            if let Some(at) = self.equal.next() {
                return Some((self.number * WINDOW + at, Slot::from_bytes(self.line[at]).position()));
            }
            let [.., last] = *self.line;
            if Slot::from_bytes(last).is_greater(self.limit) {
                return None;
            }
            *self = Self::from(self.lines, self.number + 1, self.limit);
        }
    }
}

impl PageImage {
    /// The slots that are not empty, ascending by tag.
    pub(super) fn slots(&self) -> Slots<'_> {
        Slots::new(&self.slots)
    }
}
