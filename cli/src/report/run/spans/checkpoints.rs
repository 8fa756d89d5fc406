//! Checkpoints, from their trigger to their commit or their end.

use std::collections::BTreeMap;

use keygroups::checkpoint::{Attempt, CheckpointId};
use keygroups::protocol::Event;
use keygroups::protocol::invariant::Fact;

use super::{Outcome, Span, Track, span};
use crate::replay::words::Told;
use crate::report::diagram::At;

#[derive(Default)]
pub(super) struct Checkpoints {
    open: BTreeMap<(Attempt, CheckpointId), Span>,
    over: Vec<Span>,
}

impl Checkpoints {
    pub(super) fn decided(&mut self, at: At, event: &Event) {
        match event {
            Event::Triggered { attempt, checkpoint, stop } => {
                let stop = if *stop { ", and stop" } else { "" };
                let words = format!("checkpoint {checkpoint} of attempt {attempt}{stop}");
                self.open.insert((*attempt, *checkpoint), span(Track::Checkpoint, at, words, "triggered"));
            }
            Event::AllAcknowledged { attempt, checkpoint } => {
                if let Some(open) = self.open.get_mut(&(*attempt, *checkpoint)) {
                    open.phase(at, "all tasks have acknowledged it");
                }
            }
            Event::Committed { attempt, checkpoint, version } => {
                let words = format!("committed by manifest {version}");
                self.end(*attempt, *checkpoint, at, Outcome::Good, words);
            }
            Event::Aborted { attempt, checkpoint, reason } => {
                self.end(*attempt, *checkpoint, at, Outcome::Bad, format!("given up: {reason}"));
            }
            // Whoever triggered what is still open is gone, and cannot say so.
            Event::Deployed { attempt: newer, .. } => {
                let forgotten: Vec<_> =
                    self.open.keys().filter(|(attempt, _)| attempt < newer).copied().collect();
                for (attempt, checkpoint) in forgotten {
                    let words = format!("attempt {newer} goes on without it");
                    self.end(attempt, checkpoint, at, Outcome::Open, words);
                }
            }
            _ => {}
        }
    }

    /// The manifest that commits a checkpoint exists before its creator hears of it, if it ever does.
    pub(super) fn stored(&mut self, at: At, told: Told<'_>) {
        if told.fields.get("manifest-created").is_none() {
            return;
        }
        let Some(Fact::ManifestCreated(manifest)) = told.read() else { return };
        for record in &manifest.checkpoints {
            if let Some(open) = self.open.get_mut(&(record.attempt, record.id))
                && open.outcome == Outcome::Open
            {
                open.phase(at, format!("manifest {} exists, which decides it", manifest.version));
                open.outcome = Outcome::Good;
            }
        }
    }

    fn end(&mut self, attempt: Attempt, checkpoint: CheckpointId, at: At, outcome: Outcome, words: String) {
        if let Some(open) = self.open.remove(&(attempt, checkpoint)) {
            let decided = open.outcome == Outcome::Good;
            self.over.push(open.end(at, if decided { Outcome::Good } else { outcome }, words));
        }
    }

    pub(super) fn until(self, end: At) -> Vec<Span> {
        self.over.into_iter().chain(self.open.into_values().map(|open| open.never_ends(end))).collect()
    }
}
