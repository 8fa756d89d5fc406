//! Named safety properties, the same for the model, the simulation and tests.
//!
//! A driver that wants to be checked records what happens as [`Fact`]s in a [`History`], and shows
//! the machines now and then as a [`JobView`]. An invariant either judges each fact against the
//! history before it, or judges a view. Neither takes part in the protocol.
//!
//! S-numbers are those of Flink's semantics as the protocol's documentation lists them
//! (docs/protocol.md).

mod chain;
mod content;
mod history;
mod ownership;

use std::{collections::BTreeMap, fmt, sync::Arc};

pub use history::History;
use serde::{Deserialize, Serialize};

use super::{
    coordinator::Coordinator,
    host::Host,
    message::{CoordinatorOutput, Deployment, HostId, HostOutput, Incarnation, ToCoordinator, ToHost},
};
use crate::{
    checkpoint::{
        Attempt, Certificate, CheckpointId, Manifest, ManifestVersion, ObjectName, TaskId, TaskSnapshot,
    },
    key_group::KeyGroup,
};

/// Something that happened and that invariants judge.
///
/// It owns what it says, so that it can be kept, compared and written down.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fact {
    /// A manifest came into being in the store.
    ManifestCreated(Arc<Manifest>),
    /// A manifest was deleted from the store.
    ManifestDeleted(ManifestVersion),
    /// An object came into being or was overwritten in the store.
    ObjectWritten {
        /// Its name.
        name: ObjectName,
        /// Equal for equal bytes.
        #[serde(with = "crate::checkpoint::hex")]
        fingerprint: u128,
    },
    /// An object was deleted from the store.
    ObjectDeleted(ObjectName),
    /// A coordinator sent this.
    Deployed(Arc<Deployment>),
    /// A coordinator told hosts to start an attempt.
    Started(Attempt),
    /// A task restored this; key groups without entries may be left out.
    Restored {
        /// Its attempt.
        attempt: Attempt,
        /// The task.
        task: TaskId,
        /// What each key group holds.
        groups: BTreeMap<KeyGroup, Certificate>,
    },
    /// A task froze this for a checkpoint; key groups without entries may be left out.
    Frozen {
        /// Its attempt.
        attempt: Attempt,
        /// The task.
        task: TaskId,
        /// The checkpoint.
        checkpoint: CheckpointId,
        /// What each key group holds.
        groups: BTreeMap<KeyGroup, Certificate>,
    },
    /// A host sent this acknowledgement.
    Acknowledged {
        /// The attempt.
        attempt: Attempt,
        /// The checkpoint.
        checkpoint: CheckpointId,
        /// What was taken.
        snapshot: Arc<TaskSnapshot>,
    },
    /// A commit took effect in a task.
    Notified {
        /// The host whose task it is.
        host: HostId,
        /// The life of the host in which it is so.
        incarnation: Incarnation,
        /// The task's attempt.
        attempt: Attempt,
        /// The task.
        task: TaskId,
        /// The checkpoint.
        checkpoint: CheckpointId,
    },
    /// The contents of a committed checkpoint were compared with independent ones.
    Contents {
        /// The checkpoint.
        checkpoint: CheckpointId,
        /// What the checkpoint holds.
        found: Contents,
        /// What a sequential run over the records before the barrier gives.
        expected: Contents,
    },
}

/// State and output up to a checkpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contents {
    /// All keyed state.
    pub state: Certificate,
    /// All committed output so far.
    pub output: Certificate,
}

impl Fact {
    /// Whether a view that holds may hold no more after this, with the same machines. Of what happened,
    /// those invariants that judge views look at the chain of manifests alone.
    pub const fn concerns_views(&self) -> bool {
        matches!(self, Self::ManifestCreated(_))
    }

    /// The fact in an output of a coordinator, if there is one.
    pub fn of_coordinator(output: &CoordinatorOutput) -> Option<Self> {
        match output {
            CoordinatorOutput::Send { message: ToHost::Deploy(deployment), .. } => {
                Some(Self::Deployed(Arc::clone(deployment)))
            }
            CoordinatorOutput::Send { message: ToHost::Start { attempt }, .. } => {
                Some(Self::Started(*attempt))
            }
            CoordinatorOutput::Send { .. }
            | CoordinatorOutput::TellPeers(_)
            | CoordinatorOutput::ReadLatest { .. }
            | CoordinatorOutput::CreateManifest(_)
            | CoordinatorOutput::PutOutputList { .. }
            | CoordinatorOutput::Sweep(_)
            | CoordinatorOutput::Delete(_)
            | CoordinatorOutput::PruneManifests { .. }
            | CoordinatorOutput::SetTimer(_)
            | CoordinatorOutput::CancelTimer(_)
            | CoordinatorOutput::Event(_) => None,
        }
    }

    /// The fact in an output of `host`, if there is one.
    pub fn of_host(host: &Host, output: &HostOutput) -> Option<Self> {
        match output {
            HostOutput::Send {
                message: ToCoordinator::Acknowledge { attempt, checkpoint, snapshot },
                ..
            } => Some(Self::Acknowledged {
                attempt: *attempt,
                checkpoint: *checkpoint,
                snapshot: Arc::clone(snapshot),
            }),
            HostOutput::Commit { attempt, task, checkpoint } => Some(Self::Notified {
                host: host.id(),
                incarnation: host.incarnation(),
                attempt: *attempt,
                task: *task,
                checkpoint: *checkpoint,
            }),
            HostOutput::Send { .. }
            | HostOutput::SendAll(_)
            | HostOutput::Restore(_)
            | HostOutput::Run { .. }
            | HostOutput::Snapshot { .. }
            | HostOutput::CancelAlignment { .. }
            | HostOutput::Drop { .. }
            | HostOutput::SetHeartbeat => None,
        }
    }
}

/// The machines at one moment.
#[derive(Clone, Debug)]
pub struct JobView<'a> {
    /// Every coordinator process that is not dead: paused ones too.
    pub coordinators: Vec<&'a Coordinator>,
    /// Every host process that is not dead: paused ones too.
    pub hosts: Vec<&'a Host>,
    /// What happened so far.
    pub history: &'a History,
}

/// An invariant that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Violation {
    /// Its name.
    pub invariant: &'static str,
    /// What was found, and what should have been.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.detail)
    }
}

impl std::error::Error for Violation {}

/// A named safety property.
#[derive(Clone, Copy, Debug)]
pub struct Invariant {
    /// Its name.
    pub name: &'static str,
    /// What it says, in one sentence.
    pub sentence: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    check: Check,
}

#[derive(Clone, Copy, Debug)]
enum Check {
    Fact(fn(&History, &Fact) -> Result<(), String>),
    // Looks at the chain alone of what happened: Fact::concerns_views.
    View(fn(&JobView<'_>) -> Result<(), String>),
}

macro_rules! invariants {
    ($($kind:ident $module:ident::$name:ident, $sentence:literal, $source:literal;)*) => {
        /// Every invariant.
        pub const ALL: &[Invariant] = &[$(Invariant {
            name: stringify!($name),
            sentence: $sentence,
            source: $source,
            check: Check::$kind($module::$name),
        }),*];
    };
}

invariants! {
    View ownership::each_key_group_has_one_owner,
        "Within an attempt no task runs twice and every task owns exactly what the assignment gives it, so ranges partition the key groups and router and owner agree.",
        "S1, S2; Flink, KeyGroupRangeAssignment";
    Fact ownership::an_attempt_starts_when_all_have_restored,
        "No task processes before every task of its attempt has restored its state.",
        "S2, S6; SAMZA-2305";
    Fact ownership::restore_reads_exactly_what_is_owned,
        "What a task is told to read are exactly its key groups, each from the snapshot of the task that owned it.",
        "S6; FLINK-10809";
    Fact ownership::operator_state_is_redistributed_by_its_mode,
        "Split gives every item to exactly one task, union gives all to all, broadcast gives each task one whole copy.",
        "S13; Flink, RoundRobinOperatorStateRepartitioner";
    View chain::nobody_believes_a_lost_step,
        "The manifest a leader works from is a link of the chain, so a deposed coordinator never believes that it decided anything.",
        "S14; FLINK-22494";
    Fact chain::versions_are_dense_and_written_by_their_leader,
        "Every link of the chain follows the one before, epochs never fall, and within an epoch one coordinator writes.",
        "S14";
    Fact chain::the_job_never_changes,
        "Vertices and max parallelism are the same in every manifest.",
        "S16";
    Fact chain::committed_was_acknowledged_by_exactly_its_tasks,
        "A committed checkpoint holds one snapshot of every task planned for its attempt, each as that task acknowledged it.",
        "S4; Flink, PendingCheckpoint; Chandy and Lamport, 1985";
    Fact chain::checkpoint_ids_only_rise,
        "Committed checkpoint ids strictly increase, and no later manifest forgets the newest.",
        "S9, S17; FLINK-34518";
    Fact chain::nothing_older_commits_after_a_restore_decision,
        "Once a later attempt was deployed, no checkpoint of an earlier one is committed.",
        "S8; Hazelcast Jet 2503";
    Fact chain::recovery_starts_from_the_newest,
        "An attempt starts from the newest checkpoint committed up to its leader's epoch, never an older one, never empty.",
        "S7; FLINK-3390";
    Fact content::named_objects_exist_as_first_written,
        "Every object that the newest manifest or the chain of outputs names exists, with the bytes first written.",
        "S10, S17; FLINK-24611";
    Fact content::snapshots_lean_only_on_what_is_named,
        "A task leans only on snapshots that a committed checkpoint names, and a checkpoint that is committed only on what the one before it names.",
        "S10; FLINK-24611, FLINK-25395";
    Fact content::notices_are_true_in_order_and_once,
        "A commit takes effect in a task only if it is true and the task took part, in order, at most once.",
        "S11; FLINK-24096, FLINK-10377";
    Fact content::restored_is_what_was_frozen,
        "What a task restores is, key group by key group, what was frozen for the checkpoint, and nothing else.",
        "S6; FLINK-4731";
    Fact content::state_is_the_fold_of_the_records_before_the_barrier,
        "A committed checkpoint holds exactly the effect of the records before its barrier, each once.",
        "S3; Carbone et al., 2015";
    Fact content::output_is_exactly_once,
        "The committed output is exactly the output of those records, each once.",
        "S12";
}

/// Judges a view by every invariant that judges views.
///
/// # Errors
///
/// The first [`Violation`].
pub fn check(view: &JobView<'_>) -> Result<(), Violation> {
    for invariant in ALL {
        if let Check::View(check) = invariant.check {
            check(view).map_err(|detail| Violation { invariant: invariant.name, detail })?;
        }
    }
    Ok(())
}

fn judge(history: &History, fact: &Fact) -> Result<(), Violation> {
    for invariant in ALL {
        if let Check::Fact(check) = invariant.check {
            check(history, fact).map_err(|detail| Violation { invariant: invariant.name, detail })?;
        }
    }
    Ok(())
}
