//! How key groups are written to snapshots.

use crate::snapshot::Compression;

/// How a backend writes its key groups to snapshots. Every reader reads every kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SectionOptions {
    tables_from_bytes: usize,
    compression: Compression,
}

impl Default for SectionOptions {
    fn default() -> Self {
        Self { tables_from_bytes: 16 << 10, compression: Compression::None }
    }
}

impl SectionOptions {
    /// A key group whose tables have this many bytes is written as they are in memory, without a copy, and
    /// needs not be rebuilt when it is restored; a smaller one entry by entry in the order of keys, which is
    /// smaller still, and the same bytes for the same entries. 0 is for always, `usize::MAX` for never.
    /// Default: 16 KiB, which are sorted in some 10 µs.
    #[must_use]
    pub const fn with_tables_from_bytes(mut self, bytes: usize) -> Self {
        self.tables_from_bytes = bytes;
        self
    }

    /// What is done to sections before they are stored. Default: nothing, because both codecs are slower than
    /// memory, disks and near networks (docs/performance.md).
    #[must_use]
    pub const fn with_compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// See [`with_tables_from_bytes`](Self::with_tables_from_bytes).
    pub const fn tables_from_bytes(&self) -> usize {
        self.tables_from_bytes
    }

    /// See [`with_compression`](Self::with_compression).
    pub const fn compression(&self) -> Compression {
        self.compression
    }
}
