//! What lasts: faults, checkpoints, attempts and rescales.

mod checkpoints;
mod faults;
mod rescales;

use crate::replay::words::Told;
use crate::report::diagram::{At, Outcome, Span, Track};

use self::checkpoints::Checkpoints;
use self::faults::Faults;
use self::rescales::{Attempts, Rescales};
use super::lanes::Lanes;

/// Everything that has begun.
pub(super) struct Spans<'a> {
    faults: Faults<'a>,
    checkpoints: Checkpoints,
    attempts: Attempts,
    rescales: Rescales,
}

impl<'a> Spans<'a> {
    pub(super) fn new(lanes: &'a Lanes) -> Self {
        let (checkpoints, attempts, rescales) = Default::default();
        Self { faults: Faults::new(lanes), checkpoints, attempts, rescales }
    }

    pub(super) fn take(&mut self, at: At, told: Told<'_>) {
        match told.kind {
            "fault-begins" | "fault-ends" | "healed" => self.faults.take(at, told),
            "asks" => self.rescales.asked(at, told),
            "fact" => self.checkpoints.stored(at, told),
            "event" => {
                let Some(event) = told.read() else { return };
                self.checkpoints.decided(at, &event);
                self.attempts.decided(at, &event);
                self.rescales.decided(at, &event);
            }
            _ => {}
        }
    }

    /// All of them; those that are not over by the event `end` end there.
    pub(super) fn until(self, end: At) -> Vec<Span> {
        let mut spans = self.faults.until(end);
        spans.extend(self.rescales.until(end));
        spans.extend(self.attempts.until(end));
        spans.extend(self.checkpoints.until(end));
        for track in [Track::Fault, Track::Rescale, Track::Attempt, Track::Checkpoint] {
            side_by_side(spans.iter_mut().filter(|span| span.track == track).collect());
        }
        spans
    }
}

fn span(track: Track, from: At, words: String, phase: &str) -> Span {
    let phases = vec![(from, phase.to_owned())];
    Span { track, slot: 0, from, to: from, outcome: Outcome::Open, words, phases, hits: Vec::new() }
}

impl Span {
    fn phase(&mut self, at: At, words: impl Into<String>) {
        self.phases.push((at, words.into()));
        self.to = at;
    }

    fn end(mut self, at: At, outcome: Outcome, words: impl Into<String>) -> Self {
        self.phase(at, words);
        self.outcome = outcome;
        self
    }

    fn never_ends(mut self, end: At) -> Self {
        self.to = end;
        self
    }
}

/// Gives each the first column that is free when it begins.
fn side_by_side(mut spans: Vec<&mut Span>) {
    spans.sort_by_key(|span| (span.from, span.to));
    let mut free_from: Vec<At> = Vec::new();
    for span in spans {
        let slot = free_from.iter().position(|free| *free <= span.from).unwrap_or_else(|| {
            free_from.push(0);
            free_from.len() - 1
        });
        free_from[slot] = span.to;
        span.slot = slot;
    }
}
