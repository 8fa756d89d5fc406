//! All slots of a page.

use super::slot::Slot;

/// How many slots are looked at together when all are wanted.
const AT_ONCE: usize = 32;

/// Slots that are not empty. Gaps lie where nobody can predict them, so many slots are
/// looked at together, and those to keep are pushed together without a branch.
#[derive(Clone)]
pub(super) struct Slots<'a> {
    rest: &'a [[u8; Slot::BYTES]],
    found: [Slot; AT_ONCE],
    given: usize,
    count: usize,
}

impl<'a> Slots<'a> {
    /// Those in `bytes`.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let rest = bytes.as_chunks::<{ Slot::BYTES }>().0;
        Self { rest, found: [Slot::EMPTY; AT_ONCE], given: 0, count: 0 }
    }

    fn find(&mut self) {
        let (slots, rest) = self.rest.split_at(self.rest.len().min(AT_ONCE));
        (self.rest, self.given, self.count) = (rest, 0, 0);
        for &slot in slots {
            let slot = Slot::from_bytes(slot);
            self.found[self.count] = slot;
            self.count += usize::from(!slot.is_empty());
        }
    }
}

impl Iterator for Slots<'_> {
    type Item = Slot;

    #[inline]
    fn next(&mut self) -> Option<Slot> {
        while self.given == self.count {
            if self.rest.is_empty() {
                return None;
            }
            self.find();
        }
        self.given += 1;
        Some(self.found[self.given - 1])
    }
}
