//! Bytes that the table writes to, until a frozen table shares them.

use std::{collections::VecDeque, hint::black_box, mem, ops::Deref};

use bytes::{Bytes, BytesMut};

/// What processors fetch at once, in bytes.
pub(super) const LINE: usize = 64;

/// No bytes, with room for so many, which begin where a line of the cache does.
pub(super) fn with_lines(bytes: usize) -> BytesMut {
    let mut lines = BytesMut::with_capacity(bytes + LINE);
    // An address that cannot be known is no reason not to go on.
    let before = lines.as_ptr().align_offset(LINE).min(LINE);
    lines.resize(before, 0);
    counted(lines, before)
}

/// These bytes but for the first ones, with a count of who shares them, which else would be allocated each time that they
/// are shared, and freed each time that they are owned again.
pub(super) fn counted(mut bytes: BytesMut, before: usize) -> BytesMut {
    // What is split has one.
    drop(bytes.split_to(before));
    bytes
}

/// Owned and writable, or shared and not.
#[derive(Debug)]
pub(super) enum Buffer {
    Owned(Owned),
    /// Shared with frozen tables: an allocation of its own.
    Lent(Bytes),
    /// Shared with whoever read it, maybe a part of something larger.
    Shared(Bytes),
}

/// Bytes to write to.
#[derive(Debug, Default)]
#[repr(C)]
pub(super) struct Owned {
    // As long as what shared bytes have in front, so that address and length lie where theirs do: whoever reads need not
    // look which of both they are.
    in_front: usize,
    pub(super) bytes: BytesMut,
}

impl From<BytesMut> for Buffer {
    fn from(bytes: BytesMut) -> Self {
        Self::Owned(Owned { in_front: 0, bytes })
    }
}

impl Buffer {
    /// The bytes to write to, unless somebody else shares them. Bytes that nobody shares any more
    /// are owned again, without a copy and with the capacity they had.
    #[inline]
    pub(super) fn owned(&mut self) -> Option<&mut BytesMut> {
        self.writable().ok()
    }

    /// As [`owned`](Self::owned), or else the bytes to read.
    #[inline]
    pub(super) fn writable(&mut self) -> Result<&mut BytesMut, &[u8]> {
        if !matches!(self, Self::Owned(_)) {
            self.reclaim();
        }
        match self {
            Self::Owned(owned) => Ok(&mut owned.bytes),
            Self::Lent(bytes) | Self::Shared(bytes) => Err(bytes),
        }
    }

    /// Whether somebody else has the bytes, too.
    pub(super) fn is_shared(&self) -> bool {
        matches!(self, Self::Lent(bytes) | Self::Shared(bytes) if !bytes.is_unique())
    }

    #[cold]
    fn reclaim(&mut self) {
        if let Self::Lent(bytes) | Self::Shared(bytes) = self
            && bytes.is_unique()
        {
            *self = match mem::take(bytes).try_into_mut() {
                Ok(bytes) => bytes.into(),
                Err(bytes) => Self::Shared(bytes),
            };
        }
    }

    /// The bytes to write to; copies them if somebody else shares them, into a spare buffer if there is one.
    #[inline]
    pub(super) fn owned_or_copied(&mut self, spares: &mut Spares) -> &mut [u8] {
        if !matches!(self, Self::Owned(_)) {
            self.reclaim();
        }
        if let Self::Lent(bytes) | Self::Shared(bytes) = self {
            let mut copy = spares.take(bytes.len()).unwrap_or_else(|| with_lines(bytes.len()));
            copy.extend_from_slice(bytes);
            if let Self::Lent(bytes) = mem::replace(self, copy.into()) {
                spares.keep(bytes);
            }
        }
        match self {
            Self::Owned(owned) => &mut owned.bytes,
            Self::Lent(_) | Self::Shared(_) => unreachable!("shared bytes were just copied"),
        }
    }

    /// Shares the bytes, without a copy.
    pub(super) fn share(&mut self) -> Bytes {
        match self.lend() {
            Self::Lent(bytes) | Self::Shared(bytes) => bytes.clone(),
            Self::Owned(_) => unreachable!("owned bytes were just lent"),
        }
    }

    /// To be [shared](Self::share) soon, as others are: reads the count of who shares the bytes. To add to a count that is
    /// not in the cache takes long, and processors do so one by one; what is only read, they wait for together.
    pub(super) fn prepare_to_share(&mut self) {
        if let Self::Lent(bytes) | Self::Shared(bytes) = self.lend() {
            black_box(bytes.is_unique());
        }
    }

    fn lend(&mut self) -> &Self {
        if let Self::Owned(owned) = self {
            *self = Self::Lent(mem::take(&mut owned.bytes).freeze());
        }
        self
    }
}

impl Default for Buffer {
    fn default() -> Self {
        Self::Owned(Owned::default())
    }
}

impl Deref for Buffer {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Self::Owned(owned) => &owned.bytes,
            Self::Lent(bytes) | Self::Shared(bytes) => bytes,
        }
    }
}

/// Buffers that were copied because frozen tables share them, oldest first. When those are gone, the next copies
/// are made into them: memory that was touched before costs a fraction of what the system has to find and zero.
#[derive(Debug, Default)]
pub(super) struct Spares {
    kept: VecDeque<Bytes>,
    most: usize,
}

impl Spares {
    /// An empty one with room for so many bytes. Frozen tables are mostly dropped in the order in which they were
    /// frozen, so that only the oldest is looked at.
    fn take(&mut self, bytes: usize) -> Option<BytesMut> {
        if !self.kept.front()?.is_unique() {
            return None;
        }
        let mut spare = self.kept.pop_front()?.try_into_mut().ok()?;
        spare.clear();
        (spare.capacity() >= bytes).then_some(spare)
    }

    fn keep(&mut self, bytes: Bytes) {
        self.kept.push_back(bytes);
        self.keep_at_most(self.most);
    }

    /// Keeps no more than so many from now on: the newest.
    pub(super) fn keep_at_most(&mut self, most: usize) {
        self.most = most;
        self.kept.drain(..self.kept.len().saturating_sub(most));
    }

    /// What nobody else has.
    pub(super) fn bytes(&self) -> usize {
        self.kept.iter().filter(|spare| spare.is_unique()).map(Bytes::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written() -> Buffer {
        let mut bytes = with_lines(100);
        bytes.extend_from_slice(&[7; 100]);
        bytes.into()
    }

    #[test]
    fn a_copy_is_made_into_the_oldest_buffer_that_nobody_shares_any_more() {
        let (mut buffer, mut spares) = (written(), Spares::default());
        spares.keep_at_most(2);
        let first = buffer.share();
        let address = first.as_ptr();
        let copy = buffer.owned_or_copied(&mut spares);
        copy[0] = 8;
        assert_ne!(copy.as_ptr(), address);
        let second = buffer.share();
        assert_ne!(buffer.owned_or_copied(&mut spares).as_ptr(), address, "the first is still shared");
        assert_eq!((first[0], second[0], spares.bytes()), (7, 8, 0));
        let third = buffer.share();
        drop(first);
        assert_eq!(spares.bytes(), 100);
        let copy = buffer.owned_or_copied(&mut spares);
        assert_eq!((copy.as_ptr(), &copy[..2]), (address, &[8, 7][..]));
        assert_eq!((&third[..], spares.kept.len()), (&second[..], 2));
    }

    #[test]
    fn what_was_read_is_not_kept() {
        let (mut buffer, mut spares) = (Buffer::Shared(Bytes::from(vec![7; 100])), Spares::default());
        spares.keep_at_most(1);
        let shared = buffer.share();
        buffer.owned_or_copied(&mut spares)[0] = 8;
        assert_eq!((shared[0], spares.kept.len()), (7, 0));
    }
}
