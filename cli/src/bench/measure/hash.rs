//! What it costs to find the key group of a key. `benches/hash.rs` of the library has more kinds of keys.

use std::hint::black_box;

use keygroups::key_group;
use serde::Serialize;

use super::clock;
use super::figure::Figure;
use super::state;
use super::statistics::median;

const KEYS: u64 = 1 << 10;
const REPEATS: usize = 1 << 10;

/// Nanoseconds for each key.
#[derive(Clone, Debug, Serialize)]
pub struct Hash {
    number: f64,
    text: f64,
}

pub fn hash(rounds: usize) -> Hash {
    let max = black_box(state::max_parallelism());
    let numbers: Vec<u64> = (0..KEYS).map(state::mixed).collect();
    let texts: Vec<String> = numbers.iter().map(|number| format!("{number:016x}")).collect();
    let timed = |work: &dyn Fn()| {
        let rounds = (0..rounds).map(|_| {
            let began = clock::thread_seconds();
            (0..REPEATS).for_each(|_| work());
            (clock::thread_seconds() - began) * 1e9 / (REPEATS as f64 * KEYS as f64)
        });
        median(rounds)
    };
    let of_number = |key: &u64| _ = black_box(key_group::of(black_box(key), max));
    let of_text = |key: &String| _ = black_box(key_group::of(black_box(&**key), max));
    Hash {
        number: timed(&|| numbers.iter().for_each(of_number)),
        text: timed(&|| texts.iter().for_each(of_text)),
    }
}

impl Hash {
    pub fn figures(&self) -> Vec<Figure> {
        let one = |what: &str, ns: f64, most: f64| {
            Figure::new(format!("key → key group, {what}"), format!("**{ns:.1} ns**"))
                .aiming(format!("< {most} ns"), ns < most)
        };
        vec![one("u64", self.number, 3.0), one("strings of 16 ASCII characters", self.text, 9.0)]
    }
}
