//! Which kind an event is of, and how much it matters.

use crate::replay::words::Told;
use crate::report::diagram::{Kind, Mark};

pub(super) const FAULTS: usize = 0;
pub(super) const DECISIONS: usize = 1;
pub(super) const PROCESSES: usize = 2;
pub(super) const MESSAGES: usize = 3;
pub(super) const ENGINE: usize = 4;
pub(super) const STORE: usize = 5;
pub(super) const DELETES: usize = 6;
pub(super) const TIMERS: usize = 7;
pub(super) const HEARTBEATS: usize = 8;
pub(super) const JUDGED: usize = 9;

/// In the order of the constants.
pub(super) fn all() -> Vec<Kind> {
    [
        ("faults", "what goes wrong, and what is found broken", true),
        ("decisions", "what coordinators and the user decide", true),
        ("processes", "lives begin, end, freeze and go on", true),
        ("messages", "between coordinators and hosts", true),
        ("engine", "tasks restore, align, upload and finish", true),
        ("store", "what the store is asked and answers", true),
        ("deletes", "garbage leaves the store", false),
        ("timers", "of coordinators", false),
        ("heartbeats", "who is still there", false),
        ("facts", "what the invariants judged", false),
    ]
    .map(|(name, about, shown)| Kind { name, about, shown })
    .into()
}

/// The kind, the weight and the mark of an event.
pub(super) fn sorted(told: Told<'_>) -> (usize, u8, Mark) {
    match told.kind {
        "violation" => (FAULTS, 9, Mark::Broken),
        "fault-begins" => (FAULTS, 6, Mark::Fault),
        "surroundings" => (FAULTS, 6, Mark::Dot),
        "error" => (FAULTS, 3, Mark::Fault),
        "fault-ends" | "healed" => (FAULTS, 4, Mark::Dot),
        "crashed" => (PROCESSES, 5, Mark::Crash),
        "restarted" | "paused" | "resumed" => (PROCESSES, 4, Mark::Dot),
        "opened" | "began" | "closed" => (PROCESSES, 1, Mark::Dot),
        "asks" => (DECISIONS, 8, Mark::Dot),
        "moved" => (DECISIONS, 5, Mark::Dot),
        "event" => (DECISIONS, decision(told), Mark::Dot),
        "restored" => (ENGINE, 2, Mark::Dot),
        "request" if told.fields["operation"] == "delete" => (DELETES, 0, Mark::None),
        "request" if told.fields["fate"] == "served" => (STORE, 0, Mark::None),
        "request" => (STORE, 2, Mark::None),
        "fact" => match changed(told) {
            Some("manifest-created") => (STORE, 1, Mark::Dot),
            Some("object-deleted" | "manifest-deleted") => (DELETES, 0, Mark::Dot),
            _ => (JUDGED, 0, Mark::Dot),
        },
        "input" if told.is_heartbeat() => (HEARTBEATS, 0, Mark::None),
        "input" => heard(told),
        _ => (DECISIONS, 1, Mark::Dot),
    }
}

/// The name of a fact, or of anything that is written as a map with one key.
fn changed<'a>(told: Told<'a>) -> Option<&'a str> {
    Some(told.fields.as_object()?.keys().next()?)
}

fn decision(told: Told<'_>) -> u8 {
    match changed(told).or(told.fields.as_str()) {
        Some("elected" | "deposed" | "rescale_accepted" | "running" | "finished") => 7,
        Some("deployed" | "restarting" | "aborted" | "conservation_violated" | "cannot_restore") => 5,
        Some("committed" | "host_lost" | "manifest_unreadable" | "job_refused") => 4,
        Some("triggered" | "campaigned" | "waiting_for_slots") => 2,
        // A user asks every coordinator, and all but one do not lead.
        Some("rescale_refused") if told.fields["rescale_refused"]["reason"] == "not_leader" => 0,
        _ => 1,
    }
}

fn heard(told: Told<'_>) -> (usize, u8, Mark) {
    match changed(told).or(told.fields.as_str()) {
        Some("Coordinator" | "Host" | "Rescale") => (MESSAGES, 0, Mark::None),
        Some("Timer") => (TIMERS, 0, Mark::Timer),
        Some("Latest" | "Create" | "OutputList" | "Swept") => (STORE, 0, Mark::Dot),
        Some("Boot") => (PROCESSES, 0, Mark::Dot),
        _ => (ENGINE, 0, Mark::Dot),
    }
}
