//! `keygroups merge`: what many machines found, as one result.

mod ledger;
mod report;
mod source;

use anyhow::bail;
use clap::Args;

use crate::Verdict;
use ledger::Ledger;
use report::Document;
use source::Place;

/// Put the results of `sim --results` together, and check that no seed is missing and none counts twice
///
/// Takes files, directories and URLs in any order. Blocks that were run more than once count once, if all
/// found the same; otherwise the runs were not deterministic, or not of the same build, and the result is
/// worth nothing. A file that is still being written is read as far as it goes.
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Merge {
    /// Files, directories or URLs that `sim --results` wrote to
    #[arg(value_name = "WHERE", required = true)]
    places: Vec<String>,

    /// One JSON document instead of text
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  Two halves of a thousand seeds:
    keygroups sim --seeds 1000 --shard 0/2 --results results/
    keygroups sim --seeds 1000 --shard 1/2 --results results/
    keygroups merge results/

  What an indexed Job of Kubernetes wrote (built with --features cloud):
    keygroups merge s3://bucket/run-1

Exit codes: 0 every seed was run and everything holds, 1 a violation was found, 2 results are missing,
damaged, contradict each other or belong to different runs.";

impl Merge {
    pub(crate) fn run(self) -> anyhow::Result<Verdict> {
        let mut ledger = Ledger::default();
        for place in &self.places {
            Place::open(place)?.read(&mut ledger)?;
        }
        let document = Document::of(&ledger, &self.places)?;
        document.tell(self.json)?;
        if document.tally.failed > 0 {
            return Ok(Verdict::Violated);
        }
        match document.objection() {
            Some(objection) => bail!("{objection}"),
            None => Ok(Verdict::Holds),
        }
    }
}
