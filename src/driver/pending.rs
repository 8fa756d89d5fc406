//! What was begun and has not ended: timers and requests, each under a key.

use std::{
    collections::BTreeMap,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, Waker, ready},
};

use futures::{
    FutureExt, StreamExt,
    future::{AbortHandle, Abortable, BoxFuture},
    stream::FuturesUnordered,
};

/// Futures by key. At most one runs under a key: what is begun again replaces what was running,
/// so that whatever ends is the newest of its key. That is how timers restart, and why the answer
/// of a request that was asked again cannot be taken for the answer of the second.
///
/// Deterministic: futures are polled in the order in which they were begun or woken.
pub(super) struct Pending<K, T> {
    running: FuturesUnordered<Abortable<Running<K, T>>>,
    aborts: BTreeMap<K, AbortHandle>,
    // Whoever waits for the next to end must look at one that is begun meanwhile.
    waiting: Option<Waker>,
}

/// A future that says under which key it has ended.
struct Running<K, T> {
    key: K,
    what: What<T>,
}

enum What<T> {
    Request(BoxFuture<'static, T>),
    // With what its end is called; it is there until then.
    Timer(BoxFuture<'static, ()>, Option<T>),
}

impl<K: Clone + Unpin, T: Unpin> Future for Running<K, T> {
    type Output = (K, T);

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<(K, T)> {
        let ended = match &mut self.what {
            What::Request(future) => ready!(future.poll_unpin(context)),
            What::Timer(sleep, rang) => {
                ready!(sleep.poll_unpin(context));
                rang.take().expect("a timer goes off once")
            }
        };
        Poll::Ready((self.key.clone(), ended))
    }
}

impl<K: Ord + Clone + Unpin, T: Unpin> Pending<K, T> {
    pub(super) fn new() -> Self {
        Self { running: FuturesUnordered::new(), aborts: BTreeMap::new(), waiting: None }
    }

    /// Begins `future` under `key` and gives up what runs under it.
    pub(super) fn begin(&mut self, key: K, future: BoxFuture<'static, T>) {
        self.run(key, What::Request(future));
    }

    /// The same, of something that is over when `sleep` ends; it is then called `rang`.
    pub(super) fn begin_timer(&mut self, key: K, sleep: BoxFuture<'static, ()>, rang: T) {
        self.run(key, What::Timer(sleep, Some(rang)));
    }

    fn run(&mut self, key: K, what: What<T>) {
        let (abort, registration) = AbortHandle::new_pair();
        if let Some(replaced) = self.aborts.insert(key.clone(), abort) {
            replaced.abort();
        }
        self.running.push(Abortable::new(Running { key, what }, registration));
        if let Some(waiting) = self.waiting.take() {
            waiting.wake();
        }
    }

    /// Gives up what runs under `key`.
    pub(super) fn cancel(&mut self, key: &K) {
        if let Some(abort) = self.aborts.remove(key) {
            abort.abort();
        }
    }

    /// Gives up what runs under keys that are `over`.
    pub(super) fn cancel_all(&mut self, over: impl Fn(&K) -> bool) {
        self.aborts.retain(|key, abort| {
            let over = over(key);
            if over {
                abort.abort();
            }
            !over
        });
    }

    /// The next that ends; waits for ever if none does. Dropping the wait loses nothing.
    pub(super) async fn next(&mut self) -> (K, T) {
        poll_fn(|context| {
            loop {
                match self.running.poll_next_unpin(context) {
                    Poll::Ready(Some(Ok((key, ended)))) => {
                        self.aborts.remove(&key);
                        return Poll::Ready((key, ended));
                    }
                    // Given up; it is dropped here.
                    Poll::Ready(Some(Err(_))) => {}
                    Poll::Ready(None) | Poll::Pending => {
                        if !self.waiting.as_ref().is_some_and(|waiting| waiting.will_wake(context.waker())) {
                            self.waiting = Some(context.waker().clone());
                        }
                        return Poll::Pending;
                    }
                }
            }
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use futures::{channel::oneshot, executor::block_on, future, task::noop_waker_ref};

    use super::*;

    #[test]
    fn what_is_begun_again_ends_once_with_the_newer_result() {
        let mut pending = Pending::new();
        pending.begin("timer", future::ready(1).boxed());
        pending.begin("timer", future::ready(2).boxed());
        assert_eq!(block_on(pending.next()), ("timer", 2));
        assert_eq!(pending.next().now_or_never(), None);
    }

    #[test]
    fn cancelled_future_is_dropped_at_the_next_poll() {
        let mut pending = Pending::new();
        let (mut alive, never) = oneshot::channel::<()>();
        pending.begin("request", never.boxed());
        assert_eq!(pending.next().now_or_never(), None);
        pending.cancel(&"request");
        assert_eq!(pending.next().now_or_never(), None);
        let mut context = std::task::Context::from_waker(noop_waker_ref());
        assert!(alive.poll_canceled(&mut context).is_ready());
        assert!(pending.aborts.is_empty() && pending.running.is_empty());
    }

    #[test]
    fn timer_that_is_set_again_rings_once_and_as_the_newer_one() {
        let mut pending = Pending::new();
        pending.begin_timer("timer", future::ready(()).boxed(), 1);
        pending.begin_timer("timer", future::ready(()).boxed(), 2);
        assert_eq!(block_on(pending.next()), ("timer", 2));
        assert_eq!(pending.next().now_or_never(), None);
    }

    #[test]
    fn equal_futures_end_in_the_order_they_were_begun() {
        let mut pending = Pending::new();
        for key in [3, 1, 2] {
            pending.begin(key, future::ready(()).boxed());
        }
        let order: Vec<_> = (0..3).map(|_| block_on(pending.next()).0).collect();
        assert_eq!(order, [3, 1, 2]);
    }
}
