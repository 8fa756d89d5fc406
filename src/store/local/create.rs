//! Files that appear whole, and that the disk begins to write before the last byte is there.
//!
//! A snapshot written into the page cache and synced at the end keeps the processor busy while the disk
//! rests, and then the other way round. Here the system is asked after every few MiB to begin with what is
//! there (`cargo bench -p keygroups-cli --bench state` measures what that brings). What makes a file durable
//! is the sync before it gets its name, as always.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path as FilePath, PathBuf},
};

use object_store::PutPayload;

use super::{
    Durability,
    directories::{create_directory, named, sync_directory},
    staged,
};
use crate::raw::disk::begin_to_write_back;

/// After so many bytes the disk is asked to begin. Much smaller requests cost calls, much larger ones
/// leave the disk idle for longer at the beginning.
const BEGIN_AFTER: u64 = 4 << 20;

/// Creates `object` with the bytes of `payload`, unless there is something of that name, which is left alone.
/// Nobody sees it before it is whole, and, if it is to be durable, before it is on disk. Whether it was created.
///
/// # Errors
///
/// If it cannot be written, or its name cannot be synced: then it may be there.
pub(super) fn create(object: &FilePath, payload: &PutPayload, durability: Durability) -> io::Result<bool> {
    let (file, staging) = stage(object, durability)?;
    let linked = write(file, payload, durability).and_then(|()| link(&staging, object));
    // If that fails, the next sweep finds it.
    let _ = fs::remove_file(&staging);
    let created = linked.map_err(|error| named(object, error))?;
    if let (true, Durability::Synced, Some(directory)) = (created, durability, object.parent()) {
        sync_directory(directory).map_err(|error| named(directory, error))?;
    }
    Ok(created)
}

fn link(staging: &FilePath, object: &FilePath) -> io::Result<bool> {
    match fs::hard_link(staging, object) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

// A new file that will become `object`, and the directories above it.
fn stage(object: &FilePath, durability: Durability) -> io::Result<(File, PathBuf)> {
    let mut number = 1;
    loop {
        let staging = staged::name(object, number);
        match OpenOptions::new().write(true).create_new(true).open(&staging) {
            Ok(file) => return Ok((file, staging)),
            Err(error) => match (error.kind(), object.parent()) {
                (io::ErrorKind::AlreadyExists, _) => number += 1,
                (io::ErrorKind::NotFound, Some(directory)) => {
                    create_directory(directory, durability)?;
                }
                _ => return Err(named(object, error)),
            },
        }
    }
}

fn write(mut file: File, payload: &PutPayload, durability: Durability) -> io::Result<()> {
    let (mut begun, mut written) = (0, 0);
    for bytes in payload {
        file.write_all(bytes)?;
        written += bytes.len() as u64;
        if durability == Durability::Synced && written - begun >= BEGIN_AFTER {
            begin_to_write_back(&file, begun, written - begun);
            begun = written;
        }
    }
    match durability {
        Durability::Synced => file.sync_all(),
        Durability::Unsynced => Ok(()),
    }
}
