//! Readers that are given something else than what is there; a repeat gets the right bytes.

use super::*;

async fn read(client: &SimObjectStore, path: &str) -> Result<Bytes, Error> {
    client.get(&Path::from(path)).await?.bytes().await
}

/// What a reader of `job/state/a` gets under that trouble; afterwards the object is as it was.
fn under(kind: TroubleKind) -> Result<Bytes, Error> {
    simulate(21, |_, store, client| async move {
        for (path, bytes) in [("job/state/a", "aaaa"), ("job/state/b", "bbbb"), ("job/manifest/1", "m")] {
            client.put(&Path::from(path), bytes.into()).await.unwrap();
        }
        trouble(&store, kind, Scope::State);
        let found = read(&client, "job/state/a").await;
        assert_eq!(read(&client, "job/manifest/1").await.unwrap(), "m");
        assert_eq!(store.counts().untrue, 1);
        calm(&store);
        assert_eq!(read(&client, "job/state/a").await.unwrap(), "aaaa");
        found
    })
    .outcome
    .unwrap()
}

#[test]
fn rotten_read_differs_in_one_bit() {
    let found = under(TroubleKind::ReadRot).unwrap();
    let flipped: u32 = found.iter().map(|byte| (byte ^ b'a').count_ones()).sum();
    assert_eq!((found.len(), flipped), (4, 1));
}

#[test]
fn truncated_read_is_shorter() {
    let found = under(TroubleKind::ReadTruncation).unwrap();
    assert!(found.len() < 4 && b"aaaa".starts_with(&found), "{found:?}");
}

#[test]
fn misdirected_read_gets_a_neighbour_of_the_same_kind() {
    assert_eq!(under(TroubleKind::ReadMisdirection).unwrap(), "bbbb");
}

#[test]
fn denied_object_is_not_found() {
    assert!(matches!(under(TroubleKind::ReadMissing), Err(Error::NotFound { .. })));
}

#[test]
fn stale_listing_omits_the_newest_until_they_are_old_enough() {
    simulate(22, |_, store, client| async move {
        for path in ["job/state/a", "job/state/c"] {
            client.put(&Path::from(path), "x".into()).await.unwrap();
        }
        sleep(Duration::from_secs(5)).await;
        for path in ["job/state/d", "job/state/b", "job/output/a"] {
            client.put(&Path::from(path), "x".into()).await.unwrap();
        }
        let all = ["job/state/a", "job/state/b", "job/state/c", "job/state/d"];
        trouble(&store, TroubleKind::StaleListing { young_us: 2_000_000, objects_max: 5 }, Scope::State);
        assert_eq!(listed(&client, "job/state").await, ["job/state/a", "job/state/c"]);
        assert_eq!(listed(&client, "job/output").await, ["job/output/a"]);
        trouble(&store, TroubleKind::StaleListing { young_us: 2_000_000, objects_max: 1 }, Scope::State);
        // The newest was written last, wherever it sorts.
        assert_eq!(listed(&client, "job/state").await, ["job/state/a", "job/state/c", "job/state/d"]);
        sleep(Duration::from_secs(2)).await;
        assert_eq!(listed(&client, "job/state").await, all);
        // What a listing omits can be read all the same.
        trouble(&store, TroubleKind::StaleListing { young_us: 60_000_000, objects_max: 5 }, Scope::State);
        assert!(listed(&client, "job/state").await.is_empty());
        assert_eq!(read(&client, "job/state/b").await.unwrap(), "x");
    })
    .outcome
    .unwrap();
}
