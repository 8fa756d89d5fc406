//! What was worked out once for two numbers.
//!
//! A step of a state is a handful of looks into these tables, by every thread at once, so a look takes no
//! lock: what is written once never changes.

use std::{
    marker::PhantomData,
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use super::arena::spread;

/// What a table can hold.
pub(crate) trait Word: Copy {
    fn to_word(self) -> u64;
    fn of_word(word: u64) -> Self;
}

impl Word for u32 {
    fn to_word(self) -> u64 {
        u64::from(self)
    }

    fn of_word(word: u64) -> Self {
        word as Self
    }
}

impl Word for (u32, u32) {
    fn to_word(self) -> u64 {
        (u64::from(self.0) << 32) | u64::from(self.1)
    }

    fn of_word(word: u64) -> Self {
        ((word >> 32) as u32, word as u32)
    }
}

impl Word for Option<u32> {
    fn to_word(self) -> u64 {
        self.map_or(u64::MAX, u64::from)
    }

    fn of_word(word: u64) -> Self {
        (word != u64::MAX).then_some(word as u32)
    }
}

/// What was worked out once for a pair of numbers, neither of which is `u32::MAX`.
pub(crate) struct Memo<V> {
    // Each is twice as large as the one before and holds what that holds. Who still reads an old one finds
    // less there, and looks again under the lock.
    tables: [OnceLock<Box<[Slot]>>; TABLES],
    newest: AtomicUsize,
    // How many pairs there are.
    writer: Mutex<usize>,
    holds: PhantomData<V>,
}

#[derive(Default)]
struct Slot {
    // The pair plus 1; 0 is nobody's. It is written after the value.
    key: AtomicU64,
    value: AtomicU64,
}

const FIRST_SLOTS: usize = 32;
/// More than any memory holds.
const TABLES: usize = 32;

impl<V: Word> Memo<V> {
    pub(crate) fn new() -> Self {
        let memo = Self {
            tables: [const { OnceLock::new() }; TABLES],
            newest: AtomicUsize::new(0),
            writer: Mutex::new(0),
            holds: PhantomData,
        };
        memo.table(0);
        memo
    }

    /// What was worked out, or what `work_out` gives now. Two threads may both work it out; the first
    /// to be done is believed.
    pub(crate) fn get(&self, one: u32, other: u32, work_out: impl FnOnce() -> V) -> V {
        let key = ((u64::from(one) << 32) | u64::from(other)) + 1;
        match look(self.table(self.newest.load(Ordering::Acquire)), key) {
            Ok(slot) => V::of_word(slot.value.load(Ordering::Relaxed)),
            Err(_) => self.learn(key, work_out()),
        }
    }

    #[cold]
    fn learn(&self, key: u64, value: V) -> V {
        let mut pairs = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut newest = self.newest.load(Ordering::Relaxed);
        // Looks stay short while a third is free.
        if (*pairs + 1) * 3 > self.table(newest).len() * 2 {
            newest += 1;
            for slot in self.table(newest - 1) {
                let key = slot.key.load(Ordering::Relaxed);
                if let Err(free) = look(self.table(newest), key)
                    && key != 0
                {
                    free.fill(key, slot.value.load(Ordering::Relaxed));
                }
            }
            self.newest.store(newest, Ordering::Release);
        }
        match look(self.table(newest), key) {
            Ok(slot) => V::of_word(slot.value.load(Ordering::Relaxed)),
            Err(free) => {
                free.fill(key, value.to_word());
                *pairs += 1;
                value
            }
        }
    }

    fn table(&self, number: usize) -> &[Slot] {
        self.tables[number].get_or_init(|| (0..FIRST_SLOTS << number).map(|_| Slot::default()).collect())
    }
}

impl Slot {
    fn fill(&self, key: u64, value: u64) {
        self.value.store(value, Ordering::Relaxed);
        self.key.store(key, Ordering::Release);
    }
}

/// Where a key is, or where it would be.
fn look(table: &[Slot], key: u64) -> Result<&Slot, &Slot> {
    let mask = table.len() - 1;
    let mut at = spread(key) as usize & mask;
    loop {
        let slot = &table[at];
        match slot.key.load(Ordering::Acquire) {
            0 => return Err(slot),
            known if known == key => return Ok(slot),
            _ => at = (at + 1) & mask,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::atomic::AtomicU32, thread};

    use super::*;

    #[test]
    fn a_pair_is_worked_out_once_however_many_there_are() {
        let memo = Memo::<(u32, u32)>::new();
        let worked_out = AtomicU32::new(0);
        for _ in 0..2 {
            for one in 0..100 {
                for other in 0..100 {
                    let got = memo.get(one, other, || {
                        worked_out.fetch_add(1, Ordering::Relaxed);
                        (other, one)
                    });
                    assert_eq!(got, (other, one));
                }
            }
        }
        assert_eq!(worked_out.into_inner(), 10_000);
    }

    #[test]
    fn threads_agree_on_the_first_that_was_done() {
        let memo = Memo::<u32>::new();
        let told = |thread: u32| (0..50_000).map(|pair| memo.get(pair, 7, || thread)).collect::<Vec<_>>();
        let (one, two) = thread::scope(|scope| {
            let other = scope.spawn(|| told(2));
            (told(1), other.join().unwrap())
        });
        assert_eq!(one, two);
    }

    #[test]
    fn nothing_is_a_value_too() {
        let memo = Memo::<Option<u32>>::new();
        assert_eq!(memo.get(1, 2, || None), None);
        assert_eq!(memo.get(1, 2, || Some(3)), None);
        assert_eq!(memo.get(2, 1, || Some(0)), Some(0));
    }
}
