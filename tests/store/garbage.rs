//! Listing and deleting.

use std::sync::Arc;

use futures::executor::block_on;
use keygroups::{
    checkpoint::{Attempt, ObjectName},
    store::{CheckpointStore, Listing},
};
use object_store::{ObjectStoreExt, memory::InMemory, path::Path};

use crate::{
    common::sample::{attempt, output_list_name, record},
    faulty::{Fault, Faulty, ambiguous},
    in_memory, stores,
};

/// What a checkpoint of `attempt` leaves in the store, ascending.
fn objects(attempt: Attempt) -> Vec<ObjectName> {
    let mut names: Vec<_> = record(attempt, 3).objects().copied().collect();
    names.sort_unstable();
    names
}

async fn write(store: &CheckpointStore, names: &[ObjectName]) {
    for &name in names {
        let _ = store.put_object(name, "x".into()).await;
    }
}

#[test]
fn a_listing_begins_at_its_attempt() {
    let (_guard, stores) = stores();
    for store in stores {
        block_on(async {
            let attempts = [attempt(1, 9), attempt(1, 10), attempt(2, 1), attempt(10, 1)];
            for attempt in attempts {
                write(&store, &objects(attempt)).await;
            }
            for from in attempts.into_iter().chain([attempt(0, 0), attempt(2, 0), attempt(11, 0)]) {
                let mut expected: Vec<_> =
                    attempts.into_iter().filter(|attempt| *attempt >= from).flat_map(objects).collect();
                expected.sort_unstable();
                assert_eq!(store.list_objects(from).await.unwrap().objects, expected, "{from}");
            }
        });
    }
}

#[test]
fn foreign_files_are_reported_and_survive() {
    let (memory, store) = in_memory();
    block_on(async {
        let foreign = "jobs/flights/state/backup.tar";
        memory.put(&Path::from(foreign), "x".into()).await.unwrap();
        memory.put(&Path::from("jobs/other/state/x"), "x".into()).await.unwrap();
        let names = objects(attempt(1, 1));
        write(&store, &names).await;
        let listing = store.list_objects(Attempt::default()).await.unwrap();
        assert_eq!(listing, Listing { objects: names, foreign: vec![foreign.to_owned()] });
        store.delete_objects(&listing.objects).await;
        let listing = store.list_objects(Attempt::default()).await.unwrap();
        assert_eq!(listing, Listing { objects: vec![], foreign: vec![foreign.to_owned()] });
    });
}

#[test]
fn deleting_what_is_gone_is_fine() {
    let (_guard, stores) = stores();
    for store in stores {
        block_on(async {
            let names = objects(attempt(1, 1));
            write(&store, &names[1..]).await;
            for _ in 0..2 {
                let deletion = store.delete_objects(&names).await;
                assert_eq!((deletion.gone, deletion.failed.len()), (names.len(), 0), "{deletion:?}");
            }
            assert_eq!(store.list_objects(Attempt::default()).await.unwrap(), Listing::default());
        });
    }
}

#[test]
fn one_failed_delete_does_not_stop_the_others() {
    block_on(async {
        let faults = Faulty::new(Arc::new(InMemory::new()));
        let store = CheckpointStore::new(Arc::new(faults.clone()), Path::default());
        let names = objects(attempt(1, 1));
        write(&store, &names).await;
        faults.inject(Fault::RefuseDelete(ambiguous()));
        let deletion = store.delete_objects(&names).await;
        assert_eq!((deletion.gone, deletion.failed.len()), (names.len() - 1, 1));
    });
}

/// A reader that lists `output/` must not meet the lists of `outputs/`.
#[test]
fn similar_directories_are_not_mixed_up() {
    let (_guard, stores) = stores();
    for store in stores {
        block_on(async {
            let list = output_list_name(attempt(1, 1), 3);
            write(&store, &[list]).await;
            let listing = store.list_objects(Attempt::default()).await.unwrap();
            assert_eq!(listing, Listing { objects: vec![list], foreign: vec![] });
        });
    }
}
