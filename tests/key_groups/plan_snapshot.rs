//! Plans as a reader sees them, in `snapshots/`.

use keygroups::key_group::{MaxParallelism, Parallelism};
use keygroups::rescale::RescalePlan;

fn described(max: u32, from: u32, to: u32) -> String {
    let plan = RescalePlan::between(
        MaxParallelism::new(max).unwrap(),
        Parallelism::new(from).unwrap(),
        Parallelism::new(to).unwrap(),
    )
    .unwrap();
    let lines: Vec<String> = plan.subtasks().iter().map(ToString::to_string).collect();
    let (kept, moved) = (plan.kept_key_groups(), plan.moved_key_groups());
    format!("{}\n{kept} of {max} key groups stay, {moved} move", lines.join("\n"))
}

fn assert_plan(name: &str, plan: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, plan));
}

/// The example this project began with.
#[test]
fn from_2_to_4_each_old_task_halves() {
    assert_plan("plan_128_from_2_to_4", &described(128, 2, 4));
}

#[test]
fn from_4_to_3_three_tasks_take_over_the_fourth() {
    assert_plan("plan_128_from_4_to_3", &described(128, 4, 3));
}

#[test]
fn from_4_to_5_nearly_half_of_the_key_groups_move() {
    assert_plan("plan_128_from_4_to_5", &described(128, 4, 5));
}
