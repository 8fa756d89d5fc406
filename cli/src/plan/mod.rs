//! `keygroups plan`: what moves when the parallelism changes.

mod svg;
pub(crate) mod text;

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use keygroups::key_group::{KeyGroupRange, MaxParallelism, Parallelism, Subtask};
use keygroups::rescale::RescalePlan;
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
    subtasks: Vec<SubtaskDocument>,
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
            serde_json::to_writer(&mut output, &document(&plan))?;
            writeln!(output)?;
        } else {
            write!(anstream::stdout(), "{}", text::describe(&plan))?;
        }
        Ok(Verdict::Holds)
    }
}

fn document(plan: &RescalePlan) -> PlanDocument {
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
        subtasks: subtasks.collect(),
    }
}
