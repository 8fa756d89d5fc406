//! Who ran which block, and with what result.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use anyhow::bail;
use serde::Serialize;

use crate::shard::{Found, Header, Piece, pieces};
use crate::sim::Tally;

/// Everything read so far. Its size grows with the number of blocks, not of runs.
#[derive(Default)]
pub(super) struct Ledger {
    header: Option<(Header, String)>,
    /// By block: the hash of its runs, and who told it.
    pub(super) blocks: BTreeMap<u64, (String, usize)>,
    pub(super) tally: Tally,
    /// Where shards can be resumed: by index and number of shards.
    pub(super) shelves: BTreeMap<(u32, u32), String>,
    sources: Vec<String>,
    pub(super) repeated: u64,
    pub(super) damaged: Vec<Damage>,
    pub(super) conflicts: Vec<Conflict>,
}

/// The results of one shard: a file, or several objects.
pub(super) struct Shelf {
    /// The `--results` that continues them.
    results: String,
    header: Option<Header>,
}

/// Something that cannot be believed.
#[derive(Serialize)]
pub(super) struct Damage {
    pub(super) at: String,
    pub(super) line: usize,
    pub(super) why: String,
}

/// Two that ran the same block and found different things.
#[derive(Serialize)]
pub(super) struct Conflict {
    pub(super) first_seed: u64,
    pub(super) last_seed: u64,
    pub(super) told_by: [String; 2],
}

impl Shelf {
    pub(super) fn new(results: String) -> Self {
        Self { results, header: None }
    }
}

impl Ledger {
    /// What all headers agree on.
    pub(super) fn header(&self) -> Option<&Header> {
        self.header.as_ref().map(|(header, _)| header)
    }

    /// Adds what `bytes` say, which are called `name`.
    ///
    /// # Errors
    ///
    /// If they are of another run than what was read before.
    pub(super) fn read(&mut self, shelf: &mut Shelf, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let source = self.sources.len();
        self.sources.push(name.to_owned());
        for Found { line, piece, .. } in pieces(bytes, shelf.header.as_ref()) {
            match piece {
                Piece::Header(header) => {
                    self.agree(&header, name)?;
                    self.shelves.insert((header.shard, header.shards), shelf.results.clone());
                    shelf.header = Some(header);
                }
                Piece::Block(block, failures) => match self.blocks.entry(block.block) {
                    Entry::Vacant(place) => {
                        place.insert((block.hash, source));
                        self.tally.add(block.runs, &block.sums, &failures);
                    }
                    Entry::Occupied(known) if known.get().0 == block.hash => self.repeated += block.runs,
                    Entry::Occupied(known) => self.conflicts.push(Conflict {
                        first_seed: block.from,
                        last_seed: block.to,
                        told_by: [self.sources[known.get().1].clone(), name.to_owned()],
                    }),
                },
                Piece::Damaged(why) => self.damaged.push(Damage { at: name.to_owned(), line, why }),
                // A shard that is under way; its blocks are what counts.
                Piece::End | Piece::CutOff => {}
            }
        }
        Ok(())
    }

    fn agree(&mut self, header: &Header, name: &str) -> anyhow::Result<()> {
        if header.blocks().is_none() || header.shard().is_none() {
            bail!("{name}: its header makes no sense");
        }
        let Some((known, other)) = &self.header else {
            self.header = Some((header.clone(), name.to_owned()));
            return Ok(());
        };
        let differences = known.differences(header);
        if differences.is_empty() {
            return Ok(());
        }
        let told: Vec<_> = differences
            .into_iter()
            .map(|(what, theirs, ours)| format!("{what} {theirs} in the first, {ours} in the second"))
            .collect();
        bail!("{other} and {name} are results of different runs: {}", told.join("; "))
    }
}
