//! Files as memory, and memory of huge pages.

use std::{fs::File, io, ops::Range};

use bytes::Bytes;
use memmap2::MmapOptions;

/// The bytes of a file of the user's in `range`, which is not empty and which the file has: they lie in the system's page
/// cache and are not copied. All of them are about to be looked at, so what is cached is made accessible at once,
/// which is faster than page by page. The file may be deleted while they are held.
#[cfg(feature = "fs")]
pub(crate) fn of_object(file: &File, range: &Range<u64>) -> io::Result<Bytes> {
    // SAFETY: objects are immutable, and the library does to them nothing but delete them. That nobody else writes to
    // their files or makes them shorter, whoever asked for mappings has promised: it is what
    // `store::MappedFiles` asks for.
    unsafe { map(file, range, true) }
}

/// Writes `bytes` to a new file at `path` and gives them as they lie there, under no name. They take disk until the last
/// clone is dropped, and memory only as far as there is some to spare.
///
/// Where an open file cannot be deleted, it stays.
#[cfg(feature = "disk")]
pub(crate) fn of_nameless_file(path: &std::path::Path, bytes: &[u8]) -> io::Result<Bytes> {
    use std::io::Write;
    let file = File::options().read(true).write(true).create_new(true).open(path);
    let written = file.and_then(|mut file| {
        file.write_all(bytes)?;
        // SAFETY: the file is new and as long as `bytes`, and it is deleted before anybody hears of its name. Who writes
        // to a file that he finds among others' scratch would have to do so between these lines.
        unsafe { map(&file, &(0..bytes.len() as u64), false) }
    });
    drop(std::fs::remove_file(path));
    written
}

/// # Safety
///
/// As long as the bytes are held, nobody writes to this part of the file, and the file does not become shorter
/// than the end of `range`, which it reaches now.
unsafe fn map(file: &File, range: &Range<u64>, is_wanted: bool) -> io::Result<Bytes> {
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
