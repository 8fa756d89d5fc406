//! What the standard library has no call for.

use std::fs::File;

/// Lets the disk begin with `length` bytes of `file`, and waits for nothing. If that cannot be done, a sync does all
/// of it later.
#[cfg(target_os = "linux")]
pub(crate) fn begin_to_write_back(file: &File, from: u64, length: u64) {
    use std::os::fd::AsRawFd;
    let (Ok(from), Ok(length)) = (from.try_into(), length.try_into()) else { return };
    // SAFETY: the call reads and writes no memory of this process, and `file` keeps the descriptor open.
    let _ = unsafe { libc::sync_file_range(file.as_raw_fd(), from, length, libc::SYNC_FILE_RANGE_WRITE) };
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn begin_to_write_back(_file: &File, _from: u64, _length: u64) {}
