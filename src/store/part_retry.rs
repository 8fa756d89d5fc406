//! Sends a part again that a cloud has turned down for the moment.
//!
//! It is the one repeat that the protocol does not know of, and the one that means nothing to it: nobody sees a part, and a
//! part that arrives twice is the same part. Without it an upload of a thousand parts would begin anew whenever one of
//! them meets a 503. The requests that begin and complete an upload are not repeated.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use object_store::{
    PutMultipartOptions,
    client::HttpErrorKind,
    retry::{RetryContext, RetryFailure, RetryPolicy},
};

/// As often as the driver tries a request.
const TRIES_MAX: usize = 4;

/// After the first try; it doubles with every other.
const PAUSE: Duration = Duration::from_millis(500);

/// Options of an upload whose parts are repeated; stores that are no clouds do not heed them.
pub(super) fn options() -> PutMultipartOptions {
    PutMultipartOptions::default().with_retry_policy(Arc::new(AfterAPause))
}

#[derive(Debug)]
struct AfterAPause;

#[async_trait]
impl RetryPolicy for AfterAPause {
    async fn retry(&self, context: RetryContext) -> bool {
        let may_pass = match context.failure {
            // S3 may say so in the body of a success.
            RetryFailure::Status(status) => {
                status.is_success() || status.is_server_error() || matches!(status.as_u16(), 408 | 429)
            }
            RetryFailure::Transport(kind) => !matches!(kind, HttpErrorKind::Decode),
            _ => false,
        };
        if !may_pass || context.attempt >= TRIES_MAX {
            return false;
        }
        tokio::time::sleep(PAUSE * (1 << (context.attempt - 1))).await;
        true
    }
}
