//! A run of the simulation as a diagram.

mod kinds;
mod lanes;
mod machines;
mod moved;
mod spans;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use keygroups::key_group::MaxParallelism;
use keygroups_model::conform::Began;

use self::lanes::{Lanes, STORE};
use self::machines::Machines;
use self::moved::Bytes;
use self::spans::Spans;
use super::diagram::{Arrow, At, Band, Being, Diagram, Event, Unit};
use super::owners::Owners;
use crate::picture::Fate;
use crate::replay::words::{Told, text};

/// Draws everything that the events tell, in their order.
pub(crate) fn diagram(all: &[Told<'_>]) -> Diagram {
    let lanes = Lanes::of(all);
    let max_parallelism = max_parallelism(all);
    let (mut machines, mut spans) = (Machines::new(&lanes), Spans::new(&lanes));
    let (mut owners, mut beings, mut bytes) = (Owners::default(), Beings::default(), Bytes::default());
    let (mut events, mut arrows, mut broken) = (Vec::with_capacity(all.len()), Vec::new(), None);
    for (at, &told) in all.iter().enumerate() {
        let lane = lanes.lane(told.node);
        let (kind, weight, mark) = kinds::sorted(told);
        events.push(Event { at: told.at_us, lane, kind, weight, mark, words: text(told) });
        arrows.extend(transfer(&lanes, at, lane, kind, told));
        if machines.take(at, lane, told) {
            owners.are(at, &machines.holders());
        }
        beings.take(at, lane, told, machines.is_active(lane));
        spans.take(at, told);
        bytes.take(at, told, max_parallelism);
        if told.kind == "violation" || told.kind == "closed" && told.fields["violation"].is_string() {
            broken = broken.or(Some(at));
        }
    }
    let end = all.len().saturating_sub(1);
    arrows.extend(machines.arrows());
    let spans = spans.until(end);
    Diagram {
        unit: Unit::Time,
        kinds: kinds::all(),
        events,
        arrows,
        spans,
        bands: beings.until(end),
        key_groups: max_parallelism.map_or(0, |max| u32::from(max.get())),
        held: owners.until(end),
        moved: bytes.until_the_end(),
        broken,
        raw: all.iter().map(|told| told.fields.to_string()).collect(),
        lanes: lanes.into_all(),
    }
}

/// Of the first vertex with keyed state of the job that coordinators are told of.
fn max_parallelism(all: &[Told<'_>]) -> Option<MaxParallelism> {
    let mut lives = all.iter().filter(|told| told.kind == "began").filter_map(Told::read::<Began<'_>>);
    lives.find_map(|began| match began {
        Began::Coordinator { options, .. } => {
            options.job().vertices().find_map(|(_, vertex)| vertex.max_parallelism)
        }
        Began::Host { .. } => None,
    })
}

/// Bytes between a process and the store.
fn transfer(lanes: &Lanes, at: At, lane: usize, kind: usize, told: Told<'_>) -> Option<Arrow> {
    let (from, to, fate) = match told.kind {
        "request" => {
            let by = lanes.named(told.fields["by"].as_str()?)?;
            let fate = match told.fields["fate"].as_str()? {
                "unanswered" => Fate::AnswerLost,
                "swallowed" | "refused" => Fate::Lost,
                "held-up" | "late" => Fate::Late,
                _ => Fate::Arrives,
            };
            (by, STORE, fate)
        }
        "restored" => (STORE, lane, Fate::Arrives),
        _ => return None,
    };
    Some(Arrow { from: (from, at), to: (to, at), kind, fate, words: text(told) })
}

/// Who leads or processes, is dead or frozen, since when.
#[derive(Default)]
struct Beings {
    now: BTreeMap<(usize, Being), At>,
    over: Vec<Band>,
}

impl Beings {
    fn take(&mut self, at: At, lane: usize, told: Told<'_>, active: bool) {
        match told.kind {
            "crashed" => {
                self.is(at, lane, Being::Paused, false);
                self.is(at, lane, Being::Down, true);
            }
            "restarted" | "began" => self.is(at, lane, Being::Down, false),
            "paused" => self.is(at, lane, Being::Paused, true),
            "resumed" => self.is(at, lane, Being::Paused, false),
            _ => {}
        }
        self.is(at, lane, Being::Active, active);
    }

    fn is(&mut self, at: At, lane: usize, what: Being, now: bool) {
        if now {
            self.now.entry((lane, what)).or_insert(at);
        } else if let Some(from) = self.now.remove(&(lane, what)) {
            self.over.push(Band { lane, from, to: at, what });
        }
    }

    fn until(mut self, end: At) -> Vec<Band> {
        let open = std::mem::take(&mut self.now).into_iter();
        self.over.extend(open.map(|((lane, what), from)| Band { lane, from, to: end, what }));
        self.over
    }
}
