//! The bug zoo: planted bugs that prove that invariants and goals have teeth.
//!
//! A mutant leaves the production machines alone. It alters what goes into one or comes out of it,
//! or lets the engine or the store misbehave: a [`Twist`].

mod abort_deletes_what_is_shared;
mod abort_stops_the_trigger;
mod aborted_output_is_stranded;
mod acknowledgement_of_an_old_attempt;
mod ambiguous_is_failed;
mod blocked_channels_are_read;
mod change_under_the_previous_key;
mod deployed_before_the_commit_is_decided;
mod element_of_an_old_attempt;
mod epoch_not_raised;
mod exists_is_created;
mod expiry_is_not_set;
mod file_name_reused;
mod idle_task_left_out;
mod max_parallelism_derived_again;
mod new_slots_go_unused;
mod notice_before_the_commit;
mod notice_is_swallowed;
mod notice_of_a_predecessor;
mod offset_before_the_record;
mod own_handle_only;
mod ranges_by_another_formula;
mod ready_before_restored;
mod ready_is_said_once;
mod rescale_is_the_end;
mod restart_from_nothing;
mod restart_goes_unnoticed;
mod restore_clears_per_handle;
mod splits_dropped;
mod stop_falls_back;
mod successor_before_the_last_checkpoint;
mod trigger_lock_not_released;
mod unfinished_is_not_swept;

use std::{fmt, sync::Arc};

use keygroups::{
    checkpoint::{Attempt, Manifest, ObjectName},
    key_group::KeyGroup,
    protocol::{
        Coordinator, CoordinatorInput, CoordinatorOutput, Deployment, Host, HostInput, HostOutput, ToHost,
    },
};

use crate::{
    engine::Frozen,
    network::Message,
    step::Step,
    store::{Object, Request, Store},
    stories::{ALIGNMENT, CHECKPOINT, DECLINED, LATE_HOST, LEADERSHIP, SCALE_IN, SCALE_OUT, STRAGGLERS},
    story::{Groups, Record, Story},
};

/// Where a planted bug can sit. Everything it does not change is as it should be.
pub trait Twist: fmt::Debug + Sync {
    /// What `coordinator` hears instead of `input`; `answered` is the request it answers.
    fn coordinator_hears(
        &self,
        _around: &mut Step<'_>,
        _coordinator: &Coordinator,
        _answered: Option<&Request>,
        input: CoordinatorInput,
    ) -> Vec<CoordinatorInput> {
        vec![input]
    }

    /// What is carried out instead of `out`, which `coordinator` wants after it heard `input`.
    fn coordinator_wants(
        &self,
        _around: &mut Step<'_>,
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

    /// Changes a snapshot after it was frozen.
    fn frozen(&self, _story: &Story, _frozen: &mut Frozen) {}

    /// Changes restored state before the next handle is read.
    fn before_handle(&self, _groups: &mut Groups) {}

    /// The key group that a record is kept under; `previous` was processed before it.
    fn group_of(&self, record: Record, _previous: Option<Record>) -> KeyGroup {
        record.group
    }

    /// What is stored instead of `object`, which is to be written as `name`.
    fn stored(&self, _store: &Store, _name: ObjectName, object: Object) -> Object {
        object
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
    /// The bug.
    pub twist: &'static dyn Twist,
    /// The story in which it shows.
    pub story: &'static Story,
    /// The invariant, or the goal of recovery, that it must break before any other.
    pub breaks: &'static str,
}

macro_rules! mutants {
    ($(#[$doc:meta])* $list:ident: $($module:ident::$twist:ident in $story:ident breaks $invariant:literal;)*) => {
        $(#[$doc])*
        pub const $list: &[Mutant] = &[$(Mutant {
            name: stringify!($module),
            twist: &$module::$twist,
            story: &$story,
            breaks: $invariant,
        }),*];
    };
}

mutants! {
    /// Every planted bug that breaks an invariant. [`search::shortest`](crate::search::shortest)
    /// finds it.
    ALL:
    ranges_by_another_formula::RangesByAnotherFormula in SCALE_IN breaks "each_key_group_has_one_owner";
    ready_before_restored::ReadyBeforeRestored in CHECKPOINT breaks "an_attempt_starts_when_all_have_restored";
    own_handle_only::OwnHandleOnly in SCALE_OUT breaks "restore_reads_exactly_what_is_owned";
    splits_dropped::SplitsDropped in SCALE_OUT breaks "operator_state_is_redistributed_by_its_mode";
    exists_is_created::ExistsIsCreated in LEADERSHIP breaks "nobody_believes_a_lost_step";
    epoch_not_raised::EpochNotRaised in LEADERSHIP breaks "versions_are_dense_and_written_by_their_leader";
    max_parallelism_derived_again::MaxParallelismDerivedAgain in LEADERSHIP breaks "the_job_never_changes";
    idle_task_left_out::IdleTaskLeftOut in CHECKPOINT breaks "committed_was_acknowledged_by_exactly_its_tasks";
    acknowledgement_of_an_old_attempt::AcknowledgementOfAnOldAttempt in CHECKPOINT breaks "committed_was_acknowledged_by_exactly_its_tasks";
    rescale_is_the_end::RescaleIsTheEnd in SCALE_IN breaks "checkpoint_ids_only_rise";
    successor_before_the_last_checkpoint::SuccessorBeforeTheLastCheckpoint in SCALE_OUT breaks "nothing_older_commits_after_a_restore_decision";
    deployed_before_the_commit_is_decided::DeployedBeforeTheCommitIsDecided in CHECKPOINT breaks "nothing_older_commits_after_a_restore_decision";
    stop_falls_back::StopFallsBack in SCALE_IN breaks "recovery_starts_from_the_newest";
    restart_from_nothing::RestartFromNothing in CHECKPOINT breaks "recovery_starts_from_the_newest";
    ambiguous_is_failed::AmbiguousIsFailed in LEADERSHIP breaks "named_objects_exist_as_first_written";
    abort_deletes_what_is_shared::AbortDeletesWhatIsShared in CHECKPOINT breaks "named_objects_exist_as_first_written";
    notice_before_the_commit::NoticeBeforeTheCommit in CHECKPOINT breaks "notices_are_true_in_order_and_once";
    notice_of_a_predecessor::NoticeOfAPredecessor in CHECKPOINT breaks "notices_are_true_in_order_and_once";
    restore_clears_per_handle::RestoreClearsPerHandle in SCALE_IN breaks "restored_is_what_was_frozen";
    change_under_the_previous_key::ChangeUnderThePreviousKey in SCALE_OUT breaks "state_is_the_fold_of_the_records_before_the_barrier";
    offset_before_the_record::OffsetBeforeTheRecord in CHECKPOINT breaks "state_is_the_fold_of_the_records_before_the_barrier";
    file_name_reused::FileNameReused in CHECKPOINT breaks "state_is_the_fold_of_the_records_before_the_barrier";
    element_of_an_old_attempt::ElementOfAnOldAttempt in STRAGGLERS breaks "state_is_the_fold_of_the_records_before_the_barrier";
    blocked_channels_are_read::BlockedChannelsAreRead in ALIGNMENT breaks "state_is_the_fold_of_the_records_before_the_barrier";
    aborted_output_is_stranded::AbortedOutputIsStranded in CHECKPOINT breaks "output_is_exactly_once";
}

mutants! {
    /// Every planted bug that does no harm and gets the job stuck.
    /// [`liveness::check`](crate::liveness::check) finds it; what it breaks is a goal.
    STUCK:
    expiry_is_not_set::ExpiryIsNotSet in DECLINED breaks "a_pending_checkpoint_ends";
    ready_is_said_once::ReadyIsSaidOnce in CHECKPOINT breaks "the_job_runs";
    restart_goes_unnoticed::RestartGoesUnnoticed in CHECKPOINT breaks "the_job_runs";
    trigger_lock_not_released::TriggerLockNotReleased in CHECKPOINT breaks "a_checkpoint_is_committed";
    abort_stops_the_trigger::AbortStopsTheTrigger in CHECKPOINT breaks "a_checkpoint_is_committed";
    unfinished_is_not_swept::UnfinishedIsNotSwept in CHECKPOINT breaks "what_nobody_names_is_deleted";
    notice_is_swallowed::NoticeIsSwallowed in CHECKPOINT breaks "tasks_know_the_newest_commit";
    new_slots_go_unused::NewSlotsGoUnused in LATE_HOST breaks "the_wanted_parallelism_runs";
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
fn successors(around: &mut Step<'_>, attempt: Attempt) -> Vec<CoordinatorOutput> {
    let next = Attempt { run: attempt.run + 1, ..attempt };
    let deployments = around.network().iter().filter_map(|message| match &**message {
        Message::ToHost(to, ToHost::Deploy(deployment)) if deployment.attempt == attempt => {
            Some((*to, Deployment { attempt: next, ..Deployment::clone(deployment) }))
        }
        _ => None,
    });
    deployments
        .map(|(to, deployment)| CoordinatorOutput::Send { to, message: ToHost::Deploy(Arc::new(deployment)) })
        .collect()
}
