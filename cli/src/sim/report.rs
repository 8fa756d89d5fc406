//! What became of many runs, for people and for programs.

use std::fmt::Write as _;
use std::io::{self, Write};

use serde::Serialize;

use super::Plan;
use super::matrix::MatrixDocument;
use super::style::{BOLD, FAINT, GREEN, RED, RESET, counted, one_line, thousands};
use super::tally::{Failure, Sums, Tally};
use crate::Verdict;

/// The most failures that are listed for people.
const FAILURES_MAX: usize = 10;

/// What became of the seeds that one process was to run.
#[derive(Serialize)]
pub(crate) struct Document {
    pub(crate) verdict: Verdict,
    pub(crate) first_seed: u64,
    pub(crate) seeds: u64,
    /// `K/N`, if only these of the seeds were to be run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) shard: Option<String>,
    /// How many of the runs an earlier process has done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) resumed_runs: Option<u64>,
    pub(crate) rows_at_most: usize,
    pub(crate) faults: String,
    pub(crate) seconds: f64,
    pub(crate) runs_per_second: f64,
    #[serde(flatten)]
    pub(crate) tally: Tally,
    /// Which kinds of faults met which points, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) coverage: Option<MatrixDocument>,
}

impl Document {
    /// On stdout.
    pub(crate) fn tell(&self, json: bool) -> anyhow::Result<Verdict> {
        let mut out = anstream::AutoStream::auto(io::stdout());
        if json {
            serde_json::to_writer(&mut out, self)?;
            writeln!(out)?;
        } else {
            write!(out, "{}", self.text())?;
        }
        out.flush()?;
        Ok(self.verdict)
    }

    /// Runs of this process per second.
    pub(crate) fn rate(runs: u64, seconds: f64) -> f64 {
        runs as f64 / seconds.max(1e-9)
    }

    fn text(&self) -> String {
        let mut text = failures(&self.tally);
        let last = self.first_seed + (self.seeds - 1);
        let seeds = format!("seeds {} to {last}", self.first_seed);
        let which = match &self.shard {
            Some(shard) => format!("shard {shard} of {seeds}"),
            None => seeds,
        };
        let _ = match self.verdict {
            Verdict::Holds => writeln!(text, "{GREEN}{BOLD}✓ holds{RESET}: {which}\n"),
            Verdict::Violated => {
                writeln!(text, "{RED}{BOLD}✗ {}{RESET} in {which}\n", counted(self.tally.failed, "violation"))
            }
            Verdict::Stopped | Verdict::CutShort => {
                writeln!(text, "{BOLD}stopped{RESET} before all of {which} were run; none failed\n")
            }
        };
        let runs = thousands(self.tally.runs);
        let runs = match (&self.shard, self.resumed_runs) {
            (None, _) => format!("{runs} of {}", thousands(self.seeds)),
            (Some(_), None | Some(0)) => runs,
            (Some(_), Some(resumed)) => format!("{runs}, {} of them before", thousands(resumed)),
        };
        let rate = match self.resumed_runs {
            Some(resumed) if resumed == self.tally.runs => String::new(),
            _ => format!(", {:.0} per second", self.runs_per_second),
        };
        row(&mut text, "runs", runs + &rate);
        let rows = thousands(self.rows_at_most as u64);
        row(&mut text, "input", format!("at most {rows} rows a run, faults {}", self.faults));
        sums(&mut text, &self.tally.sums);
        row(&mut text, "here", format!("{:.1} s", self.seconds));
        text
    }
}

impl Document {
    pub(crate) fn of(plan: &Plan, first_seed: u64, seeds: u64, tally: Tally, seconds: f64) -> Self {
        Self {
            verdict: Verdict::of(tally.failed > 0, tally.runs == seeds),
            first_seed,
            seeds,
            shard: None,
            resumed_runs: None,
            rows_at_most: plan.rows_at_most(),
            faults: plan.faults().to_string(),
            seconds,
            runs_per_second: Self::rate(tally.runs, seconds),
            tally,
            coverage: None,
        }
    }
}

/// The first failures, each with the command that shows it again.
pub(crate) fn failures(tally: &Tally) -> String {
    let mut text = String::new();
    for Failure { seed, violation, replay } in tally.failures.iter().take(FAILURES_MAX) {
        let violation = violation.to_string();
        let _ = writeln!(text, "{RED}{BOLD}✗ seed {seed}{RESET}: {}\n    {replay}\n", one_line(&violation));
    }
    if tally.failed > FAILURES_MAX as u64 {
        let (more, all) = (tally.failed - FAILURES_MAX as u64, tally.failures.len());
        let _ = writeln!(text, "{FAINT}… and {more} more; --json lists {all}{RESET}\n");
    }
    if tally.failed > 0 {
        let _ = writeln!(
            text,
            "{FAINT}report in the place of replay draws a run, shrink makes it small{RESET}\n"
        );
    }
    text
}

/// What the runs have done.
pub(crate) fn sums(text: &mut String, sums: &Sums) {
    row(text, "rows", thousands(sums.rows));
    let (committed, given_up) = (thousands(sums.checkpoints_committed), thousands(sums.checkpoints_aborted));
    row(text, "checkpoints", format!("{committed} committed, {given_up} given up"));
    row(text, "attempts", format!("{}, {}", thousands(sums.attempts), counted(sums.rescales, "rescale")));
    row(text, "leadership", format!("taken {}", counted(sums.elections, "time")));
    row(text, "key groups", format!("{} moved", thousands(sums.moved_key_groups)));
    let (read, owned) = (thousands(sums.restore_bytes_read), thousands(sums.restore_bytes_owned));
    row(text, "restores", format!("{read} bytes read for {owned} owned"));
    local_copies(sums.restore_bytes_local, sums.copies_used, sums.copies_refused)
        .into_iter()
        .for_each(|copies| row(text, "copies", copies));
    in_parts(sums.uploads_in_parts, sums.uploads_unfinished)
        .into_iter()
        .for_each(|uploads| row(text, "in parts", uploads));
    row(text, "faults", format!("{} struck", thousands(sums.faults)));
    row(text, "steps", format!("{}, every invariant checked after each", thousands(sums.steps)));
    row(text, "time", format!("{:.1} hours in clusters", sums.virtual_us as f64 / 3.6e9));
}

/// What restores took from local copies; nothing if they met none.
pub(crate) fn local_copies(bytes: u64, used: u64, refused: u64) -> Option<String> {
    (used + refused > 0).then(|| {
        format!(
            "{} bytes from {} local ones, {} refused",
            thousands(bytes),
            thousands(used),
            thousands(refused)
        )
    })
}

/// What went up in parts; nothing if nothing did.
pub(crate) fn in_parts(finished: u64, unfinished: u64) -> Option<String> {
    (finished + unfinished > 0)
        .then(|| format!("{} written, {} never finished", counted(finished, "object"), thousands(unfinished)))
}

/// One line of a table.
pub(crate) fn row(text: &mut String, name: &str, value: impl AsRef<str>) {
    let _ = writeln!(text, "  {FAINT}{name:12}{RESET}{}", value.as_ref());
}

#[cfg(test)]
mod tests {
    use anstream::adapter::strip_str;
    use keygroups_sim::run::Violation;

    use super::*;
    use crate::sim::ViolationDocument;

    #[test]
    fn a_failing_seed_is_reported_with_the_command_that_replays_it() {
        let mut tally = Tally::default();
        for seed in 0..12 {
            let violation = ViolationDocument::from(&Violation::broken("rule", "what it saw"));
            let replay = format!("keygroups replay {seed} --swarm");
            tally.add(1, &Sums::default(), &[Failure { seed, violation, replay }]);
        }
        tally.runs = 100;
        let document = Document {
            verdict: Verdict::Violated,
            first_seed: 0,
            seeds: 100,
            shard: None,
            resumed_runs: None,
            rows_at_most: 400,
            faults: "chaos".to_owned(),
            seconds: 2.0,
            runs_per_second: 50.0,
            tally,
            coverage: None,
        };
        let text = strip_str(&document.text()).to_string();
        assert!(text.starts_with("✗ seed 0: rule: what it saw\n    keygroups replay 0 --swarm\n"), "{text}");
        assert!(text.contains("… and 2 more; --json lists 12\n"), "{text}");
        assert!(text.contains("✗ 12 violations in seeds 0 to 99\n"), "{text}");
    }
}
