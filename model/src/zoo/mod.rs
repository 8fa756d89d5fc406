//! The bug zoo: planted bugs that prove that invariants and goals have teeth.
//!
//! A mutant leaves the production machines alone. It alters what goes into one or comes out of it,
//! or lets the engine or the store misbehave: a [`Twist`]. The model of this crate carries it out on
//! values, the simulation on real bytes.

mod abort_deletes_what_is_shared;
mod abort_stops_the_trigger;
mod aborted_output_is_stranded;
mod acknowledgement_of_an_old_attempt;
mod ambiguous_is_failed;
mod around;
mod blocked_channels_are_read;
mod cancelled_without_a_fence;
mod change_under_the_previous_key;
mod decline_deletes_what_is_reused;
mod deployed_before_the_commit_is_decided;
mod element_of_an_old_attempt;
mod epoch_not_raised;
mod exists_is_created;
mod expiry_is_not_set;
mod file_name_reused;
mod forgotten_base_is_accepted;
mod idle_task_left_out;
mod leans_on_what_is_not_committed;
mod list;
mod max_parallelism_derived_again;
mod new_file_looks_redundant;
mod new_slots_go_unused;
mod notice_before_the_commit;
mod notice_is_swallowed;
mod notice_of_a_predecessor;
mod notice_takes_effect_again;
mod offset_before_the_record;
mod offsets_registered_late;
mod old_container_goes_on;
mod older_version_is_read;
mod orphans_at_startup;
mod output_of_removed_subtasks;
mod outside;
mod own_handle_only;
mod ranges_by_another_formula;
mod ready_before_restored;
mod ready_is_said_once;
mod rescale_is_the_end;
mod restart_from_nothing;
mod restart_goes_unnoticed;
mod restore_clears_per_handle;
mod silence_needs_a_first_sign;
mod source_reset_to_another_point;
mod splits_dropped;
mod splits_in_another_order;
mod stop_falls_back;
mod subsumed_with_what_is_shared;
mod successor_before_the_last_checkpoint;
mod trigger_lock_not_released;
mod unchanged_state_is_forgotten;
mod unfinished_is_not_swept;
mod union_state_taken_over_whole;

pub use around::Around;
pub use list::{ALL, STUCK};
pub use outside::{OUTSIDE, Outside};

use std::{fmt, sync::Arc};

use keygroups::{
    checkpoint::{Attempt, CheckpointId, Manifest, ObjectName},
    key_group::KeyGroup,
    protocol::{
        Coordinator, CoordinatorInput, CoordinatorOutput, Deployment, Host, HostId, HostInput, HostOutput,
        ToHost,
    },
};

use crate::story::Story;

/// How far a source has read one split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The split.
    pub split: u16,
    /// The next record to read.
    pub offset: u64,
    /// Where the split ends, as far as is known.
    pub end: u64,
}

/// Where a planted bug can sit. Everything it does not change is as it should be.
///
/// It speaks of nothing that only one world has: model and simulation each carry it out with their own
/// machines, engines and stores.
pub trait Twist: fmt::Debug + Sync {
    /// What `coordinator` hears instead of `input`; `answered` is what the create that it answers was to
    /// create.
    fn coordinator_hears(
        &self,
        _around: &mut dyn Around,
        _coordinator: &Coordinator,
        _answered: Option<&Manifest>,
        input: CoordinatorInput,
    ) -> Vec<CoordinatorInput> {
        vec![input]
    }

    /// What is carried out instead of `out`, which `coordinator` wants after it heard `input`.
    fn coordinator_wants(
        &self,
        _around: &mut dyn Around,
        _coordinator: &Coordinator,
        _input: &CoordinatorInput,
        out: Vec<CoordinatorOutput>,
    ) -> Vec<CoordinatorOutput> {
        out
    }

    /// What `host` hears instead of `input`.
    fn host_hears(&self, _host: &Host, input: HostInput) -> Vec<HostInput> {
        vec![input]
    }

    /// What is carried out instead of `out`, which `host` wants after it heard `input`.
    fn host_wants(&self, _host: &Host, _input: &HostInput, out: Vec<HostOutput>) -> Vec<HostOutput> {
        out
    }

    /// Changes what the snapshot of a source says, after it was frozen.
    fn frozen(&self, _readings: &mut Vec<Reading>) {}

    /// Which of `splits` splits subtask `index` takes for `split` when splits are first dealt out.
    fn first_split(&self, split: u16, _index: u16, _splits: u16) -> u16 {
        split
    }

    /// The snapshot that a task reads which is told to read `name`; `objects` are those in the store,
    /// ascending.
    fn found(&self, _objects: &dyn Fn() -> Vec<ObjectName>, name: ObjectName) -> ObjectName {
        name
    }

    /// Whether a task keeps what it restores of union state and what is another's.
    fn keeps_what_is_anothers(&self) -> bool {
        false
    }

    /// Whether what a task has restored is gone when it reads the next handle.
    fn restores_only_the_last_handle(&self) -> bool {
        false
    }

    /// The key group that state of a record is kept under; `previous` is that of the record before.
    fn group_of(&self, group: KeyGroup, _previous: Option<KeyGroup>) -> KeyGroup {
        group
    }

    /// The object whose contents are found under `name` instead of what is written; `objects` are those
    /// in the store, ascending.
    fn stored(&self, _objects: &dyn Fn() -> Vec<ObjectName>, _name: ObjectName) -> Option<ObjectName> {
        None
    }

    /// The checkpoint whose objects a task leans on; `newest` is the newest that it was frozen for,
    /// `confirmed` the newest that is committed.
    fn leans_on(&self, _newest: CheckpointId, confirmed: CheckpointId) -> CheckpointId {
        confirmed
    }

    /// Whether an element reaches only the receiver of its sender's attempt.
    fn channels_belong_to_an_attempt(&self) -> bool {
        true
    }

    /// Whether the engine lets channels wait that the aligner blocks.
    fn heeds_blocked_channels(&self) -> bool {
        true
    }
}

/// No bug is planted.
#[derive(Debug)]
pub struct Faithful;

impl Twist for Faithful {}

/// A planted bug, where to find it, and what it must break. Its story is the module of its twist.
#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    /// Its name.
    pub name: &'static str,
    /// Where the bug was: tickets and pull requests, or that it is invented.
    pub source: &'static str,
    /// The bug.
    pub twist: &'static dyn Twist,
    /// The story in which it shows.
    pub story: &'static Story,
    /// The invariant, or the goal of recovery, that it must break before any other.
    pub breaks: &'static str,
}

/// Every planted bug: those that break an invariant, then those that lose a goal.
pub fn every() -> impl Iterator<Item = &'static Mutant> {
    ALL.iter().chain(STUCK)
}

/// The planted bug of that name.
pub fn find(name: &str) -> Option<&'static Mutant> {
    every().find(|mutant| mutant.name == name)
}

/// Changes every deployment among `out`.
fn change_deployments(
    mut out: Vec<CoordinatorOutput>,
    mut change: impl FnMut(&mut Deployment),
) -> Vec<CoordinatorOutput> {
    for output in &mut out {
        if let CoordinatorOutput::Send { message: ToHost::Deploy(deployment), .. } = output {
            change(Arc::make_mut(deployment));
        }
    }
    out
}

/// Changes every manifest that is to be created among `out`.
fn change_manifests(
    mut out: Vec<CoordinatorOutput>,
    mut change: impl FnMut(&mut Manifest),
) -> Vec<CoordinatorOutput> {
    for output in &mut out {
        if let CoordinatorOutput::CreateManifest(manifest) = output {
            change(Arc::make_mut(manifest));
        }
    }
    out
}

/// What would deploy the attempt after `attempt` in the same way, from the same checkpoint.
fn successors(around: &mut dyn Around, attempt: Attempt) -> Vec<CoordinatorOutput> {
    let next = Attempt { run: attempt.run + 1, ..attempt };
    let successor = |(to, deployment): (HostId, Arc<Deployment>)| {
        let deployment = Arc::new(Deployment { attempt: next, ..Deployment::clone(&deployment) });
        CoordinatorOutput::Send { to, message: ToHost::Deploy(deployment) }
    };
    around.deployments(attempt).into_iter().map(successor).collect()
}
