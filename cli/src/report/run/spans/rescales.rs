//! Attempts, and rescales from the wish to the first attempt that runs as was wished.

use std::collections::BTreeMap;

use keygroups::checkpoint::{Attempt, CheckpointId};
use keygroups::key_group::Parallelism;
use keygroups::protocol::Event;
use keygroups_model::conform::Asked;

use super::{Outcome, Span, Track, span};
use crate::replay::words::Told;
use crate::report::diagram::At;

/// From deploy to the end.
#[derive(Default)]
pub(super) struct Attempts {
    open: BTreeMap<Attempt, (Span, Option<CheckpointId>)>,
    over: Vec<Span>,
}

impl Attempts {
    pub(super) fn decided(&mut self, at: At, event: &Event) {
        match event {
            Event::Deployed { attempt, parallelism, restore } => {
                let older: Vec<_> = self.open.keys().filter(|open| *open < attempt).copied().collect();
                for older in older {
                    self.end(older, at, Outcome::Open, format!("attempt {attempt} replaces it"));
                }
                let from = match restore.0 {
                    0 => "empty".to_owned(),
                    _ => format!("from checkpoint {restore}"),
                };
                let words = format!("attempt {attempt} at parallelism {parallelism}, {from}");
                self.open.insert(*attempt, (span(Track::Attempt, at, words, "deployed"), None));
            }
            Event::AllReady { attempt } => self.phase(*attempt, at, "all tasks have restored"),
            Event::Running { attempt } => self.phase(*attempt, at, "runs"),
            Event::Triggered { attempt, checkpoint, stop: true } => {
                if let Some((_, last)) = self.open.get_mut(attempt) {
                    *last = Some(*checkpoint);
                }
                self.phase(*attempt, at, "is to stop");
            }
            Event::Committed { attempt, checkpoint, .. }
                if self.open.get(attempt).is_some_and(|(_, last)| *last == Some(*checkpoint)) =>
            {
                self.end(*attempt, at, Outcome::Good, format!("has stopped with checkpoint {checkpoint}"));
            }
            Event::Restarting { attempt, reason } => {
                self.end(*attempt, at, Outcome::Bad, format!("is over: {reason}"));
            }
            _ => {}
        }
    }

    fn phase(&mut self, attempt: Attempt, at: At, words: &str) {
        if let Some((open, _)) = self.open.get_mut(&attempt) {
            open.phase(at, words);
        }
    }

    fn end(&mut self, attempt: Attempt, at: At, outcome: Outcome, words: String) {
        if let Some((open, _)) = self.open.remove(&attempt) {
            self.over.push(open.end(at, outcome, words));
        }
    }

    pub(super) fn until(self, end: At) -> Vec<Span> {
        self.over.into_iter().chain(self.open.into_values().map(|(open, _)| open.never_ends(end))).collect()
    }
}

/// From the user's wish on. There is one wish at a time.
#[derive(Default)]
pub(super) struct Rescales {
    wish: Option<(Parallelism, Wish)>,
    // The parallelism that runs, of the newest attempt.
    runs: Option<Parallelism>,
    deployed: BTreeMap<Attempt, Parallelism>,
    over: Vec<Span>,
}

struct Wish {
    span: Span,
    // Whether it ran so when it was asked.
    already: bool,
    accepted: bool,
    // The checkpoint that the attempt before stops with.
    stop: Option<(Attempt, CheckpointId)>,
}

impl Wish {
    /// Over when nobody cares any more; it was over as soon as it began, if it ran so already.
    fn over(self, at: At, words: &str) -> Span {
        let from = self.span.from;
        match self {
            Self { span, already: true, accepted: false, .. } => {
                span.end(from, Outcome::Good, "it runs so already")
            }
            Self { span, .. } => span.end(at, Outcome::Open, words),
        }
    }
}

impl Rescales {
    pub(super) fn asked(&mut self, at: At, told: Told<'_>) {
        let Some(Asked { parallelism }) = told.read() else { return };
        if let Some((_, wish)) = self.wish.take() {
            let words = format!("parallelism {parallelism} is wanted instead");
            self.over.push(wish.over(at, &words));
        }
        let from = self.runs.map_or_else(String::new, |runs| format!("{runs} "));
        let words = format!("rescale {from}→ {parallelism}");
        let span = span(Track::Rescale, at, words, "asked for");
        let already = self.runs == Some(parallelism);
        self.wish = Some((parallelism, Wish { span, already, accepted: false, stop: None }));
    }

    pub(super) fn decided(&mut self, at: At, event: &Event) {
        if let Event::Deployed { attempt, parallelism, .. } = event {
            self.deployed.insert(*attempt, *parallelism);
        }
        if let Event::Running { attempt } = event {
            self.runs = self.deployed.get(attempt).copied();
        }
        let Some((wanted, wish)) = &mut self.wish else { return };
        match event {
            Event::RescaleAccepted { parallelism, version } if parallelism == wanted && !wish.accepted => {
                wish.accepted = true;
                wish.span.phase(at, format!("accepted: manifest {version} says so"));
                if self.runs == Some(*parallelism) {
                    self.done(at, "it runs so already".to_owned());
                }
            }
            Event::Triggered { attempt, checkpoint, stop: true } if wish.accepted => {
                wish.stop = Some((*attempt, *checkpoint));
                wish.span.phase(at, format!("attempt {attempt} stops with checkpoint {checkpoint}"));
            }
            Event::Committed { attempt, checkpoint, .. } if wish.stop == Some((*attempt, *checkpoint)) => {
                wish.span.phase(at, format!("attempt {attempt} has stopped"));
            }
            Event::Deployed { attempt, parallelism, .. } if wish.accepted => {
                wish.span.phase(at, format!("attempt {attempt} is deployed at parallelism {parallelism}"));
            }
            Event::Running { attempt } if self.runs == Some(*wanted) => {
                let words = format!("attempt {attempt} runs");
                self.done(at, words);
            }
            _ => {}
        }
    }

    fn done(&mut self, at: At, words: String) {
        if let Some((_, wish)) = self.wish.take() {
            self.over.push(wish.span.end(at, Outcome::Good, words));
        }
    }

    pub(super) fn until(self, end: At) -> Vec<Span> {
        let wish = self.wish.map(|(_, wish)| wish.over(end, "the end"));
        self.over.into_iter().chain(wish).collect()
    }
}
