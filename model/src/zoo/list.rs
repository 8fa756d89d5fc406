//! Every mutant by name, in the order of the invariants and goals that they break.

use super::*;
use crate::stories::{
    ALIGNMENT, CHAIN_OF_BASES, CHECKPOINT, DECLINED, FORGETFUL, INCREMENTAL, LATE_HOST, LEADERSHIP, SCALE_IN,
    SCALE_OUT, STRAGGLERS, UNION,
};

macro_rules! mutants {
    ($(#[$doc:meta])* $list:ident:
     $($module:ident::$twist:ident in $story:ident breaks $invariant:literal from $source:literal;)*) => {
        $(#[$doc])*
        pub const $list: &[Mutant] = &[$(Mutant {
            name: stringify!($module),
            source: $source,
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
    ranges_by_another_formula::RangesByAnotherFormula in SCALE_IN breaks "each_key_group_has_one_owner" from "RisingWave 16815";
    ready_before_restored::ReadyBeforeRestored in CHECKPOINT breaks "an_attempt_starts_when_all_have_restored" from "RisingWave 8468";
    old_container_goes_on::OldContainerGoesOn in STRAGGLERS breaks "an_attempt_starts_when_all_have_restored" from "SAMZA-2305";
    own_handle_only::OwnHandleOnly in SCALE_OUT breaks "restore_reads_exactly_what_is_owned" from "FLINK-10809";
    splits_dropped::SplitsDropped in SCALE_OUT breaks "operator_state_is_redistributed_by_its_mode" from "FLINK-6006, FLINK-7195";
    source_reset_to_another_point::SourceResetToAnotherPoint in SCALE_IN breaks "operator_state_is_redistributed_by_its_mode" from "FLINK-20290, FLINK-20396";
    exists_is_created::ExistsIsCreated in LEADERSHIP breaks "nobody_believes_a_lost_step" from "FLINK-22494";
    epoch_not_raised::EpochNotRaised in LEADERSHIP breaks "versions_are_dense_and_written_by_their_leader" from "RisingWave 20879";
    max_parallelism_derived_again::MaxParallelismDerivedAgain in LEADERSHIP breaks "the_job_never_changes" from "invented";
    idle_task_left_out::IdleTaskLeftOut in CHECKPOINT breaks "committed_was_acknowledged_by_exactly_its_tasks" from "Arroyo 7f844b05";
    acknowledgement_of_an_old_attempt::AcknowledgementOfAnOldAttempt in CHECKPOINT breaks "committed_was_acknowledged_by_exactly_its_tasks" from "Hazelcast Jet 2503";
    rescale_is_the_end::RescaleIsTheEnd in SCALE_IN breaks "checkpoint_ids_only_rise" from "FLINK-34518";
    successor_before_the_last_checkpoint::SuccessorBeforeTheLastCheckpoint in SCALE_OUT breaks "nothing_older_commits_after_a_restore_decision" from "RisingWave 24492";
    deployed_before_the_commit_is_decided::DeployedBeforeTheCommitIsDecided in CHECKPOINT breaks "nothing_older_commits_after_a_restore_decision" from "Hazelcast Jet 2824";
    stop_falls_back::StopFallsBack in SCALE_IN breaks "recovery_starts_from_the_newest" from "FLINK-26783, FLINK-26923";
    restart_from_nothing::RestartFromNothing in CHECKPOINT breaks "recovery_starts_from_the_newest" from "FLINK-3390";
    ambiguous_is_failed::AmbiguousIsFailed in LEADERSHIP breaks "named_objects_exist_as_first_written" from "FLINK-22494, FLINK-24543";
    abort_deletes_what_is_shared::AbortDeletesWhatIsShared in INCREMENTAL breaks "named_objects_exist_as_first_written" from "FLINK-24611";
    subsumed_with_what_is_shared::SubsumedWithWhatIsShared in INCREMENTAL breaks "named_objects_exist_as_first_written" from "FLINK-21351";
    new_file_looks_redundant::NewFileLooksRedundant in CHECKPOINT breaks "named_objects_exist_as_first_written" from "FLINK-29913";
    decline_deletes_what_is_reused::DeclineDeletesWhatIsReused in DECLINED breaks "named_objects_exist_as_first_written" from "FLINK-25395";
    orphans_at_startup::OrphansAtStartup in LEADERSHIP breaks "named_objects_exist_as_first_written" from "Hazelcast Jet 2415";
    leans_on_what_is_not_committed::LeansOnWhatIsNotCommitted in INCREMENTAL breaks "snapshots_lean_only_on_what_is_named" from "invented";
    forgotten_base_is_accepted::ForgottenBaseIsAccepted in CHAIN_OF_BASES breaks "snapshots_lean_only_on_what_is_named" from "invented";
    notice_before_the_commit::NoticeBeforeTheCommit in CHECKPOINT breaks "notices_are_true_in_order_and_once" from "FLINK-6328, FLINK-10354";
    notice_of_a_predecessor::NoticeOfAPredecessor in CHECKPOINT breaks "notices_are_true_in_order_and_once" from "FLINK-24096";
    notice_takes_effect_again::NoticeTakesEffectAgain in CHECKPOINT breaks "notices_are_true_in_order_and_once" from "FLINK-10377";
    restore_clears_per_handle::RestoreClearsPerHandle in SCALE_IN breaks "restored_is_what_was_frozen" from "FLINK-4731";
    older_version_is_read::OlderVersionIsRead in SCALE_IN breaks "restored_is_what_was_frozen" from "RisingWave 8468, 5813, 24384";
    change_under_the_previous_key::ChangeUnderThePreviousKey in SCALE_OUT breaks "state_is_the_fold_of_the_records_before_the_barrier" from "FLINK-26063";
    unchanged_state_is_forgotten::UnchangedStateIsForgotten in INCREMENTAL breaks "state_is_the_fold_of_the_records_before_the_barrier" from "Arroyo 7f844b05";
    offset_before_the_record::OffsetBeforeTheRecord in CHECKPOINT breaks "state_is_the_fold_of_the_records_before_the_barrier" from "FLINK-21996, FLINK-18071";
    offsets_registered_late::OffsetsRegisteredLate in CHECKPOINT breaks "state_is_the_fold_of_the_records_before_the_barrier" from "BEAM-7144";
    file_name_reused::FileNameReused in CHECKPOINT breaks "state_is_the_fold_of_the_records_before_the_barrier" from "FLINK-29095, SPARK-43404, SPARK-46796";
    element_of_an_old_attempt::ElementOfAnOldAttempt in STRAGGLERS breaks "state_is_the_fold_of_the_records_before_the_barrier" from "RisingWave 20879";
    blocked_channels_are_read::BlockedChannelsAreRead in ALIGNMENT breaks "state_is_the_fold_of_the_records_before_the_barrier" from "invented";
    splits_in_another_order::SplitsInAnotherOrder in ALIGNMENT breaks "state_is_the_fold_of_the_records_before_the_barrier" from "FLINK-7143";
    union_state_taken_over_whole::UnionStateTakenOverWhole in UNION breaks "state_is_the_fold_of_the_records_before_the_barrier" from "flink-agents 825";
    aborted_output_is_stranded::AbortedOutputIsStranded in CHECKPOINT breaks "output_is_exactly_once" from "FLINK-10377";
    output_of_removed_subtasks::OutputOfRemovedSubtasks in SCALE_IN breaks "output_is_exactly_once" from "FLINK-23854, FLINK-40626";
}

mutants! {
    /// Every planted bug that does no harm and gets the job stuck.
    /// [`liveness::check`](crate::liveness::check) finds it; what it breaks is a goal.
    STUCK:
    silence_needs_a_first_sign::SilenceNeedsAFirstSign in LEADERSHIP breaks "only_a_finished_job_comes_to_rest" from "invented";
    expiry_is_not_set::ExpiryIsNotSet in DECLINED breaks "a_pending_checkpoint_ends" from "invented";
    ready_is_said_once::ReadyIsSaidOnce in CHECKPOINT breaks "the_job_runs" from "a prototype of this protocol";
    cancelled_without_a_fence::CancelledWithoutAFence in FORGETFUL breaks "the_job_runs" from "this protocol";
    restart_goes_unnoticed::RestartGoesUnnoticed in CHECKPOINT breaks "the_job_runs" from "a prototype of this protocol";
    trigger_lock_not_released::TriggerLockNotReleased in CHECKPOINT breaks "a_checkpoint_is_committed" from "FLINK-26394";
    abort_stops_the_trigger::AbortStopsTheTrigger in CHECKPOINT breaks "a_checkpoint_is_committed" from "FLINK-13256, FLINK-7067, FLINK-15152";
    unfinished_is_not_swept::UnfinishedIsNotSwept in CHECKPOINT breaks "what_nobody_names_is_deleted" from "FLINK-30461";
    notice_is_swallowed::NoticeIsSwallowed in CHECKPOINT breaks "tasks_know_the_newest_commit" from "FLINK-32655";
    new_slots_go_unused::NewSlotsGoUnused in LATE_HOST breaks "the_wanted_parallelism_runs" from "invented";
}
