//! Facts about the store, each in a simulation of its own.

mod damage;
mod fates;
mod parts;
mod reads;

use super::*;
use crate::run::{Run, Violation, World, run};
use crate::trace::Recording;
use bytes::Bytes;
use futures::TryStreamExt;
use madsim::time::sleep;
use object_store::integration as suite;
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode};
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const TIMEOUT_US: u64 = 1_000_000;

/// A calm store with one client.
fn simulate<T, F, Fut>(seed: u64, simulation: F) -> Run<T>
where
    T: Send,
    F: FnOnce(World, StoreNode, SimObjectStore) -> Fut + Send,
    Fut: Future<Output = T>,
{
    run(seed, Duration::from_secs(3600), Recording::default(), |world| async move {
        let store = StoreNode::start(&world.net, &world.trace, world.random("storage"));
        let host = world.net.add_node("host");
        let client = SimObjectStore::connect(&world.net, host, 1, store.node(), TIMEOUT_US);
        Ok::<T, Violation>(simulation(world, store, client).await)
    })
}

fn failure_of<T: std::fmt::Debug>(result: Result<T, Error>) -> StoreFailure {
    match result.unwrap_err() {
        Error::Generic { source, .. } => *source.downcast_ref().expect("a failure of the simulated store"),
        other => panic!("{other}"),
    }
}

fn create() -> object_store::PutOptions {
    PutMode::Create.into()
}

/// Only this goes wrong, always.
fn trouble(store: &StoreNode, kind: TroubleKind, scope: Scope) {
    let trouble = Trouble { kind, scope, per_million: 1_000_000 };
    store.faults(|faults| *faults = StoreFaults { troubles: vec![trouble], ..StoreFaults::CALM });
}

fn calm(store: &StoreNode) {
    store.faults(|faults| *faults = StoreFaults::CALM);
}

/// The paths that a listing shows.
async fn listed(client: &SimObjectStore, prefix: &str) -> Vec<String> {
    let prefix = Path::from(prefix);
    let found: Vec<_> = client.list(Some(&prefix)).try_collect().await.unwrap();
    found.into_iter().map(|meta| meta.location.to_string()).collect()
}

/// Without `stream_get`: it uploads by `WriteMultipart`, which spawns on a tokio runtime.
#[test]
fn passes_the_integration_suite_of_object_store() {
    simulate(1, |_, store, client| async move {
        // Small pages, so that listings take several requests.
        store.faults(|faults| faults.page_objects = 2);
        suite::put_get_delete_list(&client).await;
        suite::list_with_offset_exclusivity(&client).await;
        suite::get_opts(&client).await;
        suite::list_uses_directories_correctly(&client).await;
        suite::list_with_delimiter(&client).await;
        suite::rename_and_copy(&client).await;
        suite::copy_if_not_exists(&client).await;
        suite::copy_rename_nonexistent_object(&client).await;
        suite::multipart_race_condition(&client, true).await;
        suite::multipart_out_of_order(&client).await;
        suite::put_opts(&client, true).await;
        suite::put_get_attributes(&client).await;
        let path = Path::from("not/here");
        let missing = suite::get_nonexistent_object(&client, Some(path)).await.unwrap_err();
        assert!(matches!(missing, Error::NotFound { .. }));
    })
    .outcome
    .unwrap();
}

#[test]
fn repeated_request_is_served_twice_and_answered_once() {
    simulate(6, |world, _, client| async move {
        world.net.faults(|faults| {
            faults.set_every(crate::wire::LinkFaults {
                duplicate_per_million: 1_000_000,
                ..crate::wire::LinkFaults::CALM
            });
        });
        // The create meets its own object or itself: either answer is the first that came back.
        let put = client.put_opts(&Path::from("a"), "x".into(), create()).await;
        assert!(matches!(put, Ok(_) | Err(Error::AlreadyExists { .. })), "{put:?}");
        assert_eq!(client.list(None).try_collect::<Vec<_>>().await.unwrap().len(), 1);
    })
    .outcome
    .unwrap();
}

#[test]
fn observer_sees_every_effective_mutation_in_order() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let notes = seen.clone();
    simulate(7, |_, store, client| async move {
        store.observe(move |mutation, objects| {
            let change = match &mutation.change {
                Change::Created(now) => format!("+{now:?}"),
                Change::Replaced { before, now } => format!("{before:?} -> {now:?}"),
                Change::Deleted { before } => format!("-{before:?}"),
            };
            notes.lock().unwrap().push((mutation.path.to_owned(), change, objects.len()));
        });
        let path = Path::from("a");
        client.put(&path, "1".into()).await.unwrap();
        client.put_opts(&path, "2".into(), create()).await.unwrap_err();
        client.put(&path, "3".into()).await.unwrap();
        client.delete(&path).await.unwrap();
        client.delete(&path).await.unwrap();
    })
    .outcome
    .unwrap();
    let expected = [("a", "+b\"1\"", 1), ("a", "b\"1\" -> b\"3\"", 1), ("a", "-b\"3\"", 0)];
    let seen = seen.lock().unwrap();
    assert!(seen.iter().map(|(path, change, count)| (path.as_str(), change.as_str(), *count)).eq(expected));
}

#[test]
fn large_object_comes_back_as_it_was_put() {
    simulate(8, |_, _, client| async move {
        let bytes: Bytes = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
        let path = Path::from("big");
        client.put(&path, bytes.clone().into()).await.unwrap();
        assert_eq!(client.get(&path).await.unwrap().bytes().await.unwrap(), bytes);
        assert_eq!(client.get_range(&path, 4_000..4_008).await.unwrap(), bytes.slice(4_000..4_008));
        let ranges = client.get_ranges(&path, &[0..4, 3_999_996..4_000_000]).await.unwrap();
        assert_eq!(ranges, [bytes.slice(0..4), bytes.slice(3_999_996..)]);
    })
    .outcome
    .unwrap();
}

/// Story: a host crashed while the store held up one of its uploads, and was up again at once. The
/// client of its new life numbered its requests from the beginning, so the answer to the old upload
/// was taken for the answer to a new one that the store had swallowed: a task acknowledged a snapshot
/// that did not exist, and it was committed. Found by the invariant
/// `named_objects_exist_as_first_written` (chaos swarm, seed 4395).
#[test]
fn answer_to_an_earlier_life_is_no_answer_to_this_one() {
    let run = simulate(1, |world, store, before| async move {
        store.faults(|faults| (faults.late_per_million, faults.late_us) = (1_000_000, (300_000, 300_000)));
        let held_up = async { before.put(&Path::from("old"), "old".into()).await.map(drop) };
        let crash = async {
            sleep(Duration::from_millis(100)).await;
            let host = world.net.nodes().into_iter().find(|node| &*world.net.name(*node) == "host").unwrap();
            world.net.crash(host);
            world.net.boot(host);
            store.faults(|faults| (faults.late_per_million, faults.swallowed_per_million) = (0, 1_000_000));
            let after = SimObjectStore::connect(&world.net, host, 1, store.node(), TIMEOUT_US);
            failure_of(after.put(&Path::from("new"), "new".into()).await.map(drop))
        };
        let crashed = futures::future::select(Box::pin(held_up), Box::pin(crash)).await;
        match crashed {
            futures::future::Either::Right((failure, _)) => failure,
            futures::future::Either::Left((answer, _)) => panic!("a dead client heard {answer:?}"),
        }
    });
    assert_eq!(run.outcome.unwrap(), StoreFailure::TimedOut { after_us: TIMEOUT_US });
}
