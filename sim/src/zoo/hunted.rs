//! Every bug of the model's zoo: hunted here, or why not.

use super::{Counterpart, Hunted, Unseen};

macro_rules! hunted {
    ($($name:ident $(or $rule:literal because $why:literal)*;)*) => {
        /// Every bug that a sweep must find, in the order of the zoo. Each is caught by the invariant that it
        /// is planted for, or by the rules here.
        pub const HUNTED: &[Hunted] = &[$(Hunted {
            name: stringify!($name),
            counterparts: &[$(Counterpart { rule: $rule, why: $why }),*],
        }),*];
    };
}

hunted! {
    ranges_by_another_formula;
    ready_before_restored;
    old_container_goes_on;
    own_handle_only;
    splits_dropped;
    source_reset_to_another_point;
    exists_is_created;
    epoch_not_raised;
    max_parallelism_derived_again;
    idle_task_left_out
        or "job_finishes_once_faults_stop"
        because "the library writes no manifest in which a task of the job is missing, so nothing is ever committed";
    acknowledgement_of_an_old_attempt;
    rescale_is_the_end;
    successor_before_the_last_checkpoint
        or "recovery_starts_from_the_newest"
        because "what is deployed before the last checkpoint starts from the one before";
    deployed_before_the_commit_is_decided;
    stop_falls_back;
    restart_from_nothing;
    ambiguous_is_failed;
    abort_deletes_what_is_shared;
    subsumed_with_what_is_shared;
    new_file_looks_redundant;
    decline_deletes_what_is_reused;
    orphans_at_startup;
    leans_on_what_is_not_committed;
    forgotten_base_is_accepted
        or "named_objects_exist_as_first_written"
        because "what was forgotten is deleted before somebody leans on it";
    notice_before_the_commit;
    notice_of_a_predecessor;
    notice_takes_effect_again;
    restore_clears_per_handle
        or "job_finishes_once_faults_stop"
        because "the library notices that key groups were not restored and fails the task, in every attempt";
    older_version_is_read;
    change_under_the_previous_key;
    unchanged_state_is_forgotten
        or "committed_checkpoints_are_readable"
        because "the oracle reads what the handle names, and the snapshot leans on something else";
    offset_before_the_record;
    offsets_registered_late
        or "committed_checkpoints_are_readable"
        because "the oracle cannot read a checkpoint in which a partition has no reader";
    file_name_reused;
    element_of_an_old_attempt
        or "router_and_owner_agree"
        because "the element of an old attempt is for a key group that its receiver does not own in the new one";
    blocked_channels_are_read;
    splits_in_another_order
        or "committed_checkpoints_are_readable"
        because "the oracle cannot read a checkpoint in which a partition has two readers or none";
    aborted_output_is_stranded;
    output_of_removed_subtasks
        or "named_objects_exist_as_first_written"
        because "what the list of outputs leaves out is swept, although the manifest names it";
    silence_needs_a_first_sign
        or "job_finishes_once_faults_stop" because "nobody leads, so nothing runs";
    expiry_is_not_set
        or "job_finishes_once_faults_stop" because "no checkpoint follows the one that never ends";
    ready_is_said_once
        or "job_finishes_once_faults_stop" because "the attempt whose `Ready` was lost never starts";
    restart_goes_unnoticed
        or "job_finishes_once_faults_stop"
        because "the attempt is deployed to a process that is gone, and the one that came back takes no part in it";
    trigger_lock_not_released
        or "job_finishes_once_faults_stop" because "no checkpoint follows one that was given up";
    abort_stops_the_trigger
        or "job_finishes_once_faults_stop" because "no checkpoint follows one that was given up";
    unfinished_is_not_swept
        or "garbage_is_collected" because "what a checkpoint that never was has left behind is never deleted";
    new_slots_go_unused
        or "job_finishes_once_faults_stop"
        because "further input comes in only when the wanted parallelism runs, and it never does";
}

/// Every bug that it need not.
pub const UNSEEN: &[Unseen] = &[
    Unseen {
        name: "notice_is_swallowed",
        why: "a notice lets a task forget its output earlier, and the next barrier says the same: \
              state, output and progress of a run are those of a run without the bug",
    },
    Unseen {
        name: "union_state_taken_over_whole",
        why: "the simulated sources keep their offsets as split state, so that no task restores what is another's",
    },
    Unseen {
        name: "cancelled_without_a_fence",
        why: "a leader must be cut off from its successor while hosts start, and the successor must die before it \
              deploys anything: of 100,000 seeds one met that",
    },
];
