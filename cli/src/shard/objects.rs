//! Results in an object store: one immutable object for each block, below the name of the shard.

use anyhow::bail;

use super::line::{Block, End, Found, Header, Piece, pieces};
use super::results::{Done, same_run};
use super::store::Store;
use crate::sim::Failure;

/// The object of the header.
pub(crate) const HEADER: &str = "header.jsonl";
/// The object of the closing line.
pub(crate) const END: &str = "end.jsonl";
/// How the objects of blocks begin; their number follows, so that names are in the order of blocks.
pub(crate) const BLOCK: &str = "block-";

/// The objects of one shard.
pub(super) struct ResultObjects {
    store: Store,
    shard: String,
}

impl ResultObjects {
    /// Writes the header, or finds out which blocks are there.
    pub(super) fn open(store: Store, header: &Header) -> anyhow::Result<(Self, Done)> {
        let results = Self { store, shard: header.shard().expect("our own header").name() };
        let name = results.object(HEADER);
        match results.store.read(&name)? {
            None => results.store.create(&name, &header.line())?,
            Some(bytes) => match only(&bytes, None) {
                Some(Piece::Header(theirs)) => same_run(&results.store.name(&name), &theirs, header)?,
                _ => bail!("{} is damaged; delete it to go on", results.store.name(&name)),
            },
        }
        let done = results.done(header)?;
        Ok((results, done))
    }

    fn done(&self, header: &Header) -> anyhow::Result<Done> {
        let mut done = Done::default();
        let (mut blocks, end) = (Vec::new(), self.object(END));
        for name in self.store.list(Some(&self.shard))? {
            if name == end {
                done.ended = true;
            } else if name.starts_with(&self.object(BLOCK)) {
                blocks.push(name);
            }
        }
        for (name, bytes) in blocks.iter().zip(self.store.read_all(&blocks)?) {
            match only(&bytes, Some(header)) {
                Some(Piece::Block(block, failures)) if *name == self.block(block.block) => {
                    done.add(&block, &failures);
                }
                _ => bail!("{} is damaged; delete it to run its seeds again", self.store.name(name)),
            }
        }
        Ok(done)
    }

    pub(super) fn append(&self, block: &Block, failures: &[Failure]) -> anyhow::Result<()> {
        self.store.create(&self.block(block.block), &block.lines(failures))
    }

    pub(super) fn end(&self, end: &End) -> anyhow::Result<()> {
        self.store.create(&self.object(END), &end.line())
    }

    fn object(&self, name: &str) -> String {
        format!("{}/{name}", self.shard)
    }

    fn block(&self, block: u64) -> String {
        self.object(&format!("{BLOCK}{block:012}.jsonl"))
    }
}

/// What an object says that should say one thing.
fn only(bytes: &[u8], header: Option<&Header>) -> Option<Piece> {
    let mut found = pieces(bytes, header).into_iter();
    match (found.next(), found.next()) {
        (Some(Found { piece, .. }), None) => Some(piece),
        _ => None,
    }
}
