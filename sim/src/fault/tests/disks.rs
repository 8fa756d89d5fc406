//! Facts about what befalls disks.

use super::*;
use crate::disk::{Disk, DiskDamage, DiskDamageKind};

async fn write(disk: &Disk, name: &str) {
    disk.open().put(&Path::from(name), PutPayload::from_static(b"bytes")).await.unwrap();
}

#[test]
fn disk_outlives_its_process_and_loses_what_was_written_last() {
    simulate(1, |world, store, targets| async move {
        let host = targets.hosts[0];
        let disk = world.nodes.disk(host);
        write(&disk, "old").await;
        millis(900).await;
        write(&disk, "new").await;
        let damage = DiskDamage { how: DiskDamageKind::LostWrites, last_us: 500_000, draw: 0 };
        let fault = DamagedDisk { nodes: vec![host], damage, down_us: 2_000_000 };
        let injector = Injector::start(&world, &store, after_a_second(Fault::DamagedDisk(fault)));
        millis(1_500).await;
        assert_eq!(world.nodes.state(host), ProcessState::Down);
        assert!(world.nodes.disk(host).files().keys().eq(["old"]));
        injector.healed().await;
        assert_eq!(world.nodes.state(host), ProcessState::Running);
        assert!(world.nodes.disk(host).files().keys().eq(["old"]));
    })
    .outcome
    .unwrap();
}

#[test]
fn who_moves_to_another_machine_leaves_its_disk_behind() {
    simulate(1, |world, store, targets| async move {
        let host = targets.hosts[0];
        write(&world.nodes.disk(host), "a").await;
        let fault = NewAddress { node: host, down_us: 10_000, known_after_us: 0 };
        Injector::start(&world, &store, after_a_second(Fault::NewAddress(fault))).healed().await;
        assert!(world.nodes.disk(host).files().is_empty());
    })
    .outcome
    .unwrap();
}

#[test]
fn disk_is_full_for_as_long_as_it_is_said() {
    simulate(1, |world, store, targets| async move {
        let host = targets.hosts[0];
        let fault = DiskTrouble { nodes: vec![host], how: DiskTroubleKind::Full, for_us: 2_000_000 };
        let injector = Injector::start(&world, &store, after_a_second(Fault::DiskTrouble(fault)));
        let open = world.nodes.disk(host).open();
        millis(1_500).await;
        assert!(open.put(&Path::from("a"), PutPayload::from_static(b"bytes")).await.is_err());
        injector.healed().await;
        assert!(open.put(&Path::from("a"), PutPayload::from_static(b"bytes")).await.is_ok());
    })
    .outcome
    .unwrap();
}

#[test]
fn disks_of_nobody_are_refused() {
    let fault = DiskTrouble { nodes: Vec::new(), how: DiskTroubleKind::Full, for_us: 1 };
    let refused = after_a_second(Fault::DiskTrouble(fault)).check(&targets()).unwrap_err();
    assert_eq!(refused.to_string(), "a fault of kind disk-full: it befalls nobody");
}
