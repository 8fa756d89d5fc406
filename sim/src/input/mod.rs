//! The job's input: a CSV with a header, plain or compressed, reduced to what the default job reads.
//!
//! Nothing in a file can make this panic: everything wrong with it is an [`InputError`] that says where.

mod decompress;

pub use decompress::{Format, decompress};

use crate::encoding::shared_text;
use csv::StringRecord;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The default key: an aircraft.
pub const DEFAULT_KEY: &str = "tailnum";
const DISTANCE: &str = "distance";
const DELAY: &str = "dep_delay";

const JANUARY: &[u8] = include_bytes!("../../data/nycflights13-january.csv.xz");

/// One row, as the default job sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Value of the key column, as it stands there; `NA` and the empty string are keys like any other.
    #[serde(deserialize_with = "shared_text")]
    pub key: Arc<str>,
    /// Miles; at most `u32::MAX`, so that no sum over a file overflows.
    pub distance: u64,
    /// Minutes of delay at departure, negative if early; between `i32::MIN` and `i32::MAX`. `None` where
    /// the file has `NA`, `NaN` or nothing.
    pub dep_delay: Option<i64>,
}

/// All rows of a file, in its order. There is at least one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Table {
    /// The rows.
    pub rows: Vec<Row>,
}

/// What is wrong with an input. Lines are counted from 1 in the decompressed text, the header is line 1.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The compressed data is cut off or damaged.
    #[error("cannot decompress {format}: {reason}")]
    Compressed {
        /// The format its first bytes announce.
        format: Format,
        /// What the decoder says.
        reason: String,
    },
    /// There is nothing at all.
    #[error("is empty; a CSV with a header was expected")]
    Empty,
    /// There is nothing below the header.
    #[error("has a header but no rows")]
    NoRows,
    /// The header lacks a column.
    #[error("has no column {column:?}; there are: {columns}", columns = columns.join(", "))]
    UnknownColumn {
        /// The wanted column.
        column: String,
        /// The columns there are.
        columns: Vec<String>,
    },
    /// The header names a wanted column twice.
    #[error("has more than one column {column:?}")]
    AmbiguousColumn {
        /// The column.
        column: String,
    },
    /// A row has more or fewer fields than the header.
    #[error("line {line}: {found} fields where the header has {expected}")]
    BrokenRow {
        /// Where.
        line: u64,
        /// Fields of the header.
        expected: u64,
        /// Fields of the row.
        found: u64,
    },
    /// A row is not UTF-8 text.
    #[error("line {line}: not UTF-8 text")]
    NotUtf8 {
        /// Where.
        line: u64,
    },
    /// A field is not the number it has to be.
    #[error("line {line}, column {column:?}: {found:?} is not a whole number from {min} to {max}")]
    BadNumber {
        /// Where.
        line: u64,
        /// In which column.
        column: &'static str,
        /// What stands there.
        found: String,
        /// Smallest number allowed.
        min: i64,
        /// Largest number allowed.
        max: i64,
    },
    /// The CSV reader failed in a way none of the above describes.
    #[error("cannot be read as CSV: {0}")]
    Csv(csv::Error),
}

impl Table {
    /// Whether it has no row; only a table that was not read from a file can be so.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The flights of January 2013, keyed by `key`; see `data/README.md`.
    ///
    /// # Errors
    /// [`InputError::UnknownColumn`] if there is no column `key`.
    pub fn january(key: &str) -> Result<Self, InputError> {
        Self::from_bytes(JANUARY, key)
    }

    /// Reads a file: CSV, plain or compressed with gzip, xz or zstd, whatever its name is.
    ///
    /// # Errors
    /// Everything [`InputError`] lists.
    pub fn read(path: &Path, key: &str) -> Result<Self, InputError> {
        let bytes =
            std::fs::read(path).map_err(|source| InputError::Unreadable { path: path.to_owned(), source })?;
        Self::from_bytes(&bytes, key)
    }

    /// Reads the content of a file; see [`read`](Self::read).
    ///
    /// # Errors
    /// Everything [`InputError`] lists, except `Unreadable`.
    pub fn from_bytes(bytes: &[u8], key: &str) -> Result<Self, InputError> {
        let text = decompress(bytes)?;
        if text.trim_ascii().is_empty() {
            return Err(InputError::Empty);
        }
        let mut reader = csv::ReaderBuilder::new().from_reader(&*text);
        let header = reader.headers().map_err(located)?.clone();
        let columns = Columns::find(&header, key)?;
        let mut keys = BTreeSet::new();
        let mut rows = Vec::new();
        let mut record = StringRecord::new();
        while reader.read_record(&mut record).map_err(located)? {
            rows.push(columns.row(&record, &mut keys)?);
        }
        if rows.is_empty() { Err(InputError::NoRows) } else { Ok(Self { rows }) }
    }

    /// The first `count` rows, all if there are fewer.
    #[must_use]
    pub fn first(&self, count: usize) -> Self {
        Self { rows: self.rows[..count.min(self.rows.len())].to_vec() }
    }
}

/// Positions of the wanted columns.
struct Columns {
    key: usize,
    distance: usize,
    delay: usize,
}

impl Columns {
    fn find(header: &StringRecord, key: &str) -> Result<Self, InputError> {
        let position = |column: &str| {
            let mut positions = header.iter().enumerate().filter(|(_, name)| *name == column);
            match (positions.next(), positions.next()) {
                (Some((position, _)), None) => Ok(position),
                (Some(_), Some(_)) => Err(InputError::AmbiguousColumn { column: column.to_owned() }),
                (None, _) => Err(InputError::UnknownColumn {
                    column: column.to_owned(),
                    columns: header.iter().map(str::to_owned).collect(),
                }),
            }
        };
        Ok(Self { key: position(key)?, distance: position(DISTANCE)?, delay: position(DELAY)? })
    }

    fn row(&self, record: &StringRecord, keys: &mut BTreeSet<Arc<str>>) -> Result<Row, InputError> {
        let line = record.position().map_or(0, csv::Position::line);
        let bad = |column, position: usize, min, max| InputError::BadNumber {
            line,
            column,
            found: record[position].to_owned(),
            min,
            max,
        };
        let distance: u32 = whole(&record[self.distance])
            .ok_or_else(|| bad(DISTANCE, self.distance, 0, i64::from(u32::MAX)))?;
        let dep_delay = match &record[self.delay] {
            "" | "NA" | "NaN" => None,
            text => Some(
                whole::<i32>(text)
                    .ok_or_else(|| bad(DELAY, self.delay, i64::from(i32::MIN), i64::from(i32::MAX)))?,
            ),
        };
        let key = match keys.get(&record[self.key]) {
            Some(known) => known.clone(),
            None => {
                let key: Arc<str> = record[self.key].into();
                keys.insert(key.clone());
                key
            }
        };
        Ok(Row { key, distance: u64::from(distance), dep_delay: dep_delay.map(i64::from) })
    }
}

/// A whole number; `2.0` is one, because tools that know no missing integers write them so.
fn whole<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.strip_suffix(".0").unwrap_or(text).parse().ok()
}

fn located(error: csv::Error) -> InputError {
    let line = error.position().map_or(1, csv::Position::line);
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            InputError::BrokenRow { line, expected: *expected_len, found: *len }
        }
        csv::ErrorKind::Utf8 { .. } => InputError::NotUtf8 { line },
        _ => InputError::Csv(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "tailnum,dep_delay,distance\n";

    fn table(text: impl AsRef<[u8]>) -> Result<Table, InputError> {
        Table::from_bytes(text.as_ref(), DEFAULT_KEY)
    }

    fn message(text: impl AsRef<[u8]>) -> String {
        table(text).unwrap_err().to_string()
    }

    fn rows(text: &str) -> Vec<(String, u64, Option<i64>)> {
        let rows = table(format!("{HEADER}{text}")).unwrap().rows;
        rows.into_iter().map(|row| (row.key.to_string(), row.distance, row.dep_delay)).collect()
    }

    #[test]
    fn january_has_its_rows() {
        let january = Table::january(DEFAULT_KEY).unwrap();
        assert_eq!(january.rows.len(), 26_865);
        let first = Row { key: "N14228".into(), distance: 1400, dep_delay: Some(2) };
        assert_eq!(january.rows[0], first);
        assert!(january.rows.iter().any(|row| row.dep_delay.is_none()));
        assert_eq!(Table::january("carrier").unwrap().rows[0].key.as_ref(), "UA");
        assert_eq!(january.first(10).rows.len(), 10);
    }

    #[test]
    fn january_cut_off_is_an_error() {
        for length in [10, 1_000, JANUARY.len() / 2, JANUARY.len() - 1] {
            let error = table(&JANUARY[..length]).unwrap_err();
            assert!(matches!(error, InputError::Compressed { format: Format::Xz, .. }), "{error}");
        }
    }

    #[test]
    fn missing_delays_are_unknown_and_odd_keys_are_keys() {
        let expected =
            [("NA", 1, None), ("", 2, None), ("a,b", 3, None), ("ü\nx", 4, Some(-5)), ("c", 5, Some(7))];
        let found = rows("NA,NA,1\n,,2\n\"a,b\",NaN,3\n\"ü\nx\",-5,4\r\nc,7.0,5.0");
        assert!(found.iter().map(|(key, distance, delay)| (key.as_str(), *distance, *delay)).eq(expected));
    }

    #[test]
    fn byte_order_mark_is_no_part_of_the_first_column() {
        assert_eq!(table(format!("\u{feff}{HEADER}a,1,2\n")).unwrap().rows.len(), 1);
    }

    #[test]
    fn empty_file_and_file_without_rows_are_told_apart() {
        assert!(matches!(table(""), Err(InputError::Empty)));
        assert!(matches!(table("\n\n"), Err(InputError::Empty)));
        assert!(matches!(table(HEADER), Err(InputError::NoRows)));
    }

    #[test]
    fn unknown_column_lists_the_columns() {
        let text = format!("{HEADER}a,1,2\n");
        let error = Table::from_bytes(text.as_bytes(), "tail").unwrap_err();
        assert_eq!(error.to_string(), "has no column \"tail\"; there are: tailnum, dep_delay, distance");
        assert!(message("tailnum,distance\na,1\n").starts_with("has no column \"dep_delay\""));
        assert_eq!(message("tailnum,dep_delay,distance,distance\n"), "has more than one column \"distance\"");
    }

    #[test]
    fn broken_row_is_located() {
        let text = format!("{HEADER}a,1,2\n\"b\nb\",1,2\nc,1\n");
        assert_eq!(message(text), "line 5: 2 fields where the header has 3");
    }

    #[test]
    fn bad_number_is_located() {
        assert_eq!(
            message(format!("{HEADER}a,1,2\nb,soon,3\n")),
            "line 3, column \"dep_delay\": \"soon\" is not a whole number from -2147483648 to 2147483647"
        );
        for distance in ["-1", "4294967296", "1.5", "NA", ""] {
            let message = message(format!("{HEADER}a,1,{distance}\n"));
            assert!(message.starts_with("line 2, column \"distance\""), "{message}");
        }
    }

    #[test]
    fn text_in_another_encoding_is_located() {
        let text = [HEADER.as_bytes(), b"a,1,2\n", b"\xffb,1,2\n"].concat();
        assert_eq!(message(text), "line 3: not UTF-8 text");
        assert_eq!(message(b"\xfe\xffab,c\n"), "line 1: not UTF-8 text");
    }

    #[test]
    fn directory_and_missing_file_are_unreadable() {
        for path in [Path::new("/"), Path::new("/no/such/file")] {
            let error = Table::read(path, DEFAULT_KEY).unwrap_err();
            assert!(matches!(error, InputError::Unreadable { .. }), "{error}");
        }
    }
}
