//! What a trace is made of: one JSON object a line, `at_us`, `node`, `kind`, `fields`.
//!
//! Whoever writes a trace uses the types here, whoever reads one as well. `at_us` are microseconds of
//! the run's own clock.

use std::{borrow::Cow, fmt};

use keygroups::{
    key_group::Parallelism,
    protocol::{CoordinatorId, Event, HostId, Incarnation, Options, invariant::Fact},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::TraceError;

/// The format of traces that this build writes, and the only one it reads.
pub const FORMAT: u32 = 1;

/// `opened`: the first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// [`FORMAT`] of whoever wrote it.
    pub format: u32,
    /// What chance was drawn from.
    pub seed: u64,
}

/// `closed`: the last line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// How many lines are before this one.
    pub events: u64,
    /// What the run itself found broken.
    pub violation: Option<String>,
}

/// `began`: a process has begun a life, with nothing in memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Began<'a> {
    /// A coordinator's process.
    Coordinator {
        /// Its address.
        id: CoordinatorId,
        /// What tells this life from every other.
        nonce: u64,
        /// How it runs the job.
        options: Cow<'a, Options>,
    },
    /// A host's process.
    Host {
        /// Its address.
        id: HostId,
        /// Which life.
        incarnation: Incarnation,
        /// How many tasks it has room for.
        slots: u16,
    },
}

/// `asks`: the user wants another parallelism, of whichever coordinator leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Which.
    pub parallelism: Parallelism,
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "asks for parallelism {}", self.parallelism)
    }
}

impl fmt::Display for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the run of seed {} begins (format {} of traces)", self.seed, self.format)
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.violation {
            Some(violation) => write!(f, "the run ends: {violation}"),
            None => write!(f, "the run ends, and nothing is broken"),
        }
    }
}

impl fmt::Display for Began<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Coordinator { nonce, .. } => write!(f, "begins a life, with nonce {nonce:016x}"),
            Self::Host { incarnation, slots, .. } => {
                write!(f, "begins life {incarnation}, with {slots} slots")
            }
        }
    }
}

/// `request`: something was asked of the store, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Requested {
    pub(super) by: String,
    pub(super) operation: String,
    pub(super) path: String,
    pub(super) fate: Fate,
}

/// What the store makes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Fate {
    Served,
    /// Carried out, and the answer is lost.
    Unanswered,
    /// Carried out long after it was asked.
    Late,
    /// Will be carried out late.
    HeldUp,
    Swallowed,
    Refused,
    /// Refused: 503 for too many requests.
    SlowDown,
    /// Refused: 507.
    Full,
    /// 500 without effect.
    Failed,
    /// Carried out, and answered with 500.
    FailedAfterEffect,
    /// A create that was carried out, and the answer is lost.
    ReplyLost,
    /// A read that gets a flipped bit.
    Rotten,
    /// A read that gets less than there is.
    Truncated,
    /// A read that gets another object.
    Misdirected,
    /// A read that gets nothing although the object is there.
    Missing,
    /// A listing without the newest objects.
    Stale,
    /// The end of an upload in parts that is over: aborted, or ended by the same request before.
    NoSuchUpload,
}

/// `damaged`: a stored object is not what was written any more.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Damaged {
    pub(super) path: String,
    pub(super) how: How,
}

/// How an object is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum How {
    BitRot,
    Truncation,
    MisdirectedWrite,
    MissingObject,
}

impl Fate {
    pub(super) fn is_carried_out(self) -> bool {
        match self {
            Self::Served
            | Self::Unanswered
            | Self::Late
            | Self::FailedAfterEffect
            | Self::ReplyLost
            | Self::Rotten
            | Self::Truncated
            | Self::Misdirected
            | Self::Missing
            | Self::Stale => true,
            Self::HeldUp
            | Self::Swallowed
            | Self::Refused
            | Self::SlowDown
            | Self::Full
            | Self::Failed
            | Self::NoSuchUpload => false,
        }
    }

    /// Whether a reader gets something else than what is there.
    pub(super) fn is_misread(self) -> bool {
        matches!(self, Self::Rotten | Self::Truncated | Self::Misdirected | Self::Missing)
    }
}

/// One line.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) number: u64,
    pub(super) at_us: u64,
    pub(super) node: Cow<'a, str>,
    pub(super) what: What<'a>,
}

/// What a line says.
#[derive(Debug)]
pub(super) enum What<'a> {
    Began(Box<Began<'static>>),
    /// A machine hears something; whether it is a coordinator's or a host's, its life tells.
    Input(Fields<'a>),
    Event(Event),
    Fact(Fact),
    Requested(Requested),
    Damaged(Damaged),
    Asked(Asked),
    Crashed,
    Closed(Closed),
    /// For people: follows from other lines, or decides nothing.
    Told,
}

/// The particulars of a line, not read yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a> {
    number: u64,
    line: &'a [u8],
    raw: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw<'a> {
    at_us: u64,
    #[serde(borrow)]
    node: Cow<'a, str>,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    fields: &'a RawValue,
}

impl Fields<'_> {
    pub(super) fn read<T: DeserializeOwned>(self) -> Result<T, TraceError> {
        let text = self.raw.get();
        serde_json::from_str(text).map_err(|error| {
            // serde_json counts from the beginning of what it was given.
            let begin = (text.as_ptr() as usize).saturating_sub(self.line.as_ptr() as usize);
            TraceError::json(self.number, begin, &error)
        })
    }
}

impl<'a> Line<'a> {
    /// The line `number`, from 1.
    pub(super) fn read(number: u64, line: &'a [u8]) -> Result<Self, TraceError> {
        let raw: Raw<'a> =
            serde_json::from_slice(line).map_err(|error| TraceError::json(number, 0, &error))?;
        let fields = Fields { number, line, raw: raw.fields };
        let what = match &*raw.kind {
            "began" => What::Began(fields.read()?),
            "input" => What::Input(fields),
            "event" => What::Event(fields.read()?),
            "fact" => What::Fact(fields.read()?),
            "request" => What::Requested(fields.read()?),
            "damaged" => What::Damaged(fields.read()?),
            "asks" => What::Asked(fields.read()?),
            "crashed" => What::Crashed,
            "closed" => What::Closed(fields.read()?),
            "crashed-before-it-began"
            | "joined"
            | "left"
            | "restarted"
            | "paused"
            | "resumed"
            | "error"
            | "restored"
            | "moved"
            | "surroundings"
            | "fault-begins"
            | "fault-ends"
            | "healed"
            | "violation" => What::Told,
            kind => return Err(TraceError::Kind { line: number, kind: kind.to_owned() }),
        };
        Ok(Self { number, at_us: raw.at_us, node: raw.node, what })
    }

    /// The first line: the seed, if this build reads the trace.
    pub(super) fn read_first(line: &[u8]) -> Result<u64, TraceError> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let raw: Raw<'_> = serde_json::from_slice(line).map_err(|_| TraceError::NoTrace)?;
        let fields = Fields { number: 1, line, raw: raw.fields };
        if raw.kind != "opened" {
            return Err(TraceError::NoTrace);
        }
        // A later format may say more of itself, or less.
        let Format { format } = fields.read()?;
        if format != FORMAT {
            return Err(TraceError::Format { found: format });
        }
        Ok(fields.read::<Opened>()?.seed)
    }
}
