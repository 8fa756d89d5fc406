//! Files that were being written when their process died.
//!
//! A write is staged in `<name>#<n>` and becomes visible by a hard link. A killed process leaves the staging
//! file, which may be as large as its state, and which `LocalFileSystem` never shows. Here it stands for the
//! object that it would have become: whether that is garbage is decided like for every object.

use std::{
    fs, io,
    path::{Path as FilePath, PathBuf},
};

use object_store::{ObjectMeta, path::Path};

/// The `number`th name of a file in which `object` is staged.
pub(super) fn name(object: &FilePath, number: u64) -> PathBuf {
    let mut name = object.as_os_str().to_owned();
    name.push(format!("#{number}"));
    name.into()
}

/// The name that the staging file `name` would have become.
fn target(name: &str) -> Option<&str> {
    let (target, number) = name.rsplit_once('#')?;
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(target)
}

/// What the staging files below `directory`, which is `prefix` of its store, would have become.
pub(super) fn list(directory: &FilePath, prefix: &Path) -> io::Result<Vec<ObjectMeta>> {
    let mut found = Vec::new();
    let mut to_see = vec![(directory.to_owned(), prefix.clone())];
    while let Some((directory, prefix)) = to_see.pop() {
        let entries = match fs::read_dir(&directory) {
            Ok(entries) => entries,
            // Nothing was ever written there.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            // What is not UTF-8 is not ours.
            let Ok(name) = entry.file_name().into_string() else { continue };
            if entry.file_type()?.is_dir() {
                to_see.push((entry.path(), prefix.clone().join(name)));
            } else if let Some(name) = target(&name) {
                match entry.metadata() {
                    Ok(metadata) => found.push(ObjectMeta {
                        location: prefix.clone().join(name),
                        last_modified: metadata.modified()?.into(),
                        size: metadata.len(),
                        e_tag: None,
                        version: None,
                    }),
                    // Its write has ended meanwhile.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }
    Ok(found)
}

/// Deletes the staging files of `object`.
pub(super) fn delete(object: &FilePath) -> io::Result<()> {
    let (Some(directory), Some(name)) = (object.parent(), object.file_name()) else { return Ok(()) };
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_name().to_str().and_then(target).is_some_and(|target| target == name) {
            match fs::remove_file(entry.path()) {
                // Its write has ended meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                removed => removed?,
            }
        }
    }
    Ok(())
}
