//! `keygroups conform`: checks a trace against the model's rules.

mod seeds;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Args;
use keygroups_model::conform::{Divergence, RULES, Report, conform};
use serde::Serialize;

use crate::Verdict;
use crate::sim::style::{BOLD, FAINT, GREEN, RED, RESET, counted, one_line, seconds, thousands};
use crate::sim::{Job, seed_range, timed};

pub(crate) use seeds::check as check_seeds;

/// Check that everything in a trace is something that the model allows
///
/// Fresh machines, the library's own, hear every input that the trace says its machines heard. Each
/// input must be one that the model's world could give them there, and what the trace says happened
/// must be what these machines wanted. Every invariant is judged again.
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Conform {
    /// What `keygroups sim --trace FILE` has written; - reads it from stdin
    #[arg(value_name = "TRACE", required_unless_present_any = ["rules", "seeds"], conflicts_with_all = ["seeds", "Job"])]
    trace: Option<PathBuf>,

    /// Run COUNT seeds on all cores, as sim does, and check each without a file
    #[arg(long, value_name = "COUNT", allow_negative_numbers = true)]
    seeds: Option<u64>,

    /// The first seed of --seeds
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true, requires = "seeds")]
    first_seed: u64,

    #[command(flatten)]
    job: Job,

    /// List the rules of the world that are checked
    #[arg(long, conflicts_with_all = ["trace", "seeds"])]
    rules: bool,

    /// One JSON document instead of words
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  A run of the main job:
    keygroups sim --trace trace.jsonl
    keygroups conform trace.jsonl

  The same without a file:
    keygroups replay 123 --json | keygroups conform -

  A thousand seeds on all cores, each run and checked:
    keygroups conform --seeds 1000 --faults chaos

What this proves: the simulated run is a path that the model could take, as far as docs/model.md
says. The first step that the model would not allow is told with its line and what would have been
allowed.

Exit codes: 0 the trace conforms, 1 a step does not, or the run itself found something broken,
2 wrong use, or a trace that is damaged, ends early, or is of another format.";

#[derive(Serialize)]
struct Document {
    verdict: Verdict,
    #[serde(flatten)]
    report: Report,
    seconds: f64,
    lines_per_second: f64,
}

impl Conform {
    pub(crate) fn run(self) -> anyhow::Result<Verdict> {
        if let Some(count) = self.seeds {
            let seeds = seed_range(self.first_seed, count)?;
            return seeds::run(&self.job.prepare(true)?, seeds, self.json);
        }
        let mut out = anstream::AutoStream::auto(io::stdout());
        let Some(trace) = &self.trace else {
            list(&mut out, self.json)?;
            return Ok(Verdict::Holds);
        };
        let (name, lines) = open(trace)?;
        let (report, took) = timed(|| conform(lines));
        let report = report.map_err(|error| anyhow!("{name} {error}"))?;
        let holds = report.divergence.is_none() && report.violation.is_none();
        let seconds = took.as_secs_f64();
        let document = Document {
            verdict: if holds { Verdict::Holds } else { Verdict::Violated },
            lines_per_second: report.lines as f64 / seconds.max(1e-9),
            report,
            seconds,
        };
        if self.json {
            serde_json::to_writer(&mut out, &document)?;
            writeln!(out)?;
        } else {
            tell(&mut out, &document, took)?;
        }
        out.flush()?;
        Ok(document.verdict)
    }
}

fn open(trace: &Path) -> anyhow::Result<(String, Box<dyn BufRead>)> {
    if trace == Path::new("-") {
        return Ok(("stdin".to_owned(), Box::new(io::stdin().lock())));
    }
    let name = trace.display().to_string();
    let file = File::open(trace).with_context(|| format!("cannot read {name}"))?;
    Ok((name, Box::new(BufReader::with_capacity(1 << 20, file))))
}

fn list(out: &mut impl Write, json: bool) -> anyhow::Result<()> {
    if json {
        let rules: Vec<_> = RULES
            .iter()
            .map(|rule| serde_json::json!({ "name": rule.name, "sentence": rule.sentence }))
            .collect();
        serde_json::to_writer(&mut *out, &rules)?;
        writeln!(out)?;
        return Ok(());
    }
    for rule in RULES {
        writeln!(out, "{BOLD}{}{RESET}\n  {}", rule.name, rule.sentence)?;
    }
    Ok(())
}

fn tell(out: &mut impl Write, document: &Document, took: Duration) -> io::Result<()> {
    let Document { report, lines_per_second, .. } = document;
    match (&report.divergence, &report.violation) {
        (Some(divergence), _) => {
            writeln!(out, "{RED}{BOLD}✗ does not conform{RESET}: the model would not allow this step\n")?;
            tell_divergence(out, divergence)?;
        }
        (None, Some(violation)) => {
            let violation = one_line(violation);
            writeln!(
                out,
                "{RED}{BOLD}✗ violated{RESET}: every step conforms, but the run ended with {violation}"
            )?;
        }
        (None, None) => writeln!(out, "{GREEN}{BOLD}✓ conforms{RESET}: the model allows every step")?,
    }
    writeln!(
        out,
        "\n  seed {}: {} checked, {} heard by machines in {}, {} judged, {:.2} s, {} lines/s",
        report.seed,
        counted(report.lines, "line"),
        counted(report.inputs, "input"),
        if report.lives == 1 { "1 life".to_owned() } else { format!("{} lives", thousands(report.lives)) },
        counted(report.facts, "fact"),
        took.as_secs_f64(),
        thousands(*lines_per_second as u64),
    )
}

fn tell_divergence(out: &mut impl Write, divergence: &Divergence) -> io::Result<()> {
    let Divergence { line, at_us, node, rule, happened, because, allowed } = divergence;
    let mut row = |name: &str, value: &str| writeln!(out, "  {FAINT}{name:9}{RESET}{}", one_line(value));
    row("line", &thousands(*line))?;
    row("time", seconds(*at_us).trim_start())?;
    row("node", node)?;
    row("happened", happened)?;
    row("rule", rule)?;
    row("because", because)?;
    for (number, allowed) in (0..).zip(allowed) {
        row(if number == 0 { "allowed" } else { "" }, allowed)?;
    }
    Ok(())
}
