//! What became of a run, and its story for people.

use super::flights::totals_of;
use crate::coverage::Coverage;
use crate::oracle::Totals;
use crate::trace::TraceEvent;
use keygroups::checkpoint::{Attempt, TaskId};
use keygroups::key_group::KeyGroupRange;
use keygroups::protocol::Event;
use keygroups::snapshot::KeyGroupSections;
use keygroups_model::conform::Asked;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// What a run that holds was like.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Rows read.
    pub rows: u64,
    /// Checkpoints committed.
    pub checkpoints_committed: u64,
    /// Checkpoints given up.
    pub checkpoints_aborted: u64,
    /// Attempts deployed.
    pub attempts: u64,
    /// Attempts that restored at another parallelism than the one before.
    pub rescales: u64,
    /// Times that leadership was taken.
    pub elections: u64,
    /// Key groups whose owner changed over all attempts that reached running.
    pub moved_key_groups: u64,
    /// Bytes read from snapshots in the store to restore, repeats not counted.
    pub restore_bytes_read: u64,
    /// Bytes of the key groups and items that were owned after these restores.
    pub restore_bytes_owned: u64,
    /// Bytes of them that came from local copies; these are not among those read from snapshots.
    #[serde(skip_serializing_if = "is_zero")]
    pub restore_bytes_local: u64,
    /// Snapshots whose state a restore took from a local copy.
    #[serde(skip_serializing_if = "is_zero")]
    pub copies_used: u64,
    /// Local copies that a restore refused: they were damaged, stale, or could not be read.
    #[serde(skip_serializing_if = "is_zero")]
    pub copies_refused: u64,
    /// Local copies that could not be written.
    #[serde(skip_serializing_if = "is_zero")]
    pub copies_not_kept: u64,
    /// Objects that went up in parts.
    #[serde(skip_serializing_if = "is_zero")]
    pub uploads_in_parts: u64,
    /// Uploads in parts that were begun, and neither finished nor aborted when the run ended: whoever began them died, or
    /// was not heard.
    #[serde(skip_serializing_if = "is_zero")]
    pub uploads_unfinished: u64,
    /// Faults that struck and had an effect.
    pub faults: usize,
    /// Machine steps after which every invariant was checked.
    pub steps: u64,
    /// What was destroyed on purpose and reported as lost; the job did not go on then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost: Option<String>,
    /// Which kinds of faults met which points of the protocol.
    #[serde(skip)]
    pub coverage: Coverage,
    /// The keyed state of the last checkpoint; none where a loss ended the job.
    #[serde(skip)]
    pub(super) state: Vec<KeyGroupSections>,
}

impl Summary {
    /// The final totals by key, in order of key. Of thousands of runs nobody asks for them.
    ///
    /// # Panics
    /// Not for a run that holds: the oracle has read the same.
    #[must_use]
    pub fn result(&self) -> Vec<(&str, Totals)> {
        totals_of(&self.state).expect("the oracle has read it")
    }
}

/// A task has taken over keyed state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// The attempt it belongs to.
    pub attempt: Attempt,
    /// The task.
    pub task: TaskId,
    /// The key groups it owns.
    pub key_groups: KeyGroupRange,
    /// Keys in them.
    pub entries: u64,
    /// Bytes read from snapshots, repeats not counted.
    pub bytes_read: u64,
    /// Bytes read from local copies instead.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub bytes_local: u64,
    /// Bytes of what it owns.
    pub bytes_owned: u64,
    /// Requests to the store.
    pub requests: u64,
}

impl fmt::Display for Restored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { attempt, task, key_groups, entries, bytes_read, bytes_local, bytes_owned, requests } =
            self;
        let local = match bytes_local {
            0 => String::new(),
            bytes => format!(" and {bytes} from local copies"),
        };
        write!(
            f,
            "task {task} of attempt {attempt} restored key groups {key_groups}: {entries} entries, \
             {bytes_read} bytes read{local} for {bytes_owned} owned, {requests} requests"
        )
    }
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// One line of a run's story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Virtual microseconds since the beginning.
    pub at_us: u64,
    /// Where.
    pub node: Arc<str>,
    /// What, in words.
    pub text: String,
}

impl Moment {
    /// The moment that `event` is worth, if it is worth one: decisions of coordinators, what was moved,
    /// and faults.
    #[must_use]
    pub fn of(event: &TraceEvent) -> Option<Self> {
        let text = match event.kind {
            "event" => serde_json::from_value::<Event>(event.fields.clone()).ok()?.to_string(),
            "fault-begins" => format!("✗ {}", event.fields.get("text")?.as_str()?),
            "surroundings" => event.fields.get("text")?.as_str()?.to_owned(),
            "restored" => serde_json::from_value::<Restored>(event.fields.clone()).ok()?.to_string(),
            "asks" => serde_json::from_value::<Asked>(event.fields.clone()).ok()?.to_string(),
            "moved" | "violation" => event.fields.as_str()?.to_owned(),
            "healed" => "all faults are over".to_owned(),
            "damaged" => format!("✗ {} is damaged", event.fields.get("path")?.as_str()?),
            "crashed" => "crashes".to_owned(),
            "crashed-before-it-began" => "crashes before its first step".to_owned(),
            "joined" => "joins".to_owned(),
            "left" => "is gone for good".to_owned(),
            "restarted" => "starts again".to_owned(),
            "paused" => "freezes".to_owned(),
            "resumed" => "goes on, not knowing that time has passed".to_owned(),
            _ => return None,
        };
        Some(Self { at_us: event.at_us, node: event.node.clone(), text })
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>3}.{:03} s  {:<14} {}",
            self.at_us / 1_000_000,
            self.at_us / 1_000 % 1_000,
            self.node,
            self.text
        )
    }
}
