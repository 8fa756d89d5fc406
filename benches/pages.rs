//! What huge pages would bring: the first touch of memory, and reads of it at random that wait for each other.
//!
//! `cargo bench --bench pages`. Linux gives them to whoever asks (`madvise`); elsewhere both columns are alike.

#![allow(clippy::disallowed_methods, reason = "time is what is measured")]

use std::{hint::black_box, time::Instant};

use memmap2::MmapMut;

const SIZES: [usize; 3] = [64 << 20, 128 << 20, 512 << 20];
const READS: usize = 1 << 22;
const LINE: usize = 64;
const ROUNDS: usize = 3;

/// GB/s of the first touch, and nanoseconds of a read.
fn measured(bytes: usize, are_huge: bool) -> std::io::Result<(f64, f64)> {
    let mut memory = MmapMut::map_anon(bytes)?;
    #[cfg(target_os = "linux")]
    if are_huge {
        memory.advise(memmap2::Advice::HugePage)?;
    }
    let begin = Instant::now();
    memory.fill(1);
    let touch = bytes as f64 / begin.elapsed().as_secs_f64() / 1e9;
    let begin = Instant::now();
    let mut random = 88_172_645_463_325_252_u64;
    for _ in 0..READS {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        // The next place depends on what was read.
        random = random.wrapping_add(u64::from(memory[(random >> 8) as usize % (bytes / LINE) * LINE]));
    }
    black_box(random);
    Ok((touch, begin.elapsed().as_secs_f64() * 1e9 / READS as f64))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() -> std::io::Result<()> {
    println!("| memory | first touch, GB/s: as given, huge | a read, ns: as given, huge |\n|---|---|---|");
    for bytes in SIZES {
        let (mut given, mut huge) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            given.push(measured(bytes, false)?);
            huge.push(measured(bytes, true)?);
        }
        let of =
            |rounds: &[(f64, f64)], value: fn(&(f64, f64)) -> f64| median(rounds.iter().map(value).collect());
        let touch = |rounds: &[(f64, f64)]| of(rounds, |round| round.0);
        let read = |rounds: &[(f64, f64)]| of(rounds, |round| round.1);
        println!(
            "| {} MiB | {:.1}, {:.1} | {:.0}, {:.0} |",
            bytes >> 20,
            touch(&given),
            touch(&huge),
            read(&given),
            read(&huge)
        );
    }
    Ok(())
}
