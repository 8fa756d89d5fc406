//! Bytes that the table writes to, until a frozen table shares them.

use std::{mem, ops::Deref};

use bytes::{Buf, Bytes, BytesMut};

/// What processors fetch at once, in bytes.
const LINE: usize = 64;

/// No bytes, with room for so many, which begin where a line of the cache does.
pub(super) fn with_lines(bytes: usize) -> BytesMut {
    let mut lines = BytesMut::with_capacity(bytes + LINE);
    // An address that cannot be known is no reason not to go on.
    let before = lines.as_ptr().align_offset(LINE).min(LINE);
    lines.resize(before, 0);
    lines.advance(before);
    lines
}

/// Owned and writable, or shared and not.
#[derive(Debug)]
pub(super) enum Buffer {
    Owned(BytesMut),
    Shared(Bytes),
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
        if let Self::Shared(_) = self {
            self.reclaim();
        }
        match self {
            Self::Owned(bytes) => Ok(bytes),
            Self::Shared(bytes) => Err(bytes),
        }
    }

    /// Whether somebody else has the bytes, too.
    pub(super) fn is_shared(&self) -> bool {
        matches!(self, Self::Shared(bytes) if !bytes.is_unique())
    }

    #[cold]
    fn reclaim(&mut self) {
        if let Self::Shared(bytes) = self
            && bytes.is_unique()
        {
            *self = match mem::take(bytes).try_into_mut() {
                Ok(bytes) => Self::Owned(bytes),
                Err(bytes) => Self::Shared(bytes),
            };
        }
    }

    /// The bytes to write to; copies them if somebody else shares them.
    #[inline]
    pub(super) fn owned_or_copied(&mut self) -> &mut [u8] {
        if let Self::Shared(_) = self {
            self.reclaim();
        }
        if let Self::Shared(bytes) = self {
            let mut copy = with_lines(bytes.len());
            copy.extend_from_slice(bytes);
            *self = Self::Owned(copy);
        }
        match self {
            Self::Owned(bytes) => bytes,
            Self::Shared(_) => unreachable!("shared bytes were just copied"),
        }
    }

    /// Shares the bytes, without a copy.
    pub(super) fn share(&mut self) -> Bytes {
        if let Self::Owned(bytes) = self {
            *self = Self::Shared(mem::take(bytes).freeze());
        }
        match self {
            Self::Shared(bytes) => bytes.clone(),
            Self::Owned(_) => unreachable!("owned bytes were just shared"),
        }
    }
}

impl Default for Buffer {
    fn default() -> Self {
        Self::Owned(BytesMut::new())
    }
}

impl Deref for Buffer {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Self::Owned(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }
}
