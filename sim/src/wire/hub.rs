//! What is on its way, and the one task that lets it arrive.

use super::channel::Frame;
use super::core::ConnectionKey;
use super::net::Net;
use super::{Address, now_us};
use bytes::Bytes;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// What happens at the end of a way.
pub(super) enum What {
    Datagram { from: Address, to: Address, bytes: Bytes },
    Frame { key: ConnectionKey, frame: Frame },
    Timer { address: Address, incarnation: u32, token: u64 },
    Flush { key: ConnectionKey, half: u64 },
    Resend { key: ConnectionKey, half: u64 },
}

/// Everything on its way, in order of time and, within one time, of sending.
#[derive(Default)]
pub(super) struct Schedule {
    on_its_way: BinaryHeap<Reverse<Event>>,
    sequence: u64,
    hub: Option<Waker>,
    // Virtual time of the earliest madsim timer that will wake the hub.
    armed_us: Option<u64>,
    // The hub is running or will run at the present time, and arms its own timer when it is done.
    hub_awake: bool,
    stopped: bool,
}

struct Event {
    at_us: u64,
    sequence: u64,
    what: What,
}

enum Next {
    Due(What),
    NothingDue,
    Stopped,
}

impl Schedule {
    pub fn post(&mut self, at_us: u64, what: What) {
        self.sequence += 1;
        self.on_its_way.push(Reverse(Event { at_us, sequence: self.sequence, what }));
        if self.hub_awake {
            return;
        }
        if at_us <= now_us() {
            self.wake_hub();
        } else {
            self.arm(at_us);
        }
    }

    /// Ends the hub.
    pub fn stop(&mut self) {
        self.stopped = true;
        self.wake_hub();
    }

    /// Gives the hub's waker away: it holds the hub's task.
    pub fn release(&mut self) -> Option<Waker> {
        self.hub.take()
    }

    fn wake_hub(&mut self) {
        if let Some(hub) = &self.hub
            && !std::mem::replace(&mut self.hub_awake, true)
        {
            hub.wake_by_ref();
        }
    }

    fn woken(&mut self, hub: &Waker) {
        self.hub_awake = true;
        if !self.hub.as_ref().is_some_and(|known| known.will_wake(hub)) {
            self.hub = Some(hub.clone());
        }
        self.armed_us = self.armed_us.filter(|armed_us| *armed_us > now_us());
    }

    fn next(&mut self, now_us: u64) -> Next {
        if self.stopped {
            return Next::Stopped;
        }
        let due = |event: &Reverse<Event>| event.0.at_us <= now_us;
        if self.on_its_way.peek().is_some_and(due)
            && let Some(Reverse(event)) = self.on_its_way.pop()
        {
            return Next::Due(event.what);
        }
        if let Some(at_us) = self.on_its_way.peek().map(|Reverse(event)| event.at_us) {
            self.arm(at_us);
        }
        self.hub_awake = false;
        Next::NothingDue
    }

    /// Makes sure that the hub wakes at `at_us`. The sleep is polled once to set the timer and thrown
    /// away: the timer stays.
    fn arm(&mut self, at_us: u64) {
        if self.armed_us.is_some_and(|armed_us| armed_us <= at_us) {
            return;
        }
        if let Some(hub) = &self.hub {
            let mut sleep = pin!(madsim::time::sleep(Duration::from_micros(at_us - now_us())));
            let _ = sleep.as_mut().poll(&mut Context::from_waker(hub));
            self.armed_us = Some(at_us);
        }
    }
}

/// The task that lets things arrive.
pub(super) struct Hub {
    net: Net,
    polls: u64,
}

/// madsim keeps a trace of each finished task until somebody counts tasks: 100 kB and more per simulation.
const POLLS_BETWEEN_PURGES: u64 = 1024;

impl Hub {
    pub fn new(net: Net) -> Self {
        Self { net, polls: 0 }
    }
}

impl Future for Hub {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.polls += 1;
        if self.polls.is_multiple_of(POLLS_BETWEEN_PURGES) {
            madsim::runtime::Handle::current().metrics().num_tasks();
        }
        self.net.core().schedule.woken(context.waker());
        loop {
            let called = {
                let mut core = self.net.core();
                let now_us = now_us();
                match core.schedule.next(now_us) {
                    Next::Stopped => return Poll::Ready(()),
                    Next::NothingDue => return Poll::Pending,
                    Next::Due(what) => core.arrive(now_us, what),
                }
            };
            // Without the lock: a sink usually sends.
            if let Some((sink, arrival)) = called {
                sink.arrived(arrival);
            }
        }
    }
}

impl Ord for Event {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at_us, self.sequence).cmp(&(other.at_us, other.sequence))
    }
}

impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Event {}
