//! What is on its way, and the one task that lets it arrive.

use super::channel::Frame;
use super::core::ConnectionKey;
use super::net::Net;
use super::{Address, now_us, wake_after};
use bytes::Bytes;
use madsim::time::Sleep;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::Future;
use std::pin::Pin;
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
    // What happens at each event, by its place. Apart, for a heap moves what it orders about.
    happenings: Vec<Option<What>>,
    // Places of events that are over.
    free: Vec<usize>,
    sequence: u64,
    hub: Option<Waker>,
    // Virtual time of the earliest madsim timer that will wake the hub.
    armed_us: Option<u64>,
    // What sets those timers.
    alarm: Option<Sleep>,
    // The hub is running or will run at the present time, and arms its own timer when it is done.
    hub_awake: bool,
    stopped: bool,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Event {
    at_us: u64,
    // No two events have the same.
    sequence: u64,
    // Among the happenings.
    place: usize,
}

enum Next {
    Due(What),
    NothingDue,
    Stopped,
}

impl Schedule {
    pub fn post(&mut self, now_us: u64, at_us: u64, what: What) {
        self.sequence += 1;
        let place = match self.free.pop() {
            Some(place) => place,
            None => {
                self.happenings.push(None);
                self.happenings.len() - 1
            }
        };
        self.happenings[place] = Some(what);
        self.on_its_way.push(Reverse(Event { at_us, sequence: self.sequence, place }));
        if self.hub_awake {
            return;
        }
        if at_us <= now_us {
            self.wake_hub();
        } else {
            self.arm(now_us, at_us);
        }
    }

    /// Ends the hub.
    pub fn stop(&mut self) {
        self.stopped = true;
        self.wake_hub();
    }

    /// Gives away what holds the hub's task: its waker, and the timers that wake it.
    pub fn release(&mut self) -> (Option<Waker>, Option<Sleep>) {
        (self.hub.take(), self.alarm.take())
    }

    fn wake_hub(&mut self) {
        if let Some(hub) = &self.hub
            && !std::mem::replace(&mut self.hub_awake, true)
        {
            hub.wake_by_ref();
        }
    }

    fn woken(&mut self, now_us: u64, hub: &Waker) {
        self.hub_awake = true;
        if !self.hub.as_ref().is_some_and(|known| known.will_wake(hub)) {
            self.hub = Some(hub.clone());
        }
        self.armed_us = self.armed_us.filter(|armed_us| *armed_us > now_us);
    }

    fn next(&mut self, now_us: u64) -> Next {
        if self.stopped {
            return Next::Stopped;
        }
        let due = |event: &Reverse<Event>| event.0.at_us <= now_us;
        if self.on_its_way.peek().is_some_and(due)
            && let Some(Reverse(Event { place, .. })) = self.on_its_way.pop()
        {
            self.free.push(place);
            return Next::Due(self.happenings[place].take().expect("an event happens once"));
        }
        if let Some(at_us) = self.on_its_way.peek().map(|Reverse(event)| event.at_us) {
            self.arm(now_us, at_us);
        }
        self.hub_awake = false;
        Next::NothingDue
    }

    /// Makes sure that the hub wakes at `at_us`.
    fn arm(&mut self, now_us: u64, at_us: u64) {
        if self.armed_us.is_some_and(|armed_us| armed_us <= at_us) {
            return;
        }
        if let Some(hub) = &self.hub {
            wake_after(Duration::from_micros(at_us - now_us), hub, &mut self.alarm);
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
        // Nothing that follows takes time.
        let now_us = now_us();
        let mut core = self.net.core();
        core.schedule.woken(now_us, context.waker());
        loop {
            let called = match core.schedule.next(now_us) {
                Next::Stopped => return Poll::Ready(()),
                Next::NothingDue => return Poll::Pending,
                Next::Due(what) => core.arrive(now_us, what),
            };
            if let Some((sink, arrival)) = called {
                // Without the lock: a sink usually sends, and whoever drops the last one frees its address.
                drop(core);
                sink.arrived(arrival);
                drop(sink);
                core = self.net.core();
            }
        }
    }
}
