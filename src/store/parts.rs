//! Which objects go up in parts, how long the parts are, and where a payload is cut.
//!
//! A store takes only so much in one request: S3 5 GiB, object_store's clients what they can send in 30 seconds. Longer
//! objects go up in parts, a few at once. All but the last are equally long, for R2 takes no others, and there are no
//! more than any store takes, so that the parts of a very long object are longer. Cutting copies nothing: a part refers
//! to the bytes of the payload.

use std::num::NonZeroU64;

use bytes::Bytes;
use object_store::PutPayload;

use super::CheckpointStore;

/// What is no longer takes one request instead of three and more. A part is through within the 30 seconds that
/// object_store's clients give a request if 2.2 MiB come through in a second; and 10,000 parts are 625 GiB.
pub(super) const PART_BYTES: NonZeroU64 = NonZeroU64::new(64 << 20).expect("64 MiB");

/// S3, R2 and GCS take so many, Azure five times as many.
const PARTS_MAX: u64 = 10_000;

impl CheckpointStore {
    /// The same, with objects of more than `part_bytes` written in parts of so many bytes, four at once. Default 64 MiB,
    /// except in local directories, which need no parts. An object of more than 10,000 parts gets longer ones.
    ///
    /// S3 and GCS take parts of 5 MiB to 5 GiB, Azure of up to 4,000 MiB; what a store does not take, it refuses when a
    /// large object is written. More bytes are fewer requests; fewer are less to repeat after a failure, and less that
    /// has to be through before a request times out.
    ///
    /// A process that dies in the middle leaves parts that nobody sees, lists or deletes, and that are paid for. Give the
    /// bucket a rule that does away with them after a few days: `AbortIncompleteMultipartUpload` on S3 and GCS. Azure
    /// forgets them after a week.
    #[must_use]
    pub fn with_parts(self, part_bytes: NonZeroU64) -> Self {
        Self { part_bytes: Some(part_bytes), ..self }
    }

    /// The same, with every object written in one request: for a store that has no uploads in parts, or whose uploads in
    /// parts are not as durable as its puts.
    #[must_use]
    pub fn without_parts(self) -> Self {
        Self { part_bytes: None, ..self }
    }

    /// How long the parts of an object of so many bytes are; `None` if it is written in one request.
    pub(crate) fn part_bytes_of(&self, object_bytes: u64) -> Option<u64> {
        self.part_bytes.and_then(|part_bytes| length_of_parts(part_bytes, object_bytes))
    }
}

fn length_of_parts(wanted: NonZeroU64, object_bytes: u64) -> Option<u64> {
    (object_bytes > wanted.get()).then(|| wanted.get().max(object_bytes.div_ceil(PARTS_MAX)))
}

/// The parts of a payload, in their order.
pub(super) struct Parts {
    // What is left of the chunk that was cut last, and those behind it.
    chunk: Bytes,
    chunks: <PutPayload as IntoIterator>::IntoIter,
    part_bytes: usize,
}

impl Parts {
    /// Of so many bytes each, but the last.
    pub(super) fn of(payload: PutPayload, part_bytes: u64) -> Self {
        // Nothing in memory is longer.
        let part_bytes = usize::try_from(part_bytes).unwrap_or(usize::MAX);
        Self { chunk: Bytes::new(), chunks: payload.into_iter(), part_bytes }
    }
}

impl Iterator for Parts {
    type Item = PutPayload;

    fn next(&mut self) -> Option<PutPayload> {
        let mut pieces = Vec::new();
        let mut room = self.part_bytes;
        while room > 0 {
            if self.chunk.is_empty() {
                let Some(chunk) = self.chunks.next() else { break };
                self.chunk = chunk;
                continue;
            }
            let piece = self.chunk.split_to(self.chunk.len().min(room));
            room -= piece.len();
            pieces.push(piece);
        }
        (!pieces.is_empty()).then(|| pieces.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use object_store::{memory::InMemory, path::Path};

    use super::*;

    fn parts(wanted: u64, object_bytes: u64) -> Option<(u64, u64)> {
        let part_bytes = length_of_parts(NonZeroU64::new(wanted).unwrap(), object_bytes)?;
        Some((object_bytes.div_ceil(part_bytes), part_bytes))
    }

    #[test]
    fn what_is_no_longer_than_a_part_is_none() {
        assert_eq!(parts(100, 0), None);
        assert_eq!(parts(100, 100), None);
        assert_eq!(parts(100, 101), Some((2, 100)));
        assert_eq!(parts(100, 200), Some((2, 100)));
        assert_eq!(parts(u64::MAX, u64::MAX), None);
    }

    #[test]
    fn parts_grow_where_there_would_be_too_many() {
        assert_eq!(parts(100, 1_000_000), Some((10_000, 100)));
        assert_eq!(parts(100, 1_000_001), Some((9_901, 101)));
        assert_eq!(parts(1, u64::MAX), Some((10_000, u64::MAX.div_ceil(10_000))));
        let most = 10_000 * PART_BYTES.get();
        assert_eq!(parts(PART_BYTES.get(), most), Some((10_000, 64 << 20)));
        for object_bytes in [most + 1, 5 << 40, 48 << 40] {
            let (count, part_bytes) = parts(PART_BYTES.get(), object_bytes).unwrap();
            assert!(count <= 10_000 && part_bytes <= 5 << 30, "{count} of {part_bytes}");
        }
    }

    #[test]
    fn parts_have_64_mib_by_default_and_there_are_none_in_local_directories() {
        let store = CheckpointStore::new(Arc::<InMemory>::default(), Path::default());
        assert_eq!(store.part_bytes_of(64 << 20), None);
        assert_eq!(store.part_bytes_of((64 << 20) + 1), Some(64 << 20));
        assert_eq!(store.without_parts().part_bytes_of(u64::MAX), None);
        #[cfg(feature = "fs")]
        {
            let directory = tempfile::tempdir().unwrap();
            let local = CheckpointStore::local(directory.path(), crate::store::Durability::Synced).unwrap();
            assert_eq!(local.part_bytes_of(u64::MAX), None);
            assert_eq!(local.with_huge_pages().part_bytes_of(u64::MAX), None);
        }
    }

    /// However it is chunked, and wherever a part ends.
    #[test]
    fn parts_put_together_are_the_payload() {
        for payload in ["abcdefgh", "a|bc||defgh", "|abc|def|gh|", "a|b|c|d|e|f|g|h"] {
            let chunks = payload.split('|').map(|chunk| Bytes::from_static(chunk.as_bytes()));
            let payload: PutPayload = chunks.collect();
            for part_bytes in 1..=9 {
                let parts: Vec<Bytes> = Parts::of(payload.clone(), part_bytes).map(Bytes::from).collect();
                assert_eq!(parts.concat(), b"abcdefgh");
                let (last, others) = parts.split_last().unwrap();
                assert!(others.iter().all(|part| part.len() as u64 == part_bytes), "{parts:?}");
                assert!((1..=part_bytes).contains(&(last.len() as u64)), "{parts:?}");
            }
        }
        assert_eq!(Parts::of(PutPayload::new(), 3).count(), 0);
    }

    #[test]
    fn cutting_copies_nothing() {
        let chunks = [Bytes::from(vec![1; 1_000]), Bytes::from(vec![2; 500])];
        let pieces: Vec<Bytes> = Parts::of(chunks.iter().cloned().collect(), 300).flatten().collect();
        let lengths: Vec<_> = pieces.iter().map(Bytes::len).collect();
        assert_eq!(lengths, [300, 300, 300, 100, 200, 300]);
        for (piece, (chunk, offset)) in
            pieces.iter().zip([(0, 0), (0, 300), (0, 600), (0, 900), (1, 0), (1, 200)])
        {
            assert_eq!(piece.as_ptr(), chunks[chunk][offset..].as_ptr());
        }
    }
}
