//! Every event of a trace in words.

use keygroups::protocol::invariant::Fact;
use keygroups::protocol::{CoordinatorInput, Event, HostInput};
use keygroups_model::conform::{Asked, Began, Closed, Opened};
use keygroups_sim::cluster::Restored;
use keygroups_sim::trace::TraceEvent;
use serde::de::DeserializeOwned;

use crate::sim::style::{BOLD, FAINT, NAME, RED, RESET, TIME, one_line, seconds};

/// One line, coloured by what kind of event it is.
pub(super) fn line(event: &TraceEvent) -> String {
    let colour = match event.kind {
        "input" if is_heartbeat(event) => FAINT,
        "fact" => FAINT,
        "fault-begins" | "violation" | "error" => RED,
        "event" => BOLD,
        _ => "",
    };
    let time = seconds(event.at_us);
    format!("{FAINT}{time:>TIME$}{RESET}  {:NAME$}  {colour}{}{RESET}", event.node, one_line(&text(event)))
}

fn text(event: &TraceEvent) -> String {
    let words = match event.kind {
        "input" => input(event),
        "event" => read::<Event>(event).map(|decision| decision.to_string()),
        "fact" => read::<Fact>(event).map(|fact| format!("fact: {fact}")),
        "opened" => read::<Opened>(event).map(|opened| opened.to_string()),
        "began" => read::<Began<'_>>(event).map(|began| began.to_string()),
        "asks" => read::<Asked>(event).map(|asked| asked.to_string()),
        "closed" => read::<Closed>(event).map(|closed| closed.to_string()),
        "restored" => read::<Restored>(event).map(|restored| restored.to_string()),
        "request" => request(event),
        "fault-begins" => event.fields["text"].as_str().map(|text| format!("✗ {text}")),
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

fn read<T: DeserializeOwned>(event: &TraceEvent) -> Option<T> {
    serde_json::from_value(event.fields.clone()).ok()
}

fn is_heartbeat(event: &TraceEvent) -> bool {
    event.fields == "Heartbeat"
        || event.fields["Timer"] == "Heartbeat"
        || !event.fields["PeerAlive"].is_null()
        || !event.fields["Host"]["Register"].is_null()
}

fn input(event: &TraceEvent) -> Option<String> {
    let words = if event.node.starts_with("coordinator") {
        read::<CoordinatorInput>(event)?.to_string()
    } else {
        read::<HostInput>(event)?.to_string()
    };
    Some(format!("← {words}"))
}

fn request(event: &TraceEvent) -> Option<String> {
    let field = |name: &str| event.fields.get(name)?.as_str();
    let (by, operation, path) = (field("by")?, field("operation")?, field("path")?);
    let fate = match field("fate")? {
        "served" => "",
        "swallowed" => ", lost on its way",
        "refused" => ", refused",
        "held-up" => ", held up",
        "unanswered" => ", done, but the answer is lost",
        other => other,
    };
    Some(format!("{by}: {operation} {path}{fate}"))
}
