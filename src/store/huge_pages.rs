//! Huge pages for what is read: a restore touches its memory for the first time by 2 MiB instead of by 4 KiB, and who looks
//! for keys in it waits less often for the processor to find out where a page is.

use std::io::{Read, Seek, SeekFrom};

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::{Error, GetResult, GetResultPayload, Result};

use super::{CheckpointStore, local::blocking};
use crate::raw::memory;

/// What is shorter than one huge page is read as it is otherwise.
const BYTES_MIN: u64 = 2 << 20;

impl CheckpointStore {
    /// The same, with huge pages for what is read in pieces of 2 MiB and more, as restores do. State that was
    /// restored stays in them until it is rewritten.
    ///
    /// Asks Linux by `madvise`, which gives them where `/sys/kernel/mm/transparent_hugepage/enabled` says `madvise` or
    /// `always`; other systems, and those that have none left, give the pages they always do. Not the default, because a
    /// system that must first make huge pages takes longer than for small ones (docs/performance.md), and because
    /// 2 MiB are held as long as one chunk in them.
    #[must_use]
    pub fn with_huge_pages(mut self) -> Self {
        self.huge_pages = true;
        self
    }

    /// Whether `bytes` are read into huge pages.
    pub(super) const fn wants_huge_pages(&self, bytes: u64) -> bool {
        self.huge_pages && bytes >= BYTES_MIN
    }
}

/// The bytes of an answer, which may be fewer than it says.
pub(super) async fn bytes(answer: GetResult) -> Result<Bytes> {
    let range = answer.range.clone();
    let failed =
        |source: Box<dyn std::error::Error + Send + Sync>| Error::Generic { store: "huge pages", source };
    let length = usize::try_from(range.end - range.start).map_err(|error| failed(error.into()))?;
    let mut chunks = match answer.payload {
        GetResultPayload::Stream(chunks) => chunks,
        GetResultPayload::File(mut file, _) => {
            return blocking(move || {
                let mut memory = memory::huge(length)?;
                file.seek(SeekFrom::Start(range.start))?;
                file.read_exact(&mut memory)?;
                Ok(Bytes::from_owner(memory))
            })
            .await;
        }
    };
    let mut memory = memory::huge(length).map_err(|error| failed(error.into()))?;
    let mut filled = 0;
    while let Some(chunk) = chunks.try_next().await? {
        let room = memory.get_mut(filled..).and_then(|room| room.get_mut(..chunk.len()));
        room.ok_or_else(|| failed("the answer is longer than it says".into()))?.copy_from_slice(&chunk);
        filled += chunk.len();
    }
    Ok(Bytes::from_owner(memory).slice(..filled))
}
