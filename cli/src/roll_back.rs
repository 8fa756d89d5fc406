//! `keygroups roll-back`: a job goes on from an older checkpoint.

use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::path::Path;

use anyhow::{Context, bail};
use clap::Args;
use keygroups::checkpoint::CheckpointId;
use keygroups::store::CheckpointStore;
use tokio::runtime;

use crate::Verdict;
use crate::shard::is_url;

/// Make an older checkpoint of a job the newest again
///
/// For the day on which state of the newest checkpoint was lost: `inspect` of the newest manifest says whether something is
/// missing, and which checkpoints are retained (one, unless the coordinator's options say more). Stop the
/// coordinators first. What the checkpoints that are given up have put out was committed: readers that have taken it
/// may get some of it again when the job goes on.
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct RollBack {
    /// Directory or URL of the job's checkpoints
    #[arg(value_name = "DIRECTORY|URL")]
    store: String,

    /// Number of the checkpoint to go on from
    #[arg(long, value_name = "CHECKPOINT")]
    to: u64,
}

const EXAMPLES: &str = "\
Examples:
  Which checkpoints are there, and is something missing?
    keygroups inspect checkpoints/manifest/00000000000000000012

  Go on from checkpoint 41:
    keygroups roll-back checkpoints --to 41

A store at s3://, gs:// or az:// needs a build with --features cloud.

Exit codes: 0 it is the newest now, 2 it cannot be, and nothing was changed.";

impl RollBack {
    pub(crate) fn run(self) -> anyhow::Result<Verdict> {
        if !is_url(&self.store) && !Path::new(&self.store).is_dir() {
            bail!("{} is not a directory", self.store);
        }
        let store = CheckpointStore::from_url(&self.store)?;
        #[expect(clippy::disallowed_methods, reason = "no two processes may have the same nonce")]
        let nonce = RandomState::new().hash_one(std::process::id());
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let to = CheckpointId(self.to);
        let manifest = runtime.block_on(store.roll_back(to, nonce));
        let manifest = manifest.with_context(|| format!("cannot roll {} back", self.store))?;
        let checkpoint = manifest.newest_checkpoint().map(|record| (record.id, record.parallelism));
        let Some((id, parallelism)) = checkpoint else { bail!("the manifest has no checkpoint") };
        writeln!(
            anstream::stdout(),
            "manifest {}: checkpoint {id}, at parallelism {parallelism}, is the newest; the job goes on from it",
            manifest.version
        )?;
        Ok(Verdict::Holds)
    }
}
