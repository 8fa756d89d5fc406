//! Facts about what is drawn and what is refused.

use super::*;

#[test]
fn plans_repeat_by_seed_and_together_hold_every_kind_of_fault_at_every_step() {
    let draw = |seed| FaultPlan::draw(seed, Profile::Chaos, &targets(), 30_000_000);
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));

    let (mut kinds, mut aimed_at) = (BTreeSet::new(), BTreeSet::new());
    for seed in 0..400 {
        let plan = draw(seed);
        assert!(plan.timed.is_sorted_by_key(|(at_us, _)| *at_us));
        plan.check(&targets()).unwrap();
        kinds.extend(plan.faults().map(Fault::kind));
        aimed_at.extend(plan.aims.into_iter().map(|aim| aim.step));
    }
    assert_eq!(kinds, KINDS.iter().map(|kind| kind.name).collect());
    assert!(aimed_at.iter().eq(BTreeSet::from(["all-acked", "cancelled", "manifest-created", "restoring"])));
}

#[test]
fn each_kind_draws_faults_of_its_own_name() {
    let targets = targets();
    for kind in KINDS {
        for seed in 0..20 {
            let mut drawing = kinds::Drawing::new(crate::random::stream(seed, "test"), &targets);
            if let Some(fault) = (kind.draw)(&mut drawing) {
                assert_eq!(fault.kind(), kind.name, "{fault:?}");
            }
        }
    }
}

#[test]
fn some_seeds_know_one_kind_that_strikes_often_and_others_many() {
    let targets = Targets { disks: false, ..targets() };
    let kinds_of = |seed| {
        let plan = FaultPlan::draw(seed, Profile::Chaos, &targets, 30_000_000);
        (plan.faults().map(Fault::kind).collect::<BTreeSet<_>>().len(), plan.faults_max)
    };
    let drawn: Vec<_> = (0..200).map(kinds_of).collect();
    assert!(drawn.iter().filter(|(kinds, faults)| *kinds == 1 && *faults >= 6).count() > 10);
    assert!(drawn.iter().filter(|(kinds, _)| *kinds >= 6).count() > 50);
}

#[test]
fn plan_that_removes_too_many_is_refused() {
    let leave = |nodes: &[u16]| {
        let leave = |&node| (1, Fault::Leave(Leave { node: Node(node) }));
        FaultPlan { timed: nodes.iter().map(leave).collect(), ..FaultPlan::none() }.check(&targets())
    };
    assert_eq!(leave(&[3, 3, 1]), Ok(()));
    assert_eq!(leave(&[3, 4]), Err(PlanError::TooFewStay { what: "hosts", leave: 2, most: 1 }));
    assert_eq!(leave(&[1, 2]), Err(PlanError::TooFewStay { what: "coordinators", leave: 2, most: 1 }));
}

#[test]
fn fault_that_makes_no_sense_is_refused() {
    let drift = Fault::ClockDrift(ClockDrift { node: Node(3), rate_per_mille: 0, for_us: 1 });
    let refused = after_a_second(drift).check(&targets()).unwrap_err();
    assert_eq!(refused.to_string(), "a fault of kind clock-drift: a clock that stands still");
}

#[test]
fn aim_of_a_case_that_says_no_side_is_before_the_step() {
    let aim: Aim = serde_json::from_str(
        r#"{"step":"restoring","occurrence":1,"victim":"Actor","fault":{"Crash":{"node":3,"down_us":1}}}"#,
    )
    .unwrap();
    assert_eq!(aim.when, When::Before);
}
