//! A table as it is in memory, in a section: the index and the log, not entry by entry.
//!
//! ```text
//! entries u64 · pages u32 · chunks u32
//! for each page:  depth u8 · home bits u8 · slots u32
//! for each chunk: number u32 · length u64
//! slots of all pages, then bytes of all chunks
//! ```
//!
//! So a snapshot shares what is in memory, and what was read is a table without being rebuilt. Nothing of
//! it is believed: [`FrozenTable::from_parts`] looks at every slot and every record.

use bytes::Bytes;

use super::{EntryDigest, SnapshotError, cursor::Cursor, parts::Parts};
use crate::{
    checkpoint::Certificate,
    table::{ChunkImage, FrozenTable, PageImage},
};

const SLOT_BYTES: usize = 8;
const PAGE_BYTES: usize = 6;
const CHUNK_BYTES: usize = 12;

/// Appends the image of `table`; gives its certificate.
pub(super) fn encode(table: &FrozenTable, digest: &mut EntryDigest, out: &mut Parts) -> Certificate {
    let chunks: Vec<ChunkImage> = table.chunks().collect();
    out.extend_from_slice(&(table.len() as u64).to_le_bytes());
    out.extend_from_slice(&(table.pages().len() as u32).to_le_bytes());
    out.extend_from_slice(&(chunks.len() as u32).to_le_bytes());
    for page in table.pages() {
        out.extend_from_slice(&[page.depth, page.home_bits]);
        out.extend_from_slice(&((page.slots.len() / SLOT_BYTES) as u32).to_le_bytes());
    }
    for chunk in &chunks {
        out.extend_from_slice(&chunk.number.to_le_bytes());
        out.extend_from_slice(&(chunk.bytes.len() as u64).to_le_bytes());
    }
    for page in table.pages() {
        out.share(&page.slots);
    }
    for chunk in &chunks {
        out.share(&chunk.bytes);
    }
    let mut certificate = digest.sum();
    table.visit_in_memory_order(|key, value| certificate.add(key, value));
    certificate.finish()
}

/// The table whose image is next in `fields`, and its certificate. `fields` reads the end of `section`.
pub(super) fn decode(
    fields: &mut Cursor<'_>,
    section: &Bytes,
    digest: &mut EntryDigest,
) -> Result<(FrozenTable, Certificate), SnapshotError> {
    let too_long = "it has more entries, pages or chunks than bytes";
    let entries = fields.u64()?;
    let (pages, chunks) = (fields.u32()? as usize, fields.u32()? as usize);
    fields.check(fields.left() / PAGE_BYTES >= pages && fields.left() / CHUNK_BYTES >= chunks, too_long)?;
    let entries = usize::try_from(entries).map_err(|_| fields.malformed(too_long))?;
    let pages = (0..pages)
        .map(|_| Ok((fields.u8()?, fields.u8()?, fields.u32()? as usize)))
        .collect::<Result<Vec<_>, SnapshotError>>()?;
    let chunks =
        (0..chunks).map(|_| Ok((fields.u32()?, fields.u64()?))).collect::<Result<Vec<_>, SnapshotError>>()?;
    let mut page_images = Vec::with_capacity(pages.len());
    for (depth, home_bits, slots) in pages {
        let length = slots.checked_mul(SLOT_BYTES).ok_or_else(|| fields.malformed(too_long))?;
        page_images.push(PageImage { depth, home_bits, slots: shared(fields, section, length)? });
    }
    let mut chunk_images = Vec::with_capacity(chunks.len());
    for (number, length) in chunks {
        let length = usize::try_from(length).map_err(|_| fields.malformed(too_long))?;
        chunk_images.push(ChunkImage { number, bytes: shared(fields, section, length)? });
    }
    let mut certificate = digest.sum();
    let table =
        FrozenTable::from_parts(page_images, chunk_images, entries, |key, value| certificate.add(key, value));
    table.map(|table| (table, certificate.finish())).map_err(|source| fields.no_table(source))
}

/// The next `length` bytes of `section`, not copied.
fn shared(fields: &mut Cursor<'_>, section: &Bytes, length: usize) -> Result<Bytes, SnapshotError> {
    let start = section.len() - fields.left();
    fields.take(length)?;
    Ok(section.slice(start..start + length))
}
