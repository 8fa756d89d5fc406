//! Steps of the protocol that faults can be aimed at.

use keygroups::protocol::Event;

/// Protocol steps that faults can be aimed at.
pub const STEPS: &[&str] = &[
    "began",
    "began-again",
    "campaigned",
    "elected",
    "deployed",
    "restoring",
    "restored",
    "all-ready",
    "started",
    "running",
    "triggered",
    "frozen",
    "acknowledged",
    "all-acknowledged",
    "creating-manifest",
    "committed",
    "notified",
    "aborted",
    "restarting",
    "cancelled",
    "rescale-accepted",
];

/// The step that a coordinator takes with `event`.
pub(super) fn of(event: &Event) -> Option<&'static str> {
    Some(match event {
        Event::Campaigned => "campaigned",
        Event::Elected { .. } => "elected",
        Event::Deployed { .. } => "deployed",
        Event::AllReady { .. } => "all-ready",
        Event::Running { .. } => "running",
        Event::Triggered { .. } => "triggered",
        Event::AllAcknowledged { .. } => "all-acknowledged",
        Event::Committed { .. } => "committed",
        Event::Aborted { .. } => "aborted",
        Event::Restarting { .. } => "restarting",
        Event::RescaleAccepted { .. } => "rescale-accepted",
        _ => return None,
    })
}

/// The step that a process takes when it begins this life.
pub(super) fn began(life: u64) -> &'static str {
    if life == 1 { "began" } else { "began-again" }
}

/// What a run without faults has no reason for, in words.
pub(super) fn failover(event: &Event) -> Option<String> {
    match event {
        Event::Elected { epoch, .. } if epoch.0 > 1 => Some(event.to_string()),
        Event::Deposed { .. }
        | Event::Restarting { .. }
        | Event::Aborted { .. }
        | Event::HostLost { .. }
        | Event::CannotRestore { .. } => Some(event.to_string()),
        _ => None,
    }
}
