//! The cluster's own job: totals per key of a table, one output record per row.

use super::scenario::EngineBug;
use super::{OutputRecord, Scenario};
use crate::input::Row;
use crate::job::{
    Committed, Context, Entry, Job, Operator, Oracle, OracleOf, Position, Source, certificate_of, entries_of,
};
use crate::oracle::{PartitionedInput, Reference, Totals};
use keygroups::backend::{BackendError, StateBackend, StateDescriptor, ValueState};
use keygroups::checkpoint::Certificate;
use keygroups::codec;
use keygroups::key_group::{JavaHash, MaxParallelism};
use keygroups::snapshot::KeyGroupSections;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Flights, distance in miles, largest known delay in minutes.
type Value = (u64, u64, Option<i64>);

/// Bytes that make an entry large, by key.
type Ballast = ValueState<Arc<str>, Filling>;

/// The name of the state of totals.
const STATE: &str = "totals";
/// The name of the state that makes values large.
const BALLAST: &str = "ballast";

/// The job of a scenario.
pub(super) struct Flights {
    rows: Rows,
    bug: Option<EngineBug>,
    ballast_bytes: u32,
}

impl Flights {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let empty = scenario.variety.empty_partitions.min(scenario.partitions - 1);
        let input = PartitionedInput::new(scenario.input.clone(), scenario.partitions - empty);
        let ballast_bytes = scenario.variety.ballast_bytes;
        Self { rows: Rows { input, empty }, bug: scenario.bug, ballast_bytes }
    }
}

impl Job for Flights {
    type Source = Rows;
    type Operator = CountFlights;

    fn name(&self) -> &str {
        STATE
    }

    fn source(&self) -> &Rows {
        &self.rows
    }

    fn operator(&self, backend: &mut StateBackend) -> Result<CountFlights, BackendError> {
        let totals = backend.register(StateDescriptor::value(STATE))?;
        let ballast = match self.ballast_bytes {
            0 => None,
            bytes => Some((backend.register(StateDescriptor::value(BALLAST))?, bytes)),
        };
        Ok(CountFlights { totals, ballast, processed: 0, bug: self.bug })
    }

    fn oracle(&self, _: MaxParallelism) -> OracleOf<Self> {
        Box::new(Sequential {
            input: self.rows.input.clone(),
            ballast_bytes: self.ballast_bytes,
            reference: Reference::default(),
            certificates: BTreeMap::new(),
        })
    }
}

/// The rows of a table in partitions, and partitions without any.
pub(super) struct Rows {
    input: PartitionedInput,
    empty: u16,
}

impl Rows {
    fn rows(&self, partition: u16) -> &[Row] {
        if partition < self.input.partitions() { self.input.rows(partition) } else { &[] }
    }
}

impl Source for Rows {
    type Record = Row;

    fn partitions(&self) -> u16 {
        self.input.partitions() + self.empty
    }

    fn records(&self, partition: u16) -> u64 {
        self.rows(partition).len() as u64
    }

    fn record(&self, partition: u16, offset: u64) -> Row {
        self.rows(partition)[offset as usize].clone()
    }
}

pub(super) struct CountFlights {
    totals: ValueState<Arc<str>, Value>,
    // And how many bytes it is.
    ballast: Option<(Ballast, u32)>,
    processed: u64,
    bug: Option<EngineBug>,
}

impl Operator for CountFlights {
    type Record = Row;
    type Output = OutputRecord;

    fn key(row: &Row) -> impl JavaHash {
        &*row.key
    }

    fn process(&mut self, row: Row, context: &mut Context<'_, OutputRecord>) -> Result<(), BackendError> {
        self.processed += 1;
        let times =
            1 + u64::from(self.bug == Some(EngineBug::CountsTwice) && self.processed.is_multiple_of(31));
        let mut nth = 0;
        context.update(&self.totals, &row.key, |before| {
            let (flights, distance, delay) = before.unwrap_or_default();
            nth = flights + times;
            Some((nth, distance + row.distance, delay.max(row.dep_delay)))
        })?;
        if let Some((ballast, bytes)) = &self.ballast {
            context.put(ballast, &row.key, &Filling(ballast_of(nth, *bytes)))?;
        }
        let Position { partition, offset } = context.position();
        context.put_out(OutputRecord { partition, offset, key: row.key, nth });
        Ok(())
    }
}

/// Bytes that say how many rows the key has.
fn ballast_of(flights: u64, bytes: u32) -> Vec<u8> {
    vec![flights as u8; bytes as usize]
}

/// Bytes as a value of state.
struct Filling(Vec<u8>);

impl Serialize for Filling {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Whole(&self.0).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Filling {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self)
    }
}

/// Bytes that are encoded in one go, to the same encoding as byte by byte.
struct Whole<'a>(&'a [u8]);

impl Serialize for Whole<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

/// The rows before a barrier, one after the other, into an ordered map.
struct Sequential {
    input: PartitionedInput,
    ballast_bytes: u32,
    reference: Reference,
    // Of all state of each key, as it is now.
    certificates: BTreeMap<Arc<str>, Certificate>,
}

impl Sequential {
    fn certificate(&self, key: &str, totals: Totals) -> Certificate {
        let ballast = match self.ballast_bytes {
            0 => Certificate::default(),
            bytes => certificate_of(&(BALLAST, key, Whole(&ballast_of(totals.flights, bytes)))),
        };
        state_of(key, totals) + ballast
    }
}

impl Oracle for Sequential {
    type Record = Row;
    type Output = OutputRecord;

    fn add(&mut self, Position { partition, offset }: Position, row: Row, out: &mut Vec<OutputRecord>) {
        let totals = self.reference.add(&row);
        let certificate = self.certificate(&row.key, totals);
        self.certificates.insert(Arc::clone(&row.key), certificate);
        out.push(OutputRecord { partition, offset, key: row.key, nth: totals.flights });
    }

    fn state(&self) -> Certificate {
        self.certificates.values().copied().sum()
    }

    fn entry(&self, entry: Entry<'_>) -> Result<Certificate, String> {
        match entry.state {
            STATE => decoded(&entry).map(|(key, totals)| state_of(key, totals)),
            BALLAST => {
                let key: &str = codec::decode(entry.key).map_err(|error| error.to_string())?;
                let value: &[u8] = codec::decode(entry.value).map_err(|error| error.to_string())?;
                Ok(certificate_of(&(BALLAST, key, Whole(value))))
            }
            other => Err(format!("the job has no state {other}")),
        }
    }

    /// Which of a key's rows is the nth depends on the order between partitions; that every row comes once,
    /// and every n once per key, does not.
    fn output(&self, OutputRecord { partition, offset, key, nth }: &OutputRecord) -> Certificate {
        let nth = certificate_of(&("nth", key, nth));
        certificate_of(&("row", partition, offset, key)) + Certificate { entries: 0, ..nth }
    }

    fn state_difference(&self, committed: &Committed<'_, OutputRecord>) -> Option<String> {
        let found = totals_of(committed.sections).ok()?;
        self.reference.difference(found)
    }

    fn finished(&self, committed: &Committed<'_, OutputRecord>) -> Result<(), (&'static str, String)> {
        let broken = |what| Err(("output_is_exactly_once", what));
        let mut rows: Vec<_> = committed.outputs.iter().map(|row| (row.partition, row.offset)).collect();
        rows.sort_unstable();
        if let Some([(partition, offset), _]) = rows.array_windows().find(|[a, b]| a == b) {
            return broken(format!("row {offset} of partition {partition} was put out twice"));
        }
        let expected = self.input.len();
        if rows.len() as u64 != expected {
            return broken(format!("{} of {expected} rows were put out", rows.len()));
        }
        let rule = "result_equals_a_sequential_run";
        // The sequential run has read everything, or this is not the end.
        let read: u64 = self.reference.iter().map(|(_, totals)| totals.flights).sum();
        if read != expected {
            return Err((rule, format!("it has read {read} of {expected} rows")));
        }
        let found = totals_of(committed.sections).map_err(|error| (rule, error))?;
        match self.reference.difference(found) {
            Some(difference) => Err((rule, difference)),
            None => Ok(()),
        }
    }
}

/// The totals in a checkpoint, in order of key.
pub(super) fn totals_of(state: &[KeyGroupSections]) -> Result<Vec<(&str, Totals)>, String> {
    let totals = entries_of(state).filter(|(_, entry)| entry.state == STATE);
    let mut totals = totals.map(|(_, entry)| decoded(&entry)).collect::<Result<Vec<_>, _>>()?;
    totals.sort_unstable_by(|a, b| a.0.cmp(b.0));
    Ok(totals)
}

fn decoded<'a>(entry: &Entry<'a>) -> Result<(&'a str, Totals), String> {
    let key = codec::decode(entry.key).map_err(|error| format!("key of {STATE}: {error}"))?;
    let value: Value = codec::decode(entry.value).map_err(|error| format!("value of {STATE}: {error}"))?;
    let (flights, distance, max_delay) = value;
    Ok((key, Totals { flights, distance, max_delay }))
}

fn state_of(key: &str, totals: Totals) -> Certificate {
    certificate_of(&(key, totals.flights, totals.distance, totals.max_delay))
}
