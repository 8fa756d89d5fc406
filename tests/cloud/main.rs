//! The checkpoint store in a cloud, or at a server that speaks like one.
//!
//! `KEYGROUPS_CLOUD_URL` says where, as `s3://bucket/prefix`; object_store's variables say how to get there
//! (`AWS_ENDPOINT` and others). Below the prefix nothing is there before, and what was written stays. `.ci/s3` starts a
//! server and says all that.

#[path = "../common/mod.rs"]
mod common;

mod objects;
mod proxy;
mod turned_down;

use std::{env, process};

use keygroups::store::CheckpointStore;

/// The checkpoint store of one test, with `options` behind its URL.
fn store(test: &str, options: &str) -> CheckpointStore {
    let url = url(test);
    CheckpointStore::from_url(&format!("{url}{options}")).unwrap_or_else(|error| panic!("{error}"))
}

fn url(test: &str) -> String {
    let url = env::var("KEYGROUPS_CLOUD_URL").expect(
        "KEYGROUPS_CLOUD_URL says where, as s3://bucket/prefix; .ci/s3 starts a server for these tests",
    );
    format!("{url}/{}/{test}", process::id())
}
