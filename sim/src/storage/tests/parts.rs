//! Objects in parts. The library puts whole objects; engines and readers of it may not.

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
