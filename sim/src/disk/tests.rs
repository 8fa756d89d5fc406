//! Facts about disks.

use super::*;
use crate::run::{Violation, World, run};
use crate::trace::Recording;
use futures::{StreamExt, TryStreamExt};
use madsim::time::sleep;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use std::time::Duration;

/// A disk with three files, each written a second after the other.
fn on_a_disk<Fut>(test: impl FnOnce(Disk, LocalDisk) -> Fut + Send)
where
    Fut: Future<Output = ()>,
{
    let recording = Recording::default();
    run(1, Duration::from_secs(60), recording, |_: World| async move {
        let disk = Disk::default();
        let open = disk.open();
        for name in ["a", "b", "c"] {
            open.put(&Path::from(name), PutPayload::from(vec![name.as_bytes()[0]; 100])).await.unwrap();
            sleep(Duration::from_secs(1)).await;
        }
        test(disk, open).await;
        Ok::<(), Violation>(())
    })
    .outcome
    .unwrap();
}

/// What was written in the last one and a half seconds: `c`.
fn newest(how: DiskDamageKind) -> DiskDamage {
    DiskDamage { how, last_us: 1_500_000, draw: 7 }
}

fn text(disk: &Disk, name: &str) -> String {
    String::from_utf8(disk.files()[name].to_vec()).unwrap()
}

#[test]
fn files_are_read_in_ranges_listed_and_deleted() {
    on_a_disk(|disk, open| async move {
        let path = Path::from("b");
        assert_eq!(open.get_range(&path, 90..200).await.unwrap(), "b".repeat(10));
        assert_eq!(open.get(&path).await.unwrap().meta.size, 100);
        assert!(open.get_range(&path, 101..102).await.is_err());
        open.delete(&path).await.unwrap();
        let listed: Vec<_> = open.list(None).map_ok(|meta| meta.location).try_collect().await.unwrap();
        assert_eq!(listed, [Path::from("a"), Path::from("c")]);
        let deleted = open.delete(&path).await;
        assert!(matches!(deleted, Err(object_store::Error::NotFound { .. })));
        disk.replace();
        assert_eq!(open.list(None).count().await, 0);
    });
}

#[test]
fn crash_takes_or_tears_what_was_written_last_only() {
    on_a_disk(|disk, _| async move {
        assert_eq!(disk.damage(&newest(DiskDamageKind::TornWrites)), 1);
        assert_ne!(text(&disk, "c"), "c".repeat(100));
        assert_eq!(disk.damage(&newest(DiskDamageKind::LostWrites)), 1);
        assert_eq!(disk.files().keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!((text(&disk, "a"), text(&disk, "b")), ("a".repeat(100), "b".repeat(100)));
    });
}

#[test]
fn what_was_deleted_comes_back() {
    on_a_disk(|disk, open| async move {
        open.delete(&Path::from("a")).await.unwrap();
        sleep(Duration::from_secs(1)).await;
        open.delete(&Path::from("b")).await.unwrap();
        let damage = DiskDamage { last_us: 500_000, ..newest(DiskDamageKind::StaleCopies) };
        assert_eq!(disk.damage(&damage), 1);
        assert_eq!(disk.files().keys().collect::<Vec<_>>(), ["b", "c"]);
    });
}

#[test]
fn misdirected_write_leaves_older_bytes_under_the_newest_name() {
    on_a_disk(|disk, _| async move {
        assert_eq!(disk.damage(&newest(DiskDamageKind::MisdirectedWrites)), 1);
        assert!(["a", "b"].map(|older| older.repeat(100)).contains(&text(&disk, "c")));
    });
}

#[test]
fn rot_flips_one_bit_of_every_file() {
    on_a_disk(|disk, _| async move {
        let before = disk.files();
        assert_eq!(disk.damage(&newest(DiskDamageKind::BitRot)), 3);
        for (path, bytes) in disk.files() {
            let flipped: u32 = bytes.iter().zip(&before[&path]).map(|(a, b)| (a ^ b).count_ones()).sum();
            assert_eq!(flipped, 1);
        }
    });
}

#[test]
fn full_disk_is_read_and_unreadable_disk_is_written() {
    on_a_disk(|disk, open| async move {
        let (old, new) = (Path::from("a"), Path::from("d"));
        disk.behave(DiskManners { full: true, ..DiskManners::default() });
        assert!(open.put(&new, PutPayload::from_static(b"d")).await.is_err());
        assert!(open.get(&old).await.is_ok());
        disk.behave(DiskManners { unreadable: true, slow_us: 3_000_000, ..DiskManners::default() });
        let before_us = now_us();
        assert!(open.get(&old).await.is_err());
        assert!(now_us() - before_us >= 3_000_000);
        assert!(open.put(&new, PutPayload::from_static(b"d")).await.is_ok());
    });
}
