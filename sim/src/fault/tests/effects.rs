//! What counts as an effect: a fault that changes nothing was no fault.

use super::*;
use crate::disk::{DiskDamage, DiskDamageKind};
use crate::storage::{Damage, DamageKind, Scope};

/// The faults strike second by second; how many do, and how many have an effect.
fn effects(faults: impl FnOnce(&Targets) -> Vec<Fault> + Send) -> (usize, usize) {
    simulate(31, |world, store, targets| async move {
        let timed: Vec<_> = (1..).map(|second| second * 1_000_000).zip(faults(&targets)).collect();
        let plan = FaultPlan { timed, horizon_us: 100_000_000, faults_max: 99, ..FaultPlan::none() };
        let injector = Injector::start(&world, &store, plan);
        seconds(90).await;
        (injector.struck(), injector.effective())
    })
    .outcome
    .unwrap()
}

fn crash(node: Node) -> Fault {
    Fault::Crash(Crash { node, down_us: 1_500_000 })
}

#[test]
fn process_that_is_down_or_has_not_come_does_not_crash() {
    assert_eq!(effects(|targets| vec![crash(targets.hosts[0]), crash(targets.hosts[0])]), (2, 1));
    let pause = |node| Fault::Pause(Pause { node, for_us: 1_000_000 });
    assert_eq!(effects(|targets| vec![crash(targets.spares[0]), pause(targets.spares[0])]), (2, 0));
    let join = |node| Fault::Join(Join { node });
    assert_eq!(effects(|targets| vec![join(targets.spares[0]), join(targets.spares[0])]), (2, 1));
}

#[test]
fn crash_loop_that_begins_with_a_process_that_is_down_counts_once_it_crashes_it() {
    let again = |node| CrashDuringStart { node, down_us: 2_000_000, life_us: 100_000, lives: 2 };
    let faults =
        |targets: &Targets| vec![crash(targets.hosts[0]), Fault::CrashDuringStart(again(targets.hosts[0]))];
    assert_eq!(effects(faults), (2, 2));
}

#[test]
fn damage_that_finds_nothing_has_no_effect_even_if_it_crashes_a_host() {
    let how = DamageKind::BitRot;
    let damage = Damage { how, scope: Scope::Everything, draw: 7, destroys: false };
    assert_eq!(effects(|_| vec![Fault::StoreDamage(StoreDamage { damage })]), (1, 0));
    let damage = DiskDamage { how: DiskDamageKind::LostWrites, last_us: 500_000, draw: 0 };
    let of_disk = |node| Fault::DamagedDisk(DamagedDisk { nodes: vec![node], damage, down_us: 1_000 });
    assert_eq!(effects(|targets| vec![of_disk(targets.hosts[0])]), (1, 0));
}

#[test]
fn channels_that_are_not_there_do_not_die() {
    let faults = |targets: &Targets| {
        vec![Fault::HalfOpen(HalfOpen { from: targets.hosts[0], to: targets.coordinators[0], data: true })]
    };
    assert_eq!(effects(faults), (1, 0));
}
