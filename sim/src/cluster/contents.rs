//! Compares what a checkpoint commits with a sequential run over the rows before its barrier.

use super::data::{OFFSETS, OutputRecord, STATE, Value, decode};
use super::scenario::{SOURCE, TOTALS};
use crate::oracle::{PartitionedInput, Reference, Totals};
use crate::storage::Objects;
use bytes::Bytes;
use keygroups::checkpoint::{Certificate, CheckpointRecord, ObjectName};
use keygroups::protocol::invariant::Contents;
use keygroups::snapshot;
use keygroups::store::Layout;
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_128;

/// Follows the committed checkpoints of one run.
pub(super) struct Oracle {
    input: PartitionedInput,
    // The reference stands here, in rows by partition.
    offsets: Vec<u64>,
    reference: Reference,
    expected_output: Certificate,
    found_output: Certificate,
    // Totals as the newest checkpoint holds them, by key.
    newest: Vec<(String, Totals)>,
}

/// Why a checkpoint cannot be compared at all.
pub(super) type Unreadable = String;

impl Oracle {
    pub(super) fn new(input: PartitionedInput) -> Self {
        let offsets = vec![0; usize::from(input.partitions())];
        Self {
            input,
            offsets,
            reference: Reference::default(),
            expected_output: Certificate::default(),
            found_output: Certificate::default(),
            newest: Vec::new(),
        }
    }

    /// Rows before the newest committed barrier.
    pub(super) fn committed_rows(&self) -> u64 {
        self.offsets.iter().sum()
    }

    /// The totals in the newest checkpoint, by key.
    pub(super) fn newest(&self) -> &[(String, Totals)] {
        &self.newest
    }

    /// What `record`, the next committed checkpoint, holds, and what it should hold.
    pub(super) fn compare(
        &mut self,
        record: &CheckpointRecord,
        objects: &Objects,
        layout: &Layout,
    ) -> Result<(Contents, Contents), Unreadable> {
        let read = |name: &ObjectName| -> Result<Bytes, Unreadable> {
            let object = objects.get(layout.object(name).as_ref());
            object.map(|object| object.bytes.clone()).ok_or_else(|| format!("{name} does not exist"))
        };
        let mut offsets = vec![None; self.offsets.len()];
        let mut newest = Vec::new();
        for task in &record.tasks {
            let bytes = read(&task.state.object)?;
            let contents =
                snapshot::verify(&bytes).map_err(|error| format!("{}: {error}", task.state.object))?;
            match task.task.vertex {
                SOURCE => {
                    for item in
                        contents.operator_state.iter().filter(|s| s.name == OFFSETS).flat_map(|s| &s.items)
                    {
                        let (partition, offset): (u16, u64) =
                            decode(item).map_err(|error| error.to_string())?;
                        let place = offsets.get_mut(usize::from(partition));
                        match place.map(|place| place.replace(offset)) {
                            Some(None) => {}
                            Some(Some(_)) => return Err(format!("partition {partition} has two readers")),
                            None => return Err(format!("partition {partition} does not exist")),
                        }
                    }
                }
                TOTALS => {
                    for section in contents.key_groups.iter().flat_map(|groups| groups.sections()) {
                        for (key, value) in section.frames().iter().flat_map(|frame| frame.entries()) {
                            newest.push(entry(key, value)?);
                        }
                    }
                    if let Some(output) = &task.output {
                        let records: Vec<OutputRecord> =
                            decode(&read(&output.object)?).map_err(|error| error.to_string())?;
                        self.found_output = records.iter().fold(self.found_output, |sum, r| {
                            sum + output_of(r.partition, r.offset, &r.key, r.nth)
                        });
                    }
                }
                other => return Err(format!("vertex {other} is not of this job")),
            }
        }
        for (partition, offset) in offsets.into_iter().enumerate() {
            let offset = offset.ok_or_else(|| format!("partition {partition} has no reader"))?;
            self.advance(partition, offset)?;
        }
        let found = Contents {
            state: newest.iter().map(|(key, totals)| state_of(key, *totals)).sum(),
            output: self.found_output,
        };
        let expected = Contents {
            state: self.reference.iter().map(|(key, totals)| state_of(key, totals)).sum(),
            output: self.expected_output,
        };
        newest.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        self.newest = newest;
        Ok((found, expected))
    }

    fn advance(&mut self, partition: usize, offset: u64) -> Result<(), Unreadable> {
        let before = self.offsets[partition];
        let rows = self.input.rows(partition as u16);
        let Some(new) = rows.get(before as usize..offset as usize) else {
            return Err(format!(
                "partition {partition} of {} rows goes from {before} to {offset}",
                rows.len()
            ));
        };
        for (row, at) in new.iter().zip(before..) {
            self.reference.add(row);
            let nth = self.reference.get(&row.key).map_or(0, |totals| totals.flights);
            self.expected_output = self.expected_output + output_of(partition as u16, at, &row.key, nth);
        }
        self.offsets[partition] = offset;
        Ok(())
    }
}

fn entry(key: &[u8], value: &[u8]) -> Result<(String, Totals), Unreadable> {
    let key: String = keygroups::codec::decode(key).map_err(|error| format!("key of {STATE}: {error}"))?;
    let value: Value =
        keygroups::codec::decode(value).map_err(|error| format!("value of {STATE}: {error}"))?;
    let (flights, distance, max_delay) = value;
    Ok((key, Totals { flights, distance, max_delay }))
}

fn state_of(key: &str, totals: Totals) -> Certificate {
    one(&(key, totals.flights, totals.distance, totals.max_delay))
}

/// Which of a key's rows is the nth depends on the order between partitions; that every row comes once,
/// and every n once per key, does not.
fn output_of(partition: u16, offset: u64, key: &str, nth: u64) -> Certificate {
    one(&("row", partition, offset, key)) + Certificate { entries: 0, ..one(&("nth", key, nth)) }
}

fn one(entry: &impl Serialize) -> Certificate {
    Certificate { entries: 1, digest: xxh3_128(&postcard::to_allocvec(entry).expect("plain data")) }
}
