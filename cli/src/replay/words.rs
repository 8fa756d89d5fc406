//! Every event of a trace in words.

use keygroups::protocol::{
    CoordinatorInput, CoordinatorTimer, CreateOutcome, Event, HostInput, PutOutcome, ReadOutcome,
};
use keygroups_sim::cluster::Restored;
use keygroups_sim::trace::TraceEvent;
use serde::de::DeserializeOwned;

use crate::sim::style::{BOLD, FAINT, NAME, RED, RESET, TIME, one_line, seconds};

/// One line, coloured by what kind of event it is.
pub(super) fn line(event: &TraceEvent) -> String {
    let colour = match event.kind {
        "input" if is_heartbeat(event) => FAINT,
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
        "restored" => read::<Restored>(event).map(|restored| restored.to_string()),
        "request" => request(event),
        "fault-begins" => event.fields["text"].as_str().map(|text| format!("✗ {text}")),
        "fault-ends" => event.fields["text"].as_str().map(|text| format!("over: {text}")),
        "healed" => Some("all faults are over".to_owned()),
        "crashed" => Some("crashes".to_owned()),
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
        coordinator_input(&read(event)?)
    } else {
        host_input(&read(event)?)
    };
    Some(format!("← {words}"))
}

fn coordinator_input(input: &CoordinatorInput) -> String {
    match input {
        CoordinatorInput::Boot => "boots".to_owned(),
        CoordinatorInput::Timer(timer) => timer_words(*timer),
        CoordinatorInput::Host(message) => message.to_string(),
        CoordinatorInput::PeerAlive(epoch) => format!("the leader of epoch {epoch} is alive"),
        CoordinatorInput::Rescale(parallelism) => format!("the user wants parallelism {parallelism}"),
        CoordinatorInput::Latest { outcome, .. } => match outcome {
            ReadOutcome::Found(manifest) => {
                format!("the newest manifest is {}, of epoch {}", manifest.version, manifest.epoch)
            }
            ReadOutcome::Absent => "there is no manifest yet".to_owned(),
            ReadOutcome::Unavailable => "the newest manifest could not be read".to_owned(),
            ReadOutcome::Corrupt => "the newest manifest is damaged".to_owned(),
        },
        CoordinatorInput::Create { version, outcome } => match outcome {
            CreateOutcome::Created => format!("manifest {version} was created"),
            CreateOutcome::Exists => format!("manifest {version} exists"),
            CreateOutcome::Unknown => format!("manifest {version} may or may not exist"),
            CreateOutcome::Failed => format!("manifest {version} was not created"),
        },
        CoordinatorInput::OutputList { name, outcome } => match outcome {
            PutOutcome::Written => format!("{name} is written"),
            PutOutcome::Retry => format!("{name} may or may not be written"),
            PutOutcome::Conflict => format!("{name} exists with other contents"),
        },
        CoordinatorInput::Swept { swept: Some(swept), .. } => {
            format!("the store holds {} objects of recent attempts", swept.objects.len())
        }
        CoordinatorInput::Swept { swept: None, .. } => "the store could not be listed".to_owned(),
    }
}

fn timer_words(timer: CoordinatorTimer) -> String {
    match timer {
        CoordinatorTimer::LeaderSilence => "timer: no leader was heard of for too long".to_owned(),
        CoordinatorTimer::Heartbeat => "timer: heartbeat".to_owned(),
        CoordinatorTimer::HostSilence(host) => format!("timer: host {host} was silent for too long"),
        CoordinatorTimer::Restart => "timer: time for the next attempt".to_owned(),
        CoordinatorTimer::Checkpoint => "timer: time for a checkpoint".to_owned(),
        CoordinatorTimer::Expiry(checkpoint) => format!("timer: checkpoint {checkpoint} takes too long"),
        CoordinatorTimer::StoreRetry => "timer: time to ask the store again".to_owned(),
        CoordinatorTimer::Sweep => "timer: time to look for garbage".to_owned(),
        CoordinatorTimer::Stabilize => "timer: the slots are stable".to_owned(),
    }
}

fn host_input(input: &HostInput) -> String {
    match input {
        HostInput::Boot => "boots".to_owned(),
        HostInput::Heartbeat => "timer: heartbeat".to_owned(),
        HostInput::Coordinator(message) => message.to_string(),
        HostInput::Restored { attempt, task, outcome: Ok(certificate) } => {
            format!("task {task} of attempt {attempt} has restored {} entries", certificate.entries)
        }
        HostInput::Restored { attempt, task, outcome: Err(cause) } => {
            format!("task {task} of attempt {attempt} cannot restore: {cause}")
        }
        HostInput::Aligned { attempt, task, barrier } => {
            format!("task {task} of attempt {attempt} is aligned on {barrier}")
        }
        HostInput::Uploaded { attempt, task, checkpoint, snapshot } => {
            let what = if snapshot.is_some() { "is durable" } else { "could not be uploaded" };
            format!("checkpoint {checkpoint} of task {task} of attempt {attempt} {what}")
        }
        HostInput::Failed { attempt, task } => format!("task {task} of attempt {attempt} failed"),
        HostInput::Finished { attempt, task } => {
            format!("task {task} of attempt {attempt} has processed its input")
        }
    }
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
