//! The table against hash tables, in one session: `cargo bench --bench table`.
//!
//! 128 key groups, keys of 8 bytes or strings of 16, values of 100 bytes. Rivals take turns; each
//! figure is the median of the rounds, and the ratio that of two medians. A round begins with fresh
//! memory for each rival. `-- --entries 1000000 --rounds 5` sets other sizes.

#![allow(missing_docs, reason = "nothing here is for others")]

mod clock;
mod counting;
mod pause;
mod rivals;

use std::hint::black_box;

use keygroups::{
    key_group::{self, MaxParallelism},
    table::Table,
};

use self::clock::Clock;
use self::rivals::{Boxed, Entries, Std, Typed, VALUE};

#[global_allocator]
static ALLOCATOR: counting::Counting = counting::Counting;

const GROUPS: u32 = 128;
const ACCESSES: usize = 1 << 20;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let option = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)?.parse::<usize>().ok()
    };
    // Without the flag that `cargo bench` gives, somebody is testing: a glance is enough.
    let is_bench = arguments.iter().any(|argument| argument == "--bench");
    let sizes = match option("--entries") {
        Some(entries) => vec![entries],
        None if is_bench => vec![1_000_000, 5_000_000],
        None => vec![10_000],
    };
    let rounds = option("--rounds").unwrap_or(if is_bench { 3 } else { 1 });
    for &entries in &sizes {
        println!("\n{entries} entries, keys of 8 bytes");
        let keys = Keys::new(entries, u64_key);
        compare(
            &keys,
            rounds,
            &[measure::<_, Table>, measure::<_, Boxed>, measure::<_, Typed>, measure::<_, Std>],
        );
        pause::run(&keys);
        println!("\n{entries} entries, keys of 16 characters");
        let keys = Keys::new(entries, text_key);
        compare(&keys, rounds, &[measure::<_, Table>, measure::<_, Boxed>, measure::<_, Std>]);
    }
}

pub fn max_parallelism() -> MaxParallelism {
    MaxParallelism::new(GROUPS).expect("128 is a legal max parallelism")
}

/// A key and how its key group is found.
pub trait Key: Copy {
    fn bytes(&self) -> &[u8];
    fn group(&self, max: MaxParallelism) -> usize;
}

impl Key for [u8; 8] {
    fn bytes(&self) -> &[u8] {
        self
    }

    fn group(&self, max: MaxParallelism) -> usize {
        key_group::of(&u64::from_le_bytes(*self), max).index()
    }
}

impl Key for [u8; 16] {
    fn bytes(&self) -> &[u8] {
        self
    }

    fn group(&self, max: MaxParallelism) -> usize {
        key_group::of(str::from_utf8(self).expect("keys are ASCII"), max).index()
    }
}

fn mixed(number: u64) -> u64 {
    let mixed = (number ^ number >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ mixed >> 31
}

fn u64_key(number: u64) -> [u8; 8] {
    mixed(number).to_le_bytes()
}

fn text_key(number: u64) -> [u8; 16] {
    let mixed = mixed(number);
    std::array::from_fn(|at| b"0123456789abcdef"[(mixed >> (4 * at)) as usize % 16])
}

/// Keys to insert, keys to look for in random order, keys that are not there.
pub struct Keys<K> {
    pub inserted: Vec<K>,
    pub accessed: Vec<K>,
    missing: Vec<K>,
}

impl<K: Key> Keys<K> {
    fn new(entries: usize, key: fn(u64) -> K) -> Self {
        let entries = entries as u64;
        Self {
            inserted: (0..entries).map(key).collect(),
            accessed: (0..ACCESSES as u64).map(|access| key(mixed(access + 1) % entries)).collect(),
            missing: (0..ACCESSES as u64).map(|access| key(entries + access)).collect(),
        }
    }
}

/// Millions per second, and bytes per entry.
struct Figures {
    name: &'static str,
    insert: f64,
    get: f64,
    miss: f64,
    update: f64,
    iterate: f64,
    bytes: f64,
    taken: f64,
}

type Column = (&'static str, fn(&Figures) -> f64);

fn millions_per_second(operations: usize, work: impl FnOnce()) -> f64 {
    let start = Clock::start();
    work();
    operations as f64 / start.seconds() / 1e6
}

pub fn filled<K: Key, E: Entries>(keys: &Keys<K>) -> Vec<E> {
    let max = max_parallelism();
    let mut groups: Vec<E> = std::iter::repeat_with(E::default).take(GROUPS as usize).collect();
    let value = black_box([7; VALUE]);
    for key in &keys.inserted {
        groups[key.group(max)].put(key.bytes(), &value);
    }
    groups
}

pub fn change(before: &[u8], after: &mut [u8; VALUE]) {
    after.copy_from_slice(before);
    let count = u64::from_le_bytes(after[..8].try_into().expect("8 bytes are 8 bytes"));
    after[..8].copy_from_slice(&count.wrapping_add(1).to_le_bytes());
}

fn measure<K: Key, E: Entries>(keys: &Keys<K>) -> Figures {
    let max = max_parallelism();
    let (bytes_before, taken_before) = (counting::bytes(), counting::taken_bytes());
    let mut groups: Vec<E> = Vec::new();
    let insert = millions_per_second(keys.inserted.len(), || groups = filled(keys));
    let per_entry = |bytes: usize| bytes as f64 / keys.inserted.len() as f64;
    let (bytes, taken) =
        (per_entry(counting::bytes() - bytes_before), per_entry(counting::taken_bytes() - taken_before));
    let get = millions_per_second(keys.accessed.len(), || {
        for key in &keys.accessed {
            let value = groups[key.group(max)].get(key.bytes()).expect("the key is there");
            // The state that a counter is.
            black_box(u64::from_le_bytes(value[..8].try_into().expect("8 bytes are 8 bytes")));
        }
    });
    let miss = millions_per_second(keys.missing.len(), || {
        for key in &keys.missing {
            black_box(groups[key.group(max)].get(key.bytes()).is_none());
        }
    });
    let update = millions_per_second(keys.accessed.len(), || {
        for key in &keys.accessed {
            groups[key.group(max)].update(key.bytes(), change);
        }
    });
    let iterate = millions_per_second(keys.inserted.len(), || {
        let mut sum = 0_u64;
        for group in &groups {
            group.for_each(|key, value| sum += u64::from(key[0]) + u64::from(value[0]));
        }
        black_box(sum);
    });
    Figures { name: E::NAME, insert, get, miss, update, iterate, bytes, taken }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn compare<K>(keys: &Keys<K>, rounds: usize, rivals: &[fn(&Keys<K>) -> Figures]) {
    let mut all: Vec<Vec<Figures>> = rivals.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for (rival, figures) in rivals.iter().zip(&mut all) {
            figures.push(rival(keys));
        }
    }
    let columns: [Column; 7] = [
        ("insert", |figures| figures.insert),
        ("get", |figures| figures.get),
        ("miss", |figures| figures.miss),
        ("update", |figures| figures.update),
        ("iterate", |figures| figures.iterate),
        ("bytes/entry", |figures| figures.bytes),
        ("with malloc", |figures| figures.taken),
    ];
    print!("{:24}", "M operations/s");
    columns.iter().for_each(|(name, _)| print!("{name:>16}"));
    println!();
    let ours: Vec<f64> =
        columns.iter().map(|(_, column)| median(all[0].iter().map(column).collect())).collect();
    for figures in &all {
        print!("{:24}", figures[0].name);
        for ((_, column), ours) in columns.iter().zip(&ours) {
            let value = median(figures.iter().map(column).collect());
            print!("{:>16}", format!("{value:.1} ({:.2}×)", ours / value));
        }
        println!();
    }
}
