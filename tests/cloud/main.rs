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

use bytes::Bytes;
use keygroups::{checkpoint::ObjectName, store::CheckpointStore};

use crate::common::sample::{attempt, record};

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

/// The name of an object that is written once.
fn name() -> ObjectName {
    record(attempt(1, 1), 1).tasks[1].state.object
}

/// Three parts of 5 MiB, the shortest that S3 takes, no two of them alike.
fn long() -> Bytes {
    (0..12_000_000_u32).map(|at| (at * 31 + at / 1_000_003) as u8).collect()
}
