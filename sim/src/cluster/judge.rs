//! Compares what a checkpoint commits with a sequential run over the records before its barrier.

use super::data::{OFFSETS, decode};
use super::scenario::{OPERATOR, SOURCE};
use super::untyped::{Compared, Judge, Read, Rules, Unreadable};
use crate::job::{Committed, Invariant, Job, Judgement, OracleOf, OutputOf, Position, Source, entries_of};
use crate::run::Violation;
use bytes::Bytes;
use keygroups::checkpoint::{Certificate, CheckpointId, CheckpointRecord, ObjectName};
use keygroups::key_group::{MaxParallelism, Parallelism};
use keygroups::protocol::invariant::{Contents, JobView};
use keygroups::snapshot::{self, KeyGroupSections};
use keygroups::store::Layout;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Follows the committed checkpoints of one run.
pub(super) struct JobJudge<J: Job> {
    job: Arc<J>,
    oracle: OracleOf<J>,
    // The oracle stands here, in records by partition.
    offsets: Vec<u64>,
    expected_output: Certificate,
    found_output: Certificate,
    // The newest checkpoint, decoded.
    newest: Option<Newest>,
    invariants: Vec<Box<dyn Invariant<OutputOf<J>>>>,
}

struct Newest {
    checkpoint: CheckpointId,
    parallelism: Parallelism,
    sections: Vec<KeyGroupSections>,
}

/// What one checkpoint adds.
struct Added<J: Job> {
    sections: Vec<KeyGroupSections>,
    outputs: Vec<OutputOf<J>>,
    offsets: Vec<u64>,
}

impl<J: Job> JobJudge<J> {
    pub(super) fn new(job: &Arc<J>, max_parallelism: MaxParallelism, rules: &Rules<OutputOf<J>>) -> Self {
        Self {
            oracle: job.oracle(max_parallelism),
            offsets: vec![0; usize::from(job.source().partitions())],
            job: Arc::clone(job),
            expected_output: Certificate::default(),
            found_output: Certificate::default(),
            newest: None,
            invariants: rules.iter().map(|rule| rule()).collect(),
        }
    }

    fn read(
        &self,
        record: &CheckpointRecord,
        stored: Read<'_>,
        layout: &Layout,
    ) -> Result<Added<J>, Unreadable> {
        let read = |name: &ObjectName| -> Result<Bytes, Unreadable> {
            stored(&layout.object_text(name)).ok_or_else(|| format!("{name} does not exist"))
        };
        let mut offsets = vec![None; self.offsets.len()];
        let (mut sections, mut outputs) = (Vec::new(), Vec::new());
        for task in &record.tasks {
            let bytes = read(&task.state.object)?;
            let bases = task.state.bases.iter().map(|base| Ok((*base, read(base)?)));
            let bases = bases.collect::<Result<BTreeMap<_, _>, Unreadable>>()?;
            let contents = snapshot::verify_with(&bytes, &bases)
                .map_err(|error| format!("{}: {error}", task.state.object))?;
            match task.task.vertex {
                SOURCE => {
                    let states = contents.operator_state.iter().filter(|state| state.name == OFFSETS);
                    for item in states.flat_map(|state| &state.items) {
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
                OPERATOR => {
                    sections.extend(contents.key_groups);
                    if let Some(output) = &task.output {
                        let put_out: Vec<OutputOf<J>> =
                            decode(&read(&output.object)?).map_err(|error| error.to_string())?;
                        outputs.extend(put_out);
                    }
                }
                other => return Err(format!("vertex {other} is not of this job")),
            }
        }
        let offsets = offsets
            .into_iter()
            .enumerate()
            .map(|(partition, offset)| offset.ok_or_else(|| format!("partition {partition} has no reader")));
        Ok(Added { sections, outputs, offsets: offsets.collect::<Result<_, _>>()? })
    }

    /// The records up to the barrier, for the oracle; what they should put out.
    fn advance(&mut self, offsets: &[u64]) -> Result<Vec<OutputOf<J>>, Unreadable> {
        let source = self.job.source();
        let mut out = Vec::new();
        for (partition, (before, &until)) in (0..).zip(self.offsets.iter_mut().zip(offsets)) {
            let records = source.records(partition);
            if until < *before || until > records {
                return Err(format!("partition {partition} of {records} rows goes from {before} to {until}"));
            }
            for offset in *before..until {
                let position = Position { partition, offset };
                self.oracle.add(position, source.record(partition, offset), &mut out);
            }
            *before = until;
        }
        Ok(out)
    }

    fn invariants(
        &mut self,
        mut judge: impl FnMut(&mut dyn Invariant<OutputOf<J>>) -> Judgement,
    ) -> Result<(), Violation> {
        self.invariants.iter_mut().try_for_each(|invariant| {
            judge(&mut **invariant).map_err(|what| Violation::broken(invariant.name(), what))
        })
    }
}

impl<J: Job> Judge for JobJudge<J> {
    fn committed_rows(&self) -> u64 {
        self.offsets.iter().sum()
    }

    fn compare(
        &mut self,
        record: &CheckpointRecord,
        stored: Read<'_>,
        layout: &Layout,
    ) -> Result<Compared, Unreadable> {
        let added = self.read(record, stored, layout)?;
        let put_out = self.advance(&added.offsets)?;
        let oracle = &self.oracle;
        let sum = |sum, outputs: &[OutputOf<J>]| {
            outputs.iter().fold(sum, |sum: Certificate, output| sum + oracle.output(output))
        };
        self.found_output = sum(self.found_output, &added.outputs);
        self.expected_output = sum(self.expected_output, &put_out);
        let entries = entries_of(&added.sections).map(|(_, entry)| oracle.entry(entry));
        let state = entries.sum::<Result<Certificate, _>>()?;
        let found = Contents { state, output: self.found_output };
        let expected = Contents { state: oracle.state(), output: self.expected_output };
        let committed = Committed {
            checkpoint: record.id,
            parallelism: record.parallelism,
            offsets: &self.offsets.clone(),
            outputs: &added.outputs,
            sections: &added.sections,
        };
        // Told once, by the first checkpoint that is not what it should be.
        let difference = if found.state != expected.state {
            oracle.state_difference(&committed)
        } else if found.output != expected.output {
            oracle.output_difference(&put_out, &added.outputs)
        } else {
            None
        };
        let broken = self.invariants(|invariant| invariant.committed(&committed)).err();
        let (checkpoint, parallelism) = (record.id, record.parallelism);
        self.newest = Some(Newest { checkpoint, parallelism, sections: added.sections });
        Ok(Compared { found, expected, difference, broken })
    }

    fn step(&mut self, view: &JobView<'_>) -> Result<(), Violation> {
        self.invariants(|invariant| invariant.step(view))
    }

    fn judges_steps(&self) -> bool {
        self.invariants.iter().any(|invariant| invariant.judges_steps())
    }

    fn finish(&mut self, objects: &[Bytes]) -> Result<Vec<KeyGroupSections>, Violation> {
        let mut outputs = Vec::new();
        for bytes in objects {
            let part: Vec<OutputOf<J>> =
                decode(bytes).map_err(|error| Violation::broken("output_is_readable", error))?;
            outputs.extend(part);
        }
        let newest = self.newest.take();
        let Some(Newest { checkpoint, parallelism, sections }) = newest else {
            return Err(Violation::broken("finished_job_has_a_checkpoint", "there is none"));
        };
        let source = self.job.source();
        let unread = (0..).zip(&self.offsets).find(|(partition, at)| **at != source.records(*partition));
        if let Some((partition, at)) = unread {
            let what = format!("partition {partition} was read up to {at} of {}", source.records(partition));
            return Err(Violation::broken("finished_job_has_read_everything", what));
        }
        let offsets = self.offsets.clone();
        let committed =
            Committed { checkpoint, parallelism, offsets: &offsets, outputs: &outputs, sections: &sections };
        self.oracle.finished(&committed).map_err(|(rule, what)| Violation::broken(rule, what))?;
        let found: Certificate = outputs.iter().map(|output| self.oracle.output(output)).sum();
        if found != self.expected_output {
            let what = format!(
                "a reader gets {} records of output, a sequential run puts out {}, or others",
                found.entries, self.expected_output.entries
            );
            return Err(Violation::broken("output_is_exactly_once", what));
        }
        self.invariants(|invariant| invariant.finished(&committed))?;
        Ok(sections)
    }
}
