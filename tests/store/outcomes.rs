//! What a create says happened is what happened, or it says that it does not know.

use std::{io, sync::Arc};

use futures::executor::block_on;
use keygroups::{
    ErrorKind,
    checkpoint::ManifestVersion,
    store::{CheckpointStore, Create, Put, StoreError},
};
use object_store::{memory::InMemory, path::Path};

use crate::{
    common::sample::{attempt, empty_manifest, record},
    faulty::{Fault, Faulty, ambiguous, local, not_found},
};

fn faulty() -> (Faulty, CheckpointStore) {
    let faulty = Faulty::new(Arc::new(InMemory::new()));
    (faulty.clone(), CheckpointStore::new(Arc::new(faulty), Path::default()))
}

fn denied() -> object_store::Error {
    object_store::Error::PermissionDenied { path: "manifest".to_owned(), source: "403".into() }
}

/// S3 answers so while another conditional write of the same name is under way, whatever comes of
/// that one; object_store turns every 409 into `AlreadyExists`.
fn conditional_request_conflict() -> object_store::Error {
    let source = "Server returned non-2xx status code: 409 Conflict: ConditionalRequestConflict".into();
    object_store::Error::AlreadyExists { path: "manifest".to_owned(), source }
}

#[test]
fn a_lost_reply_is_unknown_and_reading_settles_it() {
    block_on(async {
        let (faults, store) = faulty();
        let manifest = empty_manifest(1);
        faults.inject(Fault::LosePutReply(ambiguous()));
        assert!(matches!(store.create_manifest(&manifest).await, Create::Unknown { .. }));
        assert_eq!(store.latest_manifest().await.unwrap().as_ref(), Some(&manifest));
        // The repeat meets its own object.
        assert!(matches!(store.create_manifest(&manifest).await, Create::Exists));
    });
}

#[test]
fn a_lost_request_is_unknown_and_repeating_it_creates() {
    block_on(async {
        for answer in [ambiguous(), conditional_request_conflict(), local(io::ErrorKind::Other)] {
            let (faults, store) = faulty();
            faults.inject(Fault::RefusePut(answer));
            let outcome = store.create_manifest(&empty_manifest(1)).await;
            let Create::Unknown { reason } = outcome else { panic!("{outcome:?}") };
            assert_eq!(reason.kind(), ErrorKind::Retry);
            assert_eq!(store.latest_manifest().await.unwrap(), None);
            assert!(matches!(store.create_manifest(&empty_manifest(1)).await, Create::Created));
        }
    });
}

#[test]
fn a_refusal_is_a_failure() {
    block_on(async {
        let not_implemented = object_store::Error::NotImplemented {
            operation: "conditional put".to_owned(),
            implementer: "an old store".to_owned(),
        };
        for (answer, kind) in [
            (denied(), ErrorKind::Invalid),
            (not_implemented, ErrorKind::Invalid),
            (not_found(&Path::from("no-such-bucket")), ErrorKind::Invalid),
            (local(io::ErrorKind::ReadOnlyFilesystem), ErrorKind::Invalid),
            (local(io::ErrorKind::PermissionDenied), ErrorKind::Invalid),
            (local(io::ErrorKind::StorageFull), ErrorKind::Retry),
        ] {
            let (faults, store) = faulty();
            faults.inject(Fault::RefusePut(answer));
            let outcome = store.create_manifest(&empty_manifest(1)).await;
            let Create::Failed { reason } = outcome else { panic!("{outcome:?}") };
            assert_eq!(reason.kind(), kind, "{reason}");
        }
    });
}

/// The local file system links a file into its directory and then opens the directory to sync it.
/// A refusal can come from the second step, when the file is already visible.
#[test]
fn a_local_refusal_after_the_effect_is_unknown() {
    block_on(async {
        let (faults, store) = faulty();
        faults.inject(Fault::LosePutReply(local(io::ErrorKind::PermissionDenied)));
        let outcome = store.create_manifest(&empty_manifest(1)).await;
        assert!(matches!(outcome, Create::Unknown { .. }), "{outcome:?}");
    });
}

/// An `io::Error` of a network client says nothing about what the store did.
#[test]
fn a_refusal_by_the_network_is_unknown() {
    block_on(async {
        let (faults, store) = faulty();
        let source = io::Error::from(io::ErrorKind::PermissionDenied).into();
        faults.inject(Fault::RefusePut(object_store::Error::Generic { store: "S3", source }));
        let outcome = store.create_manifest(&empty_manifest(1)).await;
        assert!(matches!(outcome, Create::Unknown { .. }), "{outcome:?}");
    });
}

/// If it were written, no coordinator could ever read the newest manifest again.
#[test]
fn a_manifest_that_nobody_could_read_is_not_written() {
    block_on(async {
        let (_, store) = faulty();
        let mut manifest = empty_manifest(1);
        manifest.checkpoints.push(record(attempt(1, 1), 1));
        let outcome = store.create_manifest(&manifest).await;
        let Create::Failed { reason: reason @ StoreError::Content { .. } } = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(
            reason.to_string(),
            "manifest/00000000000000000001 is not written: \
             the next checkpoint would be 1: it must be above 1, which is committed"
        );
        assert_eq!(store.list_manifests().await.unwrap(), Vec::<ManifestVersion>::new());
    });
}

#[test]
fn an_object_whose_reply_was_lost_is_written_by_the_repeat() {
    block_on(async {
        let (faults, store) = faulty();
        let name = record(attempt(1, 1), 1).tasks[0].state.object;
        faults.inject(Fault::LosePutReply(ambiguous()));
        assert!(matches!(store.put_object(name, "state".into()).await, Put::Unknown { .. }));
        assert!(matches!(store.put_object(name, "state".into()).await, Put::Written));
        // The comparison itself can be cut off.
        faults.inject(Fault::RefuseGet(ambiguous()));
        assert!(matches!(store.put_object(name, "state".into()).await, Put::Unknown { .. }));
        faults.inject(Fault::HideFromGet);
        assert!(matches!(store.put_object(name, "state".into()).await, Put::Unknown { .. }));
    });
}
