//! Who reads which key groups from whom: `keyed_state_redistribution.csv`.

use keygroups::rescale::RescalePlan;

use crate::{columns, max_parallelism, parallelism, rows};

#[test]
fn every_golden_redistribution_is_flinks() {
    let golden = include_str!("../golden/keyed_state_redistribution.csv");
    let mut count = 0;
    for row in rows(golden, "max_parallelism,old_p,new_p,received") {
        let [max, old, new, received] = columns(row);
        let plan = RescalePlan::between(max_parallelism(max), parallelism(old), parallelism(new)).unwrap();
        let read = |read: &keygroups::rescale::Read| {
            format!("{}[{}-{}]", read.from, read.key_groups.first(), read.key_groups.last())
        };
        let subtasks = plan.subtasks().iter();
        let ours: Vec<String> =
            subtasks.map(|subtask| subtask.reads.iter().map(read).collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(ours.join(";"), received, "{max} key groups, {old} to {new}");
        count += 1;
    }
    assert_eq!(count, 39);
}
