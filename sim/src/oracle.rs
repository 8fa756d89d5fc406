//! What the job must arrive at: the same input, one row after the other, into one ordered map.
//!
//! It knows nothing of keys' groups, subtasks, snapshots or time, and shares no code with the job, so
//! that an error in the one cannot hide in the other.

use crate::input::{Row, Table};
use std::collections::BTreeMap;
use std::io::Write;
use std::ops::Range;
use std::sync::Arc;

/// What the default job keeps per key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Totals {
    /// Number of flights.
    pub flights: u64,
    /// Sum of the distances in miles.
    pub distance: u64,
    /// Largest known delay at departure in minutes.
    pub max_delay: Option<i64>,
}

/// The totals of every key that occurred.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reference {
    totals: BTreeMap<Arc<str>, Totals>,
}

impl Reference {
    /// The totals of these rows.
    #[must_use]
    pub fn of<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Self {
        let mut reference = Self::default();
        for row in rows {
            reference.add(row);
        }
        reference
    }

    /// Counts one further row; the totals of its key with it.
    pub fn add(&mut self, row: &Row) -> Totals {
        let totals = match self.totals.get_mut(&row.key) {
            Some(totals) => totals,
            None => self.totals.entry(row.key.clone()).or_default(),
        };
        totals.flights += 1;
        totals.distance += row.distance;
        totals.max_delay = totals.max_delay.max(row.dep_delay);
        *totals
    }

    /// The totals of one key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Totals> {
        self.totals.get(key).copied()
    }

    /// Every key with its totals, in order of key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Totals)> {
        self.totals.iter().map(|(key, totals)| (key.as_ref(), *totals))
    }

    /// Number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.totals.len()
    }

    /// True without any key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.totals.is_empty()
    }

    /// The first difference to what the job arrived at, in words; `found` may come in any order, a key
    /// that comes twice is a difference too.
    #[must_use]
    pub fn difference<'a>(&self, found: impl IntoIterator<Item = (&'a str, Totals)>) -> Option<String> {
        let mut found: Vec<_> = found.into_iter().collect();
        found.sort_by_key(|(key, _)| *key);
        if let Some([(key, _), _]) = found.array_windows().find(|[(a, _), (b, _)]| a == b) {
            return Some(format!("key {key:?} was found twice"));
        }
        let mut found = found.into_iter().peekable();
        let mut never_read = None;
        for (key, expected) in self.iter() {
            while let Some(unread) = found.next_if(|(found, _)| *found < key) {
                never_read.get_or_insert(unread);
            }
            match found.next_if(|(found, _)| *found == key) {
                None => return Some(format!("key {key:?} is missing; expected {expected:?}")),
                Some((_, found)) if found != expected => {
                    return Some(format!("key {key:?}: expected {expected:?}, found {found:?}"));
                }
                Some(_) => {}
            }
        }
        let never_read = never_read.or_else(|| found.next());
        never_read.map(|(key, found)| format!("key {key:?} was never read, but has {found:?}"))
    }
}

/// Writes the final result as CSV `key,flights,distance_miles,max_dep_delay_minutes`, in the order given;
/// the last field is empty where no delay is known.
///
/// # Errors
/// Those of writing.
pub fn write_result<'a>(
    writer: impl Write,
    result: impl IntoIterator<Item = (&'a str, Totals)>,
) -> csv::Result<()> {
    let mut csv = csv::Writer::from_writer(writer);
    csv.write_record(["key", "flights", "distance_miles", "max_dep_delay_minutes"])?;
    for (key, Totals { flights, distance, max_delay }) in result {
        csv.serialize((key, flights, distance, max_delay))?;
    }
    csv.flush()?;
    Ok(())
}

/// A table cut into contiguous partitions whose sizes differ by at most one row: what a replayable source
/// reads. Clones share the rows.
#[derive(Clone, Debug)]
pub struct PartitionedInput {
    table: Arc<Table>,
    partitions: u64,
}

impl PartitionedInput {
    /// Cuts `table` into `partitions`.
    ///
    /// # Panics
    /// If `partitions` is zero.
    #[must_use]
    pub fn new(table: Arc<Table>, partitions: u16) -> Self {
        assert!(partitions > 0, "an input has at least one partition");
        Self { table, partitions: u64::from(partitions) }
    }

    /// Number of partitions.
    #[must_use]
    pub fn partitions(&self) -> u16 {
        self.partitions as u16
    }

    /// Number of rows in all partitions.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.table.rows.len() as u64
    }

    /// True without any row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.table.rows.is_empty()
    }

    /// The rows of one partition, in order; offset n of the partition is index n.
    ///
    /// # Panics
    /// If there is no such partition.
    #[must_use]
    pub fn rows(&self, partition: u16) -> &[Row] {
        assert!(u64::from(partition) < self.partitions, "partition {partition} of {}", self.partitions);
        let rows = self.table.rows.len() as u64;
        let begin = |partition: u64| (partition * rows / self.partitions) as usize;
        let range: Range<usize> = begin(u64::from(partition))..begin(u64::from(partition) + 1);
        &self.table.rows[range]
    }

    /// The exact state after the first `offsets[p]` rows of each partition p, whatever order they were
    /// read in: the job's totals do not depend on it. Offsets beyond an end count as the end.
    ///
    /// # Panics
    /// If there is not one offset per partition.
    #[must_use]
    pub fn reference_at(&self, offsets: &[u64]) -> Reference {
        assert_eq!(offsets.len() as u64, self.partitions, "one offset per partition");
        Reference::of(offsets.iter().zip(0..).flat_map(|(&offset, partition)| {
            let rows = self.rows(partition);
            &rows[..rows.len().min(usize::try_from(offset).unwrap_or(usize::MAX))]
        }))
    }

    /// The final result.
    #[must_use]
    pub fn reference(&self) -> Reference {
        Reference::of(&self.table.rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::DEFAULT_KEY;

    fn january() -> Arc<Table> {
        Arc::new(Table::january(DEFAULT_KEY).unwrap())
    }

    fn row(key: &str, distance: u64, dep_delay: Option<i64>) -> Row {
        Row { key: key.into(), distance, dep_delay }
    }

    #[test]
    fn totals_count_sum_and_keep_the_largest_known_delay() {
        let rows = [row("a", 5, Some(-7)), row("a", 6, None), row("b", 1, None), row("a", 0, Some(-9))];
        let reference = Reference::of(&rows);
        let a = Totals { flights: 3, distance: 11, max_delay: Some(-7) };
        let b = Totals { flights: 1, distance: 1, max_delay: None };
        assert!(reference.iter().eq([("a", a), ("b", b)]));
        let mut csv = Vec::new();
        write_result(&mut csv, reference.iter()).unwrap();
        assert_eq!(
            String::from_utf8(csv).unwrap(),
            "key,flights,distance_miles,max_dep_delay_minutes\na,3,11,-7\nb,1,1,\n"
        );
    }

    /// Computed with `xz -dc … | awk` over the file, not with this crate.
    #[test]
    fn january_totals_are_those_of_an_independent_tool() {
        let reference = PartitionedInput::new(january(), 4).reference();
        let flights: u64 = reference.iter().map(|(_, totals)| totals.flights).sum();
        let distance: u64 = reference.iter().map(|(_, totals)| totals.distance).sum();
        assert_eq!((reference.len(), flights, distance), (3_149, 26_865, 27_069_558));
        let unknown = Totals { flights: 154, distance: 81_579, max_delay: None };
        assert_eq!(reference.get("NA"), Some(unknown));
        let one = Totals { flights: 15, distance: 16_479, max_delay: Some(59) };
        assert_eq!(reference.get("N14228"), Some(one));
    }

    #[test]
    fn partitions_hold_every_row_once_in_order_and_differ_by_at_most_one() {
        let table = january();
        for partitions in [1, 2, 3, 7, 64, 30_000] {
            let input = PartitionedInput::new(table.clone(), partitions);
            let sizes: Vec<_> = (0..partitions).map(|partition| input.rows(partition).len()).collect();
            assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1);
            let all = (0..partitions).flat_map(|partition| input.rows(partition));
            assert!(all.eq(&table.rows));
        }
    }

    #[test]
    fn reference_at_the_ends_is_the_final_one_and_at_zero_empty() {
        let input = PartitionedInput::new(january(), 3);
        assert_eq!(input.reference_at(&[u64::MAX; 3]), input.reference());
        assert!(input.reference_at(&[0; 3]).is_empty());
        let some = input.reference_at(&[10, 0, 5]);
        let expected = Reference::of(input.rows(0)[..10].iter().chain(&input.rows(2)[..5]));
        assert_eq!(some, expected);
    }

    #[test]
    fn every_kind_of_difference_is_found() {
        let reference = Reference::of(&[row("a", 1, None), row("b", 2, Some(3))]);
        let a = ("a", reference.get("a").unwrap());
        let b = ("b", reference.get("b").unwrap());
        assert_eq!(reference.difference([b, a]), None);
        assert!(reference.difference([a]).unwrap().contains("missing"));
        assert!(reference.difference([a, b, a]).unwrap().contains("twice"));
        assert!(reference.difference([a, b, ("c", a.1)]).unwrap().contains("never read"));
        assert!(reference.difference([("a", b.1), b]).unwrap().contains("expected"));
    }
}
