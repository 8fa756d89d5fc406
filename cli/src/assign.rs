//! `keygroups assign`: keys to hash codes, key groups and subtasks.

use std::borrow::Cow;
use std::io::{self, BufRead, BufWriter, Write};
use std::str::FromStr;

use anyhow::{Context, anyhow, bail};
use clap::{Args, ValueEnum};
use keygroups::key_group::java::{Character, Uuid};
use keygroups::key_group::{self, JavaHash, KeyGroup, MaxParallelism, Parallelism, assign};

use crate::Verdict;

/// Show the hash, key group and subtask of keys
///
/// Keys are hashed as Flink hashes them, so the answer is where a Flink job of the same max
/// parallelism keeps their state. The output is CSV with the columns key, hash, key_group and, with
/// --parallelism, subtask.
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Assign {
    /// Number of key groups, 1 to 32768
    #[arg(long, value_name = "M")]
    max_parallelism: u32,

    /// Number of subtasks, at most M: adds the column subtask
    #[arg(long, value_name = "P")]
    parallelism: Option<u32>,

    /// What the keys are: the Java type, or bytes
    #[arg(long, value_enum)]
    key_type: KeyType,

    /// Keys; without any, they are read from stdin, one per line
    ///
    /// Write -- before the first key that begins with a minus.
    #[arg(value_name = "KEY")]
    keys: Vec<String>,
}

const EXAMPLES: &str = "\
Examples:
  Where does Flink keep the key \"flink\"?
    keygroups assign --max-parallelism 128 --key-type string flink

  Numbers, some negative, and their subtasks at parallelism 4:
    keygroups assign --max-parallelism 128 --parallelism 4 --key-type long -- 42 -1

  One key per line from another program:
    cut -d, -f12 flights.csv | keygroups assign --max-parallelism 128 --key-type string

Lines from stdin end with a line feed, or carriage return and line feed; an empty line is an
empty key. Numbers and booleans may have blanks around them; strings are taken as they are.
A null key has no key group in Flink, and there is no way to write one.";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum KeyType {
    /// Text; UTF-8 here, hashed as UTF-16 as in Java
    String,
    /// 64-bit integer
    Long,
    /// 32-bit integer
    Int,
    /// 16-bit integer
    Short,
    /// 8-bit integer
    Byte,
    /// true or false
    Boolean,
    /// One character of Java: one UTF-16 unit, so no emoji
    Char,
    /// 64-bit floating point: 1.5, -0.0, 1e-9, NaN, inf, -inf
    Double,
    /// 32-bit floating point
    Float,
    /// UUID with or without hyphens
    Uuid,
    /// Bytes as hexadecimal digits, two per byte, hashed with 32-bit Murmur3; not a key type of
    /// Flink. The column hash is that hash, made non-negative
    Bytes,
}

/// A hash as shown, and the key group it leads to.
type Assigned = (i64, KeyGroup);

impl KeyType {
    fn assign(self, key: &str, max: MaxParallelism) -> anyhow::Result<Assigned> {
        let hash = match self {
            Self::String => key.java_hash(),
            Self::Long => parse::<i64>(key, "a 64-bit integer")?.java_hash(),
            Self::Int => parse::<i32>(key, "a 32-bit integer")?.java_hash(),
            Self::Short => parse::<i16>(key, "a 16-bit integer (-32768 to 32767)")?.java_hash(),
            Self::Byte => parse::<i8>(key, "an 8-bit integer (-128 to 127)")?.java_hash(),
            Self::Boolean => parse::<bool>(key, "true or false")?.java_hash(),
            Self::Char => character(key)?.java_hash(),
            Self::Double => parse::<f64>(key, "a floating point number")?.java_hash(),
            Self::Float => parse::<f32>(key, "a floating point number")?.java_hash(),
            Self::Uuid => Uuid(parse::<uuid::Uuid>(key, "a UUID")?.as_u128()).java_hash(),
            Self::Bytes => {
                let bytes = bytes(key)?;
                let hash = key_group::hash::murmur_bytes(&bytes);
                return Ok((i64::from(hash), key_group::of_bytes(&bytes, max)));
            }
        };
        Ok((i64::from(hash), key_group::of_hash(hash, max)))
    }
}

fn parse<T: FromStr>(key: &str, what: &str) -> anyhow::Result<T> {
    key.trim().parse().map_err(|_| anyhow!("{key:?} is not {what}"))
}

fn character(key: &str) -> anyhow::Result<Character> {
    let mut units = key.encode_utf16();
    match (units.next(), units.next()) {
        (Some(unit), None) => Ok(Character(unit)),
        _ => bail!("{key:?} is not one UTF-16 unit"),
    }
}

fn bytes(key: &str) -> anyhow::Result<Vec<u8>> {
    let nibble = |digit: u8| char::from(digit).to_digit(16);
    let (pairs, rest) = key.trim().as_bytes().as_chunks::<2>();
    let byte = |&[high, low]: &[u8; 2]| Some((nibble(high)? << 4 | nibble(low)?) as u8);
    let bytes: Option<Vec<u8>> = pairs.iter().map(byte).collect();
    bytes.filter(|_| rest.is_empty()).with_context(|| format!("{key:?} is not pairs of hexadecimal digits"))
}

impl Assign {
    pub(crate) fn run(self) -> anyhow::Result<Verdict> {
        let max = MaxParallelism::new(self.max_parallelism)?;
        let parallelism =
            self.parallelism.map(|p| Parallelism::new(p).and_then(|p| p.within(max))).transpose()?;
        let mut output = csv::Writer::from_writer(BufWriter::new(io::stdout().lock()));
        let mut heading = vec!["key", "hash", "key_group"];
        heading.extend(parallelism.map(|_| "subtask"));
        output.write_record(&heading)?;

        if self.keys.is_empty() {
            for (line, key) in (1..).zip(lines(io::stdin().lock())) {
                let key = key.with_context(|| format!("stdin, line {line}"))?;
                let assigned =
                    self.key_type.assign(&key, max).with_context(|| format!("stdin, line {line}"))?;
                write_row(&mut output, &key, assigned, max, parallelism)?;
            }
        } else {
            for key in &self.keys {
                write_row(&mut output, key, self.key_type.assign(key, max)?, max, parallelism)?;
            }
        }
        output.flush()?;
        Ok(Verdict::Holds)
    }
}

fn write_row(
    output: &mut csv::Writer<impl Write>,
    key: &str,
    (hash, key_group): Assigned,
    max: MaxParallelism,
    parallelism: Option<Parallelism>,
) -> anyhow::Result<()> {
    output.write_field(key)?;
    output.write_field(hash.to_string())?;
    output.write_field(key_group.to_string())?;
    if let Some(parallelism) = parallelism {
        output.write_field(assign::owner(key_group, max, parallelism).to_string())?;
    }
    Ok(output.write_record(None::<&[u8]>)?)
}

/// The lines of `input` without their ends.
fn lines(input: impl BufRead) -> impl Iterator<Item = anyhow::Result<String>> {
    input.split(b'\n').map(|line| {
        let mut line = line?;
        line.pop_if(|last| *last == b'\r');
        String::from_utf8(line).map_err(|error| {
            let shown: Cow<'_, str> = String::from_utf8_lossy(error.as_bytes());
            anyhow!("{shown:?} is not UTF-8")
        })
    })
}
