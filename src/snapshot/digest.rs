//! Digests of entries: they find what is lost, repeated or changed.

use xxhash_rust::xxh3::xxh3_128;

use crate::checkpoint::Certificate;

/// The longest input that XXH3 hashes in one go; the time to gather a longer one is small beside the rest.
const SHORT_BYTES: usize = 240;

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
    // Where the name ends in all inputs; it stays in front from entry to entry.
    name_end: usize,
    // Used by turns: a processor cannot read in other words what it has only just written, and waits.
    short: [[u8; SHORT_BYTES]; 2],
    long: Vec<u8>,
}

impl EntryDigest {
    /// For entries of the state `name`.
    pub fn new(name: &str) -> Self {
        let mut long = Vec::with_capacity(4 + name.len());
        long.extend_from_slice(&(name.len() as u32).to_le_bytes());
        long.extend_from_slice(name.as_bytes());
        let mut short = [[0; SHORT_BYTES]; 2];
        for input in &mut short {
            if let Some(front) = input.get_mut(..long.len()) {
                front.copy_from_slice(&long);
            }
        }
        Self { name_end: long.len(), short, long }
    }

    /// The certificate of one entry. Certificates of many entries are sums of these.
    pub fn certificate(&mut self, key: &[u8], value: &[u8]) -> Certificate {
        let mut sum = self.sum();
        sum.add(key, value);
        sum.finish()
    }

    /// For the certificate of many entries: faster than one by one.
    pub const fn sum(&mut self) -> CertificateSum<'_> {
        CertificateSum { digest: self, turn: 0, pending: None, sum: Certificate { entries: 0, digest: 0 } }
    }

    #[inline(never)]
    fn of_long(&mut self, key: &[u8], value: &[u8]) -> u128 {
        self.long.truncate(self.name_end);
        self.long.extend_from_slice(&(key.len() as u32).to_le_bytes());
        self.long.extend_from_slice(key);
        self.long.extend_from_slice(value);
        xxh3_128(&self.long)
    }
}

/// The certificate of entries that come one by one. See [`EntryDigest::sum`].
#[derive(Debug)]
#[must_use = "the sum is what `finish` gives"]
pub struct CertificateSum<'a> {
    digest: &'a mut EntryDigest,
    // Which of the inputs is written to next.
    turn: usize,
    // How long the other one is, if its digest is not in the sum yet.
    pending: Option<usize>,
    sum: Certificate,
}

impl CertificateSum<'_> {
    /// Adds the certificate of one entry.
    #[inline]
    pub fn add(&mut self, key: &[u8], value: &[u8]) {
        self.sum.entries += 1;
        let EntryDigest { name_end, short, .. } = &mut *self.digest;
        let end = *name_end + 4 + key.len() + value.len();
        let Some(input) = short.get_mut(self.turn).and_then(|input| input.get_mut(..end)) else {
            let digest = self.digest.of_long(key, value);
            return self.add_digest(digest);
        };
        let (_, rest) = input.split_at_mut(*name_end);
        let (key_bytes, rest) = rest.split_at_mut(4);
        let (key_input, value_input) = rest.split_at_mut(key.len());
        key_bytes.copy_from_slice(&(key.len() as u32).to_le_bytes());
        key_input.copy_from_slice(key);
        value_input.copy_from_slice(value);
        self.turn ^= 1;
        self.add_pending();
        self.pending = Some(end);
    }

    /// The sum of the certificates of all entries that were added.
    pub fn finish(mut self) -> Certificate {
        self.turn ^= 1;
        self.add_pending();
        self.sum
    }

    /// Adds the digest of the input whose turn it is.
    #[inline]
    fn add_pending(&mut self) {
        let input =
            self.digest.short.get(self.turn).zip(self.pending).and_then(|(input, end)| input.get(..end));
        if let Some(input) = input {
            self.add_digest(xxh3_128(input));
        }
    }

    #[inline]
    const fn add_digest(&mut self, digest: u128) {
        self.sum.digest = self.sum.digest.wrapping_add(digest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn a_sum_is_the_sum_of_the_digests_at_every_length() {
        for name in ["s", &"n".repeat(235), &"n".repeat(300)] {
            let mut digest = EntryDigest::new(name);
            let lengths = [0, 1, 8, 90, 220, 225, 230, 231, 235, 236, 237, 300, 3, 240, 7, 7];
            let entries =
                lengths.map(|length| (vec![1; length / 2], vec![length as u8; length - length / 2]));
            let expected = entries.iter().map(|(key, value)| {
                let lengths = [name.len() as u32, key.len() as u32].map(u32::to_le_bytes);
                let digest = xxh3_128(&[&lengths[0], name.as_bytes(), &lengths[1], key, value].concat());
                Certificate { entries: 1, digest }
            });
            let mut sum = digest.sum();
            entries.iter().for_each(|(key, value)| sum.add(key, value));
            assert_eq!(sum.finish(), expected.sum(), "a name of {} bytes", name.len());
            assert_eq!(digest.sum().finish(), Certificate::default());
        }
    }
}
