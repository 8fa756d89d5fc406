//! Checksums find damaged bytes; digests ([`EntryDigest`](super::EntryDigest)) find lost, repeated and changed
//! entries.

/// CRC-32C (Castagnoli, as iSCSI uses it; check value `e3069283` for `123456789`).
///
/// Hardware computes it at memory speed, and every run of up to 32 damaged bits is found with
/// certainty; what gets by it by chance still meets the digest.
pub fn checksum(bytes: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(bytes)
}

/// A [`checksum`] of bytes that come in pieces.
pub(super) struct Checksum(crc_fast::Digest);

impl Checksum {
    pub(super) fn new() -> Self {
        Self(crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc32Iscsi))
    }

    pub(super) fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    pub(super) fn finish(self) -> u32 {
        // The algorithm has 32 bits.
        self.0.finalize() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksum_is_crc_32c() {
        assert_eq!(checksum(b"123456789"), 0xE306_9283);
        assert_eq!(checksum(b""), 0);
    }
}
