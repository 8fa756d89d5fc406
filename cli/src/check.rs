//! `keygroups check`: explores a model completely and says what holds.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use keygroups::protocol::invariant;
use keygroups_model::survey::{Progress, Survey, survey};
use serde::Serialize;

use crate::Verdict;
use crate::coverage::Coverage;
use crate::model::{Choice, Document as SavedDocument, Path, is_small, picture, report, stories};
use crate::sim::style::{BOLD, FAINT, GREEN, RED, RESET, counted, thousands};

/// Explore a model completely: every order of events, every loss, every crash within its budget
///
/// The model runs the library's own machines. After every step every invariant is checked; a
/// violation is shown with a shortest path to it.
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Check {
    /// The model; --list shows them all
    #[arg(value_name = "MODEL", required_unless_present_any = ["list", "coverage"])]
    model: Option<String>,

    /// List the models
    #[arg(long, conflicts_with_all = ["model", "mutant"])]
    list: bool,

    /// How large the check is
    #[arg(long, value_enum, default_value_t)]
    bound: Bound,

    /// Plant this bug first; `keygroups zoo` lists them
    #[arg(long, value_name = "NAME")]
    mutant: Option<String>,

    /// How many threads explore; the result does not depend on it [default: all]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,

    /// Where a counterexample is drawn
    #[arg(long, value_name = "FILE", default_value = "counterexample.html")]
    html: PathBuf,

    /// Where a counterexample is kept for replay and explore
    #[arg(long, value_name = "FILE", default_value = "counterexample.json")]
    save: PathBuf,

    /// One JSON document instead of words
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    coverage: Coverage,
}

const EXAMPLES: &str = "\
Examples:
  Every way in which one job can go from one task to two:
    keygroups check scale-out

  The same with a planted bug, and where it goes wrong:
    keygroups check scale-out --mutant own_handle_only

  What a thousand seeds of the simulation reach, and what the models reach:
    keygroups check --coverage --seeds 1000

  The figures alone:
    keygroups check scale-out --threads 1 --json | jq .states_per_second

Exit codes: 0 every invariant holds, 1 a violation was found, 2 wrong use, 130 stopped with Ctrl-C
before the end with nothing found.";

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Bound {
    /// Seconds
    #[default]
    Quick,
}

#[derive(Serialize)]
struct Document {
    verdict: Verdict,
    model: &'static str,
    mutant: Option<&'static str>,
    bound: &'static str,
    threads: usize,
    complete: bool,
    unique_states: usize,
    generated_states: usize,
    depth: usize,
    queue: usize,
    seconds: f64,
    states_per_second: f64,
    properties: Vec<Property>,
    cases: Vec<Case>,
    counterexample: Option<Counterexample>,
}

#[derive(Serialize)]
struct Property {
    name: &'static str,
    sentence: &'static str,
    /// `null` if the check has ended before that was known.
    holds: Option<bool>,
}

#[derive(Serialize)]
struct Case {
    name: &'static str,
    reached: bool,
    steps: Option<usize>,
}

#[derive(Serialize)]
struct Counterexample {
    breaks: &'static str,
    detail: String,
    steps: Vec<String>,
    html: PathBuf,
    path: PathBuf,
    explore: String,
}

impl Check {
    pub(crate) fn run(self) -> anyhow::Result<Verdict> {
        if self.coverage.coverage {
            return self.coverage.run(self.threads, self.json);
        }
        let mut out = anstream::AutoStream::auto(io::stdout());
        let Some(model) = self.model.as_deref() else {
            list(&mut out, self.json)?;
            return Ok(Verdict::Holds);
        };
        let choice = Choice::named(model, self.mutant.as_deref())?;
        if !is_small(choice.model.story()) {
            bail!("`{model}` is too large to be explored completely: walk through it with keygroups explore");
        }
        let threads = match self.threads {
            Some(threads) => threads,
            None => std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        };
        let stop = stopped_by_ctrl_c()?;
        let mut ticker = Ticker::new(choice.name());
        let began = now();
        let survey = survey(&choice.model, threads.get(), usize::MAX, |progress| {
            ticker.tick(progress);
            !stop.load(Ordering::Relaxed)
        });
        let took = began.elapsed();
        ticker.clear();
        let counterexample = self.keep(&choice, &survey)?;
        let document = document(&choice, threads.get(), &survey, took, counterexample);
        if self.json {
            serde_json::to_writer(&mut out, &document)?;
            writeln!(out)?;
        } else {
            tell(&mut out, &document)?;
        }
        out.flush()?;
        if document.verdict == Verdict::Stopped {
            eprintln!(
                "stopped before the end: nothing is broken in the {} that were seen, which proves nothing about the rest",
                counted(survey.progress.unique as u64, "state")
            );
        }
        Ok(document.verdict)
    }

    /// Writes a counterexample down.
    fn keep(&self, choice: &Choice, survey: &Survey) -> anyhow::Result<Option<Counterexample>> {
        let Some((violation, positions)) = &survey.violated else { return Ok(None) };
        let path = Path::follow(choice.model, positions)?;
        let explore = format!("keygroups explore {} --path {}", choice.name(), self.save.display());
        SavedDocument::of(choice, &path).save(&self.save)?;
        fs::write(&self.html, report::html(choice, &path, &explore))
            .with_context(|| format!("cannot write {}", self.html.display()))?;
        Ok(Some(Counterexample {
            breaks: violation.invariant,
            detail: violation.detail.clone(),
            steps: picture(&path).rows.into_iter().skip(1).map(|row| row.words).collect(),
            html: self.html.clone(),
            path: self.save.clone(),
            explore,
        }))
    }
}

fn document(
    choice: &Choice,
    threads: usize,
    survey: &Survey,
    took: Duration,
    counterexample: Option<Counterexample>,
) -> Document {
    let verdict = match (&survey.violated, survey.complete) {
        (Some(_), _) => Verdict::Violated,
        (None, true) => Verdict::Holds,
        (None, false) => Verdict::Stopped,
    };
    let holds = |name| match &survey.violated {
        Some((violation, _)) if violation.invariant == name => Some(false),
        _ => survey.complete.then_some(true),
    };
    let Progress { unique, generated, depth, queue } = survey.progress;
    let seconds = took.as_secs_f64();
    Document {
        verdict,
        model: choice.name(),
        mutant: choice.mutant.map(|mutant| mutant.name),
        bound: "quick",
        threads,
        complete: survey.complete,
        unique_states: unique,
        generated_states: generated,
        depth,
        queue,
        seconds,
        states_per_second: unique as f64 / seconds.max(1e-9),
        properties: invariant::ALL
            .iter()
            .map(|it| Property { name: it.name, sentence: it.sentence, holds: holds(it.name) })
            .collect(),
        cases: survey
            .cases
            .iter()
            .map(|(name, way)| Case { name, reached: way.is_some(), steps: way.as_ref().map(Vec::len) })
            .collect(),
        counterexample,
    }
}

fn list(out: &mut impl Write, json: bool) -> anyhow::Result<()> {
    if json {
        let stories: Vec<_> = stories()
            .map(|story| serde_json::json!({ "name": story.name, "about": story.about, "small": is_small(story) }))
            .collect();
        serde_json::to_writer(&mut *out, &stories)?;
        writeln!(out)?;
        return Ok(());
    }
    for story in stories() {
        let note = if is_small(story) { "" } else { " (too large for check: explore it)" };
        writeln!(out, "{BOLD}{:12}{RESET} {}{FAINT}{note}{RESET}", story.name, story.about)?;
    }
    Ok(())
}

fn tell(out: &mut impl Write, document: &Document) -> io::Result<()> {
    for property in &document.properties {
        match property.holds {
            Some(true) => writeln!(out, "  {GREEN}✓{RESET} {}", property.name)?,
            Some(false) => writeln!(out, "  {RED}{BOLD}✗ {}{RESET}", property.name)?,
            None => writeln!(out, "  {FAINT}? {}{RESET}", property.name)?,
        }
    }
    writeln!(out)?;
    for case in &document.cases {
        match case.steps {
            Some(steps) => writeln!(out, "  reached in {:<9} {}", counted(steps as u64, "step"), case.name)?,
            None => writeln!(out, "  {FAINT}not reached          {}{RESET}", case.name)?,
        }
    }
    if let Some(counterexample) = &document.counterexample {
        writeln!(out, "\nA shortest path to it:\n")?;
        for (number, step) in (1..).zip(&counterexample.steps) {
            writeln!(out, "{FAINT}{number:>5}{RESET}  {step}")?;
        }
        writeln!(out, "       {RED}{}: {}{RESET}", counterexample.breaks, counterexample.detail)?;
    }
    let verdict = match document.verdict {
        Verdict::Holds => format!("{GREEN}{BOLD}✓ holds{RESET}: every reachable state was seen"),
        Verdict::Violated => format!("{RED}{BOLD}✗ violated{RESET}"),
        Verdict::Stopped => format!("{BOLD}stopped{RESET}: not every reachable state was seen"),
    };
    let planted = document.mutant.map(|mutant| format!(" with {mutant}")).unwrap_or_default();
    writeln!(
        out,
        "\n{verdict}\n  {}{planted}, bound {}: {} different states, {} generated, depth {}, {:.1} s on {}, {}/s",
        document.model,
        document.bound,
        thousands(document.unique_states as u64),
        thousands(document.generated_states as u64),
        document.depth,
        document.seconds,
        counted(document.threads as u64, "thread"),
        thousands(document.states_per_second as u64),
    )?;
    if let Some(counterexample) = &document.counterexample {
        writeln!(out, "  drawn in   {}", counterexample.html.display())?;
        writeln!(out, "  replay it  keygroups replay --path {}", counterexample.path.display())?;
        writeln!(out, "  explore it {}", counterexample.explore)?;
    }
    Ok(())
}

/// True once the user wants to stop.
pub(crate) fn stopped_by_ctrl_c() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let asked = stop.clone();
    ctrlc::set_handler(move || asked.store(true, Ordering::Relaxed)).context("cannot listen to Ctrl-C")?;
    Ok(stop)
}

/// How long something takes for people is real time.
#[allow(clippy::disallowed_methods)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Says on stderr how far a check is: in place in a terminal, now and then elsewhere.
pub(crate) struct Ticker {
    name: &'static str,
    began: Instant,
    last: Duration,
    terminal: bool,
}

impl Ticker {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, began: now(), last: Duration::ZERO, terminal: io::stderr().is_terminal() }
    }

    pub(crate) fn tick(&mut self, progress: Progress) {
        let elapsed = self.began.elapsed();
        let pause = if self.terminal { Duration::from_millis(200) } else { Duration::from_secs(1) };
        if elapsed - self.last < pause {
            return;
        }
        self.last = elapsed;
        let rate = progress.unique as f64 / elapsed.as_secs_f64();
        let line = format!(
            "{}: {}, {}/s, depth {}, {} queued",
            self.name,
            counted(progress.unique as u64, "state"),
            thousands(rate as u64),
            progress.depth,
            thousands(progress.queue as u64)
        );
        // Whoever closed stderr does not want to know.
        let _ = match self.terminal {
            true => write!(io::stderr(), "\r\x1b[2K{line}"),
            false => writeln!(io::stderr(), "{line}"),
        };
    }

    pub(crate) fn clear(&self) {
        if self.terminal {
            let _ = write!(io::stderr(), "\r\x1b[2K");
        }
    }
}
