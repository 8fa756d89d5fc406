//! Damage that a trace tells of is a failed read; damage that it does not tell of is no step of the model.

use keygroups_sim::fault::{Aim, Crash, Fault, FaultPlan, StoreDamage, Victim, When};
use keygroups_sim::storage::{Damage, DamageKind, Scope, Trouble, TroubleKind};

use crate::support::{Trace, conforms, trace_with_plan};

/// A run under these troubles, in which every host crashes when the second checkpoint is committed; before
/// that, `damage` strikes.
fn run(seed: u64, troubles: &[(TroubleKind, Scope, u32)], damage: Option<Damage>) -> Trace {
    trace_with_plan(seed, |plan: &mut FaultPlan, hosts| {
        let trouble = |(kind, scope, per_million): &(TroubleKind, Scope, u32)| Trouble {
            kind: kind.clone(),
            scope: scope.clone(),
            per_million: *per_million,
        };
        plan.store.troubles = troubles.iter().map(trouble).collect();
        let aim = |victim, fault| Aim {
            step: "committed".to_owned(),
            occurrence: 2,
            when: When::Before,
            victim,
            fault,
        };
        let damage = damage.map(|damage| Fault::StoreDamage(StoreDamage { damage }));
        plan.aims.extend(damage.map(|fault| aim(Victim::Actor, fault)));
        let crash = |node| Fault::Crash(Crash { node, down_us: 300_000 });
        plan.aims.extend(hosts.iter().map(|&node| aim(Victim::Node(node), crash(node))));
        plan.horizon_us = 10_000_000;
        plan.faults_max = plan.aims.len() + 1;
    })
}

/// The run conforms, and lines of this kind and fate make it so: without them the model has no such step.
fn tells(trace: &Trace, is_told: impl Fn(&str) -> bool) {
    let report = conforms(trace);
    assert_eq!((report.divergence, report.violation), (None, None));
    let told = trace.lines.iter().filter(|line| is_told(line)).count();
    assert!(told > 0);
    let untold = Trace { lines: trace.lines.iter().filter(|line| !is_told(line)).cloned().collect() };
    let divergence = conforms(&untold).divergence.expect("damage that nothing tells of");
    assert_eq!(divergence.rule, "the_model_has_no_such_step", "{divergence:?}");
}

fn fate(fate: &str) -> impl Fn(&str) -> bool {
    let field = format!("\"fate\":\"{fate}\"");
    move |line| line.contains(&field)
}

#[test]
fn a_manifest_that_is_rotten_on_its_way_is_a_failed_read() {
    tells(&run(1, &[(TroubleKind::ReadRot, Scope::Manifests, 300_000)], None), fate("rotten"));
}

#[test]
fn a_manifest_in_place_of_another_is_a_failed_read() {
    let troubles = [(TroubleKind::ReadMisdirection, Scope::Manifests, 300_000)];
    tells(&run(2, &troubles, None), fate("misdirected"));
}

#[test]
fn state_that_is_damaged_on_its_way_is_a_failed_restore() {
    tells(&run(3, &[(TroubleKind::ReadTruncation, Scope::State, 900_000)], None), fate("truncated"));
}

/// The checker looked at the snapshots that a restore names, and not at those that these lean on: seed 1983 of chaos did
/// not conform, in which a base alone was read damaged.
#[test]
fn state_that_a_snapshot_leans_on_is_a_failed_restore_too() {
    let first = "job/state/00000000000000000001.0000000001/00001-00000/00000000000000000001";
    let scope = Scope::Below(first.to_owned());
    tells(&run(6, &[(TroubleKind::ReadTruncation, scope, 1_000_000)], None), fate("truncated"));
}

#[test]
fn state_that_is_lost_is_a_failed_restore() {
    let scope = Scope::Below("job/state".to_owned());
    let damage = Damage { how: DamageKind::BitRot, scope, draw: 0, destroys: true };
    tells(&run(4, &[], Some(damage)), |line| line.contains("\"kind\":\"damaged\""));
}

#[test]
fn a_listing_that_lags_hides_litter_and_no_manifest() {
    let stale = TroubleKind::StaleListing { young_us: 8_000_000, objects_max: 2 };
    let trace = run(5, &[(stale, Scope::Everything, 1_000_000)], None);
    assert!(trace.lines.iter().any(|line| fate("stale")(line)));
    let report = conforms(&trace);
    assert_eq!((report.divergence, report.violation), (None, None));
}
