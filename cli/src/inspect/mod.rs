//! `keygroups inspect`: what is in a snapshot or a manifest, and whether every byte of it is right.

mod manifest;
mod snapshot;
mod source;
mod text;

use std::io::{self, Write};

use anyhow::bail;
use clap::Args;
use serde::Serialize;

use crate::Verdict;
use source::{Found, Kind};

/// Show what is in a snapshot or a manifest, and whether every byte of it is right
///
/// Of a snapshot: who took it, its states, where each key group lies and how many entries it has, and whether
/// checksums and digests are those of the bytes that are there. Key groups that lie in older snapshots are
/// looked at where those lie in the same store. Of a manifest: the job and its committed checkpoints, and whether
/// all objects that it names are there and as long as it says.
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Inspect {
    /// File or URL of one object
    #[arg(value_name = "FILE|URL")]
    object: String,

    /// One JSON document instead of text
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  What did task 1-0 write for checkpoint 7?
    keygroups inspect checkpoints/state/00000000000000000001.0000000001/00001-00000/00000000000000000007

  Which checkpoints are committed, and is all there that they need?
    keygroups inspect checkpoints/manifest/00000000000000000012

  Which key groups are damaged, for a program:
    keygroups inspect --json FILE | jq '.sections[] | select(.state == \"damaged\") | .key_group'

An object at s3://, gs:// or az:// needs a build with --features cloud.

Exit codes: 0 everything that was looked at is right, 1 damaged or missing, 2 no snapshot or manifest, or it
cannot be read.";

/// What was found, as it is said.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Document {
    Snapshot(snapshot::Document),
    Manifest(manifest::Document),
}

impl Inspect {
    pub(crate) fn run(self) -> anyhow::Result<Verdict> {
        let found = Found::at(&self.object)?;
        let document = match found.kind() {
            Some(Kind::Snapshot) => Document::Snapshot(snapshot::Document::of(&found)?),
            Some(Kind::Manifest) => Document::Manifest(manifest::Document::of(&found)?),
            None => bail!(
                "{} is neither a snapshot, which begins with the bytes 89 4b 47 53, nor a manifest, which begins \
                 with `keygroups-manifest`",
                found.at
            ),
        };
        if self.json {
            let mut output = io::stdout().lock();
            serde_json::to_writer_pretty(&mut output, &document)?;
            writeln!(output)?;
        } else {
            write!(anstream::stdout(), "{}", text::describe(&document))?;
        }
        let (Document::Snapshot(snapshot::Document { problems, .. })
        | Document::Manifest(manifest::Document { problems, .. })) = &document;
        Ok(if problems.is_empty() { Verdict::Holds } else { Verdict::Violated })
    }
}
