//! How fast this machine copies memory, in this session: what everything else is a fraction of.

use std::hint::black_box;

use super::{statistics::median, tasks};

const BYTES: usize = 128 << 20;

/// GB/s of `threads` threads together, from and to memory that was used before.
pub fn memcpy(threads: usize, rounds: usize) -> f64 {
    let mut buffers: Vec<(Vec<u8>, Vec<u8>)> =
        (0..threads).map(|_| (vec![1; BYTES], vec![2; BYTES])).collect();
    let seconds = (0..rounds).map(|_| {
        let (_, took) = tasks::at_once(buffers.iter_mut().collect(), |(from, to)| {
            to.copy_from_slice(black_box(from));
            black_box(to);
        });
        took.slowest
    });
    (threads * BYTES) as f64 / median(seconds) / 1e9
}
