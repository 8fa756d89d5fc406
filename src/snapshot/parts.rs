//! The bytes of an object in pieces, so that what is in memory already is not copied.

use bytes::Bytes;

use super::integrity::Checksum;

/// Pieces below this size are copied: a piece costs an allocation and, when it is stored, a system call.
const SHARED_BYTES_MIN: usize = 4 << 10;
/// So much is copied before it is kept somewhere: a few files for a large state, and little memory.
const KEPT_BYTES_MIN: usize = 8 << 20;
/// An object below this size is one piece.
const JOINED_BYTES_MAX: usize = 64 << 10;

/// What follows the index of an object, while it is written.
pub(super) struct Parts {
    // Where in the object they begin.
    start: usize,
    done: Vec<Bytes>,
    done_bytes: usize,
    tail: Vec<u8>,
}

impl Parts {
    /// Nothing yet, at `start` of the object.
    pub(super) const fn new(start: usize) -> Self {
        Self { start, done: Vec::new(), done_bytes: 0, tail: Vec::new() }
    }

    /// Where in the object the next byte will be.
    pub(super) fn position(&self) -> usize {
        self.start + self.done_bytes + self.tail.len()
    }

    /// Appends a copy.
    pub(super) fn extend_from_slice(&mut self, bytes: &[u8]) {
        self.tail.extend_from_slice(bytes);
    }

    /// Replaces what was copied to `position`, since which nothing was shared.
    pub(super) fn overwrite(&mut self, position: usize, bytes: &[u8]) {
        let at = position.checked_sub(self.start + self.done_bytes);
        let there = at.and_then(|at| self.tail.get_mut(at..at + bytes.len()));
        there.expect("nothing was shared since").copy_from_slice(bytes);
    }

    /// Appends without a copy, unless one is cheaper.
    pub(super) fn share(&mut self, bytes: &Bytes) {
        if bytes.len() < SHARED_BYTES_MIN {
            return self.extend_from_slice(bytes);
        }
        self.end_tail();
        self.done_bytes += bytes.len();
        self.done.push(bytes.clone());
    }

    /// Lets `keep` take what was copied, if that is much.
    pub(super) fn keep<E>(&mut self, keep: impl FnOnce(Vec<u8>) -> Result<Bytes, E>) -> Result<(), E> {
        if self.tail.len() >= KEPT_BYTES_MIN {
            let bytes = self.tail.len();
            self.done.push(keep(std::mem::take(&mut self.tail))?);
            self.done_bytes += bytes;
        }
        Ok(())
    }

    fn end_tail(&mut self) {
        if !self.tail.is_empty() {
            self.done_bytes += self.tail.len();
            self.done.push(std::mem::take(&mut self.tail).into());
        }
    }

    /// The pieces from `position` of the object on.
    fn since(&self, position: usize) -> impl Iterator<Item = &[u8]> {
        let mut left = self.position() - position;
        let mut pieces = Vec::new();
        for piece in std::iter::once(&*self.tail).chain(self.done.iter().rev().map(|piece| &**piece)) {
            let wanted = left.min(piece.len());
            pieces.extend(piece.get(piece.len() - wanted..));
            left -= wanted;
            if left == 0 {
                break;
            }
        }
        pieces.into_iter().rev()
    }

    /// The [`checksum`](super::checksum) of everything from `position` of the object on.
    pub(super) fn checksum_since(&self, position: usize) -> u32 {
        let mut sum = Checksum::new();
        self.since(position).for_each(|piece| sum.update(piece));
        sum.finish()
    }

    /// Takes back everything from `position` on, as one piece.
    pub(super) fn take_since(&mut self, position: usize) -> Vec<u8> {
        let mut taken = Vec::with_capacity(self.position() - position);
        self.since(position).for_each(|piece| taken.extend_from_slice(piece));
        let mut left = taken.len();
        let from_tail = left.min(self.tail.len());
        self.tail.truncate(self.tail.len() - from_tail);
        left -= from_tail;
        while let Some(last) = self.done.last_mut().filter(|_| left > 0) {
            let from_last = left.min(last.len());
            last.truncate(last.len() - from_last);
            left -= from_last;
            self.done_bytes -= from_last;
            if last.is_empty() {
                self.done.pop();
            }
        }
        taken
    }

    /// The whole object, `front` before everything else.
    pub(super) fn finish(mut self, front: Vec<u8>) -> Vec<Bytes> {
        if front.len() + self.done_bytes + self.tail.len() <= JOINED_BYTES_MAX {
            let mut object = front;
            self.since(self.start).for_each(|piece| object.extend_from_slice(piece));
            return vec![object.into()];
        }
        self.end_tail();
        std::iter::once(front.into()).chain(self.done).collect()
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test may panic")]
mod tests {
    use super::{super::checksum, *};

    fn parts() -> Parts {
        let mut parts = Parts::new(10);
        parts.extend_from_slice(b"little");
        parts.share(&Bytes::from(vec![1; SHARED_BYTES_MIN]));
        parts.share(&Bytes::from_static(b"small"));
        parts.share(&Bytes::from(vec![2; JOINED_BYTES_MAX]));
        parts.extend_from_slice(b"end");
        parts
    }

    fn whole() -> Vec<u8> {
        let (one, two) = ([1; SHARED_BYTES_MIN], [2; JOINED_BYTES_MAX]);
        [b"front", &b"little"[..], &one, b"small", &two, b"end"].concat()
    }

    #[test]
    fn pieces_are_in_the_order_they_came_and_large_ones_are_not_copied() {
        let large = Bytes::from(vec![2; JOINED_BYTES_MAX]);
        let mut parts = Parts::new(5);
        parts.share(&large);
        let finished = parts.finish(b"front".to_vec());
        assert_eq!(finished[1].as_ptr(), large.as_ptr());
        assert_eq!(self::parts().finish(b"front".to_vec()).concat(), whole());
    }

    #[test]
    fn a_checksum_begins_anywhere() {
        let (parts, whole) = (parts(), whole());
        for back in [0, 1, 3, 4, 3 + JOINED_BYTES_MAX, 9 + JOINED_BYTES_MAX, whole.len() - 5] {
            let position = parts.position() - back;
            assert_eq!(parts.checksum_since(position), checksum(&whole[whole.len() - back..]), "{back}");
        }
    }

    #[test]
    fn what_is_taken_back_is_gone() {
        let whole = whole();
        for back in [0, 1, 3, 4, 3 + JOINED_BYTES_MAX, 9 + JOINED_BYTES_MAX, whole.len() - 5] {
            let mut parts = parts();
            let position = parts.position() - back;
            assert_eq!(parts.take_since(position), whole[whole.len() - back..]);
            assert_eq!(parts.position(), position);
            assert_eq!(parts.finish(b"front".to_vec()).concat(), whole[..whole.len() - back]);
        }
    }
}
