//! `keygroups plan`: what moves when the parallelism changes.

mod svg;
pub(crate) mod text;

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use keygroups::key_group::{KeyGroupRange, MaxParallelism, Parallelism, Subtask};
use keygroups::rescale::{Amplification, RescalePlan};
use keygroups::snapshot::index_bytes_at_least;
use serde::Serialize;

use crate::Verdict;

/// Show who keeps, gives and reads which key groups on a rescale
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Plan {
    /// Number of key groups, 1 to 32768
    #[arg(long, value_name = "M")]
    max_parallelism: u32,

    /// Number of subtasks before, at most M
    #[arg(long, value_name = "P")]
    from: u32,

    /// Number of subtasks after, at most M
    #[arg(long, value_name = "Q")]
    to: u32,

    /// Bytes of all state, to say how many of them move and are read; key groups are taken to be alike
    #[arg(long, value_name = "B")]
    state_bytes: Option<u64>,

    /// One JSON document instead of table and picture
    #[arg(long)]
    json: bool,

    /// Also write the picture as SVG to FILE
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  What moves when 2 subtasks become 4?
    keygroups plan --max-parallelism 128 --from 2 --to 4

  How many bytes are read to restore a state of 1 GB?
    keygroups plan --max-parallelism 128 --from 2 --to 4 --state-bytes 1000000000

  A picture for a web page:
    keygroups plan --max-parallelism 128 --from 4 --to 3 --svg plan.svg

  How many key groups move, for a program:
    keygroups plan --max-parallelism 128 --from 4 --to 5 --json | jq .moved_key_groups

A subtask keeps a key group if the subtask of the same number had it before. Colours are used in a
terminal only, and not where NO_COLOR is set.";

#[derive(Serialize)]
struct PlanDocument {
    max_parallelism: MaxParallelism,
    from: Parallelism,
    to: Parallelism,
    moved_key_groups: usize,
    /// Snapshots' indexes that are read, one for each part of a snapshot.
    indexes_read: u64,
    /// How often state would be read if whole snapshots were fetched; here it is read once.
    whole_snapshots_amplification: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<StateDocument>,
    subtasks: Vec<SubtaskDocument>,
}

#[derive(Serialize)]
struct StateDocument {
    bytes: u64,
    moved_bytes: u64,
    read_bytes: u64,
    /// Bytes read for each byte of state; none if there is none.
    amplification: Option<f64>,
}

#[derive(Serialize)]
struct SubtaskDocument {
    subtask: Subtask,
    key_groups: KeyGroupRange,
    reads: Vec<ReadDocument>,
}

#[derive(Serialize)]
struct ReadDocument {
    from_subtask: Subtask,
    key_groups: KeyGroupRange,
}

impl Plan {
    pub(crate) fn run(self) -> anyhow::Result<Verdict> {
        let max = MaxParallelism::new(self.max_parallelism)?;
        let from = Parallelism::new(self.from).context("--from")?;
        let to = Parallelism::new(self.to).context("--to")?;
        let plan = RescalePlan::between(max, from, to)?;

        if let Some(path) = &self.svg {
            fs::write(path, svg::picture(&plan))
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        if self.json {
            let mut output = io::stdout().lock();
            serde_json::to_writer(&mut output, &document(&plan, self.state_bytes))?;
            writeln!(output)?;
        } else {
            write!(anstream::stdout(), "{}", text::describe(&plan, self.state_bytes))?;
        }
        Ok(Verdict::Holds)
    }
}

/// Of so many bytes, the share that moves.
fn moved_bytes(plan: &RescalePlan, state_bytes: u64) -> u64 {
    let moved = u128::from(state_bytes) * plan.moved_key_groups() as u128;
    (moved / u128::from(plan.max_parallelism().get())) as u64
}

/// What is read of so many bytes.
fn amplification(plan: &RescalePlan, state_bytes: u64) -> Amplification {
    plan.amplification(state_bytes, index_bytes_at_least)
}

/// By key groups alone: any number of bytes, as long as key groups are alike.
fn whole_snapshots(plan: &RescalePlan) -> f64 {
    amplification(plan, u64::from(plan.max_parallelism().get())).whole().unwrap_or_default()
}

fn document(plan: &RescalePlan, state_bytes: Option<u64>) -> PlanDocument {
    let state = state_bytes.map(|bytes| {
        let read = amplification(plan, bytes);
        StateDocument {
            bytes,
            moved_bytes: moved_bytes(plan, bytes),
            read_bytes: read.read_bytes(),
            amplification: read.read(),
        }
    });
    let subtasks = plan.subtasks().iter().map(|subtask| SubtaskDocument {
        subtask: subtask.subtask,
        key_groups: subtask.key_groups,
        reads: subtask
            .reads
            .iter()
            .map(|read| ReadDocument { from_subtask: read.from, key_groups: read.key_groups })
            .collect(),
    });
    PlanDocument {
        max_parallelism: plan.max_parallelism(),
        from: plan.from(),
        to: plan.to(),
        moved_key_groups: plan.moved_key_groups(),
        indexes_read: amplification(plan, 0).indexes,
        whole_snapshots_amplification: whole_snapshots(plan),
        state,
        subtasks: subtasks.collect(),
    }
}
