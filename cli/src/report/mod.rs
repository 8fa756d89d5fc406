//! `keygroups report`: a run, or a path through a model, as one page that can be read without a network.

mod diagram;
mod owners;
mod page;
mod path;
mod run;
mod source;

use std::path::{Path as FilePath, PathBuf};

use anyhow::bail;
use clap::Args;
use keygroups_model::conform::Closed;
use keygroups_sim::case::Case;
use keygroups_sim::cluster::Summary;
use keygroups_sim::run::Run;
use keygroups_sim::trace::{Recording, TraceEvent};

use self::page::{Heading, Words};
use self::source::{Source, TraceFile};
use crate::Verdict;
use crate::model::{SavedPath, check_writable, write_file};
use crate::replay::case::{Frame, story};
use crate::replay::words::{Told, text};
use crate::sim::style::{BOLD, RESET, counted};
use crate::sim::{Job, Plan, SeedOrFile, judged, opening};

/// Draw a run as one page: who did what when, what went wrong, who owned which key groups
///
/// The page is one file that loads nothing: lanes for coordinators, hosts, the store and the user with
/// the messages between them, faults, checkpoints and rescales as bars, and the owners of key groups in
/// colour. It can be zoomed, filtered and searched, and every event tells its particulars.
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Report {
    /// A seed of sim; or a trace that sim --trace has written (- is stdin), a case of shrink, or a path that
    /// check or explore has saved
    #[arg(value_name = "SEED|FILE", allow_negative_numbers = true, required_unless_present = "path")]
    subject: Option<SeedOrFile>,

    /// A path through a model that check or explore has saved in FILE
    #[arg(long, value_name = "FILE", conflicts_with_all = ["subject", "swarm", "Job"])]
    path: Option<PathBuf>,

    /// The small job that --seeds of sim draws from the seed
    #[arg(long)]
    swarm: bool,

    #[command(flatten)]
    job: Job,

    /// Where the page goes [default: run-SEED.html, or the name of FILE with -report.html]
    #[arg(short, long, value_name = "HTML")]
    output: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  The run of keygroups sim:
    keygroups report 123 -o run.html

  A run of keygroups sim --seeds 1000 --faults chaos:
    keygroups report 17 --swarm --faults chaos

  A trace, also one that has ended early:
    keygroups sim --trace trace.jsonl
    keygroups report trace.jsonl

  A counterexample of keygroups check:
    keygroups report --path counterexample.json -o path.html

The page opens at the violation, if there is one, and shows the whole run otherwise. Exit codes:
0 the page is written, 1 so is it, and it shows a violation, 2 wrong use or unreadable input.";

impl Report {
    pub(crate) fn run(self) -> anyhow::Result<Verdict> {
        let output = |default: String| self.output.clone().unwrap_or_else(|| PathBuf::from(default));
        let file = match (&self.path, &self.subject) {
            (Some(file), _) => {
                let output = output(beside(file));
                check_output(&output, file)?;
                return draw_path(&SavedPath::read(file)?, file, &output);
            }
            (None, Some(SeedOrFile::Seed(seed))) => {
                let output = output(format!("run-{seed}.html"));
                check_writable(&output)?;
                return draw_seed(&self.job.prepare(self.swarm)?, *seed, &output);
            }
            (None, Some(SeedOrFile::File(file))) => file.clone(),
            (None, None) => bail!("name a seed or a file"),
        };
        if self.swarm || !self.job.is_default() {
            bail!("{} is no seed: a file says itself which job was run", source::name(&file));
        }
        let output = output(beside(&file));
        let source = Source::read(&file)?;
        check_output(&output, &file)?;
        match source {
            Source::Trace(trace) => draw_trace(&trace, &file, &output),
            Source::Path(saved) => draw_path(&saved, &file, &output),
            Source::Case(case) => draw_case(&case, &file, &output),
        }
    }
}

/// Whether the page of `file` can go to `output`.
fn check_output(output: &FilePath, file: &FilePath) -> anyhow::Result<()> {
    check_writable(output)?;
    if let (Ok(from), Ok(to)) = (file.canonicalize(), output.canonicalize())
        && from == to
    {
        bail!("the page would replace {}, which it is made of", source::name(file));
    }
    Ok(())
}

/// The page of a file goes to where we are, and never over a page of somebody else.
fn beside(file: &FilePath) -> String {
    match file.file_stem() {
        Some(stem) if file != FilePath::new("-") => format!("{}-report.html", stem.to_string_lossy()),
        _ => "run-report.html".to_owned(),
    }
}

/// What the page of a run says above the picture.
pub(crate) struct About {
    pub(crate) title: String,
    /// What was run, one paragraph each.
    pub(crate) lines: Vec<String>,
    /// The command that shows the same run again, if there is one.
    pub(crate) again: Option<String>,
}

/// The page of a run, from all its events in order. **Whoever has the events of a run**, from a seed, a
/// file or a case, draws them with this. How it has ended is what its events say.
pub(crate) fn of_events(about: About, events: &[TraceEvent]) -> String {
    let told: Vec<_> = events.iter().map(Told::from).collect();
    page::html(&heading(about, &told, None), &run::diagram(&told))
}

fn heading(About { title, lines, again }: About, events: &[Told<'_>], cut: Option<&str>) -> Heading {
    Heading { title, about: lines, verdict: ending(events, cut), again }
}

fn draw_seed(plan: &Plan, seed: u64, output: &FilePath) -> anyhow::Result<Verdict> {
    let case = plan.case(seed)?;
    let run = case.run(Recording { keep: true, stream: None });
    let title = format!("run {seed}");
    draw_run(title, &opening(plan, seed, &case.scenario), plan.replay(seed), &run, output)
}

fn draw_case(case: &Case, file: &FilePath, output: &FilePath) -> anyhow::Result<Verdict> {
    let run = case.run(Recording { keep: true, stream: None });
    let Frame { opening, subject } = story(file, case);
    draw_run(format!("case {}", source::name(file)), &opening, subject.replay(), &run, output)
}

fn draw_run(
    title: String,
    opening: &str,
    again: String,
    run: &Run<Summary>,
    output: &FilePath,
) -> anyhow::Result<Verdict> {
    let lines = anstream::adapter::strip_str(opening).to_string();
    let lines = lines.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
    let about = About { title, lines, again: Some(again) };
    write_file(output, of_events(about, &run.kept).as_bytes())?;
    let verdict = judged(run);
    tell(output, &counted(run.kept.len() as u64, "event"), verdict);
    Ok(verdict)
}

fn draw_trace(trace: &TraceFile, file: &FilePath, output: &FilePath) -> anyhow::Result<Verdict> {
    let events = trace.events();
    let name = source::name(file);
    let lines = events.first().map(|first| text(*first)).into_iter().collect();
    let about = About { title: format!("trace {name}"), lines, again: None };
    let heading = heading(about, &events, trace.cut.as_deref());
    let diagram = run::diagram(&events);
    write_file(output, page::html(&heading, &diagram).as_bytes())?;
    if let Some(cut) = &trace.cut {
        eprintln!("{name} ends early: {cut}; the page shows what is there");
    }
    let verdict = if diagram.broken.is_some() { Verdict::Violated } else { Verdict::Holds };
    tell(output, &counted(events.len() as u64, "event"), verdict);
    Ok(verdict)
}

fn draw_path(saved: &SavedPath, file: &FilePath, output: &FilePath) -> anyhow::Result<Verdict> {
    let SavedPath { choice, path } = saved;
    let broken = path.broken();
    let steps = counted(path.actions.len() as u64, "step");
    let mut about = vec![choice.model.story().about.to_owned()];
    if let Some(mutant) = choice.mutant {
        about.push(format!("With a planted bug: {}", mutant.name));
    }
    let heading = Heading {
        title: choice.name().to_owned(),
        about,
        verdict: match broken {
            Some(violation) => Words::Broken(format!("after {steps}: {violation}")),
            None => Words::Holds(format!("no invariant is broken in {steps}")),
        },
        again: Some(format!("keygroups explore {} --path {}", choice.name(), file.display())),
    };
    write_file(output, page::html(&heading, &path::diagram(path)).as_bytes())?;
    let verdict = if broken.is_some() { Verdict::Violated } else { Verdict::Holds };
    tell(output, &steps, verdict);
    Ok(verdict)
}

/// How a run has ended, as its last line says.
fn ending(events: &[Told<'_>], cut: Option<&str>) -> Words {
    let closed = events.last().filter(|told| told.kind == "closed").and_then(Told::read::<Closed>);
    let found = events.iter().find(|told| told.kind == "violation").and_then(|told| told.fields.as_str());
    match (closed, found, cut) {
        (Some(Closed { violation: Some(violation), .. }), ..) => Words::Broken(violation),
        (_, Some(violation), _) => Words::Broken(violation.to_owned()),
        (Some(_), None, None) => Words::Holds("the run ends, and nothing is broken".to_owned()),
        (_, None, cut) => {
            let cut = cut.unwrap_or("the end of the run is missing");
            Words::Open(format!("the trace ends early: {cut}; nothing is broken as far as it goes"))
        }
    }
}

fn tell(output: &FilePath, what: &str, verdict: Verdict) {
    let broken = if verdict == Verdict::Violated { ", and opens at the violation" } else { "" };
    anstream::println!("{BOLD}{}{RESET} shows {what}{broken}: open it in a browser", output.display());
}
