//! Where results are: files and objects, by shard.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, bail};

use super::ledger::{Ledger, Shelf};
use crate::shard::{BLOCK, END, HEADER, Store, is_url};

/// A place that was named on the command line.
pub(super) enum Place {
    File(String),
    Store { store: Store, at: String },
}

impl Place {
    pub(super) fn open(at: &str) -> anyhow::Result<Self> {
        if is_url(at) {
            return Ok(Self::Store { store: Store::open(at)?, at: at.to_owned() });
        }
        let path = Path::new(at);
        if path.is_dir() {
            return Ok(Self::Store { store: Store::directory(path)?, at: at.to_owned() });
        }
        Ok(Self::File(at.to_owned()))
    }

    pub(super) fn read(self, ledger: &mut Ledger) -> anyhow::Result<()> {
        match self {
            Self::File(path) => {
                let bytes = fs::read(&path).with_context(|| format!("cannot read {path}"))?;
                let mut shelf = Shelf::new(path.clone());
                ledger.read(&mut shelf, &path, &bytes)
            }
            Self::Store { store, at } => from_store(&store, &at, ledger),
        }
    }
}

/// Every `*.jsonl` is the file of a shard, except where a header, blocks and an end lie side by side.
fn from_store(store: &Store, at: &str, ledger: &mut Ledger) -> anyhow::Result<()> {
    let mut shards: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut found = false;
    for name in store.list(None)? {
        let (directory, file) = name.rsplit_once('/').unwrap_or(("", &name));
        let part = file == HEADER || file == END || file.starts_with(BLOCK);
        if !file.ends_with(".jsonl") {
            continue;
        }
        found = true;
        if part {
            shards.entry(directory.to_owned()).or_default().push(name);
        } else {
            let bytes = store.read(&name)?.unwrap_or_default();
            let called = store.name(&name);
            ledger.read(&mut Shelf::new(called.clone()), &called, &bytes)?;
        }
    }
    if !found {
        bail!("{at} holds no results");
    }
    for (directory, names) in shards {
        // Blocks mean nothing without the header.
        let (header, blocks): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| name.ends_with(HEADER));
        let ordered = [header, blocks].concat();
        let mut shelf = Shelf::new(continued_at(at, &directory)?);
        for (name, bytes) in ordered.iter().zip(store.read_all(&ordered)?) {
            ledger.read(&mut shelf, &store.name(name), &bytes)?;
        }
    }
    Ok(())
}

/// The `--results` that continues the objects in `directory`, which is seen from `at`.
fn continued_at(at: &str, directory: &str) -> anyhow::Result<String> {
    let above = directory.rsplit_once('/').map_or("", |(above, _)| above);
    let at = if is_url(at) {
        at.to_owned()
    } else {
        let path = Path::new(at).canonicalize().with_context(|| format!("cannot read {at}"))?;
        format!("file://{}", path.display())
    };
    Ok(format!("{}/{above}", at.trim_end_matches('/')).trim_end_matches('/').to_owned())
}
