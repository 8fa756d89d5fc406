//! Bytes of a file into memory, each written once.
//!
//! The `object_store` crate fills the memory with zeros first, which is a second pass over everything that a restore reads.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    ops::Range,
};

use bytes::Bytes;
use object_store::{Error, Result};

use super::blocking;

/// Those of `range`, fewer if the file ends before it does.
pub(in crate::store) async fn bytes(mut file: File, range: Range<u64>) -> Result<Bytes> {
    let length = range.end - range.start;
    let room = usize::try_from(length)
        .map_err(|source| Error::Generic { store: "LocalFileSystem", source: source.into() })?;
    blocking(move || {
        file.seek(SeekFrom::Start(range.start))?;
        let mut bytes = Vec::with_capacity(room);
        file.take(length).read_to_end(&mut bytes)?;
        Ok(bytes.into())
    })
    .await
}
