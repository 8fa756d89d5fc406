//! Every event of a trace in words.

use keygroups::protocol::invariant::Fact;
use keygroups::protocol::{CoordinatorInput, Event, HostInput};
use keygroups_model::conform::{Asked, Began, Closed, Opened};
use keygroups_sim::cluster::Restored;
use keygroups_sim::trace::TraceEvent;
use serde::Deserialize;
use serde_json::Value;

use crate::sim::style::{BOLD, FAINT, NAME, RED, RESET, TIME, one_line, seconds};

/// One event, wherever it was read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told<'a> {
    /// Virtual microseconds since the beginning.
    pub(crate) at_us: u64,
    pub(crate) node: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) fields: &'a Value,
}

impl<'a> From<&'a TraceEvent> for Told<'a> {
    fn from(event: &'a TraceEvent) -> Self {
        Self { at_us: event.at_us, node: &event.node, kind: event.kind, fields: &event.fields }
    }
}

impl Told<'_> {
    /// What it says, if it is of this type.
    pub(crate) fn read<T: for<'de> Deserialize<'de>>(&self) -> Option<T> {
        T::deserialize(self.fields).ok()
    }

    /// Whether somebody only says that it is there, or is reminded to say so.
    pub(crate) fn is_heartbeat(&self) -> bool {
        self.kind == "input"
            && (self.fields == "Heartbeat"
                || self.fields["Timer"] == "Heartbeat"
                || !self.fields["PeerAlive"].is_null()
                || !self.fields["Host"]["Register"].is_null())
    }
}

/// One line, coloured by what kind of event it is.
pub(super) fn line(event: &TraceEvent) -> String {
    let told = Told::from(event);
    let colour = match event.kind {
        "input" if told.is_heartbeat() => FAINT,
        "fact" => FAINT,
        "surroundings" | "fault-begins" | "violation" | "error" => RED,
        "event" => BOLD,
        _ => "",
    };
    let time = seconds(event.at_us);
    format!("{FAINT}{time:>TIME$}{RESET}  {:NAME$}  {colour}{}{RESET}", event.node, one_line(&text(told)))
}

/// What happened; where it happened and when is left to the reader.
pub(crate) fn text(event: Told<'_>) -> String {
    let words = match event.kind {
        "input" => input(event),
        "event" => event.read::<Event>().map(|decision| decision.to_string()),
        "fact" => event.read::<Fact>().map(|fact| format!("fact: {fact}")),
        "opened" => event.read::<Opened>().map(|opened| opened.to_string()),
        "began" => event.read::<Began<'_>>().map(|began| began.to_string()),
        "asks" => event.read::<Asked>().map(|asked| asked.to_string()),
        "closed" => event.read::<Closed>().map(|closed| closed.to_string()),
        "restored" => event.read::<Restored>().map(|restored| restored.to_string()),
        "request" => request(event),
        "fault-begins" => event.fields["text"].as_str().map(|text| format!("✗ {text}")),
        "surroundings" => event.fields["text"].as_str().map(str::to_owned),
        "fault-ends" => event.fields["text"].as_str().map(|text| format!("over: {text}")),
        "healed" => Some("all faults are over".to_owned()),
        "crashed" => Some("crashes".to_owned()),
        "crashed-before-it-began" => Some("crashes before its first step".to_owned()),
        "joined" => Some("joins".to_owned()),
        "left" => Some("is gone for good".to_owned()),
        "restarted" => Some("starts again".to_owned()),
        "paused" => Some("freezes".to_owned()),
        "resumed" => Some("goes on, not knowing that time has passed".to_owned()),
        _ => event.fields.as_str().map(str::to_owned),
    };
    // A kind of event that is newer than this table is still shown.
    words.unwrap_or_else(|| format!("{}: {}", event.kind, event.fields))
}

fn input(event: Told<'_>) -> Option<String> {
    let words = if event.node.starts_with("coordinator") {
        event.read::<CoordinatorInput>()?.to_string()
    } else {
        event.read::<HostInput>()?.to_string()
    };
    Some(format!("← {words}"))
}

fn request(event: Told<'_>) -> Option<String> {
    let field = |name: &str| event.fields.get(name)?.as_str();
    let (by, operation, path) = (field("by")?, field("operation")?, field("path")?);
    let fate = match field("fate")? {
        "served" => "",
        "swallowed" => ", lost on its way",
        "refused" => ", refused",
        "held-up" => ", held up",
        "unanswered" | "reply-lost" => ", done, but the answer is lost",
        "late" => ", carried out late",
        "slow-down" => ", refused: too many requests",
        "full" => ", refused: no room",
        "failed" => ", answered with 500",
        "failed-after-effect" => ", done, but answered with 500",
        "no-such-upload" => ", of an upload that is over",
        "rotten" => ", answered with a flipped bit",
        "truncated" => ", answered with less than there is",
        "misdirected" => ", answered with another object",
        "missing" => ", answered that there is none",
        "stale" => ", answered without the newest",
        other => other,
    };
    Some(format!("{by}: {operation} {path}{fate}"))
}
