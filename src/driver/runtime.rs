//! What the engine's async runtime must provide, and requests that end in time.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures::{FutureExt, channel::oneshot, future::BoxFuture};
use pin_project_lite::pin_project;

use super::{DriverError, Timings};
use crate::ErrorKind;

/// Time and, if there is one, a place for long computations. The library has no clock of its own,
/// so that a simulation can give it one.
pub trait Runtime: Send + Sync + 'static {
    /// Ends after `duration` by the clock of this process. May end late, should not end early: how well
    /// clocks agree decides how often somebody is given up for nothing, and nothing else.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;

    /// Runs `work`, which encodes or decodes state and can take seconds per gigabyte. The default
    /// runs it at once; a runtime with threads should run it where it does not hold up
    /// heartbeats (tokio: `spawn_blocking`).
    fn compute(&self, work: Box<dyn FnOnce() + Send>) {
        work();
    }
}

/// What requests need besides the store. Cheap to clone.
#[derive(Clone)]
pub(super) struct Requests {
    pub(super) runtime: Arc<dyn Runtime>,
    // Shared, for every request takes it along.
    pub(super) timings: Arc<Timings>,
}

impl Requests {
    /// The answer of `request`, or [`DriverError::TimedOut`] after `limit`. A request that is given
    /// up may still have its effect.
    pub(super) const fn within<F: Future>(
        &self,
        limit: Duration,
        operation: &'static str,
        request: F,
    ) -> Within<'_, F> {
        Within { requests: self, limit, operation, request, sleep: None }
    }

    /// Tries `request` until it succeeds, or fails in a way that a repeat cannot mend, or has
    /// failed [`TRIES_MAX`] times; with a pause in between. For requests that are harmless to
    /// repeat.
    pub(super) async fn repeated<T, F>(&self, mut request: impl FnMut() -> F) -> Result<T, DriverError>
    where
        F: Future<Output = Result<T, DriverError>>,
    {
        let mut tries = 1;
        loop {
            match request().await {
                Err(error) if error.kind() == ErrorKind::Retry && tries < TRIES_MAX => {
                    tries += 1;
                    self.runtime.sleep(self.timings.store_retry).await;
                }
                answer => return answer,
            }
        }
    }

    /// What `work` gives, wherever the runtime runs it.
    pub(super) async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, DriverError> {
        let (sender, receiver) = oneshot::channel();
        self.runtime.compute(Box::new(move || {
            // Nobody waits any more if the task was dropped meanwhile.
            drop(sender.send(work()));
        }));
        receiver.await.map_err(|_| DriverError::ComputeDropped)
    }
}

pin_project! {
    /// See [`Requests::within`]. Not an `async fn`, which has room for what it is given twice: requests are long, and each is
    /// moved to where it runs.
    #[must_use = "futures do nothing unless polled"]
    pub(super) struct Within<'a, F> {
        requests: &'a Requests,
        limit: Duration,
        operation: &'static str,
        #[pin]
        request: F,
        // From the first time on that it is polled.
        sleep: Option<BoxFuture<'static, ()>>,
    }
}

impl<F: Future> Future for Within<'_, F> {
    type Output = Result<F::Output, DriverError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let (operation, limit) = (*this.operation, *this.limit);
        let sleep = this.sleep.get_or_insert_with(|| this.requests.runtime.sleep(limit));
        if let Poll::Ready(answer) = this.request.poll(context) {
            return Poll::Ready(Ok(answer));
        }
        sleep.poll_unpin(context).map(|()| Err(DriverError::TimedOut { operation, limit }))
    }
}

/// How often a request of a task is tried before its restore or upload fails, and how often a snapshot is read
/// that turns out to be damaged. What follows (a new
/// attempt, another checkpoint) tries again with more pause, so a few are enough.
pub const TRIES_MAX: u32 = 4;
