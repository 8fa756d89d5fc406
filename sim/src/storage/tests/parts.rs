//! Objects in parts.

use super::*;

#[test]
fn unfinished_upload_is_never_seen() {
    simulate(31, |world, store, client| async move {
        let path = Path::from("job/state/a");
        let mut upload = client.put_multipart(&path).await.unwrap();
        upload.put_part("first".into()).await.unwrap();
        assert!(matches!(client.get(&path).await, Err(Error::NotFound { .. })));
        assert!(listed(&client, "job").await.is_empty());
        let host = world.net.nodes()[1];
        world.net.crash(host);
        world.net.boot(host);
        let after = SimObjectStore::connect(&world.net, host, 1, store.node(), TIMEOUT_US);
        sleep(Duration::from_secs(600)).await;
        assert!(matches!(after.head(&path).await, Err(Error::NotFound { .. })));
        assert!(listed(&after, "job").await.is_empty());
        assert_eq!((store.unfinished_uploads(), store.look(|objects| objects.len())), (1, 0));
        // Nor does it hinder anybody from taking the name.
        after.put_opts(&path, "other".into(), create()).await.unwrap();
        assert_eq!(after.get(&path).await.unwrap().bytes().await.unwrap(), "other");
    })
    .outcome
    .unwrap();
}

#[test]
fn completed_upload_is_seen_whole_and_an_aborted_one_is_forgotten() {
    simulate(32, |_, store, client| async move {
        let path = Path::from("a");
        let mut upload = client.put_multipart(&path).await.unwrap();
        let (first, second) = (upload.put_part("fir".into()), upload.put_part("st".into()));
        second.await.unwrap();
        first.await.unwrap();
        upload.complete().await.unwrap();
        assert_eq!(client.get(&path).await.unwrap().bytes().await.unwrap(), "first");
        assert_eq!((store.finished_uploads(), store.unfinished_uploads()), (1, 0));
        let mut other = client.put_multipart(&path).await.unwrap();
        other.put_part("other".into()).await.unwrap();
        assert_eq!(store.unfinished_uploads(), 1);
        other.abort().await.unwrap();
        assert_eq!(store.unfinished_uploads(), 0);
        assert!(matches!(other.complete().await, Err(Error::NotFound { .. })));
        assert_eq!(client.get(&path).await.unwrap().bytes().await.unwrap(), "first");
    })
    .outcome
    .unwrap();
}

/// Whoever completes an upload overwrites: the observer must see both, or nobody could judge it.
#[test]
fn completed_uploads_are_seen_as_creation_and_as_replacement() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let notes = seen.clone();
    simulate(33, |_, store, client| async move {
        store.observe(move |mutation, _| {
            notes.lock().unwrap().push(match &mutation.change {
                Change::Created(now) => format!("+{now:?}"),
                Change::Replaced { before, now } => format!("{before:?} -> {now:?}"),
                Change::Deleted { before } => format!("-{before:?}"),
            });
        });
        let path = Path::from("a");
        for parts in [["1", "2"], ["3", "4"]] {
            let mut upload = client.put_multipart(&path).await.unwrap();
            for part in parts {
                upload.put_part(part.into()).await.unwrap();
            }
            upload.complete().await.unwrap();
        }
        client.put_multipart(&path).await.unwrap().abort().await.unwrap();
    })
    .outcome
    .unwrap();
    assert_eq!(*seen.lock().unwrap(), ["+b\"12\"", "b\"12\" -> b\"34\""]);
}
