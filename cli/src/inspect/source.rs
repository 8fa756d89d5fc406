//! An object, what it is, and what lies beside it in its store.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use keygroups::checkpoint::ObjectName;
use keygroups::snapshot::MAGIC;

use crate::shard::{Store, is_url};

/// What can be inspected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Snapshot,
    Manifest,
}

/// The directory of manifests in a store.
const MANIFESTS: &str = "manifest";
const VERSION_DIGITS: usize = 20;

/// An object that was read.
pub(super) struct Found {
    /// As it was named by whoever asked.
    pub(super) at: String,
    pub(super) bytes: Vec<u8>,
    // The store it lies in, if it has the name of an object of one.
    store: Option<Place>,
    name: Option<Name>,
}

/// A name that an object has in its store.
#[derive(Clone, Copy)]
enum Name {
    Object(ObjectName),
    Manifest(u64),
}

/// Where objects are read from.
enum Place {
    Directory(PathBuf),
    Remote(Store),
}

impl Found {
    pub(super) fn at(at: &str) -> anyhow::Result<Self> {
        let parts: Vec<&str> = at.split('/').collect();
        // The longest name first.
        let named = (2..=4).rev().find_map(|count| {
            let (root, name) = parts.split_at(parts.len().checked_sub(count)?);
            Some((root.join("/"), Name::parse(name)?))
        });
        let (root, name) = named.map_or((None, None), |(root, name)| (Some(root), Some(name)));
        if is_url(at) {
            // Any object can be read from the directory it lies in.
            let (above, file) = at.rsplit_once('/').unwrap_or(("", at));
            let bytes = Place::Remote(Store::open(above)?).read(file)?;
            let bytes = bytes.with_context(|| format!("cannot read {at}: nothing is there"))?;
            let store = root.map(|root| Store::open(&root)).transpose()?.map(Place::Remote);
            return Ok(Self { at: at.to_owned(), bytes, store, name });
        }
        let bytes = fs::read(at).with_context(|| format!("cannot read {at}"))?;
        let directory = |root: String| match (root.is_empty(), at.starts_with('/')) {
            (false, _) => PathBuf::from(root),
            (true, true) => PathBuf::from("/"),
            (true, false) => PathBuf::from("."),
        };
        Ok(Self { at: at.to_owned(), bytes, store: root.map(|root| Place::Directory(directory(root))), name })
    }

    /// What it is by its first bytes, or else by its name: what is damaged there is no snapshot any more, but
    /// should be one.
    pub(super) fn kind(&self) -> Option<Kind> {
        if self.bytes.starts_with(&MAGIC) {
            return Some(Kind::Snapshot);
        }
        if self.bytes.starts_with(b"keygroups-manifest ") {
            return Some(Kind::Manifest);
        }
        match self.name? {
            Name::Object(ObjectName::State { .. }) => Some(Kind::Snapshot),
            Name::Object(_) => None,
            Name::Manifest(_) => Some(Kind::Manifest),
        }
    }

    /// Its name in its store, if it is that of a snapshot or an output.
    pub(super) const fn object(&self) -> Option<ObjectName> {
        match self.name {
            Some(Name::Object(name)) => Some(name),
            Some(Name::Manifest(_)) | None => None,
        }
    }

    /// The version that its name says.
    pub(super) const fn version(&self) -> Option<u64> {
        match self.name {
            Some(Name::Manifest(version)) => Some(version),
            Some(Name::Object(_)) | None => None,
        }
    }

    /// Those of `objects` that are there; `None` if nobody knows where.
    pub(super) fn beside(
        &self,
        objects: &BTreeSet<ObjectName>,
    ) -> anyhow::Result<Option<BTreeMap<ObjectName, Vec<u8>>>> {
        let Some(store) = &self.store else { return Ok(None) };
        let mut found = BTreeMap::new();
        for object in objects {
            if let Some(bytes) = store.read(&object.to_string())? {
                found.insert(*object, bytes);
            }
        }
        Ok(Some(found))
    }

    /// Those of `objects` that are there, with their lengths in bytes; `None` if nobody knows where.
    pub(super) fn lengths(
        &self,
        objects: impl Iterator<Item = ObjectName>,
    ) -> anyhow::Result<Option<BTreeMap<ObjectName, u64>>> {
        let Some(store) = &self.store else { return Ok(None) };
        let mut found = BTreeMap::new();
        for object in objects {
            if let Some(bytes) = store.length(&object.to_string())? {
                found.insert(object, bytes);
            }
        }
        Ok(Some(found))
    }
}

impl Name {
    fn parse(parts: &[&str]) -> Option<Self> {
        match parts {
            [MANIFESTS, version] if version.len() == VERSION_DIGITS => {
                version.parse().ok().map(Self::Manifest)
            }
            _ => parts.join("/").parse().ok().map(Self::Object),
        }
    }
}

impl Place {
    fn read(&self, name: &str) -> anyhow::Result<Option<Vec<u8>>> {
        match self {
            Self::Directory(directory) => {
                let path = directory.join(name);
                match fs::read(&path) {
                    Ok(bytes) => Ok(Some(bytes)),
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                    Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
                }
            }
            Self::Remote(store) => store.read(name),
        }
    }

    fn length(&self, name: &str) -> anyhow::Result<Option<u64>> {
        match self {
            Self::Directory(directory) => {
                let path = directory.join(name);
                match fs::metadata(&path) {
                    Ok(metadata) => Ok(Some(metadata.len())),
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                    Err(error) => Err(error).with_context(|| format!("cannot look for {}", path.display())),
                }
            }
            Self::Remote(store) => store.length(name),
        }
    }
}
