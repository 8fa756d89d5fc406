//! Bytes of a key or a value where they are stored.

use std::{fmt, ops::Deref};

/// A key or a value as it is stored: borrowed from memory, or a piece of a block that was read from disk.
#[derive(Clone)]
pub struct StoredBytes<'a>(Held<'a>);

#[derive(Clone)]
enum Held<'a> {
    Memory(&'a [u8]),
    // Boxed: a read of memory, which takes less time than to write this down, would carry room for it along.
    #[cfg(feature = "disk")]
    Disk(Box<Piece>),
}

/// A piece of a block, from this byte on.
#[cfg(feature = "disk")]
#[derive(Clone)]
struct Piece(lsm_tree::Slice, usize);

impl Deref for StoredBytes<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Held::Memory(bytes) => bytes,
            #[cfg(feature = "disk")]
            Held::Disk(piece) => &piece.0[piece.1..],
        }
    }
}

impl AsRef<[u8]> for StoredBytes<'_> {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl<'a> From<&'a [u8]> for StoredBytes<'a> {
    #[inline]
    fn from(bytes: &'a [u8]) -> Self {
        Self(Held::Memory(bytes))
    }
}

#[cfg(feature = "disk")]
impl StoredBytes<'_> {
    /// What lies in `bytes` from byte `from` on.
    pub(super) fn on_disk(bytes: lsm_tree::Slice, from: usize) -> Self {
        Self(Held::Disk(Box::new(Piece(bytes, from))))
    }
}

impl fmt::Debug for StoredBytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl PartialEq for StoredBytes<'_> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for StoredBytes<'_> {}
