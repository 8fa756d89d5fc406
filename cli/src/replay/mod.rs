//! `keygroups replay`: a run of `sim` again, with every event shown.

pub(crate) mod case;
mod saved;
pub(crate) mod words;

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::Args;
use keygroups_sim::case::Case;
use keygroups_sim::cluster::Summary;
use keygroups_sim::run::Run;
use keygroups_sim::trace::Recording;

use self::case::Frame;
use crate::Verdict;
use crate::sim::style::one_line;
use crate::sim::{DEFAULT_SEED, Job, SeedOrFile, closing, judged, opening, timed};

/// Run a seed of sim again and show every event
///
/// The options are those of the run that is to be seen again; sim prints the whole command. What
/// happens is the same to the last byte, as long as the build is the same.
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Replay {
    /// The seed, or a FILE with a case that shrink has written
    #[arg(value_name = "SEED|FILE", allow_negative_numbers = true, required_unless_present = "path")]
    run: Option<SeedOrFile>,

    /// Not a seed of sim, but a path through a model that check or explore has saved in FILE
    #[arg(long, value_name = "FILE", conflicts_with_all = ["run", "swarm", "Job"])]
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
    keygroups replay 123

  A run of keygroups sim --seeds 1000 --faults chaos:
    keygroups replay 17 --swarm --faults chaos

  A run that catches a bug of keygroups zoo --sim:
    keygroups replay 3 --swarm --faults chaos --mutant stop_falls_back

  Only what the store was asked for:
    keygroups replay 123 --json | jq -c 'select(.kind == \"request\")'

  A failing run that keygroups shrink has made small:
    keygroups replay case-17.json

  A counterexample of keygroups check, step by step with what each step changes:
    keygroups replay --path counterexample.json

Times are virtual. Machines are told of every input, heartbeats included; requests to the store are
shown if they change something or go wrong. Exit codes: 0 everything holds, 1 a violation was found,
2 wrong use or unreadable input.";

impl Replay {
    pub(crate) fn run(self) -> anyhow::Result<Verdict> {
        match (&self.path, &self.run) {
            (Some(file), _) => saved::replay(file, self.json),
            (None, Some(SeedOrFile::File(file))) => {
                let case = Case::read(file)?;
                let run = self.shown(&case::story(file, &case), &|recording| case.run(recording))?;
                Ok(case::judged(file, &case, &run))
            }
            (None, run) => {
                let seed = if let Some(SeedOrFile::Seed(seed)) = run { *seed } else { DEFAULT_SEED };
                let plan = self.job.clone().prepare(self.swarm)?;
                let case = plan.case(seed)?;
                let words =
                    Frame { opening: opening(&plan, seed, &case.scenario), subject: plan.subject(seed) };
                let run = self.shown(&words, &|recording| case.run(recording))?;
                Ok(judged(&run))
            }
        }
    }

    /// Runs and shows every event.
    fn shown(
        &self,
        words: &Frame,
        simulate: &dyn Fn(Recording) -> Run<Summary>,
    ) -> anyhow::Result<Run<Summary>> {
        if self.json {
            let stream: Box<dyn Write + Send> = Box::new(BufWriter::new(io::stdout()));
            let run = simulate(Recording { keep: false, stream: Some(stream) });
            if let Err(violation) = &run.outcome {
                eprintln!("violated: {}", one_line(&violation.to_string()));
            }
            if let Err(error) = &run.streamed {
                return Err(io::Error::new(error.kind(), error.to_string()).into());
            }
            return Ok(run);
        }
        let mut out = BufWriter::new(anstream::AutoStream::auto(io::stdout()));
        write!(out, "{}", words.opening)?;
        let (run, took) = timed(|| simulate(Recording { keep: true, stream: None }));
        for event in &run.kept {
            writeln!(out, "{}", words::line(event))?;
        }
        write!(out, "\n{}", closing(&words.subject, &run, took))?;
        out.flush()?;
        Ok(run)
    }
}
