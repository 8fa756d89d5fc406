//! Files as memory, and memory of huge pages.

use std::{fs::File, io, ops::Range};

use bytes::Bytes;
use memmap2::MmapOptions;

/// The bytes of `file` in `range`, which is not empty: they lie in the system's page cache and are not copied. The
/// file may be deleted while they are held.
///
/// `is_wanted` says that all of it is about to be looked at: what is cached is then made accessible at once, which is
/// faster than page by page.
///
/// # Safety
///
/// As long as the bytes are held, nobody writes to this part of the file, and the file does not become shorter
/// than the end of `range`, which it reaches now.
#[expect(unsafe_code, reason = "the system cannot promise that nobody writes to a file")]
pub(crate) unsafe fn map(file: &File, range: &Range<u64>, is_wanted: bool) -> io::Result<Bytes> {
    let length = usize::try_from(range.end - range.start).map_err(io::Error::other)?;
    let mut options = MmapOptions::new();
    options.offset(range.start).len(length);
    if is_wanted {
        options.populate();
    }
    // SAFETY: the caller promises what is asked for.
    let mapping = unsafe { options.map(file) }?;
    Ok(Bytes::from_owner(mapping))
}

/// So many bytes, all zero, in huge pages where the system gives them; where it does not, in small ones.
#[cfg(feature = "fs")]
pub(crate) fn huge(bytes: usize) -> io::Result<memmap2::MmapMut> {
    let memory = MmapOptions::new().len(bytes).map_anon()?;
    // A system that knows no huge pages refuses the advice, and the memory is what it would have been without.
    #[cfg(target_os = "linux")]
    let _ = memory.advise(memmap2::Advice::HugePage);
    Ok(memory)
}
