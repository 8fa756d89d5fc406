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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shard::{Block, Blocks, Shard};
    use crate::sim::{Failure, Sums, ViolationDocument};
    use keygroups_sim::run::Violation;

    fn results(hash: &str, failed: &[u64]) -> String {
        let blocks = Blocks::new(0, 10, 10).unwrap();
        let header = Header::new("", "same".to_owned(), blocks, Shard::WHOLE);
        let failures = failed.iter().map(|&seed| Failure {
            seed,
            violation: ViolationDocument::from(&Violation::broken("rule", "what it saw")),
            replay: format!("keygroups replay {seed} --swarm"),
        });
        let failures: Vec<_> = failures.collect();
        let (failed, hash, sums) = (failures.len() as u64, hash.to_owned(), Sums::default());
        let block = Block { block: 0, from: 0, to: 9, runs: 10, failed, sums, hash };
        header.line() + &block.lines(&failures)
    }

    fn read(all: &[String]) -> Ledger {
        let mut ledger = Ledger::default();
        for (index, text) in all.iter().enumerate() {
            let name = format!("machine-{index}");
            ledger.read(&mut Shelf::new(name.clone()), &name, text.as_bytes()).unwrap();
        }
        ledger
    }

    #[test]
    fn a_block_that_two_ran_counts_once_if_both_found_the_same() {
        let ledger = read(&[results("aa", &[3, 7]), results("aa", &[3, 7])]);
        assert_eq!((ledger.tally.runs, ledger.tally.failed, ledger.repeated), (10, 2, 10));
        assert!(ledger.tally.failures.iter().map(|failure| failure.seed).eq([3, 7]));
        assert!(ledger.conflicts.is_empty());
    }

    #[test]
    fn a_block_that_two_ran_with_different_results_names_both() {
        let ledger = read(&[results("aa", &[]), results("bb", &[])]);
        assert_eq!(ledger.conflicts[0].told_by, ["machine-0", "machine-1"]);
    }

    /// Its failures are lines of their own, and one of them is lost.
    #[test]
    fn a_block_does_not_count_without_all_of_its_failures() {
        let text = results("aa", &[3, 7]);
        let lost: Vec<_> = text.lines().filter(|line| !line.contains("replay 3")).collect();
        let ledger = read(&[lost.join("\n") + "\n"]);
        assert_eq!((ledger.tally.runs, ledger.damaged.len(), ledger.damaged[0].line), (0, 1, 3));
    }
}
