//! Where the results of a shard go: a file, or objects below a URL.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, bail};

use super::file::ResultFile;
use super::line::{Block, End, Header};
use super::objects::ResultObjects;
use super::store::{Store, is_url};
use crate::sim::{Failure, Tally};

/// What an earlier process has done.
#[derive(Default)]
pub(super) struct Done {
    pub(super) blocks: BTreeSet<u64>,
    pub(super) tally: Tally,
    /// Whether the closing line is there.
    pub(super) ended: bool,
}

impl Done {
    pub(super) fn add(&mut self, block: &Block, failures: &[Failure]) {
        self.blocks.insert(block.block);
        self.tally.add(block.runs, &block.sums, failures);
    }
}

pub(super) enum Results {
    File(ResultFile),
    Objects(ResultObjects),
}

impl Results {
    /// Begins the results of a shard, or goes on with those of an earlier process.
    pub(super) fn open(at: &str, header: &Header) -> anyhow::Result<(Self, Done)> {
        if is_url(at) {
            let (objects, done) = ResultObjects::open(Store::create_at(at)?, header)?;
            return Ok((Self::Objects(objects), done));
        }
        let path = Path::new(at);
        let name = header.shard().expect("our own header").name();
        if at.ends_with('/') {
            fs::create_dir_all(path).with_context(|| format!("cannot write {at}"))?;
        }
        let path = if path.is_dir() { path.join(format!("{name}.jsonl")) } else { path.to_owned() };
        let (file, done) = ResultFile::open(path, header)?;
        Ok((Self::File(file), done))
    }

    /// Writes a block; it is durable when this returns.
    pub(super) fn append(&mut self, block: &Block, failures: &[Failure]) -> anyhow::Result<()> {
        match self {
            Self::File(file) => file.append(&block.lines(failures)),
            Self::Objects(objects) => objects.append(block, failures),
        }
    }

    /// Closes the results.
    pub(super) fn end(&mut self, end: &End) -> anyhow::Result<()> {
        match self {
            Self::File(file) => file.append(&end.line()),
            Self::Objects(objects) => objects.end(end),
        }
    }
}

/// Refuses to go on with results of something else.
pub(super) fn same_run(at: &str, theirs: &Header, ours: &Header) -> anyhow::Result<()> {
    let mut differences = theirs.differences(ours);
    if (theirs.shard, theirs.shards) != (ours.shard, ours.shards) {
        let shard = |header: &Header| format!("{}/{}", header.shard, header.shards);
        differences.push(("shard", shard(theirs), shard(ours)));
    }
    if differences.is_empty() {
        return Ok(());
    }
    let told: Vec<_> = differences
        .into_iter()
        .map(|(what, theirs, ours)| format!("{what} {theirs} there and {ours} here"))
        .collect();
    bail!("{at} holds the results of another run, and is left as it is: {}", told.join(", "))
}
