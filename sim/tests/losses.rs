//! The last good copy of something is destroyed on purpose: the run must hold or say what is lost.

use keygroups_sim::case::Case;
use keygroups_sim::cluster::{Scenario, Summary, Variety};
use keygroups_sim::fault::{Aim, Crash, Fault, Profile, StoreDamage, Victim, When};
use keygroups_sim::input::Table;
use keygroups_sim::run::{Run, Violation};
use keygroups_sim::storage::{Damage, DamageKind, Scope};
use keygroups_sim::trace::Recording;
use keygroups_sim::wire::Node;
use std::sync::Arc;

const HOWS: [DamageKind; 4] =
    [DamageKind::BitRot, DamageKind::Truncation, DamageKind::MisdirectedWrite, DamageKind::MissingObject];

/// A quiet job; when its second checkpoint is committed, `damage` strikes, and then everybody crashes whom
/// `crashes` names.
fn run(seed: u64, damage: Damage, crashes: fn(&Scenario) -> Vec<Node>) -> Run<Summary> {
    let table = Arc::new(Table::january("tailnum").unwrap());
    let scenario = Scenario::swarm(seed, &table, 200, Profile::None);
    // Full snapshots: whatever is subsumed is needed by nobody any more.
    let variety = Variety { bases_max: Some(0), ..scenario.variety().clone() };
    let scenario = scenario.with_variety(variety).unwrap();
    let mut case = Case::draw(seed, &scenario);
    let aim = |victim, fault| Aim {
        step: "committed".to_owned(),
        occurrence: 2,
        when: When::Before,
        victim,
        fault,
    };
    case.plan.aims.push(aim(Victim::Actor, Fault::StoreDamage(StoreDamage { damage })));
    for node in crashes(&scenario) {
        let crash = Fault::Crash(Crash { node, down_us: 500_000 });
        case.plan.aims.push(aim(Victim::Node(node), crash));
    }
    case.plan.horizon_us = 30_000_000;
    case.plan.faults_max = case.plan.aims.len();
    case.check().unwrap();
    case.run(Recording::default())
}

fn destroy(how: DamageKind, scope: Scope, draw: u64) -> Damage {
    Damage { how, scope, draw, destroys: true }
}

fn lost(run: Run<Summary>) -> Result<Option<String>, Violation> {
    run.outcome.map(|summary| summary.lost)
}

fn nobody(_: &Scenario) -> Vec<Node> {
    Vec::new()
}

fn hosts(scenario: &Scenario) -> Vec<Node> {
    scenario.targets().hosts
}

fn coordinators(scenario: &Scenario) -> Vec<Node> {
    scenario.targets().coordinators
}

#[test]
fn lost_state_is_reported_with_its_object_and_key_groups() {
    let (mut keyed, mut sources) = (0, 0);
    for (how, seed) in HOWS.into_iter().cycle().zip(1..=8) {
        for draw in 0..4 {
            let lost = lost(run(seed, destroy(how, Scope::State, draw), hosts)).unwrap();
            // A source without partitions has nothing that anybody reads.
            let Some(lost) = lost else { continue };
            assert!(lost.starts_with("state/") && lost.contains("cannot restore"), "{lost}");
            keyed += u32::from(lost.contains("key group"));
            sources += u32::from(lost.contains("operator state 'offsets'"));
        }
    }
    assert!(keyed > 1 && sources > 1 && keyed + sources > 20, "{keyed} {sources}");
}

#[test]
fn state_that_is_subsumed_before_anybody_needs_it_is_no_loss() {
    for how in HOWS {
        assert_eq!(lost(run(5, destroy(how, Scope::State, 1), nobody)), Ok(None));
    }
}

#[test]
fn damaged_newest_manifest_is_reported_and_never_replaced_by_an_older_one() {
    for how in [DamageKind::BitRot, DamageKind::Truncation, DamageKind::MisdirectedWrite] {
        let lost = lost(run(6, destroy(how, Scope::Manifests, 1), coordinators)).unwrap().unwrap();
        assert!(lost.starts_with("manifest/"), "{lost}");
    }
    // The leader knows it by heart: nobody has to read it.
    assert_eq!(lost(run(6, destroy(DamageKind::BitRot, Scope::Manifests, 1), nobody)), Ok(None));
}

#[test]
fn lost_output_and_lost_links_of_its_chain_are_reported() {
    for how in HOWS {
        for scope in [Scope::Output, Scope::OutputLists] {
            let lost = lost(run(7, destroy(how, scope.clone(), 2), nobody)).unwrap();
            let lost = lost.unwrap_or_else(|| panic!("{how:?} of {scope:?} is not noticed"));
            assert!(lost.starts_with("output"), "{lost}");
        }
    }
}

#[test]
fn damage_of_what_the_job_can_do_without_changes_nothing() {
    for seed in 8..16 {
        let how = HOWS[seed as usize % 4];
        let damage = Damage { how, scope: Scope::Everything, draw: seed, destroys: false };
        let crashes = if seed % 2 == 0 { hosts } else { coordinators };
        assert_eq!(lost(run(seed, damage, crashes)), Ok(None));
    }
}
