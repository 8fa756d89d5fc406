//! Objects that go up in parts: as whole and as write-once as others.

use std::{io, num::NonZeroU64, sync::Arc};

use bytes::Bytes;
use futures::executor::block_on;
use keygroups::{
    ErrorKind,
    checkpoint::ObjectName,
    store::{CheckpointStore, Create, Put, StoreError},
};
use object_store::{GetRange, PutPayload, memory::InMemory, path::Path};

use crate::{
    common::sample::{attempt, empty_manifest, record},
    faulty::{Fault, Faulty, ambiguous, local, not_found},
};

/// A store whose parts are of 100 bytes.
fn store() -> (Faulty, CheckpointStore) {
    let faulty = Faulty::new(Arc::new(InMemory::new()));
    let store = CheckpointStore::new(Arc::new(faulty.clone()), Path::from("job"));
    (faulty, store.with_parts(NonZeroU64::new(100).unwrap()))
}

fn name() -> ObjectName {
    record(attempt(1, 1), 1).tasks[1].state.object
}

/// Bytes in which no two parts are alike.
fn object(bytes: usize) -> Bytes {
    (0..bytes).map(|at| (at * 31 + at / 100) as u8).collect()
}

/// The object in chunks of so many bytes.
fn chunked(object: &Bytes, chunk_bytes: usize) -> PutPayload {
    (0..object.len())
        .step_by(chunk_bytes)
        .map(|at| object.slice(at..object.len().min(at + chunk_bytes)))
        .collect()
}

fn refused() -> object_store::Error {
    object_store::Error::PermissionDenied { path: "state".to_owned(), source: "403".into() }
}

#[test]
fn object_in_parts_is_the_payload_however_that_is_chunked() {
    for chunk_bytes in [1, 7, 99, 100, 101, 450, 1_000] {
        block_on(async {
            let (faulty, store) = store();
            let object = object(950);
            let put = store.put_object(name(), chunked(&object, chunk_bytes)).await;
            assert!(matches!(put, Put::Written), "{put:?}");
            assert_eq!(store.get(name()).await.unwrap(), object);
            let mut expected = vec![100; 9];
            expected.push(50);
            assert_eq!(faulty.uploads().parts, expected);
        });
    }
}

#[test]
fn object_as_long_as_a_part_is_put_whole_and_a_longer_one_is_not() {
    for (bytes, parts) in
        [(0, vec![]), (99, vec![]), (100, vec![]), (101, vec![100, 1]), (200, vec![100, 100])]
    {
        block_on(async {
            let (faulty, store) = store();
            let put = store.put_object(name(), object(bytes).into()).await;
            assert!(matches!(put, Put::Written), "{put:?}");
            assert_eq!(store.get(name()).await.unwrap(), object(bytes));
            assert_eq!(faulty.uploads().parts, parts);
        });
    }
}

#[test]
fn parts_go_up_four_at_once_and_are_not_copied() {
    block_on(async {
        let (faulty, store) = store();
        let object = object(1_000);
        assert!(matches!(store.put_object(name(), chunked(&object, 250)).await, Put::Written));
        let uploads = faulty.uploads();
        assert_eq!((uploads.begun, uploads.at_once_max, uploads.at_once), (1, 4, 0));
        assert_eq!((uploads.completed, uploads.aborted), (1, 0));
        let at = |offset: usize| object[offset..].as_ptr().addr();
        let expected: [&[usize]; 10] =
            [&[0], &[100], &[200, 250], &[300], &[400], &[500], &[600], &[700, 750], &[800], &[900]];
        let expected = expected.map(|offsets| offsets.iter().map(|offset| at(*offset)).collect::<Vec<_>>());
        assert_eq!(uploads.addresses, expected);
    });
}

#[test]
fn repeat_in_parts_is_written_and_begins_no_upload() {
    block_on(async {
        let (faulty, store) = store();
        for _ in 0..2 {
            let put = store.put_object(name(), chunked(&object(950), 70)).await;
            assert!(matches!(put, Put::Written), "{put:?}");
        }
        assert_eq!(faulty.uploads().begun, 1);
    });
}

/// In one request it would have the time of a part for all of it, and an object that takes longer could never be settled.
#[test]
fn what_is_there_is_compared_part_by_part_up_to_the_first_that_differs() {
    block_on(async {
        let (faulty, store) = store();
        let there = object(250);
        assert!(matches!(store.put_object(name(), there.clone().into()).await, Put::Written));
        let asked = [0..100, 100..200, 200..250].map(|range| Some(GetRange::Bounded(range)));
        for (differs_at, read) in [(None, 3), (Some(249), 3), (Some(150), 2), (Some(0), 1)] {
            let mut object = there.to_vec();
            differs_at.into_iter().for_each(|at: usize| object[at] ^= 1);
            let put = store.put_object(name(), chunked(&object.into(), 70)).await;
            match differs_at {
                None => assert!(matches!(put, Put::Written), "{put:?}"),
                Some(_) => {
                    let Put::Failed { reason: StoreError::Conflict { bytes: 250, found: 250, .. } } = put
                    else {
                        panic!("{put:?}")
                    };
                }
            }
            assert_eq!(faulty.gets(), asked[..read]);
        }
        // Another length tells it without reading.
        let put = store.put_object(name(), object(251).into()).await;
        let Put::Failed { reason: StoreError::Conflict { bytes: 251, found: 250, .. } } = put else {
            panic!("{put:?}")
        };
        assert_eq!(faulty.gets(), []);
    });
}

/// Nor may it be overwritten: whoever wrote it may have told that it is there.
#[test]
fn what_is_there_and_cannot_be_read_is_unknown_and_stays() {
    for fault in [Fault::RefuseGet(ambiguous()), Fault::HideFromGet] {
        block_on(async {
            let (faulty, store) = store();
            assert!(matches!(store.put_object(name(), object(950).into()).await, Put::Written));
            faulty.inject(fault);
            let put = store.put_object(name(), object(950).into()).await;
            assert!(matches!(put, Put::Unknown { .. }), "{put:?}");
            assert!(matches!(store.put_object(name(), object(950).into()).await, Put::Written));
            assert_eq!(faulty.uploads().begun, 1);
        });
    }
}

/// Whether what is there went up in parts or not.
#[test]
fn other_bytes_in_parts_conflict_and_overwrite_nothing() {
    for there in [object(950), object(20)] {
        block_on(async {
            let (faulty, store) = store();
            assert!(matches!(store.put_object(name(), there.clone().into()).await, Put::Written));
            let begun = faulty.uploads().begun;
            let mut other = object(950).to_vec();
            other[949] ^= 1;
            for other in [other, object(951).to_vec()] {
                let put = store.put_object(name(), other.into()).await;
                let Put::Failed { reason: reason @ StoreError::Conflict { .. } } = put else {
                    panic!("{put:?}")
                };
                assert_eq!(reason.kind(), ErrorKind::Invalid);
            }
            assert_eq!(store.get(name()).await.unwrap(), there);
            assert_eq!(faulty.uploads().begun, begun);
        });
    }
}

/// A part is no object: whatever became of it, the object was not written, and the driver may repeat.
#[test]
fn failed_part_is_a_failed_write_that_is_aborted_and_can_be_repeated() {
    for (answer, kind) in [
        (ambiguous(), ErrorKind::Retry),
        (not_found(&Path::from("upload")), ErrorKind::Retry),
        (local(io::ErrorKind::StorageFull), ErrorKind::Retry),
        (refused(), ErrorKind::Invalid),
    ] {
        block_on(async {
            let (faulty, store) = store();
            faulty.inject(Fault::RefuseThirdPart(answer));
            let put = store.put_object(name(), object(950).into()).await;
            let Put::Failed { reason } = put else { panic!("{put:?}") };
            assert_eq!(reason.kind(), kind, "{reason}");
            assert!(reason.to_string().contains("put a part of job/state/"), "{reason}");
            assert!(matches!(store.get(name()).await, Err(StoreError::Missing { .. })));
            let uploads = faulty.uploads();
            assert_eq!((uploads.begun, uploads.completed, uploads.aborted), (1, 0, 1));
            assert!(uploads.parts.len() < 10, "the others are not even sent: {uploads:?}");
            assert!(matches!(store.put_object(name(), object(950).into()).await, Put::Written));
            assert_eq!(store.get(name()).await.unwrap(), object(950));
        });
    }
}

#[test]
fn completion_without_a_clear_answer_is_unknown_and_the_repeat_settles_it() {
    // A request that is delivered twice hears the second time that there is no such upload.
    let answers: [fn() -> object_store::Error; 3] =
        [ambiguous, || not_found(&Path::from("upload")), || local(io::ErrorKind::PermissionDenied)];
    for answer in answers {
        for fault in [Fault::LoseCompletionReply, Fault::RefuseCompletion] {
            block_on(async {
                let (faulty, store) = store();
                faulty.inject(fault(answer()));
                let put = store.put_object(name(), object(950).into()).await;
                let Put::Unknown { reason } = put else { panic!("{put:?}") };
                assert_eq!(reason.kind(), ErrorKind::Retry, "{reason}");
                assert_eq!(faulty.uploads().aborted, 1);
                assert!(matches!(store.put_object(name(), object(950).into()).await, Put::Written));
                assert_eq!(store.get(name()).await.unwrap(), object(950));
                assert_eq!(faulty.uploads().completed, 1);
            });
        }
    }
}

#[test]
fn refused_completion_is_a_failure() {
    block_on(async {
        let (faulty, store) = store();
        faulty.inject(Fault::RefuseCompletion(refused()));
        let put = store.put_object(name(), object(950).into()).await;
        let Put::Failed { reason } = put else { panic!("{put:?}") };
        assert_eq!(reason.kind(), ErrorKind::Invalid, "{reason}");
        assert_eq!(faulty.uploads().aborted, 1);
        assert!(matches!(store.get(name()).await, Err(StoreError::Missing { .. })));
    });
}

/// Whoever cannot see whether something is there writes nothing.
#[test]
fn upload_that_is_not_begun_has_written_nothing() {
    let answers: [(fn() -> object_store::Error, _); 2] =
        [(ambiguous, ErrorKind::Retry), (refused, ErrorKind::Invalid)];
    for (answer, kind) in answers {
        for fault in [Fault::RefuseHead, Fault::RefuseUpload] {
            block_on(async {
                let (faulty, store) = store();
                faulty.inject(fault(answer()));
                let put = store.put_object(name(), object(950).into()).await;
                let Put::Failed { reason } = put else { panic!("{put:?}") };
                assert_eq!(reason.kind(), kind, "{reason}");
                assert_eq!(faulty.uploads().begun, 0);
            });
        }
    }
}

/// Several processes may want to create them: their requests need the store's condition.
#[test]
fn manifests_never_go_up_in_parts() {
    block_on(async {
        let (faulty, store) = store();
        let manifest = empty_manifest(1);
        assert!(manifest.encode().unwrap().len() > 100);
        assert!(matches!(store.create_manifest(&manifest).await, Create::Created));
        assert_eq!(faulty.uploads().begun, 0);
    });
}

#[test]
fn store_without_parts_puts_everything_whole() {
    block_on(async {
        let (faulty, store) = store();
        let put = store.without_parts().put_object(name(), object(950).into()).await;
        assert!(matches!(put, Put::Written), "{put:?}");
        assert_eq!(faulty.uploads().begun, 0);
    });
}
