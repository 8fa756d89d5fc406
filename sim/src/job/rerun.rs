//! The oracle that needs no further words: the operator itself, alone.

use super::operator::Outputs;
use super::{Committed, Context, Entry, Job, Operator, Oracle, OutputOf, Position, RecordOf, certificate_of};
use keygroups::backend::{StateBackend, StoredBytes};
use keygroups::checkpoint::{Certificate, CheckpointId};
use keygroups::key_group::{self, MaxParallelism};
use std::collections::BTreeMap;
use std::fmt::Debug;

/// How many differences are told.
const TOLD: usize = 3;

/// Runs the operator over the records one after the other, in one task that owns all key groups and is
/// never restored.
///
/// It finds whatever a restore, a rescale or a repeated record changes. What it cannot find is an operator
/// that is wrong in the same way when it runs alone; [`Fold`](super::Fold) can.
#[derive(Debug)]
pub struct Rerun<J: Job> {
    operator: J::Operator,
    backend: StateBackend,
    outputs: Outputs<OutputOf<J>>,
}

impl<J: Job> Rerun<J> {
    /// The operator of `job` with no record processed.
    ///
    /// # Panics
    ///
    /// If the operator cannot register its states in an empty backend.
    #[must_use]
    pub fn new(job: &J, max_parallelism: MaxParallelism) -> Self {
        let mut backend = StateBackend::new(max_parallelism, max_parallelism.all()).expect("all key groups");
        let operator = job.operator(&mut backend).expect("states that can be registered");
        Self { operator, backend, outputs: Outputs::new() }
    }

    /// Names of states, keys and values.
    fn stored(&self) -> Vec<(&str, StoredBytes<'_>, StoredBytes<'_>)> {
        let backend = &self.backend;
        let of_state = |name| {
            let groups = backend.key_groups().iter();
            let entries = groups.filter_map(move |group| backend.entries(name, group).ok()).flatten();
            entries.map(move |entry| {
                let (key, value) = entry.expect("memory can be read");
                (name, key, value)
            })
        };
        backend.states().flat_map(|state| of_state(&*state.name)).collect()
    }
}

fn entry<'a>((state, key, value): &'a (&'a str, StoredBytes<'a>, StoredBytes<'a>)) -> Entry<'a> {
    Entry { state, key, value }
}

impl<J: Job> Oracle for Rerun<J> {
    type Record = RecordOf<J>;
    type Output = OutputOf<J>;

    fn add(&mut self, position: Position, record: RecordOf<J>, out: &mut Vec<OutputOf<J>>) {
        let Self { operator, backend, outputs } = self;
        let key_group = key_group::of(&J::Operator::key(&record), backend.max_parallelism());
        let mut context = Context::new(key_group, position, backend, outputs, CheckpointId::NONE);
        operator.process(record, &mut context).expect("an operator that can process a record by itself");
        out.extend(self.outputs.drain(..).map(|(_, output)| output));
    }

    fn state(&self) -> Certificate {
        self.stored().iter().map(|stored| certificate_of(&entry(stored))).sum()
    }

    fn output(&self, output: &OutputOf<J>) -> Certificate {
        certificate_of(output)
    }

    fn state_difference(&self, committed: &Committed<'_, OutputOf<J>>) -> Option<String> {
        let describe = |entry: &Entry<'_>| J::Operator::describe(entry.state, entry.key, entry.value);
        let stored = self.stored();
        let mut found = BTreeMap::new();
        for (_, entry) in committed.entries() {
            if found.insert((entry.state, entry.key), entry).is_some() {
                return Some(format!("twice: {}", describe(&entry)));
            }
        }
        let mut told = Vec::new();
        for entry in stored.iter().map(entry) {
            match found.remove(&(entry.state, entry.key)) {
                Some(there) if there == entry => {}
                Some(there) => told.push(format!("{}, expected {}", describe(&there), describe(&entry))),
                None => told.push(format!("missing {}", describe(&entry))),
            }
        }
        told.extend(found.values().map(|entry| format!("not expected: {}", describe(entry))));
        several(&told)
    }

    fn output_difference(&self, expected: &[OutputOf<J>], found: &[OutputOf<J>]) -> Option<String> {
        outputs_differ(expected, found, |output| self.output(output))
    }
}

/// Which outputs are missing and which are not expected, by their certificates.
pub(super) fn outputs_differ<O: Debug>(
    expected: &[O],
    found: &[O],
    certificate: impl Fn(&O) -> Certificate,
) -> Option<String> {
    let mut balance: BTreeMap<u128, (i64, &O)> = BTreeMap::new();
    for (outputs, one) in [(found, 1), (expected, -1)] {
        for output in outputs {
            balance.entry(certificate(output).digest).or_insert((0, output)).0 += one;
        }
    }
    let told: Vec<_> = balance
        .values()
        .filter_map(|(count, output)| match count {
            0 => None,
            1.. => Some(format!("{count} too many of {output:?}")),
            _ => Some(format!("{} too few of {output:?}", -count)),
        })
        .collect();
    several(&told)
}

pub(super) fn several(told: &[String]) -> Option<String> {
    let more = told.len().saturating_sub(TOLD);
    let text = told.get(..told.len().min(TOLD)).filter(|told| !told.is_empty())?.join("; ");
    Some(if more > 0 { format!("{text}; and {more} more") } else { text })
}
