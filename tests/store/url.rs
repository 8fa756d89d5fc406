//! Opening a store.

use futures::executor::block_on;
use keygroups::{ErrorKind, store::CheckpointStore};

use crate::{common::sample::manifest, create, latest_version};

fn error(url: &str) -> String {
    let error = CheckpointStore::from_url(url).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    error.to_string()
}

#[test]
fn a_path_and_a_file_url_are_the_same_directory_and_it_is_created() {
    let guard = tempfile::tempdir().unwrap();
    let directory = guard.path().join("a b").join("50%").join("checkpoints");
    block_on(async {
        let by_path = CheckpointStore::from_url(directory.to_str().unwrap()).unwrap();
        create(&by_path, &manifest(1)).await;
        let url = url::Url::from_directory_path(&directory).unwrap();
        let by_url = CheckpointStore::from_url(url.as_str()).unwrap();
        assert_eq!(latest_version(&by_url).await, latest_version(&by_path).await);
        assert!(directory.join("manifest").join("00000000000000000001").is_file());
    });
}

#[test]
fn each_memory_url_is_a_new_store() {
    block_on(async {
        let one = CheckpointStore::from_url("memory:///jobs").unwrap();
        create(&one, &manifest(1)).await;
        let other = CheckpointStore::from_url("memory:///jobs").unwrap();
        assert_eq!(latest_version(&other).await, None);
        assert_eq!(one.layout().prefix().as_ref(), "jobs");
    });
}

#[test]
fn a_file_is_no_checkpoint_directory() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    for path in [path.to_owned(), format!("{path}/below")] {
        let message = error(&path);
        assert!(message.starts_with(&format!("cannot keep checkpoints or copies in {path}: ")), "{message}");
    }
}

#[test]
fn an_unknown_scheme_is_answered_with_those_that_exist() {
    let expected = "cannot open the checkpoint store ftp://host/x: \
        `ftp` is not one of a directory, file:///, memory:///, s3://, gs:// and az://";
    assert_eq!(error("ftp://host/x"), expected);
    assert!(error("https://example.com/x").contains("`https` is not one of"));
    assert!(error("file://host/x").contains("three slashes"));
    assert!(error("").starts_with("cannot keep checkpoints or copies in : "));
}

#[test]
fn length_of_parts_is_an_option_of_a_url() {
    block_on(async {
        let store = CheckpointStore::from_url("memory:///jobs?part_bytes=100").unwrap();
        assert_eq!(store.layout().prefix().as_ref(), "jobs");
        create(&store, &manifest(1)).await;
        assert_eq!(latest_version(&store).await.map(|version| version.0), Some(1));
    });
}

#[test]
fn option_that_a_store_does_not_have_is_refused() {
    let of = |url: &str| error(url).split_once(&format!("{url}: ")).unwrap().1.to_owned();
    assert_eq!(
        of("memory:///jobs?map=on"),
        "`map=on` is no option of this store: `part_bytes=<bytes>` is the only one"
    );
    let message = of("file:///tmp?part_bytes=100");
    assert!(message.starts_with("`part_bytes=100` is none of `sync=on`"), "{message}");
    for bytes in ["0", "-1", "", "5M", "18446744073709551616"] {
        let expected = format!("`part_bytes={bytes}`: parts have 1 to 18446744073709551615 bytes here");
        assert_eq!(of(&format!("memory:///jobs?part_bytes={bytes}")), expected);
    }
    for (url, most) in [("s3://bucket/jobs", 5_u64 << 30), ("az://container/jobs", 4_000 << 20)] {
        for bytes in [(5 << 20) - 1, most + 1] {
            let expected = format!("`part_bytes={bytes}`: parts have 5242880 to {most} bytes here");
            assert_eq!(of(&format!("{url}?part_bytes={bytes}")), expected);
        }
    }
}

/// A fuzzer's find: the part behind a `#` was dropped, and with it the end of a prefix in which somebody had not escaped
/// it, so that jobs met in one place; and an error named the URL without what was behind a `?`.
#[test]
fn a_fragment_is_refused_and_the_url_is_named_as_it_was_written() {
    let directory = tempfile::tempdir().unwrap();
    let file = url::Url::from_directory_path(directory.path()).unwrap();
    for url in ["memory:///jobs#1", "s3://bucket/jobs#1", "gs://bucket#?", &format!("{file}jobs#1")] {
        let expected = format!(
            "cannot open the checkpoint store {url}: what is behind `#` would be left out: in a name, write it `%23`"
        );
        assert_eq!(error(url), expected);
    }
    assert!(!directory.path().join("jobs").exists());
    let store = CheckpointStore::from_url(&format!("{file}jobs%231")).unwrap();
    assert!(directory.path().join("jobs#1").is_dir(), "{store}");
}

#[cfg(not(feature = "aws"))]
#[test]
fn a_cloud_without_its_feature_names_the_feature() {
    assert_eq!(
        error("s3://bucket/prefix"),
        "cannot open the checkpoint store s3://bucket/prefix: \
         keygroups was built without it: enable the cargo feature `aws`"
    );
    assert!(
        error("s3://bucket/prefix?part_bytes=5242880")
            .contains("prefix?part_bytes=5242880: keygroups was built")
    );
}
