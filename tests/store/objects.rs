//! Write-once objects.

use futures::executor::block_on;
use keygroups::{
    ErrorKind,
    checkpoint::ObjectName,
    store::{Put, StoreError},
};
use object_store::{ObjectStoreExt, path::Path};

use crate::{
    common::sample::{attempt, record},
    in_memory, stores,
};

fn state_name() -> ObjectName {
    record(attempt(1, 1), 1).tasks[1].state.object
}

#[test]
fn what_was_written_is_read_whole_and_in_ranges() {
    let (_guard, stores) = stores();
    for store in stores {
        block_on(async {
            let object: Vec<u8> = (0..=255).cycle().take(10_000).collect();
            assert!(matches!(store.put_object(state_name(), object.clone().into()).await, Put::Written));
            assert_eq!(store.get(state_name()).await.unwrap(), object);
            // Out of order, overlapping, empty, and empty at the very end.
            let ranges = [9_000..10_000, 0..1, 5..5, 100..4_000, 200..300, 10_000..10_000];
            let found = store.get_ranges(state_name(), &ranges).await.unwrap();
            for (range, bytes) in ranges.iter().zip(&found) {
                assert_eq!(bytes, &object[range.start as usize..range.end as usize], "{range:?}");
            }
            assert_eq!(found.len(), ranges.len());
        });
    }
}

#[test]
fn a_name_is_written_once() {
    let (_guard, stores) = stores();
    for store in stores {
        block_on(async {
            for _ in 0..2 {
                let outcome = store.put_object(state_name(), "the state".into()).await;
                assert!(matches!(outcome, Put::Written), "{outcome:?}");
            }
            for other in ["another", "same size"] {
                let outcome = store.put_object(state_name(), other.into()).await;
                let Put::Failed { reason: reason @ StoreError::Conflict { .. } } = outcome else {
                    panic!("{outcome:?}")
                };
                assert_eq!(reason.kind(), ErrorKind::Invalid);
            }
            assert_eq!(store.get(state_name()).await.unwrap(), "the state");
        });
    }
}

#[test]
fn a_missing_object_is_named() {
    let (_guard, stores) = stores();
    for store in stores {
        block_on(async {
            let ranges = store.get_ranges(state_name(), &[0..1, 2..3]).await.map(drop);
            for answer in [store.get(state_name()).await.map(drop), ranges] {
                let error = answer.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Corrupt);
                let StoreError::Missing { path } = error else { panic!("{error}") };
                assert!(path.ends_with(&state_name().to_string()), "{path}");
            }
        });
    }
}

/// A store answers a range that begins behind the end like a network failure; repeating it would
/// never end.
#[test]
fn a_truncated_object_is_corrupt_wherever_the_range_begins() {
    let (_guard, stores) = stores();
    for store in stores {
        block_on(async {
            let _ = store.put_object(state_name(), "0123456789".into()).await;
            for range in [0..11, 9..12, 10..11, 50..60] {
                let error = store.get_ranges(state_name(), std::slice::from_ref(&range)).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
                let StoreError::ShortRead { wanted, end, .. } = error else { panic!("{error}") };
                assert_eq!((wanted, end), (range, 10));
            }
        });
    }
}

#[test]
#[expect(clippy::reversed_empty_ranges, reason = "it is what is refused")]
fn a_range_that_ends_before_it_starts_is_refused() {
    let (_, store) = in_memory();
    let error = block_on(store.get_ranges(state_name(), std::slice::from_ref(&(5..4)))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[test]
fn objects_lie_below_the_prefix_under_the_text_of_their_name() {
    let (memory, store) = in_memory();
    block_on(async {
        let _ = store.put_object(state_name(), "x".into()).await;
        let path = Path::from(format!("jobs/flights/{}", state_name()));
        assert!(memory.head(&path).await.is_ok());
    });
}

#[test]
fn futures_can_move_between_threads() {
    fn is_send<T: Send>(_: T) {}
    let (_, store) = in_memory();
    is_send(store.latest_manifest());
    is_send(store.prune_manifests(keygroups::checkpoint::ManifestVersion(1)));
    is_send(store.put_object(state_name(), "x".into()));
    is_send(store.get_ranges(state_name(), &[]));
    is_send(store.committed_outputs(None));
    is_send(store.list_objects(attempt(1, 1)));
    is_send(store.delete_objects(&[]));
}
