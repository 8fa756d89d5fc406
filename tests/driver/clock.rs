//! Time that passes only when nothing else is left to do.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::{FutureExt, channel::oneshot, future::BoxFuture};
use keygroups::driver::Runtime;

#[derive(Clone, Default)]
pub struct Clock(Arc<Mutex<Time>>);

#[derive(Default)]
struct Time {
    now: Duration,
    sleeps: u64,
    // By deadline, and in the order they began.
    sleepers: BTreeMap<(Duration, u64), oneshot::Sender<()>>,
}

impl Clock {
    pub fn now(&self) -> Duration {
        self.0.lock().unwrap().now
    }

    /// Wakes the next sleeper; whether there was one.
    pub fn advance(&self) -> bool {
        let mut time = self.0.lock().unwrap();
        while let Some(((deadline, _), sleeper)) = time.sleepers.pop_first() {
            if sleeper.is_canceled() {
                continue;
            }
            time.now = deadline;
            drop(time);
            sleeper.send(()).unwrap();
            return true;
        }
        false
    }
}

impl Runtime for Clock {
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let mut time = self.0.lock().unwrap();
        let (sender, receiver) = oneshot::channel();
        let key = (time.now + duration, time.sleeps);
        time.sleeps += 1;
        time.sleepers.insert(key, sender);
        receiver.map(drop).boxed()
    }
}
