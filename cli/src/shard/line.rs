//! The lines of results: JSON objects, each closed by a checksum of itself.
//!
//! ```text
//! header                       what is run, and which shard of it
//! failure* block               the failed seeds of a block, then the block
//! …
//! end                          everything together, when there is no block left
//! ```
//!
//! A block counts when its own line is whole; failures without one do not.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::{Blocks, Shard};
use crate::sim::{Failure, Sums};

/// Raised when the meaning of lines changes.
const FORMAT: u32 = 1;

/// What is run. Results can be put together if all but the shard agrees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) format: u32,
    /// Of keygroups.
    pub(crate) version: String,
    /// Hash of a few sampled runs: builds and inputs that differ in what they do differ here.
    pub(crate) behaviour: String,
    /// The options that decide what a seed runs, as they are given to a shell.
    pub(crate) options: String,
    pub(crate) first_seed: u64,
    pub(crate) seeds: u64,
    /// Seeds of a block; the last one may have fewer.
    pub(crate) block_seeds: u64,
    pub(crate) shard: u32,
    pub(crate) shards: u32,
}

/// What became of a block of seeds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Block {
    /// Counted over all shards, from 0.
    pub(crate) block: u64,
    /// The first seed.
    pub(crate) from: u64,
    /// The last seed.
    pub(crate) to: u64,
    pub(crate) runs: u64,
    pub(crate) failed: u64,
    /// Of the runs that hold.
    pub(crate) sums: Sums,
    /// Hash of the hashes of all runs, in order of seed.
    pub(crate) hash: String,
}

/// A shard is complete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct End {
    pub(crate) blocks: u64,
    pub(crate) runs: u64,
    pub(crate) failed: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
enum Line {
    Header(Header),
    Failure(Failure),
    Block(Block),
    End(End),
}

impl Header {
    pub(crate) fn new(options: &str, behaviour: String, blocks: Blocks, shard: Shard) -> Self {
        let Blocks { first_seed, seeds, block_seeds } = blocks;
        let (version, options) = (env!("CARGO_PKG_VERSION").to_owned(), options.trim().to_owned());
        let Shard { index: shard, count: shards } = shard;
        Self { format: FORMAT, version, behaviour, options, first_seed, seeds, block_seeds, shard, shards }
    }

    pub(crate) fn line(&self) -> String {
        written(&Line::Header(self.clone()))
    }

    /// The seeds of all shards; none if the header makes no sense.
    pub(crate) fn blocks(&self) -> Option<Blocks> {
        Blocks::new(self.first_seed, self.seeds, self.block_seeds)
    }

    /// The shard; none if the header makes no sense.
    pub(crate) fn shard(&self) -> Option<Shard> {
        Shard::new(self.shard, self.shards).ok()
    }

    /// In what it differs from `other`: name, its own value, the other's. The shard does not count.
    pub(crate) fn differences(&self, other: &Self) -> Vec<(&'static str, String, String)> {
        let shown = |text: &str| format!("`{text}`");
        let behaviour = "behaviour (another build, or another input)";
        let all = [
            ("format", self.format.to_string(), other.format.to_string()),
            ("version", self.version.clone(), other.version.clone()),
            ("options", shown(&self.options), shown(&other.options)),
            ("first seed", self.first_seed.to_string(), other.first_seed.to_string()),
            ("seeds", self.seeds.to_string(), other.seeds.to_string()),
            ("seeds of a block", self.block_seeds.to_string(), other.block_seeds.to_string()),
            (behaviour, self.behaviour.clone(), other.behaviour.clone()),
        ];
        all.into_iter().filter(|(_, mine, others)| mine != others).collect()
    }
}

impl Block {
    /// Its lines: the failures, then itself.
    pub(crate) fn lines(&self, failures: &[Failure]) -> String {
        let mut text = String::new();
        for failure in failures {
            text += &written(&Line::Failure(failure.clone()));
        }
        text + &written(&Line::Block(self.clone()))
    }

    /// Whether it is the block that `header` means by its number.
    fn fits(&self, header: &Header) -> bool {
        let Some(blocks) = header.blocks().filter(|blocks| self.block < blocks.count()) else {
            return false;
        };
        let seeds = blocks.seeds_of(self.block);
        Blocks::shard_of(self.block, header.shards).index == header.shard
            && (self.from, self.to) == (seeds.start, seeds.end - 1)
            && self.runs == seeds.end - seeds.start
    }
}

impl End {
    pub(crate) fn line(&self) -> String {
        written(&Line::End(self.clone()))
    }
}

/// What stands between the object and its checksum, and after it.
const CHECK: &str = ",\"check\":\"";
const CLOSED: &str = "\"}";

fn written(line: &Line) -> String {
    let text = serde_json::to_string(line).expect("plain data has no maps with other keys than strings");
    let open = text.strip_suffix('}').expect("a line is an object");
    format!("{open}{CHECK}{:016x}{CLOSED}\n", xxh3_64(open.as_bytes()))
}

fn parsed(line: &[u8]) -> Result<Line, String> {
    let text = std::str::from_utf8(line).map_err(|_| "is not text".to_owned())?;
    let found = text.strip_suffix(CLOSED).and_then(|text| text.rsplit_once(CHECK));
    let (open, check) = found.ok_or("has no checksum at its end")?;
    if check != format!("{:016x}", xxh3_64(open.as_bytes())) {
        return Err("does not have the checksum it says".to_owned());
    }
    serde_json::from_str(&format!("{open}}}")).map_err(|error| format!("is none of ours: {error}"))
}

/// What the lines of results say, put together.
pub(crate) enum Piece {
    Header(Header),
    Block(Block, Vec<Failure>),
    End,
    /// A line that says nothing that can be believed, and why not.
    Damaged(String),
    /// The last line lacks its end, as of a writer that was killed.
    CutOff,
}

/// A piece, and where it is.
pub(crate) struct Found {
    /// The line it ends at, from 1.
    pub(crate) line: usize,
    /// The offset of what follows, in bytes.
    pub(crate) end: usize,
    pub(crate) piece: Piece,
}

/// What the lines of `text` say. Blocks must fit `header`, or the header that `text` holds.
pub(crate) fn pieces(text: &[u8], header: Option<&Header>) -> Vec<Found> {
    let mut header = header.cloned();
    let (mut found, mut end, mut failures) = (Vec::new(), 0, Vec::new());
    for (index, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
        end += line.len();
        let piece = match line.strip_suffix(b"\n").map(parsed) {
            None => Piece::CutOff,
            Some(Ok(Line::Failure(failure))) => {
                failures.push(failure);
                continue;
            }
            Some(Ok(Line::Header(own))) => {
                header = Some(own.clone());
                Piece::Header(own)
            }
            Some(Ok(Line::End(_))) => Piece::End,
            Some(Ok(Line::Block(block))) => match &header {
                Some(header) if !block.fits(header) => {
                    Piece::Damaged("is a block that is not of this shard".to_owned())
                }
                None => Piece::Damaged("is a block without a header before it".to_owned()),
                Some(_) if !told(&block, &failures) => {
                    Piece::Damaged(format!("says {} failed, and others are told before it", block.failed))
                }
                Some(_) => Piece::Block(block, std::mem::take(&mut failures)),
            },
            Some(Err(why)) => Piece::Damaged(why),
        };
        failures.clear();
        found.push(Found { line: index + 1, end, piece });
    }
    found
}

/// Whether these are the failures of the block.
fn told(block: &Block, failures: &[Failure]) -> bool {
    block.failed == failures.len() as u64
        && failures.iter().all(|failure| (block.from..=block.to).contains(&failure.seed))
        && failures.is_sorted_by(|a, b| a.seed < b.seed)
}
