//! Reads and writes, and the memory they work on, against a hash table per key group with boxed values.

use std::hint::black_box;
use std::ops::Deref;

use serde::Serialize;

use super::boxed::{BoxedTask, Group};
use super::figure::{self, Figure};
use super::state::{self, Key, TASKS, Task, Values};
use super::statistics::median;
use super::tasks;

const ACCESSES: usize = 1 << 20;
/// As many keys are told beforehand as a small batch of records has.
const BATCH: usize = 32;

/// Millions of operations per second of all tasks together, and bytes.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Speeds {
    insert: f64,
    get: f64,
    update: f64,
    bytes_per_entry: f64,
}

/// Millions of operations per second of all tasks together, where the keys of a batch are told beforehand.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct InBatches {
    get: f64,
    update: f64,
}

/// Both sides, medians of the rounds, and the memory of keys that are strings.
#[derive(Clone, Debug, Serialize)]
pub struct Accesses {
    keys: u64,
    ours: Speeds,
    boxed: Speeds,
    ours_in_batches: InBatches,
    ours_bytes_per_entry_of_text_keys: f64,
    boxed_bytes_per_entry_of_text_keys: f64,
}

/// What both sides can do.
trait Holder: Send + Sync {
    fn empty(task: u32) -> Self;
    fn put(&mut self, key: Key, value: &[u8]);
    fn get(&self, key: Key) -> Option<impl Deref<Target = [u8]>>;
    fn update(&mut self, key: Key);
    fn bytes(&self) -> usize;
}

impl Holder for Task {
    fn empty(task: u32) -> Self {
        Self::empty(state::owned(task, TASKS)).expect("the range is one of the job's")
    }

    #[inline(always)]
    fn put(&mut self, key: Key, value: &[u8]) {
        Self::put(self, key, value);
    }

    #[inline(always)]
    fn get(&self, key: Key) -> Option<impl Deref<Target = [u8]>> {
        Self::get(self, key)
    }

    #[inline(always)]
    fn update(&mut self, key: Key) {
        Self::update(self, key);
    }

    fn bytes(&self) -> usize {
        let memory = self.backend.memory();
        memory.reserved_bytes + memory.index_bytes
    }
}

impl Holder for BoxedTask {
    fn empty(task: u32) -> Self {
        Self::empty(state::owned(task, TASKS))
    }

    #[inline(always)]
    fn put(&mut self, key: Key, value: &[u8]) {
        Self::put(self, key, value);
    }

    #[inline(always)]
    fn get(&self, key: Key) -> Option<impl Deref<Target = [u8]>> {
        Self::get(self, key)
    }

    #[inline(always)]
    fn update(&mut self, key: Key) {
        Self::update(self, key);
    }

    fn bytes(&self) -> usize {
        self.memory_bytes()
    }
}

/// Measures both sides by turns. Of every value that is read, the bytes behind those that an update changes are compared.
pub fn accesses(keys: u64, rounds: usize) -> Accesses {
    let by_task = state::keys_by_task(keys);
    let drawn: Vec<Vec<Key>> = by_task.iter().map(|keys| state::drawn(keys, ACCESSES)).collect();
    let values = Values::new();
    let (mut ours, mut boxed, mut batches) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let (speeds, tasks) = one::<Task>(&by_task, &drawn, &values);
        ours.push(speeds);
        batches.push(in_batches(tasks, &drawn, &values));
        boxed.push(one::<BoxedTask>(&by_task, &drawn, &values).0);
    }
    Accesses {
        keys,
        ours: medians(&ours),
        boxed: medians(&boxed),
        ours_in_batches: InBatches {
            get: median(batches.iter().map(|speeds| speeds.get)),
            update: median(batches.iter().map(|speeds| speeds.update)),
        },
        ours_bytes_per_entry_of_text_keys: text_bytes(keys, &values) as f64 / keys as f64,
        boxed_bytes_per_entry_of_text_keys: boxed_text_bytes(keys, &values) as f64 / keys as f64,
    }
}

fn one<H: Holder>(by_task: &[Vec<Key>], drawn: &[Vec<Key>], values: &Values) -> (Speeds, Vec<H>) {
    let all: usize = by_task.iter().map(Vec::len).sum();
    let (holders, took) = tasks::at_once((0..).zip(by_task).collect(), |(task, keys)| {
        let mut holder = H::empty(task);
        keys.iter().for_each(|key| holder.put(*key, values.of(*key)));
        holder
    });
    let insert = speed(all, took.slowest);
    let (holders, get) = each(holders, drawn, |holder, keys| read(holder, keys, values));
    let (holders, update) =
        each(holders, drawn, |holder, keys| keys.iter().for_each(|key| holder.update(*key)));
    let bytes = holders.iter().map(H::bytes).sum::<usize>() as f64 / all as f64;
    (Speeds { insert, get, update, bytes_per_entry: bytes }, holders)
}

fn in_batches(tasks: Vec<Task>, drawn: &[Vec<Key>], values: &Values) -> InBatches {
    let (tasks, get) = each(tasks, drawn, |task, keys| {
        for batch in keys.chunks(BATCH) {
            task.prefetch(batch);
            read(task, batch, values);
        }
    });
    let (_, update) = each(tasks, drawn, |task, keys| {
        for batch in keys.chunks(BATCH) {
            task.prefetch(batch);
            batch.iter().for_each(|key| task.update(*key));
        }
    });
    InBatches { get, update }
}

/// Gives each holder the keys that were drawn for it; how fast all were.
fn each<H: Send>(holders: Vec<H>, drawn: &[Vec<Key>], work: impl Fn(&mut H, &[Key]) + Sync) -> (Vec<H>, f64) {
    let (holders, took) = tasks::at_once(holders.into_iter().zip(drawn).collect(), |(mut holder, keys)| {
        work(&mut holder, keys);
        black_box(holder)
    });
    (holders, speed(drawn.iter().map(Vec::len).sum(), took.slowest))
}

#[inline(always)]
fn read<H: Holder>(holder: &H, keys: &[Key], values: &Values) {
    for key in keys {
        let value = holder.get(*key).expect("the key is there");
        assert_eq!(looked_at(&value), looked_at(values.of(*key)));
    }
}

/// The bytes behind those that an update changes.
#[inline(always)]
fn looked_at(value: &[u8]) -> Option<&[u8; 8]> {
    value.get(8..)?.first_chunk()
}

fn speed(operations: usize, seconds: f64) -> f64 {
    operations as f64 / seconds / 1e6
}

fn medians(rounds: &[Speeds]) -> Speeds {
    let of = |value: fn(&Speeds) -> f64| median(rounds.iter().map(value));
    Speeds {
        insert: of(|speeds| speeds.insert),
        get: of(|speeds| speeds.get),
        update: of(|speeds| speeds.update),
        bytes_per_entry: of(|speeds| speeds.bytes_per_entry),
    }
}

/// A key of 16 characters.
fn text_key(number: u64) -> String {
    format!("{:016x}", state::mixed(number))
}

fn text_bytes(keys: u64, values: &Values) -> usize {
    let mut task = Task::empty(state::max_parallelism().all()).expect("these are all key groups");
    for number in 0..keys {
        let key = text_key(number);
        let key_group = keygroups::key_group::of(&*key, state::max_parallelism());
        let value = values.of(state::key(number));
        task.backend.put_encoded(&task.values, key_group, key.as_bytes(), value).expect("all are owned");
    }
    Holder::bytes(&task)
}

fn boxed_text_bytes(keys: u64, values: &Values) -> usize {
    let mut groups: Vec<Group> = state::max_parallelism().all().iter().map(|_| Group::default()).collect();
    for number in 0..keys {
        let key = text_key(number);
        let key_group = keygroups::key_group::of(&*key, state::max_parallelism());
        groups[key_group.index()].put(key.as_bytes(), values.of(state::key(number)));
    }
    groups.iter().map(Group::memory_bytes).sum()
}

impl Accesses {
    pub fn figures(&self) -> Vec<Figure> {
        let Self { ours, boxed, ours_in_batches: batches, .. } = self;
        let keys = figure::keys(self.keys);
        let speed = |what: &str, ours: f64, boxed: f64, least: f64| {
            let name = format!("{what}, {keys}, 2 tasks, against boxed tables");
            let ratio = ours / boxed;
            Figure::new(name, format!("{ours:.1} M/s, **{ratio:.2}×** of {boxed:.1}"))
                .aiming(format!("≥ {least}×"), ratio >= least)
        };
        let memory = |what: &str, ours: f64, boxed: f64, most: f64| {
            let ratio = ours / boxed;
            Figure::new(what, format!("{ours:.0} bytes per entry, **{ratio:.2}×** of {boxed:.0}"))
                .aiming(format!("≤ {most}×"), ratio <= most)
        };
        let (text, boxed_text) =
            (self.ours_bytes_per_entry_of_text_keys, self.boxed_bytes_per_entry_of_text_keys);
        vec![
            speed("get, 8 bytes of each value compared", ours.get, boxed.get, 0.95),
            speed(&format!("get, {BATCH} keys told beforehand"), batches.get, boxed.get, 0.95),
            speed("update", ours.update, boxed.update, 0.85),
            speed(&format!("update, {BATCH} keys told beforehand"), batches.update, boxed.update, 0.85),
            speed("insert", ours.insert, boxed.insert, 1.2),
            memory(&format!("memory, {keys}"), ours.bytes_per_entry, boxed.bytes_per_entry, 0.85),
            memory(&format!("memory, {keys} of 16 characters"), text, boxed_text, 0.7),
        ]
    }
}
