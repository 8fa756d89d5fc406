//! Pictures of something that happens step by step: who told whom what, and who owned which key groups.
//!
//! This module knows neither the model nor the simulation. Whoever has a path or a trace tells it as a
//! [`Picture`]; the rest is drawing. Pictures load nothing, and are readable in dark and light.

mod page;
mod svg;

use serde::Serialize;

pub(crate) use page::page;

/// A space-time diagram: lanes side by side, time downwards.
#[derive(Debug)]
pub(crate) struct Picture {
    pub(crate) lanes: Vec<Lane>,
    /// How many columns the map of owners has; 0 for none.
    pub(crate) key_groups: usize,
    pub(crate) rows: Vec<Row>,
    pub(crate) arrows: Vec<Arrow>,
    /// What is wrong at the end: a name, and what was found.
    pub(crate) broken: Option<(String, String)>,
}

/// Somebody who does something.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Store,
    Coordinator,
    Host,
}

/// One step.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) words: String,
    pub(crate) fault: bool,
    pub(crate) marks: Vec<(usize, Mark)>,
    /// For each lane whether it leads or processes after this step.
    pub(crate) active: Vec<bool>,
    /// For each key group who has it after this step.
    pub(crate) owners: Vec<Vec<Owner>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// It does something on its own.
    Dot,
    /// A timer fires.
    Timer,
    /// Something fails.
    Fault,
    /// The process dies and comes back.
    Crash,
}

/// A task that has a key group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) subtask: usize,
    pub(crate) words: String,
    /// Whether it processes; otherwise it restores, waits or has stopped.
    pub(crate) processes: bool,
}

/// Something goes from one lane to another.
#[derive(Debug)]
pub(crate) struct Arrow {
    /// Lane and row.
    pub(crate) from: (usize, usize),
    /// Lane and row.
    pub(crate) to: (usize, usize),
    pub(crate) fate: Fate,
    pub(crate) words: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fate {
    /// It arrives.
    Arrives,
    /// It arrives and is answered.
    Answered,
    /// It arrives, and the answer does not.
    AnswerLost,
    /// It goes wrong on the way.
    Lost,
    /// It has not arrived by the end of the picture: lost, or late.
    NotHeard,
    /// It arrives when nobody waits for it any more.
    Late,
}

/// Text for HTML and SVG, also inside an attribute.
pub(crate) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}
