//! Numbers of chunks that lie far apart, closed up.
//!
//! A table has a place for every chunk number up to its greatest. One that was large once may have kept
//! a great number, and a few bytes that were read may claim the greatest; a place for each must not become memory.
//! Slots name chunks by number, so pages whose slots say other numbers take the place of those that were read.

use bytes::Bytes;

use super::{
    ChunkImage, ImageError, PageImage, buffer,
    record::ALIGN,
    slot::{CHUNKS_MAX, Position, Slot},
};

/// Numbers up to this many times the number of chunks are near enough, and a few more always are.
const PLACES_PER_CHUNK: usize = 2;
const SPARE_PLACES: usize = 8;

/// Chunks by the number that slots name them by, and the number that each was read with.
pub(super) struct Numbered {
    pub(super) bytes: Vec<Bytes>,
    read_as: Option<Vec<u32>>,
}

impl Numbered {
    /// The chunks of `images`, in any order; slots of `pages` are changed if numbers are.
    pub(super) fn new(
        images: impl IntoIterator<Item = ChunkImage>,
        pages: &mut [PageImage],
    ) -> Result<Self, ImageError> {
        let mut chunks = Vec::new();
        for ChunkImage { number, bytes } in images {
            if number as usize >= CHUNKS_MAX {
                return Err(ImageError::ChunkNumber { chunk: number });
            }
            if !bytes.len().is_multiple_of(ALIGN) {
                return Err(ImageError::Record { chunk: number, offset: bytes.len() / ALIGN * ALIGN });
            }
            if !bytes.is_empty() {
                chunks.push((number, bytes));
            }
        }
        chunks.sort_unstable_by_key(|&(number, _)| number);
        if let Some(pair) = chunks.array_windows().find(|[(a, _), (b, _)]| a == b) {
            return Err(ImageError::ChunkNumber { chunk: pair[0].0 });
        }
        let places = chunks.last().map_or(0, |&(last, _)| last as usize + 1);
        if places > PLACES_PER_CHUNK * chunks.len() + SPARE_PLACES {
            let numbers: Vec<u32> = chunks.iter().map(|&(number, _)| number).collect();
            for page in pages {
                page.slots = renumbered(&page.slots, &numbers)?;
            }
            return Ok(Self {
                bytes: chunks.into_iter().map(|(_, bytes)| bytes).collect(),
                read_as: Some(numbers),
            });
        }
        let mut bytes = vec![Bytes::new(); places];
        for (number, chunk) in chunks {
            bytes[number as usize] = chunk;
        }
        Ok(Self { bytes, read_as: None })
    }

    /// What chunk `number` was when it was read.
    pub(super) fn read_as(&self, number: usize) -> u32 {
        self.read_as.as_ref().map_or(number as u32, |numbers| numbers[number])
    }
}

/// The slots of a page that say `numbers`, with the place of each in `numbers` instead.
fn renumbered(slots: &[u8], numbers: &[u32]) -> Result<Bytes, ImageError> {
    let mut copy = buffer::with_lines(slots.len());
    copy.extend_from_slice(slots);
    for bytes in copy.as_chunks_mut::<{ Slot::BYTES }>().0 {
        let slot = Slot::from_bytes(*bytes);
        if slot.is_empty() {
            continue;
        }
        let (chunk, offset) = (slot.position().chunk() as u32, slot.position().offset());
        let place = numbers.binary_search(&chunk).map_err(|_| ImageError::ChunkNumber { chunk })?;
        let position = Position::new(place, offset).expect("a smaller number than one that a slot said");
        *bytes = slot.moved_to(position).to_bytes();
    }
    Ok(copy.freeze())
}
