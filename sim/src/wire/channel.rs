//! A reliable, ordered channel over links that lose, repeat, delay and reorder: the two halves as plain
//! state, without clock or network.
//!
//! Sequence numbers, cumulative acknowledgements, go-back-N resends with doubling pauses, and a window
//! that moves only when the receiver's *application* takes a message, which is what makes back pressure.
//! Each half has a number that is never used again; a half locks onto the first partner it hears and
//! ignores every other, so frames of an older connection with the same tag cannot get in. Loss therefore
//! means delay, and the death of either end means silence, never a gap.

use super::bell::Bell;
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Messages that may lie between the two applications before the sender has to wait, where nothing else is
/// said.
pub const WINDOW_MESSAGES: u64 = 32;

/// First pause before a resend; it doubles without progress. Above the longest ordinary round trip.
const RESEND_MIN_US: u64 = 25_000;
const RESEND_MAX_US: u64 = 400_000;
/// A resend repeats at most this many messages: the acknowledgement tells whether the rest got lost too.
const RESEND_MESSAGES: usize = 8;
/// A sender that was dropped with messages in flight gives up after this many resends without answer.
const LINGER_RESENDS: u32 = 12;

/// What travels between the halves of one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    Data {
        sender: u64,
        first: u64,
        messages: Vec<Bytes>,
    },
    /// All messages below `next` have arrived; those below `window_end` may be sent.
    Ack {
        sender: u64,
        receiver: u64,
        next: u64,
        window_end: u64,
    },
}

#[derive(Debug)]
pub(super) struct SendHalf {
    pub id: u64,
    pub bell: Bell,
    /// The application dropped its handle; what is in flight is still delivered.
    pub lingering: bool,
    /// A flush or a resend timer is on its way, so that none is ordered twice.
    pub flush_ordered: bool,
    pub timer_ordered: bool,
    /// What it sends is lost without anybody noticing.
    pub severed: bool,
    /// Messages that may lie between the two applications.
    window: u64,
    partner: Option<u64>,
    /// Sequence number of the oldest message in `queue`.
    base: u64,
    /// Unacknowledged, then unsent messages.
    queue: VecDeque<Bytes>,
    /// Sequence number of the first message that was never sent.
    unsent: u64,
    window_end: u64,
    resend_at_us: u64,
    pause_us: u64,
    fruitless: u32,
}

/// What a sender wants after a timer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum AfterTimer {
    Nothing,
    AskAgainAt(u64),
    Resend(Frame),
    GiveUp,
}

impl SendHalf {
    pub fn new(id: u64, bell: Bell, window: u64) -> Self {
        Self {
            id,
            bell,
            lingering: false,
            flush_ordered: false,
            timer_ordered: false,
            severed: false,
            window,
            partner: None,
            base: 0,
            queue: VecDeque::new(),
            unsent: 0,
            window_end: window,
            resend_at_us: 0,
            pause_us: RESEND_MIN_US,
            fruitless: 0,
        }
    }

    pub fn has_room(&self) -> bool {
        (self.queue.len() as u64) < self.window
    }

    pub fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }

    pub fn push(&mut self, message: Bytes) {
        self.queue.push_back(message);
    }

    /// Everything the window lets through and that was never sent.
    pub fn flush(&mut self, now_us: u64) -> Option<Frame> {
        let end = self.window_end.min(self.base + self.queue.len() as u64);
        if end <= self.unsent {
            return None;
        }
        if self.unsent == self.base {
            self.resend_at_us = now_us + self.pause_us;
        }
        let first = self.unsent;
        self.unsent = end;
        Some(self.data(first, end))
    }

    /// When the timer should ask next, if anything waits for an acknowledgement or a window.
    pub fn wants_timer_at(&self) -> Option<u64> {
        (!self.queue.is_empty()).then_some(self.resend_at_us)
    }

    pub fn on_timer(&mut self, now_us: u64) -> AfterTimer {
        if self.queue.is_empty() {
            return AfterTimer::Nothing;
        }
        if now_us < self.resend_at_us {
            return AfterTimer::AskAgainAt(self.resend_at_us);
        }
        self.fruitless += 1;
        if self.lingering && self.fruitless > LINGER_RESENDS {
            return AfterTimer::GiveUp;
        }
        self.pause_us = (self.pause_us * 2).min(RESEND_MAX_US);
        self.resend_at_us = now_us + self.pause_us;
        // At least one message even into a closed window: its acknowledgement says when it has opened,
        // should the receiver's own notice have been lost.
        let in_flight = (self.unsent - self.base) as usize;
        let count = in_flight.clamp(1, RESEND_MESSAGES) as u64;
        self.unsent = self.unsent.max(self.base + count);
        AfterTimer::Resend(self.data(self.base, self.base + count))
    }

    /// Returns true if the application has room it did not have before.
    pub fn on_ack(&mut self, now_us: u64, receiver: u64, next: u64, window_end: u64) -> bool {
        if *self.partner.get_or_insert(receiver) != receiver {
            return false;
        }
        self.window_end = self.window_end.max(window_end);
        self.fruitless = 0;
        if next <= self.base {
            return false;
        }
        let had_room = self.has_room();
        let acked = (next - self.base).min(self.queue.len() as u64);
        self.queue.drain(..acked as usize);
        self.base += acked;
        self.unsent = self.unsent.max(self.base);
        self.pause_us = RESEND_MIN_US;
        self.resend_at_us = now_us + self.pause_us;
        !had_room && self.has_room()
    }

    fn data(&self, first: u64, end: u64) -> Frame {
        let range = (first - self.base) as usize..(end - self.base) as usize;
        Frame::Data { sender: self.id, first, messages: self.queue.range(range).cloned().collect() }
    }
}

#[derive(Debug)]
pub(super) struct ReceiveHalf {
    pub id: u64,
    pub bell: Bell,
    /// Its acknowledgements are lost without anybody noticing.
    pub severed: bool,
    /// As the sender has it.
    window: u64,
    partner: Option<u64>,
    /// Sequence number of the next message in order.
    next: u64,
    ready: VecDeque<Bytes>,
    /// Whether anything is ready, for an application that asks far more often than anything comes.
    pub has_ready: Arc<AtomicBool>,
    /// Arrived before its turn.
    early: BTreeMap<u64, Bytes>,
    /// Messages the application has taken.
    taken: u64,
    advertised: u64,
}

impl ReceiveHalf {
    pub fn new(id: u64, bell: Bell, window: u64) -> Self {
        Self {
            id,
            bell,
            severed: false,
            window,
            partner: None,
            next: 0,
            ready: VecDeque::new(),
            has_ready: Arc::default(),
            early: BTreeMap::new(),
            taken: 0,
            advertised: window,
        }
    }

    /// Takes in a data frame; the answer, and whether new messages became ready. Nothing for a stranger.
    pub fn on_data(&mut self, sender: u64, first: u64, messages: Vec<Bytes>) -> Option<(Frame, bool)> {
        if *self.partner.get_or_insert(sender) != sender {
            return None;
        }
        let window_end = self.taken + self.window;
        for (sequence, message) in (first..window_end).zip(messages) {
            if sequence == self.next {
                self.ready.push_back(message);
                self.next += 1;
                while let Some(message) = self.early.remove(&self.next) {
                    self.ready.push_back(message);
                    self.next += 1;
                }
            } else if sequence > self.next {
                self.early.entry(sequence).or_insert(message);
            }
        }
        self.has_ready.store(!self.ready.is_empty(), Ordering::Relaxed);
        Some((self.ack(sender), !self.ready.is_empty()))
    }

    /// The next message in order, and a notice for the sender when half a window has become free.
    pub fn take(&mut self) -> Option<(Bytes, Option<Frame>)> {
        let message = self.ready.pop_front()?;
        self.has_ready.store(!self.ready.is_empty(), Ordering::Relaxed);
        self.taken += 1;
        let freed = self.taken + self.window - self.advertised;
        let notice = match self.partner {
            Some(sender) if freed >= self.window.div_ceil(2) => Some(self.ack(sender)),
            _ => None,
        };
        Some((message, notice))
    }

    fn ack(&mut self, sender: u64) -> Frame {
        self.advertised = self.taken + self.window;
        Frame::Ack { sender, receiver: self.id, next: self.next, window_end: self.advertised }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(number: u8) -> Bytes {
        Bytes::copy_from_slice(&[number])
    }

    fn between(window: u64) -> (SendHalf, ReceiveHalf) {
        (SendHalf::new(1, Bell::new(), window), ReceiveHalf::new(2, Bell::new(), window))
    }

    fn halves() -> (SendHalf, ReceiveHalf) {
        between(WINDOW_MESSAGES)
    }

    fn deliver(receiver: &mut ReceiveHalf, frame: &Frame) -> Option<Frame> {
        let Frame::Data { sender, first, messages } = frame.clone() else { panic!("data expected") };
        receiver.on_data(sender, first, messages).map(|(ack, _)| ack)
    }

    fn acknowledge(sender: &mut SendHalf, now_us: u64, ack: &Frame) -> bool {
        let &Frame::Ack { receiver, next, window_end, .. } = ack else { panic!("ack expected") };
        sender.on_ack(now_us, receiver, next, window_end)
    }

    fn taken(receiver: &mut ReceiveHalf) -> Vec<u8> {
        std::iter::from_fn(|| receiver.take().map(|(message, _)| message[0])).collect()
    }

    #[test]
    fn messages_pushed_together_travel_in_one_frame() {
        let (mut sender, mut receiver) = halves();
        (0..3).for_each(|number| sender.push(message(number)));
        let frame = sender.flush(0).unwrap();
        assert!(sender.flush(0).is_none());
        let ack = deliver(&mut receiver, &frame).unwrap();
        assert_eq!(taken(&mut receiver), [0, 1, 2]);
        acknowledge(&mut sender, 5, &ack);
        assert!(sender.is_idle());
        assert_eq!(sender.wants_timer_at(), None);
    }

    #[test]
    fn overtaking_and_repeated_frames_change_neither_order_nor_number() {
        let (mut sender, mut receiver) = halves();
        sender.push(message(0));
        let first = sender.flush(0).unwrap();
        sender.push(message(1));
        let second = sender.flush(0).unwrap();
        for frame in [&second, &first, &second, &first] {
            deliver(&mut receiver, frame);
        }
        assert_eq!(taken(&mut receiver), [0, 1]);
    }

    #[test]
    fn lost_frame_is_sent_again_after_a_growing_pause() {
        let (mut sender, mut receiver) = halves();
        sender.push(message(0));
        sender.flush(0).unwrap();
        assert_eq!(sender.on_timer(1), AfterTimer::AskAgainAt(RESEND_MIN_US));
        assert!(matches!(sender.on_timer(RESEND_MIN_US), AfterTimer::Resend(_)));
        let again = 3 * RESEND_MIN_US;
        assert_eq!(sender.on_timer(again - 1), AfterTimer::AskAgainAt(again));
        let AfterTimer::Resend(frame) = sender.on_timer(again) else { panic!("resend expected") };
        deliver(&mut receiver, &frame);
        assert_eq!(taken(&mut receiver), [0]);
    }

    #[test]
    fn receiver_that_takes_nothing_stops_the_sender_and_a_lost_window_notice_heals() {
        let (mut sender, mut receiver) = halves();
        let mut next = 0;
        while sender.has_room() {
            sender.push(message(next));
            next += 1;
        }
        let ack = deliver(&mut receiver, &sender.flush(0).unwrap()).unwrap();
        assert!(acknowledge(&mut sender, 1, &ack));
        sender.push(message(next));
        assert!(sender.flush(1).is_none(), "the window is closed");

        // The notices that `take` returns are thrown away here.
        assert_eq!(taken(&mut receiver).len(), usize::from(next));
        let AfterTimer::Resend(probe) = sender.on_timer(RESEND_MAX_US) else { panic!("probe expected") };
        let ack = deliver(&mut receiver, &probe).unwrap();
        acknowledge(&mut sender, RESEND_MAX_US, &ack);
        assert_eq!(taken(&mut receiver), [next]);
        sender.push(message(99));
        assert!(sender.flush(RESEND_MAX_US).is_some());
    }

    #[test]
    fn frames_of_an_older_sender_and_acks_of_an_older_receiver_are_ignored() {
        let (mut sender, mut receiver) = halves();
        let mut old = SendHalf::new(7, Bell::new(), WINDOW_MESSAGES);
        old.push(message(77));
        let stale = old.flush(0).unwrap();
        sender.push(message(0));
        deliver(&mut receiver, &sender.flush(0).unwrap());
        assert_eq!(deliver(&mut receiver, &stale), None);
        assert_eq!(taken(&mut receiver), [0]);

        sender.on_ack(0, 2, 0, WINDOW_MESSAGES);
        sender.on_ack(0, 3, 1, WINDOW_MESSAGES);
        assert!(!sender.is_idle(), "the message was acknowledged by a stranger");
    }

    #[test]
    fn dropped_sender_gives_up_in_the_end() {
        let (mut sender, _) = halves();
        sender.push(message(0));
        sender.flush(0);
        sender.lingering = true;
        let mut now_us = 0;
        for _ in 0..=LINGER_RESENDS {
            now_us += RESEND_MAX_US + 1;
            if sender.on_timer(now_us) == AfterTimer::GiveUp {
                return;
            }
        }
        panic!("still resending");
    }
    #[test]
    fn window_of_one_message_lets_one_after_the_other_through() {
        let (mut sender, mut receiver) = between(1);
        for number in 0..4 {
            assert!(sender.has_room());
            sender.push(message(number));
            assert!(!sender.has_room());
            let ack = deliver(&mut receiver, &sender.flush(0).unwrap()).unwrap();
            acknowledge(&mut sender, 1, &ack);
            sender.push(message(99));
            assert!(sender.flush(1).is_none(), "what has arrived is not taken");
            sender.queue.clear();
            let (taken, notice) = receiver.take().unwrap();
            assert_eq!(taken[0], number);
            acknowledge(&mut sender, 2, &notice.expect("each message taken is half a window"));
        }
    }
}
