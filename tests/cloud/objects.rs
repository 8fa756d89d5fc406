//! What the protocol leans on holds behind a real client, too.

use std::slice;

use keygroups::{
    ErrorKind,
    checkpoint::{Attempt, ManifestVersion},
    store::{Create, Put, StoreError},
};

use crate::{
    common::sample::{attempt, empty_manifest, manifest, record},
    long, name, store,
};

#[tokio::test]
async fn manifest_is_created_once_and_the_newest_is_found() {
    let store = store("manifests", "");
    assert!(store.latest_manifest().await.unwrap().is_none());
    for version in 1..=3 {
        let created = store.create_manifest(&empty_manifest(version)).await;
        assert!(matches!(created, Create::Created), "{created:?}");
        let again = store.create_manifest(&manifest(version)).await;
        assert!(matches!(again, Create::Exists), "{again:?}");
    }
    assert_eq!(store.latest_manifest().await.unwrap(), Some(empty_manifest(3)));
    assert_eq!(store.prune_manifests(ManifestVersion(3)).await.unwrap(), 2);
    assert_eq!(store.list_manifests().await.unwrap(), [ManifestVersion(3)]);
}

#[tokio::test]
async fn object_in_one_piece_or_in_parts_is_written_once_and_read_in_ranges() {
    for (test, object) in [("piece", long().slice(..1_000)), ("parts", long())] {
        let store = store(test, "?part_bytes=5242880");
        for _ in 0..2 {
            let put = store.put_object(name(), object.clone().into()).await;
            assert!(matches!(put, Put::Written), "{test}: {put:?}");
        }
        let mut other = object.to_vec();
        *other.last_mut().unwrap() ^= 1;
        for other in [other, object[1..].to_vec()] {
            let put = store.put_object(name(), other.into()).await;
            assert!(matches!(put, Put::Failed { reason: StoreError::Conflict { .. } }), "{test}: {put:?}");
        }
        let bytes = object.len() as u64;
        let ranges = [bytes - 7..bytes, 0..1, bytes / 3..bytes / 2];
        let found = store.get_ranges(name(), &ranges).await.unwrap();
        for (range, found) in ranges.iter().zip(&found) {
            assert!(object[range.start as usize..range.end as usize] == *found, "{test}: {range:?}");
        }
        assert!(store.get(name()).await.unwrap() == object);
    }
}

/// A store answers a range behind the end in its own way, and repeating it would never end.
#[tokio::test]
async fn what_is_missing_or_truncated_is_corrupt() {
    let store = store("corrupt", "");
    let error = store.get(name()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert!(matches!(error, StoreError::Missing { .. }), "{error}");
    assert!(matches!(store.put_object(name(), "0123456789".into()).await, Put::Written));
    for range in [0..11, 9..12, 10..11, 50..60] {
        let error = store.get_ranges(name(), slice::from_ref(&range)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        assert!(matches!(error, StoreError::ShortRead { end: 10, .. }), "{error}");
    }
}

#[tokio::test]
async fn garbage_is_listed_from_an_attempt_on_and_deleted() {
    let store = store("garbage", "");
    let names = |attempt: Attempt| record(attempt, 3).objects().copied().collect::<Vec<_>>();
    let (mut old, mut new) = (names(attempt(1, 9)), names(attempt(1, 10)));
    old.sort_unstable();
    new.sort_unstable();
    for name in old.iter().chain(&new) {
        assert!(matches!(store.put_object(*name, "x".into()).await, Put::Written));
    }
    let all = store.list_objects(Attempt::default()).await.unwrap().objects;
    let mut both = [old.clone(), new.clone()].concat();
    both.sort_unstable();
    assert_eq!(all, both);
    assert_eq!(store.list_objects(attempt(1, 10)).await.unwrap().objects, new);
    // Deleting what is gone already is no error.
    for _ in 0..2 {
        let deletion = store.delete_objects(&old).await;
        assert!(deletion.failed.is_empty(), "{deletion:?}");
        assert_eq!(deletion.gone, old.len());
    }
    assert_eq!(store.list_objects(Attempt::default()).await.unwrap().objects, new);
}
