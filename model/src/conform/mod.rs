//! Conformance: whether what a run did is something that the model allows.
//!
//! A trace holds every input that a machine heard, every fact that was judged, every event, and every
//! request that changed the store or went wrong, in the order in which they happened. [`conform`] makes
//! fresh production machines for every life that begins in it and lets them hear the same inputs, each
//! after the [rules](RULES) of the model's world have allowed it; what the trace says happened must be
//! what these machines wanted. So a trace that conforms is a path that the model could take, as far as
//! docs/model.md says, and its invariants hold on it.

mod changes;
mod checker;
mod coordinator;
mod damage;
mod error;
mod host;
mod line;
mod rule;
mod sent;
mod store;
mod wanted;
mod world;

use std::io::{BufRead, Read};

use serde::Serialize;

use self::{
    checker::{Checker, Verdict},
    line::Line,
};
pub use self::{
    error::TraceError,
    line::{Asked, Began, Closed, FORMAT, Opened},
    rule::{Divergence, RULES, Rule},
};
use crate::coverage::Tally;

/// No line of a trace is longer, so that a file that is none does not fill the memory.
const LINE_BYTES_MAX: u64 = 64 << 20;

/// What became of a trace.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// What chance was drawn from in the run.
    pub seed: u64,
    /// Lines that were checked, with the one that diverges.
    pub lines: u64,
    /// Inputs that machines heard.
    pub inputs: u64,
    /// Facts that invariants judged.
    pub facts: u64,
    /// Lives of processes.
    pub lives: u64,
    /// The first step that the model would not allow.
    pub divergence: Option<Divergence>,
    /// What the run itself found broken, if it is none of the things that are checked here.
    pub violation: Option<String>,
    /// Which ways of the machines were taken.
    #[serde(skip)]
    pub tally: Tally,
}

/// Checks a trace to its end or to the first step that the model would not allow.
///
/// # Errors
///
/// [`TraceError`] if it is no trace, is damaged, or ends early.
pub fn conform(mut trace: impl BufRead) -> Result<Report, TraceError> {
    let mut checker = Checker::default();
    let (mut line, mut number) = (Vec::new(), 1);
    if !read_line(&mut trace, &mut line)? {
        return Err(TraceError::NoTrace);
    }
    let seed = Line::read_first(&line)?;
    let report = |checker: Checker, lines, divergence, violation| {
        let (counts, tally) = (checker.counts, checker.world.tally);
        let (inputs, facts, lives) = (counts.inputs, counts.facts, counts.lives);
        Report { seed, lines, inputs, facts, lives, divergence, violation, tally }
    };
    loop {
        number += 1;
        let whole = read_line(&mut trace, &mut line)?;
        if line.is_empty() {
            return Err(TraceError::Unclosed { lines: number - 1 });
        }
        let read = Line::read(number, &line);
        if !whole && read.is_err() {
            return Err(TraceError::Cut { line: number });
        }
        match checker.take(read?)? {
            Verdict::Fine => {}
            Verdict::Diverges(divergence) => return Ok(report(checker, number, Some(divergence), None)),
            Verdict::Closed(closed) => {
                let found = number - 1;
                if closed.events != found {
                    return Err(TraceError::Count { found, written: closed.events });
                }
                read_line(&mut trace, &mut line)?;
                if !line.is_empty() {
                    return Err(TraceError::Continued { line: number + 1 });
                }
                return Ok(report(checker, number, None, closed.violation));
            }
        }
    }
}

/// Reads the next line without its end; whether it has one.
fn read_line(trace: &mut impl BufRead, line: &mut Vec<u8>) -> Result<bool, TraceError> {
    line.clear();
    trace.take(LINE_BYTES_MAX).read_until(b'\n', line).map_err(TraceError::Read)?;
    Ok(line.pop_if(|last| *last == b'\n').is_some())
}
