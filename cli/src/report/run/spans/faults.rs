//! Faults, from when they begin to when they end, and whom they hit.

use serde_json::Value;

use super::super::lanes::{FAULTS, Lanes};
use super::{Outcome, Span, Track, span};
use crate::replay::words::Told;
use crate::report::diagram::At;

pub(super) struct Faults<'a> {
    lanes: &'a Lanes,
    // With what their beginnings say, by which their ends are known.
    open: Vec<(Value, Span)>,
    over: Vec<Span>,
}

impl<'a> Faults<'a> {
    pub(super) fn new(lanes: &'a Lanes) -> Self {
        Self { lanes, open: Vec::new(), over: Vec::new() }
    }

    pub(super) fn take(&mut self, at: At, told: Told<'_>) {
        match told.kind {
            "fault-begins" => {
                let text = told.fields["text"].as_str().unwrap_or("a fault");
                let mut fault = span(Track::Fault, at, text.to_owned(), "begins");
                fault.hits = hits(self.lanes, text, &told.fields["fault"]);
                self.open.push((told.fields.clone(), fault));
            }
            "fault-ends" => {
                if let Some(position) = self.open.iter().position(|(fields, _)| fields == told.fields) {
                    let (_, fault) = self.open.remove(position);
                    self.over.push(fault.end(at, Outcome::Bad, "is over"));
                }
            }
            // Everything is put right at once.
            _ => {
                let open = self.open.drain(..);
                self.over.extend(open.map(|(_, fault)| fault.end(at, Outcome::Bad, "is healed")));
            }
        }
    }

    pub(super) fn until(self, end: At) -> Vec<Span> {
        let open =
            self.open.into_iter().map(|(_, fault)| Span { outcome: Outcome::Bad, ..fault.never_ends(end) });
        self.over.into_iter().chain(open).collect()
    }
}

/// The lanes that a fault is drawn into: of everybody whom its words name; of a partition, the smaller
/// side. A fault that names nobody hits the links between all.
fn hits(lanes: &Lanes, text: &str, fault: &Value) -> Vec<usize> {
    let named = lanes.named_in(text);
    let details = fault.as_object().and_then(|fault| fault.values().next());
    let cut_off = details.and_then(|details| details["from"].as_array()).map(Vec::len);
    match cut_off {
        Some(cut_off) if cut_off < named.len() => {
            let (from, to) = named.split_at(cut_off);
            if from.len() <= to.len() { from.to_vec() } else { to.to_vec() }
        }
        _ if named.is_empty() => vec![FAULTS],
        _ => named,
    }
}
