//! What compression of sections costs and brings: why there is none by default.

use std::hint::black_box;

use keygroups::backend::{SectionOptions, StateBackend};
use keygroups::snapshot::{Compression, EncodedSnapshot, RestoreReads, Wanted};
use serde::Serialize;

use super::clock;
use super::figure::{self, Figure};
use super::state::{self, Key, Task, VALUE_BYTES, Values};
use super::statistics::median;
use super::transfer::identity;

/// The second half of each value repeats this.
const WORDS: &[u8] = b"on time, ";

/// One codec, one thread. Of bytes before compression.
#[derive(Clone, Debug, Serialize)]
pub struct Codec {
    codec: &'static str,
    encode_mb_per_s: f64,
    decode_mb_per_s: f64,
    /// Bytes before over bytes after.
    ratio: f64,
}

/// All codecs.
#[derive(Clone, Debug, Serialize)]
pub struct Compressions {
    keys: u64,
    codecs: Vec<Codec>,
}

/// Encodes and restores one task in memory, with all checksums and digests verified. The first half of each
/// value is noise, the second repeats two words.
///
/// # Errors
///
/// If what was encoded cannot be decoded.
pub fn compressions(keys: u64, rounds: usize) -> anyhow::Result<Compressions> {
    let max = state::max_parallelism();
    let values = Values::new();
    let mut task = Task::empty(max.all())?;
    (0..keys).map(state::key).for_each(|key| task.put(key, &half_compressible(&values, key)));
    let mut raw = 0;
    let mut codecs = Vec::new();
    for (codec, compression) in
        [("none", Compression::None), ("lz4", Compression::Lz4), ("zstd", Compression::Zstd)]
    {
        task.backend.set_section_options(SectionOptions::default().with_compression(compression));
        let frozen = task.backend.freeze();
        let (mut encode, mut decode, mut bytes) = (Vec::new(), Vec::new(), 0);
        for _ in 0..rounds {
            let began = clock::thread_seconds();
            let encoded = black_box(frozen.encode(identity(0, 1), &[])?);
            encode.push(clock::thread_seconds() - began);
            bytes = encoded.object_bytes();
            decode.push(decoded(&encoded, keys)?);
        }
        if compression == Compression::None {
            raw = bytes;
        }
        let speed = |seconds: Vec<f64>| raw as f64 / median(seconds) / 1e6;
        codecs.push(Codec {
            codec,
            encode_mb_per_s: speed(encode),
            decode_mb_per_s: speed(decode),
            ratio: raw as f64 / bytes as f64,
        });
    }
    Ok(Compressions { keys, codecs })
}

fn half_compressible(values: &Values, key: Key) -> [u8; VALUE_BYTES] {
    let mut value = *values.of(key);
    let (_, words) = value.split_at_mut(VALUE_BYTES / 2);
    words.iter_mut().zip(WORDS.iter().cycle()).for_each(|(byte, letter)| *byte = *letter);
    // Where values of the window of a codec overlap, noise would repeat, too.
    let noise = (0..).map(|word| state::mixed(u64::from_le_bytes(key).wrapping_add(word)));
    let noise = noise.flat_map(u64::to_le_bytes);
    value[..VALUE_BYTES / 2].iter_mut().zip(noise).for_each(|(byte, noise)| *byte = noise);
    value
}

fn decoded(encoded: &EncodedSnapshot, keys: u64) -> anyhow::Result<f64> {
    let (max, handle, bytes) = (state::max_parallelism(), encoded.handle(), encoded.bytes());
    let began = clock::thread_seconds();
    let wanted = Wanted { key_groups: vec![max.all()], ..Wanted::default() };
    let reads = RestoreReads::new(&handle, wanted, &bytes)?;
    let slices =
        reads.reads().iter().map(|read| bytes.slice(read.range.start as usize..read.range.end as usize));
    let restored = reads.finish(slices.collect())?;
    let mut backend = StateBackend::new(max, max.all())?;
    restored.key_groups.iter().try_for_each(|sections| backend.restore_groups(sections))?;
    let seconds = clock::thread_seconds() - began;
    anyhow::ensure!(backend.memory().entries as u64 == keys, "entries were lost");
    Ok(seconds)
}

impl Compressions {
    pub fn figures(&self) -> Vec<Figure> {
        let keys = figure::keys(self.keys);
        let one = |codec: &Codec| {
            Figure::new(
                format!("compression {}, values half noise, one thread, {keys}", codec.codec),
                format!(
                    "encode {:.0} MB/s, decode {:.0} MB/s, ratio {:.2}",
                    codec.encode_mb_per_s, codec.decode_mb_per_s, codec.ratio
                ),
            )
        };
        self.codecs.iter().map(one).collect()
    }
}
