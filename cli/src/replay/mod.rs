//! `keygroups replay`: a run of `sim` again, with every event shown.

mod saved;
mod words;

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::Args;
use keygroups_sim::trace::Recording;

use crate::Verdict;
use crate::sim::style::one_line;
use crate::sim::{DEFAULT_SEED, Job, closing, judged, opening, timed};

/// Run a seed of sim again and show every event
///
/// The options are those of the run that is to be seen again; sim prints the whole command. What
/// happens is the same to the last byte, as long as the build is the same.
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Replay {
    /// The seed
    #[arg(value_name = "SEED", allow_negative_numbers = true, required_unless_present = "path")]
    seed: Option<u64>,

    /// Not a seed of sim, but a path through a model that check or explore has saved in FILE
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seed", "swarm", "Job"])]
    path: Option<PathBuf>,

    /// The small job that --seeds of sim draws from the seed
    #[arg(long)]
    swarm: bool,

    #[command(flatten)]
    job: Job,

    /// One line of JSON for each event, with all particulars
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  Everything that happens when keygroups sim is run:
    keygroups replay 81

  A run of keygroups sim --seeds 1000 --faults chaos:
    keygroups replay 17 --swarm --faults chaos

  A run that catches a bug of keygroups zoo --sim:
    keygroups replay 3 --swarm --faults chaos --mutant stop_falls_back

  Only what the store was asked for:
    keygroups replay 81 --json | jq -c 'select(.kind == \"request\")'

  A counterexample of keygroups check, step by step with what each step changes:
    keygroups replay --path counterexample.json

Times are virtual. Machines are told of every input, heartbeats included; requests to the store are
shown if they change something or go wrong. Exit codes: 0 everything holds, 1 a violation was found,
2 wrong use or unreadable input.";

impl Replay {
    pub(crate) fn run(self) -> anyhow::Result<Verdict> {
        let seed = match (&self.path, self.seed) {
            (Some(file), _) => return saved::replay(file, self.json),
            (None, seed) => seed.unwrap_or(DEFAULT_SEED),
        };
        let plan = self.job.prepare(self.swarm)?;
        let case = plan.case(seed)?;
        if self.json {
            let stream: Box<dyn Write + Send> = Box::new(BufWriter::new(io::stdout()));
            let run = case.run(Recording { keep: false, stream: Some(stream) });
            if let Err(violation) = &run.outcome {
                eprintln!("violated: {}", one_line(&violation.to_string()));
            }
            if let Err(error) = &run.streamed {
                return Err(io::Error::new(error.kind(), error.to_string()).into());
            }
            return Ok(judged(&run));
        }
        let mut out = BufWriter::new(anstream::AutoStream::auto(io::stdout()));
        write!(out, "{}", opening(&plan, seed, &case.scenario))?;
        let recording = Recording { keep: true, stream: None };
        let (run, took) = timed(|| case.run(recording));
        for event in &run.kept {
            writeln!(out, "{}", words::line(event))?;
        }
        write!(out, "\n{}", closing(&plan, &run, took))?;
        out.flush()?;
        Ok(judged(&run))
    }
}
