//! What the page draws: lanes, what happened in them in one order, and what lasted.
//!
//! Everything is said by the index of an event, never by a time: so the page can lay the same diagram out
//! by time or with one row for each event, and a path through a model, which has steps only, is one too.

use serde::{Serialize, Serializer};

use crate::picture::Fate;

/// Index of an event.
pub(crate) type At = usize;

#[derive(Debug, Serialize)]
pub(crate) struct Diagram {
    pub(crate) unit: Unit,
    pub(crate) lanes: Vec<Lane>,
    /// What events and arrows are sorted into, so that a reader can leave some out.
    pub(crate) kinds: Vec<Kind>,
    pub(crate) events: Vec<Event>,
    pub(crate) arrows: Vec<Arrow>,
    pub(crate) spans: Vec<Span>,
    pub(crate) bands: Vec<Band>,
    /// How many columns the map of owners has; 0 for none.
    pub(crate) key_groups: u32,
    pub(crate) held: Vec<Held>,
    pub(crate) moved: Vec<Moved>,
    /// The event at which something is found broken.
    pub(crate) broken: Option<At>,
    /// For each event its particulars as JSON; not part of the data that is read when the page opens.
    #[serde(skip)]
    pub(crate) raw: Vec<String>,
}

/// What an event's position is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unit {
    /// Virtual microseconds.
    Time,
    Steps,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Lane {
    pub(crate) name: String,
    /// Names a colour: `fault`, `job`, `user`, `store`, `coordinator`, `host` or `other`.
    pub(crate) kind: &'static str,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// Whether it is shown until the reader says otherwise.
    pub(crate) shown: bool,
}

/// One thing that happened in a lane.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) at: u64,
    pub(crate) lane: usize,
    pub(crate) kind: usize,
    /// Where there is no room for the words of all, those of the weightiest are shown.
    pub(crate) weight: u8,
    pub(crate) mark: Mark,
    pub(crate) words: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mark {
    /// Nothing but an end of an arrow.
    None,
    Dot,
    Timer,
    Fault,
    Crash,
    Broken,
}

/// Something goes from one lane to another.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arrow {
    /// Lane and event.
    pub(crate) from: (usize, At),
    /// Lane and event.
    pub(crate) to: (usize, At),
    pub(crate) kind: usize,
    pub(crate) fate: Fate,
    pub(crate) words: String,
}

/// Something that lasted, with what happened to it on the way.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Span {
    pub(crate) track: Track,
    /// Which column of its track: those that overlap are side by side.
    pub(crate) slot: usize,
    pub(crate) from: At,
    pub(crate) to: At,
    pub(crate) outcome: Outcome,
    pub(crate) words: String,
    /// The beginning, what followed, and the end, with when.
    pub(crate) phases: Vec<(At, String)>,
    /// The lanes that a fault hits.
    pub(crate) hits: Vec<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Track {
    Fault,
    Rescale,
    Attempt,
    Checkpoint,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Good,
    Bad,
    /// Overtaken by something else, or not over at the end.
    Open,
}

/// How somebody was for a while.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Band {
    pub(crate) lane: usize,
    pub(crate) from: At,
    pub(crate) to: At,
    pub(crate) what: Being,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Being {
    /// Leads, or processes.
    Active,
    /// Is dead.
    Down,
    /// Is frozen.
    Paused,
}

/// A task has key groups for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Held {
    /// The first and the last key group.
    pub(crate) groups: (u32, u32),
    pub(crate) from: At,
    pub(crate) to: At,
    pub(crate) subtask: usize,
    /// Whether it processes; otherwise it restores, waits or has stopped.
    pub(crate) processes: bool,
    /// Which of how many that have these key groups at once.
    pub(crate) share: (usize, usize),
    pub(crate) words: String,
}

/// What an attempt has brought from the store.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Moved {
    /// When it was running, or when the last of its tasks had restored.
    pub(crate) at: At,
    pub(crate) attempt: String,
    pub(crate) parallelism: u64,
    pub(crate) keys: u64,
    pub(crate) bytes_read: u64,
    pub(crate) bytes_owned: u64,
    /// Key groups with another owner than in the attempt that ran before.
    pub(crate) key_groups: Option<u64>,
}

/// Events and arrows are many, so they are rows without the names of their columns.
impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { at, lane, kind, weight, mark, words } = self;
        (at, lane, kind, weight, mark, words).serialize(serializer)
    }
}

impl Serialize for Arrow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { from, to, kind, fate, words } = self;
        (from, to, kind, fate, words).serialize(serializer)
    }
}
