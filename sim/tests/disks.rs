//! Local recovery in whole clusters: copies are used, whatever befalls disks changes no result, and a host that
//! trusts what it finds is caught.
#![cfg(madsim)]

use keygroups::key_group::{MaxParallelism, Parallelism};
use keygroups_sim::batch::run_seeds;
use keygroups_sim::case::Case;
use keygroups_sim::cluster::{EngineBug, Scenario, Summary};
use keygroups_sim::disk::{DiskDamage, DiskDamageKind};
use keygroups_sim::fault::{Crash, DamagedDisk, DiskTrouble, DiskTroubleKind, Fault, FaultPlan, Profile};
use keygroups_sim::input::{DEFAULT_KEY, Table};
use keygroups_sim::run::Run;
use keygroups_sim::trace::Recording;
use keygroups_sim::wire::Node;
use std::collections::BTreeSet;
use std::ops::{ControlFlow, Range};
use std::sync::{Arc, LazyLock};

static JANUARY: LazyLock<Arc<Table>> = LazyLock::new(|| Arc::new(Table::january(DEFAULT_KEY).unwrap()));

fn sweep(seeds: Range<u64>, of: impl Fn(Scenario) -> Scenario + Sync) -> Vec<Run<Summary>> {
    let one = |seed| {
        let scenario = of(Scenario::swarm(seed, &JANUARY, 300, Profile::Chaos).with_disks(true));
        Case::draw(seed, &scenario).run(Recording::default())
    };
    run_seeds(seeds, None, one, |_| ControlFlow::Continue(())).runs
}

/// A quiet job on two hosts, rescaled once; faults of `plan` besides.
fn quiet(disks: bool, plan: FaultPlan) -> Summary {
    let parallelisms = [2, 3].map(|p| Parallelism::new(p).unwrap()).to_vec();
    let table = Arc::new(Table { rows: JANUARY.rows[..1_000].to_vec() });
    let max = MaxParallelism::new(32).unwrap();
    let scenario = Scenario::new(table, max, parallelisms, Profile::None).unwrap().with_disks(disks);
    let case = Case { plan, ..Case::draw(1, &scenario) };
    case.check().unwrap();
    case.run(Recording::default()).outcome.unwrap()
}

/// In the middle of the run every host crashes, and comes back to what `fault` has made of its disk.
fn after_crashes(fault: impl Fn(Node) -> Option<Fault>) -> Summary {
    let hosts: Vec<_> = (4..7).map(Node).collect();
    let crash = |&node| (4_000_000, Fault::Crash(Crash { node, down_us: 200_000 }));
    let crashes: Vec<_> = hosts.iter().map(crash).collect();
    let more: Vec<_> = hosts.iter().filter_map(|&node| Some((4_000_001, fault(node)?))).collect();
    let timed: Vec<_> = crashes.into_iter().chain(more).collect();
    quiet(true, FaultPlan { faults_max: timed.len(), timed, horizon_us: 30_000_000, ..FaultPlan::none() })
}

fn damaged(node: Node, how: DiskDamageKind) -> Option<Fault> {
    let damage = DiskDamage { how, last_us: 3_000_000, draw: 5 };
    Some(Fault::DamagedDisk(DamagedDisk { nodes: vec![node], damage, down_us: 0 }))
}

#[test]
fn quiet_run_restores_from_local_copies_what_it_would_read_from_the_store() {
    let (without, with) = (quiet(false, FaultPlan::none()), quiet(true, FaultPlan::none()));
    assert_eq!((without.copies_used, without.restore_bytes_local), (0, 0));
    assert!(with.copies_used > 0 && with.copies_refused == 0, "{with:?}");
    assert_eq!(with.restore_bytes_owned, without.restore_bytes_owned);
    assert_eq!(with.restore_bytes_read + with.restore_bytes_local, without.restore_bytes_read);
}

#[test]
fn hosts_that_come_back_find_their_copies() {
    let summary = after_crashes(|_| None);
    assert!(summary.copies_used > 2 && summary.copies_refused == 0, "{summary:?}");
}

#[test]
fn damaged_copies_are_refused_and_the_job_goes_on() {
    use DiskDamageKind::{BitRot, LostWrites, MisdirectedWrites, TornWrites};
    let clean = after_crashes(|_| None);
    for how in [TornWrites, MisdirectedWrites, BitRot] {
        let summary = after_crashes(|node| damaged(node, how));
        assert!(summary.copies_refused > 0, "{how:?}: {summary:?}");
        assert!(summary.copies_used < clean.copies_used, "{how:?}: {summary:?}");
    }
    // What is not there cannot be refused.
    let lost = after_crashes(|node| damaged(node, LostWrites));
    assert!(lost.copies_refused == 0 && lost.copies_used < clean.copies_used, "{lost:?}");
}

#[test]
fn disks_that_are_full_unreadable_or_slow_cost_no_checkpoint() {
    let all = |how: DiskTroubleKind| {
        let nodes = (4..7).map(Node).collect();
        let timed = vec![(10_000, Fault::DiskTrouble(DiskTrouble { nodes, how, for_us: 20_000_000 }))];
        quiet(true, FaultPlan { faults_max: 1, timed, horizon_us: 60_000_000, ..FaultPlan::none() })
    };
    let full = all(DiskTroubleKind::Full);
    assert!(full.copies_not_kept > 10, "{full:?}");
    let unreadable = all(DiskTroubleKind::Unreadable);
    assert!(unreadable.copies_refused > 0 && unreadable.copies_not_kept == 0, "{unreadable:?}");
    let slow = all(DiskTroubleKind::Slow { extra_us: 60_000_000 });
    for summary in [full, unreadable, slow] {
        assert_eq!((summary.checkpoints_aborted, summary.copies_used), (0, 0), "{summary:?}");
    }
}

/// So that the swarm exercises what it is about, and holds.
#[test]
fn chaos_on_disks_breaks_nothing_and_copies_are_used_and_refused() {
    let runs = sweep(3_000..3_120, |scenario| scenario);
    let failures: Vec<_> =
        runs.iter().filter_map(|run| Some((run.seed, run.outcome.as_ref().err()?))).collect();
    assert!(failures.is_empty(), "{failures:?}");
    let runs_with = |of: fn(&Summary) -> u64| {
        runs.iter().filter(|run| run.outcome.as_ref().is_ok_and(|summary| of(summary) > 0)).count()
    };
    let (used, refused) = (runs_with(|it| it.copies_used), runs_with(|it| it.copies_refused));
    let not_kept = runs_with(|it| it.copies_not_kept);
    assert!(used > 80 && refused > 4 && not_kept > 4, "{used} {refused} {not_kept}");
}

/// Local recovery that looks copies up by the name of the task, as Flink would without checkpoint and
/// allocation in its paths, restores what was never committed or was long superseded.
#[test]
fn host_that_trusts_what_it_finds_on_its_disk_is_found() {
    let runs = sweep(0..60, |scenario| scenario.with_engine_bug(EngineBug::TrustsLocalCopies));
    let rules: BTreeSet<_> = runs.iter().filter_map(|run| Some(run.outcome.as_ref().err()?.rule())).collect();
    assert!(rules.contains("restored_is_what_was_frozen"), "{rules:?}");
}

/// Seeds stay comparable: what a seed without disks draws is what it drew before there were any.
#[test]
fn faults_of_disks_come_beside_the_others_or_with_crashes_alone() {
    let (mut disks, mut beside, mut alone) = (0, 0, 0);
    let of_disks = |fault: &Fault| matches!(fault, Fault::DamagedDisk(_) | Fault::DiskTrouble(_));
    for seed in 0..200 {
        let scenario = Scenario::swarm(seed, &JANUARY, 100, Profile::Chaos);
        disks += u32::from(scenario.disks());
        let with = Case::draw(seed, &scenario.clone().with_disks(true)).plan;
        let without = Case::draw(seed, &scenario.with_disks(false)).plan;
        assert!(!without.faults().any(of_disks));
        let timed: Vec<_> = with.timed.iter().filter(|(_, fault)| !of_disks(fault)).cloned().collect();
        let aims: Vec<_> = with.aims.iter().filter(|aim| !of_disks(&aim.fault)).cloned().collect();
        if timed == without.timed && aims == without.aims {
            beside += 1;
        } else {
            assert!(with.faults().all(|fault| of_disks(fault) || fault.kind() == "crash"));
            alone += 1;
        }
    }
    assert!((70..130).contains(&disks) && beside > 100 && alone > 40, "{disks} {beside} {alone}");
}
