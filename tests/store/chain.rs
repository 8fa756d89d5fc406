//! The chain of manifests.

use std::{sync::Arc, thread};

use futures::executor::block_on;
use keygroups::{
    ErrorKind,
    checkpoint::ManifestVersion,
    store::{CheckpointStore, Create, StoreError},
};
use object_store::{ObjectStoreExt, memory::InMemory, path::Path};

use crate::{
    common::sample::{empty_manifest, manifest},
    create,
    faulty::{Fault, Faulty, ambiguous},
    in_memory, latest_version, stores,
};

#[test]
fn an_empty_store_has_no_manifest() {
    let (_guard, stores) = stores();
    for store in stores {
        block_on(async {
            assert_eq!(store.latest_manifest().await.unwrap(), None);
            assert_eq!(store.read_manifest(ManifestVersion(1)).await.unwrap(), None);
        });
    }
}

#[test]
fn the_highest_version_is_the_truth() {
    let (_guard, stores) = stores();
    for store in stores {
        block_on(async {
            // 9 → 10 and 99 → 100 are where unpadded names would sort wrongly.
            for version in 1..=101 {
                create(&store, &manifest(version)).await;
                assert_eq!(store.latest_manifest().await.unwrap(), Some(manifest(version)));
            }
            assert_eq!(store.read_manifest(ManifestVersion(7)).await.unwrap(), Some(manifest(7)));
        });
    }
}

#[test]
fn of_two_creates_of_one_version_the_second_finds_it_taken() {
    let (_guard, stores) = stores();
    for store in stores {
        block_on(async {
            create(&store, &manifest(1)).await;
            let mut other = manifest(1);
            other.nonce += 1;
            assert!(matches!(store.create_manifest(&other).await, Create::Exists));
            assert_eq!(store.latest_manifest().await.unwrap(), Some(manifest(1)));
        });
    }
}

#[test]
fn of_many_concurrent_creates_exactly_one_wins_and_is_read_by_all() {
    let (_guard, stores) = stores();
    for store in stores {
        for version in 1..=20 {
            let winners: Vec<u64> = thread::scope(|scope| {
                let racers: Vec<_> = (0..8)
                    .map(|nonce| {
                        let store = &store;
                        scope.spawn(move || {
                            let mut manifest = manifest(version);
                            manifest.nonce = nonce;
                            match block_on(store.create_manifest(&manifest)) {
                                Create::Created => Some(nonce),
                                Create::Exists => {
                                    // Whoever lost can already read who won, in full.
                                    block_on(store.latest_manifest()).unwrap().unwrap();
                                    None
                                }
                                outcome => panic!("{outcome:?}"),
                            }
                        })
                    })
                    .collect();
                racers.into_iter().filter_map(|racer| racer.join().unwrap()).collect()
            });
            let truth = block_on(store.latest_manifest()).unwrap().unwrap();
            assert_eq!(winners, [truth.nonce]);
        }
    }
}

/// S7: an older manifest in place of a damaged one would take back what was committed.
#[test]
fn a_damaged_newest_manifest_is_an_error_that_names_it() {
    let (memory, store) = in_memory();
    block_on(async {
        for version in 1..=3 {
            create(&store, &manifest(version)).await;
        }
        let path = store.layout().manifest(ManifestVersion(3));
        let mut object = memory.get(&path).await.unwrap().bytes().await.unwrap().to_vec();
        object[1000] ^= 4;
        memory.put(&path, object.into()).await.unwrap();
        let error = store.latest_manifest().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        let message = error.to_string();
        assert!(
            message.starts_with("jobs/flights/manifest/00000000000000000003: its checksum is "),
            "{message}"
        );
    });
}

#[test]
fn a_listing_that_lags_behind_is_caught_up_by_reading_on() {
    block_on(async {
        let faults = Faulty::new(Arc::new(InMemory::new()));
        let store = CheckpointStore::new(Arc::new(faults.clone()), Path::default());
        for version in 1..=6 {
            create(&store, &manifest(version)).await;
            for omitted in 1..=3 {
                faults.inject(Fault::LagListing(omitted));
                assert_eq!(latest_version(&store).await, Some(ManifestVersion(version)));
            }
        }
    });
}

/// As long as it omits fewer than are retained.
#[test]
fn a_listing_that_lags_behind_a_pruned_chain_leads_to_the_newest_or_to_an_error() {
    block_on(async {
        let faults = Faulty::new(Arc::new(InMemory::new()));
        let store = CheckpointStore::new(Arc::new(faults.clone()), Path::default());
        for version in 1..=9 {
            create(&store, &manifest(version)).await;
        }
        assert_eq!(store.prune_manifests(ManifestVersion(6)).await.unwrap(), 5);
        for omitted in 1..=3 {
            faults.inject(Fault::LagListing(omitted));
            assert_eq!(latest_version(&store).await, Some(ManifestVersion(9)));
        }
        faults.inject(Fault::LagListing(3));
        let error = store.prune_manifests(ManifestVersion(8)).await.unwrap_err();
        assert!(matches!(error, StoreError::PruneNewest { .. }), "{error}");
    });
}

#[test]
fn a_manifest_pruned_between_listing_and_reading_means_look_again() {
    block_on(async {
        let faults = Faulty::new(Arc::new(InMemory::new()));
        let store = CheckpointStore::new(Arc::new(faults.clone()), Path::default());
        create(&store, &manifest(1)).await;
        create(&store, &manifest(2)).await;
        faults.inject(Fault::HideFromGet);
        assert_eq!(latest_version(&store).await, Some(ManifestVersion(2)));
    });
}

#[test]
fn a_store_that_is_away_is_an_error_and_not_an_empty_chain() {
    block_on(async {
        let faults = Faulty::new(Arc::new(InMemory::new()));
        let store = CheckpointStore::new(Arc::new(faults.clone()), Path::default());
        create(&store, &manifest(1)).await;
        faults.inject(Fault::RefuseGet(ambiguous()));
        let error = store.latest_manifest().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Retry);
        assert_eq!(
            error.to_string(),
            "cannot read manifest/00000000000000000001: Generic S3 error: 503 Slow Down"
        );
    });
}

#[test]
fn pruning_keeps_the_newest_and_can_be_repeated() {
    let (_guard, stores) = stores();
    for store in stores {
        block_on(async {
            for version in 1..=5 {
                create(&store, &manifest(version)).await;
            }
            assert_eq!(store.prune_manifests(ManifestVersion(4)).await.unwrap(), 3);
            assert_eq!(store.prune_manifests(ManifestVersion(4)).await.unwrap(), 0);
            assert_eq!(store.list_manifests().await.unwrap(), [ManifestVersion(4), ManifestVersion(5)]);
            assert_eq!(latest_version(&store).await, Some(ManifestVersion(5)));
            for below in [6, u64::MAX] {
                let error = store.prune_manifests(ManifestVersion(below)).await.unwrap_err();
                assert!(matches!(error, StoreError::PruneNewest { .. }), "{error}");
            }
            assert_eq!(latest_version(&store).await, Some(ManifestVersion(5)));
        });
    }
}

/// A paused coordinator that creates a pruned version again has not decided anything: the newest
/// manifest is another one, and that is how it finds out.
#[test]
fn a_pruned_version_can_be_created_again_but_is_not_the_newest() {
    let (_guard, stores) = stores();
    for store in stores {
        block_on(async {
            for version in 1..=4 {
                create(&store, &manifest(version)).await;
            }
            store.prune_manifests(ManifestVersion(4)).await.unwrap();
            create(&store, &empty_manifest(2)).await;
            assert_eq!(store.latest_manifest().await.unwrap(), Some(manifest(4)));
        });
    }
}

#[test]
fn a_foreign_file_among_the_manifests_is_not_a_manifest() {
    let (memory, store) = in_memory();
    block_on(async {
        create(&store, &manifest(1)).await;
        let path = Path::from("jobs/flights/manifest/notes.txt");
        memory.put(&path, "zzz".into()).await.unwrap();
        assert_eq!(latest_version(&store).await, Some(ManifestVersion(1)));
        store.prune_manifests(ManifestVersion(1)).await.unwrap();
        assert!(memory.head(&path).await.is_ok());
    });
}

/// A leader that took over from it had no number to go on with.
#[test]
fn a_version_that_leaves_none_to_follow_is_not_written() {
    let (_, store) = in_memory();
    block_on(async {
        let last = u64::MAX / 2;
        create(&store, &manifest(last)).await;
        assert_eq!(latest_version(&store).await, Some(ManifestVersion(last)));
        for beyond in [last + 1, u64::MAX] {
            let refused = store.create_manifest(&manifest(beyond)).await;
            assert!(matches!(refused, Create::Failed { reason: StoreError::Content { .. } }), "{refused:?}");
        }
        assert_eq!(latest_version(&store).await, Some(ManifestVersion(last)));
    });
}
