//! A snapshot into memory: frozen, encoded with all checksums and digests, and copied into a buffer that
//! was used before.

use std::hint::black_box;

use keygroups::backend::SectionOptions;
use keygroups::snapshot::EncodedSnapshot;
use serde::Serialize;

use super::boxed::{BoxedTask, Group};
use super::figure::{self, Figure};
use super::state::{self, ENTRY_BYTES, TASKS, Task, Values};
use super::statistics::median;
use super::{copy, tasks, transfer};

/// GB/s of both tasks together, by the slower task's processor time.
#[derive(Clone, Debug, Serialize)]
pub struct Snapshot {
    keys: u64,
    /// Of the encoded bytes, with the copy.
    into_warm_buffer: f64,
    /// Without the copy: what an upload streams.
    encoded: f64,
    /// Processor time: frozen, encoded with checksums and digests, and copied.
    pub ns_per_entry: f64,
    memcpy: f64,
    memcpy_one_thread: f64,
    /// Boxed tables written entry by entry into a warm buffer, without any checksum.
    boxed: f64,
    /// Entries of boxed tables per second over those of ours.
    entries_of_boxed: f64,
}

pub fn snapshot(keys: u64, rounds: usize) -> Snapshot {
    let by_task = state::keys_by_task(keys);
    let mut filled = state::filled(&by_task, SectionOptions::default());
    let (mut with_copy, mut without) = (Vec::new(), Vec::new());
    let mut buffers: Vec<Vec<u8>> = vec![Vec::new(); filled.len()];
    let mut bytes = 0;
    // The first round makes the buffers warm.
    for round in 0..=rounds {
        let (_, took) = tasks::at_once(filled.iter_mut().collect(), |task| black_box(encoded(task)));
        without.push(took.slowest);
        let inputs = filled.iter_mut().zip(&mut buffers).collect();
        let (lengths, took) = tasks::at_once(inputs, |(task, buffer): (&mut Task, &mut Vec<u8>)| {
            buffer.clear();
            encoded(task).parts.iter().for_each(|part| buffer.extend_from_slice(part));
            buffer.len()
        });
        with_copy.push(took.slowest);
        bytes = lengths.iter().sum();
        if round == 0 {
            (with_copy, without) = (Vec::new(), Vec::new());
        }
    }
    drop(filled);
    let (boxed_seconds, boxed_bytes) = boxed(&by_task, rounds, buffers);
    let speed = |bytes: usize, seconds: f64| bytes as f64 / seconds / 1e9;
    let with_copy = median(with_copy);
    Snapshot {
        keys,
        into_warm_buffer: speed(bytes, with_copy),
        encoded: speed(bytes, median(without)),
        ns_per_entry: with_copy * 1e9 * f64::from(TASKS) / keys as f64,
        memcpy: copy::memcpy(TASKS as usize, rounds),
        memcpy_one_thread: copy::memcpy(1, rounds),
        boxed: speed(boxed_bytes, boxed_seconds),
        entries_of_boxed: boxed_seconds / with_copy,
    }
}

fn encoded(task: &mut Task) -> EncodedSnapshot {
    let identity = transfer::identity(0, 1);
    task.backend.freeze().encode(identity, &[]).expect("the state is within the format's bounds")
}

fn boxed(by_task: &[Vec<state::Key>], rounds: usize, buffers: Vec<Vec<u8>>) -> (f64, usize) {
    let values = Values::new();
    let (filled, _) = tasks::at_once((0..).zip(by_task).collect(), |(task, keys)| {
        let mut boxed = BoxedTask::empty(state::owned(task, TASKS));
        keys.iter().for_each(|key| boxed.put(*key, values.of(*key)));
        boxed
    });
    let mut buffers = buffers;
    let seconds = (0..rounds).map(|_| {
        let inputs = filled.iter().zip(&mut buffers).collect();
        let (_, took) = tasks::at_once(inputs, |(task, buffer): (&BoxedTask, &mut Vec<u8>)| {
            buffer.clear();
            task.groups().iter().for_each(|group: &Group| group.write(buffer));
        });
        took.slowest
    });
    let seconds = median(seconds);
    (seconds, buffers.iter().map(Vec::len).sum())
}

impl Snapshot {
    pub fn figures(&self) -> Vec<Figure> {
        let keys = figure::keys(self.keys);
        let (speed, memcpy) = (self.into_warm_buffer, self.memcpy);
        let (of_memcpy, of_boxed) = (speed / memcpy, self.entries_of_boxed);
        vec![
            Figure::new(
                format!("snapshot into warm buffers with checksums and digests, {keys}"),
                format!(
                    "{speed:.1} GB/s, **{of_memcpy:.2}× memcpy** ({memcpy:.1} GB/s with 2 threads, {:.1} with \
                     1); {:.1} GB/s without the copy",
                    self.memcpy_one_thread, self.encoded
                ),
            )
            .aiming("≥ 0.6× memcpy", of_memcpy >= 0.6),
            Figure::new(
                format!("the same against boxed tables written entry by entry, {keys}"),
                format!("**{of_boxed:.1}×** the entries per second; boxed {:.1} GB/s without checksums", self.boxed),
            )
            .aiming("≥ 5×", of_boxed >= 5.0),
        ]
    }
}

/// Bytes of keys and values of so many keys.
pub const fn content_bytes(keys: u64) -> u64 {
    keys * ENTRY_BYTES as u64
}
