//! What a cloud turns down for the moment: a part is sent again, nothing else is.

use std::{env, sync::Arc};

use keygroups::{
    ErrorKind,
    store::{CheckpointStore, Create, Put},
};
use object_store::{ObjectStoreScheme, RetryConfig, aws::AmazonS3Builder};
use url::Url;

use crate::{
    common::sample::empty_manifest,
    long, name,
    proxy::{Proxy, TurnedDown},
    url,
};

/// A store with a proxy before it, its client built as for a checkpoint store.
fn behind(proxy: &Proxy, test: &str) -> CheckpointStore {
    let url = url(test);
    let (_, prefix) = ObjectStoreScheme::parse(&Url::parse(&url).unwrap()).unwrap();
    let client = AmazonS3Builder::from_env()
        .with_url(url)
        .with_endpoint(&proxy.endpoint)
        .with_retry(RetryConfig { max_retries: 0, ..RetryConfig::default() })
        .build()
        .unwrap();
    CheckpointStore::new(Arc::new(client), prefix).with_parts((5 << 20).try_into().unwrap())
}

fn proxy(is_meant: fn(&str) -> bool, times: usize) -> Proxy {
    let endpoint = env::var("AWS_ENDPOINT").expect("AWS_ENDPOINT is the server to go to, http://host:port");
    let server = endpoint.trim_start_matches("http://").trim_end_matches('/').to_owned();
    Proxy::before(server, TurnedDown { is_meant, times })
}

#[tokio::test]
async fn part_is_sent_again_and_the_object_is_whole() {
    let proxy = proxy(|line| line.contains("partNumber=2"), 2);
    let store = behind(&proxy, "second-part");
    let put = store.put_object(name(), long().into()).await;
    assert!(matches!(put, Put::Written), "{put:?}");
    assert!(store.get(name()).await.unwrap() == long());
    let parts = [1, 2, 3].map(|part| proxy.heard(&format!("partNumber={part}")));
    assert_eq!(parts, [1, 3, 1]);
    assert_eq!(proxy.heard("POST"), 2, "begun once, completed once");
}

#[tokio::test]
async fn part_that_is_always_turned_down_fails_the_write_which_is_aborted() {
    let proxy = proxy(|line| line.contains("partNumber=2"), usize::MAX);
    let store = behind(&proxy, "no-second-part");
    let put = store.put_object(name(), long().into()).await;
    let Put::Failed { reason } = put else { panic!("{put:?}") };
    assert_eq!(reason.kind(), ErrorKind::Retry, "{reason}");
    assert_eq!((proxy.heard("partNumber=2"), proxy.heard("DELETE")), (4, 1));
}

/// Only the protocol knows what the repeat of a create means.
#[tokio::test]
async fn manifest_is_sent_once() {
    let proxy = proxy(|line| line.starts_with("PUT"), 1);
    let store = behind(&proxy, "manifest");
    let create = store.create_manifest(&empty_manifest(1)).await;
    assert!(matches!(create, Create::Unknown { .. }), "{create:?}");
    assert_eq!(proxy.heard("PUT"), 1);
    let create = store.create_manifest(&empty_manifest(1)).await;
    assert!(matches!(create, Create::Created), "{create:?}");
}

#[tokio::test]
async fn beginning_and_completion_of_an_upload_are_sent_once() {
    let first = proxy(|line| line.contains("?uploads"), 1);
    let put = behind(&first, "begin").put_object(name(), long().into()).await;
    assert!(matches!(put, Put::Failed { .. }), "{put:?}");
    assert_eq!(first.heard("POST"), 1);

    let last = proxy(|line| line.starts_with("POST") && line.contains("uploadId="), 1);
    let store = behind(&last, "complete");
    let put = store.put_object(name(), long().into()).await;
    assert!(matches!(put, Put::Unknown { .. }), "{put:?}");
    assert_eq!((last.heard("POST"), last.heard("DELETE")), (2, 1));
    let put = store.put_object(name(), long().into()).await;
    assert!(matches!(put, Put::Written), "{put:?}");
    assert!(store.get(name()).await.unwrap() == long());
}
