//! The kinds that are told apart.

use std::fmt;

use keygroups::protocol::{
    CoordinatorInput, CoordinatorTimer, CreateOutcome, Event, FailureCause, HostInput, PutOutcome,
    ReadOutcome, ToCoordinator, ToHost,
};
use serde::Serialize;

use crate::{
    action::{Action, Ending},
    engine::Element,
    network::Message,
    store::Request,
};

/// A kind of action of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct ActionKind {
    /// What happens.
    pub action: &'static str,
    /// Which of its kind; empty if there is one only.
    pub which: &'static str,
}

impl fmt::Display for ActionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.which {
            "" => f.write_str(self.action),
            which => write!(f, "{}: {which}", self.action),
        }
    }
}

const fn kind(action: &'static str, which: &'static str) -> ActionKind {
    ActionKind { action, which }
}

const TIMERS: &[&str] = &[
    "leader silence",
    "heartbeat",
    "host silence",
    "restart",
    "checkpoint",
    "expiry",
    "store retry",
    "sweep",
    "stabilize",
];
const MESSAGES: &[&str] = &[
    "deploy",
    "start",
    "trigger",
    "committed",
    "abort",
    "cancel",
    "register",
    "ready",
    "started",
    "acknowledge",
    "decline",
    "failed",
    "finished",
    "leader is alive",
];
const READ: &[&str] = &["read newest manifest", "sweep"];
const WRITTEN: &[&str] = &["create manifest", "put output list"];
const ENDINGS: &[&str] = &["answered", "answer lost", "delayed", "refused"];
const LANDING: &[&str] = &["create manifest", "put output list", "delete objects", "prune manifests"];
const OTHERS: &[&str] = &[
    "rescale",
    "host heartbeat",
    "restore",
    "fail restore",
    "read record",
    "take record",
    "take barrier",
    "take end of data",
    "upload",
    "fail upload",
    "fail upload half way",
    "fail task",
    "crash host",
    "crash coordinator",
];

/// Actions that a trace does not show: it has no single records, and tells an upload that fails half way
/// from no other that fails.
pub const INVISIBLE: &[&str] = &["read record", "take record", "take end of data", "fail upload half way"];

/// Every kind of action, whether the model does it or not.
pub fn actions() -> Vec<ActionKind> {
    let which = |action, all: &'static [&'static str]| all.iter().map(move |which| kind(action, which));
    which("timer", TIMERS)
        .chain(which("deliver", MESSAGES))
        .chain(READ.iter().flat_map(|action| which(action, &["answered", "refused"])))
        .chain(WRITTEN.iter().flat_map(|action| which(action, ENDINGS)))
        .chain(which("land late", LANDING))
        .chain(OTHERS.iter().map(|action| kind(action, "")))
        .collect()
}

pub(super) fn action(action: &Action) -> ActionKind {
    match action {
        Action::Fire(_, timer) => kind("timer", self::timer(*timer)),
        Action::Deliver(message) => match &**message {
            Message::ToHost(_, message) => kind("deliver", to_host(message)),
            Message::ToCoordinator(_, message) => kind("deliver", to_coordinator(message)),
            Message::ToPeer(..) => kind("deliver", "leader is alive"),
        },
        Action::Rescale(..) => kind("rescale", ""),
        Action::Store(_, request, ending) => stored(request, *ending),
        Action::Land(request) => kind("land late", self::request(request)),
        Action::Heartbeat(_) => kind("host heartbeat", ""),
        Action::Restore(..) => kind("restore", ""),
        Action::FailRestore(..) => kind("fail restore", ""),
        Action::Read(..) => kind("read record", ""),
        Action::Take { element, .. } => match element {
            Element::Record(_) => kind("take record", ""),
            Element::Barrier(_) => kind("take barrier", ""),
            Element::EndOfData => kind("take end of data", ""),
        },
        Action::Upload(..) => kind("upload", ""),
        Action::FailUpload(_, _, _, written) if !written.is_empty() => kind("fail upload half way", ""),
        Action::FailUpload(..) => kind("fail upload", ""),
        Action::FailTask(..) => kind("fail task", ""),
        Action::CrashHost(_) => kind("crash host", ""),
        Action::CrashCoordinator(_) => kind("crash coordinator", ""),
    }
}

fn stored(request: &Request, ending: Ending) -> ActionKind {
    kind(
        self::request(request),
        match ending {
            Ending::Answered => "answered",
            Ending::AnswerLost => "answer lost",
            Ending::Delayed => "delayed",
            Ending::Refused => "refused",
        },
    )
}

fn request(request: &Request) -> &'static str {
    match request {
        Request::ReadLatest { .. } => "read newest manifest",
        Request::Create(_) => "create manifest",
        Request::PutOutputList(..) => "put output list",
        Request::Sweep(_) => "sweep",
        Request::Delete(_) => "delete objects",
        Request::Prune(_) => "prune manifests",
    }
}

fn timer(timer: CoordinatorTimer) -> &'static str {
    match timer {
        CoordinatorTimer::LeaderSilence => "leader silence",
        CoordinatorTimer::Heartbeat => "heartbeat",
        CoordinatorTimer::HostSilence(_) => "host silence",
        CoordinatorTimer::Restart => "restart",
        CoordinatorTimer::Checkpoint => "checkpoint",
        CoordinatorTimer::Expiry(_) => "expiry",
        CoordinatorTimer::StoreRetry => "store retry",
        CoordinatorTimer::Sweep => "sweep",
        CoordinatorTimer::Stabilize => "stabilize",
    }
}

fn to_host(message: &ToHost) -> &'static str {
    match message {
        ToHost::Deploy(_) => "deploy",
        ToHost::Start { .. } => "start",
        ToHost::Trigger { .. } => "trigger",
        ToHost::Committed { .. } => "committed",
        ToHost::Abort { .. } => "abort",
        ToHost::Cancel { .. } => "cancel",
    }
}

fn to_coordinator(message: &ToCoordinator) -> &'static str {
    match message {
        ToCoordinator::Register { .. } => "register",
        ToCoordinator::Ready { .. } => "ready",
        ToCoordinator::Started { .. } => "started",
        ToCoordinator::Acknowledge { .. } => "acknowledge",
        ToCoordinator::Decline { .. } => "decline",
        ToCoordinator::Failed { .. } => "failed",
        ToCoordinator::Finished { .. } => "finished",
    }
}

/// What a coordinator's input is, and the action that it comes from if that is known from it alone.
pub(super) fn coordinator_input(
    input: &CoordinatorInput,
    ending: Option<Ending>,
) -> (&'static str, Option<ActionKind>) {
    let answer = |action| {
        ending.map(|ending| match ending {
            Ending::Answered => kind(action, "answered"),
            Ending::AnswerLost => kind(action, "answer lost"),
            Ending::Delayed => kind(action, "delayed"),
            Ending::Refused => kind(action, "refused"),
        })
    };
    match input {
        CoordinatorInput::Boot => ("boot", None),
        CoordinatorInput::Timer(timer) => {
            let which = self::timer(*timer);
            let name = match timer {
                CoordinatorTimer::Heartbeat => "heartbeat timer",
                CoordinatorTimer::Restart => "restart timer",
                CoordinatorTimer::Checkpoint => "checkpoint timer",
                CoordinatorTimer::Sweep => "sweep timer",
                _ => which,
            };
            (name, Some(kind("timer", which)))
        }
        CoordinatorInput::Host(message) => {
            (to_coordinator(message), Some(kind("deliver", to_coordinator(message))))
        }
        CoordinatorInput::PeerAlive(_) => ("leader is alive", Some(kind("deliver", "leader is alive"))),
        CoordinatorInput::Rescale(_) => ("rescale", Some(kind("rescale", ""))),
        CoordinatorInput::Latest { outcome, .. } => {
            let name = match outcome {
                ReadOutcome::Found(_) => "newest found",
                ReadOutcome::Absent => "newest absent",
                ReadOutcome::Unavailable => "newest unavailable",
                ReadOutcome::Corrupt => "newest corrupt",
            };
            (name, answer("read newest manifest"))
        }
        CoordinatorInput::Create { outcome, .. } => {
            let name = match outcome {
                CreateOutcome::Created => "create: created",
                CreateOutcome::Exists => "create: exists",
                CreateOutcome::Unknown => "create: unknown",
                CreateOutcome::Failed => "create: failed",
            };
            (name, answer("create manifest"))
        }
        CoordinatorInput::OutputList { outcome, .. } => {
            let name = match outcome {
                PutOutcome::Written => "list: written",
                PutOutcome::Retry => "list: retry",
                PutOutcome::Conflict => "list: conflict",
            };
            (name, answer("put output list"))
        }
        CoordinatorInput::Swept { swept, .. } => {
            (if swept.is_some() { "swept" } else { "sweep failed" }, answer("sweep"))
        }
    }
}

/// What a host's input is, and the action that it comes from.
pub(super) fn host_input(input: &HostInput) -> (&'static str, Option<ActionKind>) {
    let simple = |name, action| (name, Some(kind(action, "")));
    match input {
        HostInput::Boot => ("boot", None),
        HostInput::Heartbeat => simple("heartbeat timer", "host heartbeat"),
        HostInput::Coordinator(message) => (to_host(message), Some(kind("deliver", to_host(message)))),
        HostInput::Restored { outcome, .. } => match outcome {
            Ok(_) => simple("restored", "restore"),
            Err(FailureCause::RestoreCorrupt) => simple("restore: corrupt", "restore"),
            Err(FailureCause::RestoreUnavailable) => simple("restore: unavailable", "fail restore"),
            Err(FailureCause::Engine) => ("restore: engine", None),
        },
        HostInput::Aligned { .. } => simple("aligned", "take barrier"),
        HostInput::Uploaded { snapshot: Some(_), .. } => simple("uploaded", "upload"),
        HostInput::Uploaded { snapshot: None, .. } => simple("upload failed", "fail upload"),
        HostInput::Failed { .. } => simple("failed", "fail task"),
        HostInput::Finished { .. } => ("finished", None),
    }
}

pub(super) fn crash(machine: super::Machine) -> ActionKind {
    match machine {
        super::Machine::Coordinator => kind("crash coordinator", ""),
        super::Machine::Host => kind("crash host", ""),
    }
}

pub(super) fn landing(which: &'static str) -> ActionKind {
    kind("land late", which)
}

pub(super) fn event(event: &Event) -> &'static str {
    match event {
        Event::Campaigned => "campaigned",
        Event::Elected { .. } => "elected",
        Event::Deposed { .. } => "deposed",
        Event::JobRefused => "job refused",
        Event::ManifestUnreadable => "manifest unreadable",
        Event::HostJoined { .. } => "host joined",
        Event::HostLost { .. } => "host lost",
        Event::WaitingForSlots { .. } => "waiting for slots",
        Event::CannotRestore { .. } => "cannot restore",
        Event::Deployed { .. } => "deployed",
        Event::ConservationViolated { .. } => "conservation violated",
        Event::AllReady { .. } => "all ready",
        Event::Running { .. } => "running",
        Event::Triggered { stop: false, .. } => "triggered",
        Event::Triggered { stop: true, .. } => "triggered, to stop",
        Event::AllAcknowledged { .. } => "all acknowledged",
        Event::Committed { .. } => "committed",
        Event::Aborted { .. } => "aborted",
        Event::Restarting { .. } => "restarting",
        Event::RescaleAccepted { .. } => "rescale accepted",
        Event::RescaleRefused { .. } => "rescale refused",
        Event::Collected { .. } => "collected",
        Event::Finished { .. } => "finished",
    }
}

/// Every kind of event.
pub const EVENTS: &[&str] = &[
    "campaigned",
    "elected",
    "deposed",
    "job refused",
    "manifest unreadable",
    "host joined",
    "host lost",
    "waiting for slots",
    "cannot restore",
    "deployed",
    "conservation violated",
    "all ready",
    "running",
    "triggered",
    "triggered, to stop",
    "all acknowledged",
    "committed",
    "aborted",
    "restarting",
    "rescale accepted",
    "rescale refused",
    "collected",
    "finished",
];
