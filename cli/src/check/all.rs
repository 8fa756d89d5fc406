//! Every model of a bound, one after the other.

use std::io::Write;

use serde::Serialize;

use super::Check;
use super::document::Document;
use super::text::{heading, line};
use crate::Verdict;
use crate::model::Choice;
use crate::progress::now;
use crate::sim::style::{BOLD, GREEN, RED, RESET, counted, thousands};

#[derive(Serialize)]
struct All {
    verdict: Verdict,
    bound: &'static str,
    threads: usize,
    /// Of the models of the bound; fewer were looked at if the user did not wait.
    models_in_bound: usize,
    unique_states: usize,
    generated_states: usize,
    seconds: f64,
    models: Vec<Document>,
}

impl Check {
    pub(super) fn all(&self, out: &mut impl Write) -> anyhow::Result<Verdict> {
        let watched = self.watched()?;
        let (began, stories) = (now(), self.bound.stories());
        let mut models: Vec<Document> = Vec::new();
        if !self.json {
            heading(out)?;
            out.flush()?;
        }
        for story in stories {
            if watched.stopped() {
                break;
            }
            let choice = Choice::of(self.bound, story);
            let checked = self.search(&choice, &watched)?;
            if !self.json {
                line(out, &checked.document)?;
                out.flush()?;
            }
            self.keep(&checked)?;
            models.push(checked.document);
        }
        let some = |verdict| models.iter().any(|model| model.verdict == verdict);
        let verdict = if some(Verdict::Violated) {
            Verdict::Violated
        } else if some(Verdict::Stopped) || models.len() < stories.len() {
            Verdict::Stopped
        } else if some(Verdict::CutShort) {
            Verdict::CutShort
        } else {
            Verdict::Holds
        };
        let all = All {
            verdict,
            bound: self.bound.name(),
            threads: watched.threads,
            models_in_bound: stories.len(),
            unique_states: models.iter().map(|model| model.unique_states).sum(),
            generated_states: models.iter().map(|model| model.generated_states).sum(),
            seconds: began.elapsed().as_secs_f64(),
            models,
        };
        if self.json {
            serde_json::to_writer(&mut *out, &all)?;
            writeln!(out)?;
        } else {
            all.total(out)?;
        }
        out.flush()?;
        let why = match verdict {
            Verdict::Stopped => Some("stopped before the end"),
            Verdict::CutShort => Some("cut short by a limit"),
            Verdict::Holds | Verdict::Violated => None,
        };
        if let Some(why) = why {
            eprintln!("{why}: nothing is broken in what was seen, which proves nothing about the rest");
        }
        Ok(verdict)
    }
}

impl All {
    fn total(&self, out: &mut impl Write) -> anyhow::Result<()> {
        let fine = self.models.iter().filter(|model| model.verdict == Verdict::Holds).count();
        let verdict = match self.verdict {
            Verdict::Holds => format!("{GREEN}{BOLD}✓ holds{RESET}"),
            Verdict::Violated => format!("{RED}{BOLD}✗ violated{RESET}"),
            Verdict::Stopped => format!("{BOLD}stopped{RESET}"),
            Verdict::CutShort => format!("{BOLD}cut short{RESET}"),
        };
        writeln!(
            out,
            "\n{verdict}: {fine} of {} of bound {}, {} different states, {} generated, {:.1} s on {}",
            counted(self.models_in_bound as u64, "model"),
            self.bound,
            thousands(self.unique_states as u64),
            thousands(self.generated_states as u64),
            self.seconds,
            counted(self.threads as u64, "thread"),
        )?;
        for counterexample in self.models.iter().filter_map(|model| model.counterexample.as_ref()) {
            writeln!(out, "  drawn in   {}", counterexample.html.display())?;
            writeln!(out, "  explore it {}", counterexample.explore)?;
        }
        Ok(())
    }
}
