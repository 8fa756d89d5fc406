//! Checksums find damaged bytes; digests find lost, repeated and changed entries.

use xxhash_rust::xxh3::xxh3_128;

use crate::checkpoint::Certificate;

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

/// Most entries fit, so that their digests do not let the scratch grow.
const ENTRY_BYTES: usize = 64;

/// Computes the certificates of entries of one state.
///
/// The digest of an entry is XXH3-128 (seed 0) over
///
/// ```text
/// name length  u32, little endian
/// name         UTF-8
/// key length   u32, little endian
/// key          encoded key
/// value        encoded value, up to the end
/// ```
///
/// The lengths in front make it unambiguous. It is independent of the snapshot format, so that
/// certificates of different format versions compare.
#[derive(Clone, Debug)]
pub struct EntryDigest {
    // The digest's input; the name stays in front from entry to entry.
    scratch: Vec<u8>,
    name_end: usize,
}

impl EntryDigest {
    /// For entries of the state `name`.
    pub fn new(name: &str) -> Self {
        let mut scratch = Vec::with_capacity(4 + name.len() + ENTRY_BYTES);
        scratch.extend_from_slice(&(name.len() as u32).to_le_bytes());
        scratch.extend_from_slice(name.as_bytes());
        Self { name_end: scratch.len(), scratch }
    }

    /// The certificate of one entry. Certificates of many entries are sums of these.
    pub fn certificate(&mut self, key: &[u8], value: &[u8]) -> Certificate {
        self.scratch.truncate(self.name_end);
        self.scratch.extend_from_slice(&(key.len() as u32).to_le_bytes());
        self.scratch.extend_from_slice(key);
        self.scratch.extend_from_slice(value);
        Certificate { entries: 1, digest: xxh3_128(&self.scratch) }
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

    /// Certificates lie in manifests for ever.
    #[test]
    fn digest_of_a_known_entry_never_changes() {
        let certificate = EntryDigest::new("flights").certificate(b"\x06N14228", &[1]);
        assert_eq!(certificate.digest, xxh3_128(b"\x07\0\0\0flights\x07\0\0\0\x06N14228\x01"));
        assert_eq!(format!("{:032x}", certificate.digest), "781a04ea564f22f33896ae074488321e");
    }

    #[test]
    fn moving_a_byte_between_name_key_and_value_changes_the_digest() {
        let ab_c_d = EntryDigest::new("ab").certificate(b"c", b"d");
        assert_ne!(ab_c_d, EntryDigest::new("a").certificate(b"bc", b"d"));
        assert_ne!(ab_c_d, EntryDigest::new("ab").certificate(b"cd", b""));
        assert_ne!(ab_c_d, EntryDigest::new("ab").certificate(b"", b"cd"));
    }

    #[test]
    fn an_entry_does_not_leak_into_the_next() {
        let mut digest = EntryDigest::new("s");
        let fresh = digest.certificate(b"k", b"v");
        digest.certificate(b"a much longer key", b"a much longer value");
        assert_eq!(digest.certificate(b"k", b"v"), fresh);
    }
}
