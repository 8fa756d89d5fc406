//! Messages, requests and timers in words.

use std::fmt;

use keygroups::{
    checkpoint::Manifest,
    protocol::{Barrier, CoordinatorTimer, ToCoordinator, ToHost},
};

use crate::{engine::Element, network::Message, store::Request};

pub(crate) fn timer(timer: CoordinatorTimer) -> String {
    match timer {
        CoordinatorTimer::LeaderSilence => "hears of no leader".to_owned(),
        CoordinatorTimer::Heartbeat => "heartbeat".to_owned(),
        CoordinatorTimer::HostSilence(host) => format!("gives host {host} up"),
        CoordinatorTimer::Restart => "time to begin an attempt".to_owned(),
        CoordinatorTimer::Checkpoint => "time for a checkpoint".to_owned(),
        CoordinatorTimer::Expiry(checkpoint) => format!("checkpoint {checkpoint} expires"),
        CoordinatorTimer::StoreRetry => "repeats its store request".to_owned(),
        CoordinatorTimer::Sweep => "time to look for garbage".to_owned(),
        CoordinatorTimer::Stabilize => "slots are stable".to_owned(),
    }
}

pub(crate) fn message(message: &Message) -> String {
    match message {
        Message::ToHost(host, message) => format!("→ host {host}: {}", to_host(message)),
        Message::ToCoordinator(id, message) => format!("→ coordinator {id}: {}", to_coordinator(message)),
        Message::ToPeer(id, epoch) => format!("→ coordinator {id}: epoch {epoch} has a leader"),
    }
}

fn to_host(message: &ToHost) -> String {
    match message {
        ToHost::Deploy(deployment) => {
            let groups =
                deployment.key_groups.map(|groups| format!(", key groups {groups}")).unwrap_or_default();
            format!(
                "deploy task {} of attempt {}{groups}, from checkpoint {}",
                deployment.task, deployment.attempt, deployment.restore.checkpoint
            )
        }
        ToHost::Start { attempt } => format!("start attempt {attempt}"),
        ToHost::Trigger { attempt, barrier: mark } => {
            format!("trigger in attempt {attempt} {}", barrier(mark))
        }
        ToHost::Committed { attempt, checkpoint } => {
            format!("checkpoint {checkpoint} of attempt {attempt} is committed")
        }
        ToHost::Abort { attempt, checkpoint } => {
            format!("checkpoint {checkpoint} of attempt {attempt} is given up")
        }
        ToHost::Cancel { attempt } => format!("attempts up to {attempt} are over"),
    }
}

fn to_coordinator(message: &ToCoordinator) -> String {
    match message {
        ToCoordinator::Register { host, incarnation, seen, active, .. } => {
            let active = active.map_or_else(|| "nothing".to_owned(), |attempt| format!("attempt {attempt}"));
            format!("host {host} is alive (life {incarnation}, has seen attempt {seen}, runs {active})")
        }
        ToCoordinator::Ready { attempt, task, host, incarnation, .. } => {
            format!("task {task} of attempt {attempt} is ready on host {host} (life {incarnation})")
        }
        ToCoordinator::Started { attempt, host } => format!("host {host} has started attempt {attempt}"),
        ToCoordinator::Acknowledge { attempt, checkpoint, snapshot } => {
            format!("task {} of attempt {attempt} acknowledges checkpoint {checkpoint}", snapshot.task)
        }
        ToCoordinator::Decline { attempt, checkpoint, task } => {
            format!("task {task} of attempt {attempt} declines checkpoint {checkpoint}")
        }
        ToCoordinator::Failed { attempt, task, cause } => {
            format!("task {task} of attempt {attempt} has failed ({cause:?})")
        }
        ToCoordinator::Finished { attempt, task } => format!("task {task} of attempt {attempt} has finished"),
    }
}

pub(crate) fn barrier(barrier: &Barrier) -> String {
    let stop = if barrier.stop { " (stop)" } else { "" };
    format!("barrier {}{stop}", barrier.checkpoint)
}

pub(crate) fn element(element: &Element) -> String {
    match element {
        Element::Record(record) => {
            format!("record {} of split {} (key group {})", record.offset, record.split.0, record.group)
        }
        Element::Barrier(mark) => barrier(mark),
        Element::EndOfData => "end of data".to_owned(),
    }
}

pub(crate) fn request(request: &Request) -> String {
    match request {
        Request::ReadLatest { .. } => "read the newest manifest".to_owned(),
        Request::Create(manifest) => format!("create {}", self::manifest(manifest)),
        Request::PutOutputList(name, _) => format!("write {}", short(name)),
        Request::Sweep(request) => format!("list objects from attempt {} on", request.from),
        Request::Delete(names) => {
            format!("delete {}", objects(names))
        }
        Request::Prune(below) => format!("delete manifests below {below}"),
    }
}

fn manifest(manifest: &Manifest) -> String {
    format!(
        "manifest {} (epoch {}, newest checkpoint {}, parallelism {})",
        manifest.version,
        manifest.epoch,
        manifest.newest_checkpoint_id(),
        manifest.desired_parallelism
    )
}

pub(crate) fn objects(names: &[keygroups::checkpoint::ObjectName]) -> String {
    names.iter().map(short).collect::<Vec<_>>().join(", ")
}

fn short(name: &keygroups::checkpoint::ObjectName) -> String {
    use keygroups::checkpoint::ObjectName;
    match name {
        ObjectName::State { attempt, task, checkpoint } => format!("state/{attempt}/{task}/{checkpoint}"),
        ObjectName::Output { attempt, task, checkpoint } => format!("output/{attempt}/{task}/{checkpoint}"),
        ObjectName::OutputList { attempt, checkpoint } => format!("outputs/{attempt}/{checkpoint}"),
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&element(self))
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&request(self))
    }
}
