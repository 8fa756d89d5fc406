//! Time that passes only when nothing else is left to do.

use std::{
    collections::BTreeMap,
    fmt,
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
    plans: u64,
    // By deadline, and in the order they were made.
    planned: BTreeMap<(Duration, u64), Planned>,
}

enum Planned {
    Sleep(oneshot::Sender<()>),
    Action(Box<dyn FnOnce() + Send>),
}

impl Clock {
    pub fn now(&self) -> Duration {
        self.0.lock().unwrap().now
    }

    /// Does `action` after `delay`.
    pub fn later(&self, delay: Duration, action: impl FnOnce() + Send + 'static) {
        self.plan(delay, Planned::Action(Box::new(action)));
    }

    /// Lets time pass until the next thing planned; whether there was one.
    pub fn advance(&self) -> bool {
        loop {
            let mut time = self.0.lock().unwrap();
            let Some(((deadline, _), planned)) = time.planned.pop_first() else { return false };
            match planned {
                Planned::Sleep(sleeper) if sleeper.is_canceled() => continue,
                Planned::Sleep(sleeper) => {
                    time.now = deadline;
                    drop(time);
                    sleeper.send(()).unwrap();
                }
                Planned::Action(action) => {
                    time.now = deadline;
                    drop(time);
                    action();
                }
            }
            return true;
        }
    }

    fn plan(&self, delay: Duration, planned: Planned) {
        let mut time = self.0.lock().unwrap();
        let key = (time.now + delay, time.plans);
        time.plans += 1;
        time.planned.insert(key, planned);
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}

impl Runtime for Clock {
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let (sender, receiver) = oneshot::channel();
        self.plan(duration, Planned::Sleep(sender));
        receiver.map(drop).boxed()
    }
}
