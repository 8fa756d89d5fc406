//! What becomes of a request, and what its client can know.

use super::*;
use crate::wire::now_us;

#[test]
fn refused_put_has_no_effect_and_says_so() {
    simulate(2, |_, store, client| async move {
        store.faults(|faults| faults.refused_per_million = 1_000_000);
        let put = client.put_opts(&Path::from("a"), "x".into(), create()).await;
        assert_eq!(failure_of(put), StoreFailure::Refused);
        assert!(store.look(|objects| objects.is_empty()));
    })
    .outcome
    .unwrap();
}

#[test]
fn unanswered_put_times_out_with_its_effect_and_swallowed_put_without() {
    simulate(3, |_, store, client| async move {
        let timed_out = StoreFailure::TimedOut { after_us: TIMEOUT_US };
        store.faults(|faults| faults.unanswered_per_million = 1_000_000);
        assert_eq!(failure_of(client.put_opts(&Path::from("a"), "x".into(), create()).await), timed_out);
        store.faults(|faults| {
            *faults = StoreFaults { swallowed_per_million: 1_000_000, ..StoreFaults::CALM };
        });
        assert_eq!(failure_of(client.put_opts(&Path::from("b"), "x".into(), create()).await), timed_out);
        assert!(store.look(|objects| objects.keys().eq(["a"])));
    })
    .outcome
    .unwrap();
}

#[test]
fn late_put_lands_after_its_client_gave_up_and_looked() {
    simulate(4, |_, store, client| async move {
        store.faults(|faults| {
            faults.late_per_million = 1_000_000;
            faults.late_us = (5_000_000, 5_000_000);
        });
        let path = Path::from("a");
        assert!(matches!(
            failure_of(client.put_opts(&path, "first".into(), create()).await),
            StoreFailure::TimedOut { .. }
        ));
        store.faults(|faults| *faults = StoreFaults::CALM);
        assert!(matches!(client.head(&path).await, Err(Error::NotFound { .. })));
        assert_eq!(store.late_requests(), 1);
        sleep(Duration::from_secs(6)).await;
        assert_eq!(store.late_requests(), 0);
        let again = client.put_opts(&path, "second".into(), create()).await;
        assert!(matches!(again, Err(Error::AlreadyExists { .. })));
        assert_eq!(client.get(&path).await.unwrap().bytes().await.unwrap(), "first");
    })
    .outcome
    .unwrap();
}

#[test]
fn outage_and_partition_stop_the_store_until_they_end() {
    simulate(5, |world, store, client| async move {
        let path = Path::from("a");
        store.faults(|faults| faults.outage = Some(Outage::Refuses));
        assert_eq!(failure_of(client.put(&path, "x".into()).await), StoreFailure::Refused);
        store.faults(|faults| faults.outage = Some(Outage::Silent));
        let before_us = now_us();
        assert!(matches!(failure_of(client.put(&path, "x".into()).await), StoreFailure::TimedOut { .. }));
        assert!((TIMEOUT_US..TIMEOUT_US + 2_000).contains(&(now_us() - before_us)));
        store.faults(|faults| faults.outage = None);
        let host = world.net.nodes()[1];
        world.net.faults(|faults| faults.cut(store.node(), host));
        assert!(matches!(failure_of(client.put(&path, "x".into()).await), StoreFailure::TimedOut { .. }));
        world.net.faults(|faults| faults.mend(store.node(), host));
        assert_eq!(client.get(&path).await.unwrap().bytes().await.unwrap(), "x");
    })
    .outcome
    .unwrap();
}

async fn create_at(client: &SimObjectStore, path: &str) -> Result<(), Error> {
    client.put_opts(&Path::from(path), "x".into(), create()).await.map(drop)
}

fn there(store: &StoreNode) -> Vec<String> {
    store.look(|objects| objects.keys().cloned().collect())
}

#[test]
fn server_error_says_nothing_about_the_effect() {
    simulate(11, |_, store, client| async move {
        trouble(&store, TroubleKind::ErrorWithoutEffect, Scope::Everything);
        assert_eq!(failure_of(create_at(&client, "job/state/a").await), StoreFailure::ServerError);
        assert!(there(&store).is_empty());
        trouble(&store, TroubleKind::ErrorWithEffect, Scope::Everything);
        assert_eq!(failure_of(create_at(&client, "job/state/a").await), StoreFailure::ServerError);
        assert_eq!(there(&store), ["job/state/a"]);
        assert_eq!((store.counts().refused, store.counts().failed), (1, 1));
    })
    .outcome
    .unwrap();
}

#[test]
fn timeouts_leave_the_effect_absent_present_or_late() {
    simulate(12, |_, store, client| async move {
        let timed_out = StoreFailure::TimedOut { after_us: TIMEOUT_US };
        trouble(&store, TroubleKind::TimeoutWithoutEffect, Scope::Everything);
        assert_eq!(failure_of(create_at(&client, "a").await), timed_out);
        trouble(&store, TroubleKind::TimeoutWithEffect, Scope::Everything);
        assert_eq!(failure_of(create_at(&client, "b").await), timed_out);
        let late_us = (3_000_000, 3_000_000);
        trouble(&store, TroubleKind::TimeoutLateEffect { late_us }, Scope::Everything);
        assert_eq!(failure_of(create_at(&client, "c").await), timed_out);
        assert_eq!(there(&store), ["b"]);
        sleep(Duration::from_secs(3)).await;
        assert_eq!(there(&store), ["b", "c"]);
    })
    .outcome
    .unwrap();
}

#[test]
fn lost_reply_of_a_create_lets_its_repeat_meet_itself() {
    simulate(13, |_, store, client| async move {
        trouble(&store, TroubleKind::CreateReplyLost, Scope::Manifests);
        let first = create_at(&client, "job/manifest/1").await;
        assert!(matches!(failure_of(first), StoreFailure::TimedOut { .. }));
        let again = create_at(&client, "job/manifest/1").await;
        assert!(matches!(again, Err(Error::AlreadyExists { .. })), "{again:?}");
        create_at(&client, "job/state/1").await.unwrap();
        client.put(&Path::from("job/manifest/1"), "y".into()).await.unwrap();
    })
    .outcome
    .unwrap();
}

#[test]
fn throttled_store_refuses_what_comes_faster_than_its_rate() {
    simulate(14, |_, store, client| async move {
        trouble(&store, TroubleKind::Throttling { per_second: 2, burst: 3 }, Scope::Everything);
        let mut refused = 0;
        for number in 0..40 {
            match create_at(&client, &number.to_string()).await {
                Ok(()) => {}
                failed => {
                    assert_eq!(failure_of(failed), StoreFailure::SlowDown);
                    refused += 1;
                }
            }
            sleep(Duration::from_millis(100)).await;
        }
        // Some five seconds at two a second, and the burst.
        assert!((24..=30).contains(&refused), "{refused}");
        assert_eq!(there(&store).len() + refused, 40);
    })
    .outcome
    .unwrap();
}

#[test]
fn full_store_reads_and_deletes_and_writes_nothing() {
    simulate(15, |_, store, client| async move {
        let path = Path::from("job/state/a");
        client.put(&path, "x".into()).await.unwrap();
        trouble(&store, TroubleKind::Full, Scope::State);
        assert_eq!(failure_of(create_at(&client, "job/state/b").await), StoreFailure::Full);
        assert_eq!(failure_of(client.put_multipart(&path).await.map(drop)), StoreFailure::Full);
        assert_eq!(client.get(&path).await.unwrap().bytes().await.unwrap(), "x");
        create_at(&client, "job/manifest/1").await.unwrap();
        client.delete(&path).await.unwrap();
        assert_eq!(there(&store), ["job/manifest/1"]);
    })
    .outcome
    .unwrap();
}

#[test]
fn slow_store_answers_later_and_works_at_once() {
    simulate(16, |_, store, client| async move {
        trouble(&store, TroubleKind::Slow { extra_us: (700_000, 800_000) }, Scope::Everything);
        let before_us = now_us();
        create_at(&client, "a").await.unwrap();
        assert!((700_000..900_000).contains(&(now_us() - before_us)));
        trouble(&store, TroubleKind::Slow { extra_us: (3_000_000, 3_000_000) }, Scope::Everything);
        assert!(matches!(failure_of(create_at(&client, "b").await), StoreFailure::TimedOut { .. }));
        assert_eq!(there(&store), ["a", "b"]);
    })
    .outcome
    .unwrap();
}

#[test]
fn troubles_of_several_scopes_go_on_together() {
    simulate(17, |_, store, client| async move {
        let trouble = |kind, scope| Trouble { kind, scope, per_million: 1_000_000 };
        store.faults(|faults| {
            faults.troubles = vec![
                trouble(TroubleKind::Full, Scope::State),
                trouble(TroubleKind::ErrorWithoutEffect, Scope::Below("job/output/1".to_owned())),
            ];
        });
        assert_eq!(failure_of(create_at(&client, "job/state/a").await), StoreFailure::Full);
        assert_eq!(failure_of(create_at(&client, "job/output/1/a").await), StoreFailure::ServerError);
        create_at(&client, "job/output/2/a").await.unwrap();
    })
    .outcome
    .unwrap();
}
