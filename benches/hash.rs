//! What it costs to find the key group of a key: `cargo bench --bench hash`.
//!
//! Keys differ from call to call and the max parallelism is not known to the compiler.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use keygroups::key_group::{self, JavaHash, MaxParallelism};

fn main() {
    divan::main();
}

const KEYS: usize = 1024;

/// A max parallelism that is a power of two and one that is not.
const MAX_PARALLELISMS: [u32; 2] = [128, 1000];

fn numbers() -> Vec<u64> {
    (0..KEYS as u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect()
}

fn texts(format: impl Fn(u64) -> String) -> Vec<String> {
    numbers().into_iter().map(format).collect()
}

fn groups<K: JavaHash>(bencher: Bencher<'_, '_>, max: u32, keys: &[K]) {
    let max = black_box(MaxParallelism::new(max).expect("a valid max parallelism"));
    bencher.counter(ItemsCount::new(keys.len())).bench_local(|| {
        for key in keys {
            black_box(key_group::of(black_box(key), max));
        }
    });
}

#[divan::bench(args = MAX_PARALLELISMS)]
fn u64(bencher: Bencher<'_, '_>, max: u32) {
    groups(bencher, max, &numbers());
}

#[divan::bench(args = MAX_PARALLELISMS)]
fn ascii_of_16_bytes(bencher: Bencher<'_, '_>, max: u32) {
    groups(bencher, max, &texts(|n| format!("{n:016x}")));
}

#[divan::bench(args = MAX_PARALLELISMS)]
fn text_of_16_characters_not_ascii(bencher: Bencher<'_, '_>, max: u32) {
    groups(bencher, max, &texts(|n| format!("é{:015x}", n >> 4)));
}

#[divan::bench(args = MAX_PARALLELISMS)]
fn bytes_of_16(bencher: Bencher<'_, '_>, max: u32) {
    let max = black_box(MaxParallelism::new(max).expect("a valid max parallelism"));
    let keys = texts(|n| format!("{n:016x}"));
    bencher.counter(ItemsCount::new(keys.len())).bench_local(|| {
        for key in &keys {
            black_box(key_group::of_bytes(black_box(key.as_bytes()), max));
        }
    });
}
