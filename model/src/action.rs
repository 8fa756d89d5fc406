//! What can happen next. An action carries its content, so that it reads in words.

use std::{fmt, sync::Arc};

use keygroups::{
    checkpoint::{CheckpointId, ObjectName, TaskId},
    key_group::Parallelism,
    protocol::{CoordinatorId, CoordinatorTimer, HostId},
};

use crate::{engine::Element, network::Message, store::Request, words};

/// How a store request ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ending {
    /// It is carried out and answered.
    Answered,
    /// It is carried out and its answer gets lost: the sender's time-out answers.
    AnswerLost,
    /// The sender's time-out answers; it may still be carried out, at any time.
    Delayed,
    /// The store answers with an error.
    Refused,
}

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A timer of a coordinator fires.
    Fire(CoordinatorId, CoordinatorTimer),
    /// A message arrives, once more or for the first time.
    Deliver(Arc<Message>),
    /// The user asks a coordinator for another parallelism.
    Rescale(CoordinatorId, Parallelism),
    /// A store request of a coordinator ends.
    Store(CoordinatorId, Request, Ending),
    /// A request that nobody waits for lands.
    Land(Request),
    /// A host says that it is alive.
    Heartbeat(HostId),
    /// A task reads its state.
    Restore(HostId, TaskId),
    /// A task cannot read its state for now.
    FailRestore(HostId, TaskId),
    /// A source reads the next record, or notices the end of its log.
    Read(HostId, TaskId),
    /// A task takes the next element of the channel from another task.
    Take {
        /// Where.
        host: HostId,
        /// The task.
        task: TaskId,
        /// The channel.
        channel: u32,
        /// Who put the element in.
        from: TaskId,
        /// The element.
        element: Element,
    },
    /// A snapshot reaches the store.
    Upload(HostId, TaskId, CheckpointId),
    /// A snapshot does not reach the store, or not all of it does, or nobody hears of it: these of its
    /// objects are written, and nobody is told of them.
    FailUpload(HostId, TaskId, CheckpointId, Vec<ObjectName>),
    /// A task fails.
    FailTask(HostId, TaskId),
    /// A host's process dies and comes back.
    CrashHost(HostId),
    /// A coordinator's process dies and comes back.
    CrashCoordinator(CoordinatorId),
}

impl Action {
    /// Whether something goes wrong by it.
    pub fn is_fault(&self) -> bool {
        match self {
            Self::Store(_, _, ending) => *ending != Ending::Answered,
            Self::Fire(_, timer) => matches!(
                timer,
                CoordinatorTimer::LeaderSilence
                    | CoordinatorTimer::HostSilence(_)
                    | CoordinatorTimer::Expiry(_)
            ),
            Self::FailRestore(..)
            | Self::FailUpload(..)
            | Self::FailTask(..)
            | Self::CrashHost(_)
            | Self::CrashCoordinator(_) => true,
            Self::Deliver(_)
            | Self::Rescale(..)
            | Self::Land(_)
            | Self::Heartbeat(_)
            | Self::Restore(..)
            | Self::Read(..)
            | Self::Take { .. }
            | Self::Upload(..) => false,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fire(id, timer) => write!(f, "coordinator {id}: {}", words::timer(*timer)),
            Self::Deliver(message) => write!(f, "{}", words::message(message)),
            Self::Rescale(id, to) => write!(f, "user → coordinator {id}: rescale to {to}"),
            Self::Store(id, request, ending) => {
                let ending = match ending {
                    Ending::Answered => "",
                    Ending::AnswerLost => " (done, the answer is lost)",
                    Ending::Delayed => " (no answer, may land later)",
                    Ending::Refused => " (refused)",
                };
                write!(f, "coordinator {id} → store: {}{ending}", words::request(request))
            }
            Self::Land(request) => write!(f, "store: late, {}", words::request(request)),
            Self::Heartbeat(host) => write!(f, "host {host}: heartbeat"),
            Self::Restore(host, task) => write!(f, "task {task} on host {host} restores"),
            Self::FailRestore(host, task) => write!(f, "task {task} on host {host} cannot read its state"),
            Self::Read(host, task) => write!(f, "task {task} on host {host} reads its log"),
            Self::Take { host, task, from, element, .. } => {
                write!(f, "task {from} → task {task} on host {host}: {}", words::element(element))
            }
            Self::Upload(host, task, checkpoint) => {
                write!(f, "task {task} on host {host} has uploaded its snapshot of checkpoint {checkpoint}")
            }
            Self::FailUpload(host, task, checkpoint, written) => {
                write!(
                    f,
                    "task {task} on host {host} cannot upload its snapshot of checkpoint {checkpoint}"
                )?;
                if written.is_empty() {
                    return Ok(());
                }
                write!(f, " ({} is left behind)", words::objects(written))
            }
            Self::FailTask(host, task) => write!(f, "task {task} on host {host} fails"),
            Self::CrashHost(host) => write!(f, "host {host} crashes and comes back"),
            Self::CrashCoordinator(id) => write!(f, "coordinator {id} crashes and comes back"),
        }
    }
}
