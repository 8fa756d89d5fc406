//! The chain of committed outputs.

use futures::executor::block_on;
use keygroups::{
    ErrorKind,
    checkpoint::{Attempt, ObjectName, OutputHandle, TaskId, VertexId},
    key_group::Subtask,
    store::{CheckpointStore, Put, StoreError},
};
use object_store::ObjectStoreExt;

use crate::{
    common::sample::{attempt, output, output_list, output_list_name},
    in_memory, stores,
};

/// Five committed checkpoints of three attempts; gives the head.
async fn write_chain(store: &CheckpointStore) -> ObjectName {
    let mut head = None;
    for (attempt, id) in links() {
        let name = output_list_name(attempt, id);
        let outcome = store.put_output_list(name, &output_list(attempt, id, head)).await;
        assert!(matches!(outcome, Put::Written), "{outcome:?}");
        head = Some(name);
    }
    head.unwrap()
}

fn links() -> [(Attempt, u64); 5] {
    // Checkpoint 5 was triggered and never committed.
    [(attempt(1, 1), 1), (attempt(1, 1), 2), (attempt(1, 2), 3), (attempt(1, 2), 4), (attempt(2, 1), 6)]
}

#[test]
fn readers_get_every_output_once_oldest_first() {
    let (_guard, stores) = stores();
    for store in stores {
        block_on(async {
            let head = write_chain(&store).await;
            let expected: Vec<OutputHandle> = links()
                .into_iter()
                .flat_map(|(attempt, id)| output_list(attempt, id, None).outputs)
                .collect();
            assert_eq!(store.committed_outputs(Some(head)).await.unwrap(), expected);
            assert_eq!(store.committed_outputs(None).await.unwrap(), []);
        });
    }
}

#[test]
fn a_walk_stops_below_its_floor() {
    let (_, store) = in_memory();
    block_on(async {
        let head = write_chain(&store).await;
        for (floor, expected) in
            [(attempt(0, 0), 5), (attempt(1, 2), 3), (attempt(2, 1), 1), (attempt(2, 2), 0)]
        {
            let mut walk = store.walk_outputs(Some(head), floor);
            let mut links = 0;
            while let Some((name, _)) = walk.next().await.unwrap() {
                assert!(name.attempt() >= floor);
                links += 1;
            }
            assert_eq!(links, expected, "{floor}");
        }
    });
}

#[test]
fn a_missing_link_is_named() {
    let (memory, store) = in_memory();
    block_on(async {
        let head = write_chain(&store).await;
        let lost = output_list_name(attempt(1, 2), 3);
        memory.delete(&store.layout().object(&lost)).await.unwrap();
        let error = store.committed_outputs(Some(head)).await.unwrap_err();
        assert!(matches!(error, StoreError::Missing { .. }) && error.to_string().contains(&lost.to_string()));
    });
}

/// Two links that name each other would be walked for ever.
#[test]
fn a_link_copied_to_another_place_is_damage_and_not_an_endless_walk() {
    let (memory, store) = in_memory();
    block_on(async {
        let head = write_chain(&store).await;
        let first = store.layout().object(&output_list_name(attempt(1, 1), 1));
        memory.copy(&store.layout().object(&head), &first).await.unwrap();
        let error = store.committed_outputs(Some(head)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.to_string().contains("says it belongs to checkpoint 6"), "{error}");
    });
}

#[test]
fn a_list_that_nobody_could_read_is_not_written() {
    let (_, store) = in_memory();
    block_on(async {
        let name = output_list_name(attempt(1, 1), 1);
        let outcome = store.put_output_list(name, &output_list(attempt(1, 1), 1, Some(name))).await;
        assert!(matches!(outcome, Put::Failed { reason: StoreError::Content { .. } }), "{outcome:?}");
        assert_eq!(store.list_objects(attempt(0, 0)).await.unwrap().objects, []);
    });
}

/// The bytes are the engine's, so nothing but the handle can vouch for them.
#[test]
fn damaged_and_misdirected_output_is_an_error_that_names_it() {
    let (memory, store) = in_memory();
    block_on(async {
        let task = TaskId { vertex: VertexId(0), subtask: Subtask(0) };
        let names = [1, 2].map(|id| output(attempt(1, 1), task, id).object);
        for (name, bytes) in names.iter().zip(["first", "other"]) {
            assert!(matches!(store.put_object(*name, bytes.into()).await, Put::Written));
        }
        let handle = OutputHandle::of(names[0], b"first", 1);
        assert_eq!(store.read_output(&handle).await.unwrap(), "first");
        let path = store.layout().object(&names[0]);
        for bad in ["fIrst", "firs", "other", ""] {
            memory.put(&path, bad.into()).await.unwrap();
            let error = store.read_output(&handle).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt);
            assert!(error.to_string().starts_with(path.as_ref()), "{error}");
        }
        memory.delete(&path).await.unwrap();
        assert!(matches!(store.read_output(&handle).await, Err(StoreError::Missing { .. })));
    });
}
