//! A job of one's own: counts the words of a log that grows.

use keygroups::backend::{BackendError, StateBackend, StateDescriptor, ValueState};
use keygroups::key_group::{JavaHash, MaxParallelism};
use keygroups_sim::cluster::{Summary, Variety};
use keygroups_sim::fault::Profile;
use keygroups_sim::job::{Context, Fold, Job, Operator, OracleOf, Records, Source};
use keygroups_sim::run::Run;
use keygroups_sim::simulation::Simulation;
use std::collections::BTreeMap;

/// Counts words, and puts each out with its number if it is the first or a tenth.
pub struct Count {
    pub counts: ValueState<String, u64>,
    pub step: u64,
}

impl Operator for Count {
    type Record = String;
    type Output = (String, u64);

    fn key(word: &String) -> impl JavaHash {
        word.as_str()
    }

    fn process(
        &mut self,
        word: String,
        context: &mut Context<'_, (String, u64)>,
    ) -> Result<(), BackendError> {
        let mut count = 0;
        context.update(&self.counts, &word, |before| {
            count = before.unwrap_or(0) + self.step;
            Some(count)
        })?;
        if count.is_multiple_of(10) {
            context.put_out((word, count));
        }
        Ok(())
    }
}

/// The words of a log that grows: of its second half nothing is there for four seconds.
pub struct Log(Records<String>);

impl Source for Log {
    type Record = String;

    fn partitions(&self) -> u16 {
        self.0.partitions()
    }

    fn records(&self, partition: u16) -> u64 {
        self.0.records(partition)
    }

    fn record(&self, partition: u16, offset: u64) -> String {
        self.0.record(partition, offset)
    }

    fn available(&self, partition: u16, now_us: u64) -> u64 {
        let records = self.records(partition);
        if now_us < 4_000_000 { records / 2 } else { records }
    }
}

/// A job with an oracle in other words than the operator's; `step` 1 makes it right.
pub struct Words {
    log: Log,
    step: u64,
}

impl Job for Words {
    type Source = Log;
    type Operator = Count;

    fn source(&self) -> &Log {
        &self.log
    }

    fn operator(&self, backend: &mut StateBackend) -> Result<Count, BackendError> {
        Ok(Count { counts: backend.register(StateDescriptor::value("counts"))?, step: self.step })
    }

    fn oracle(&self, _: MaxParallelism) -> OracleOf<Self> {
        Box::new(Fold::new("counts", |counts: &mut BTreeMap<String, u64>, word: String, out| {
            let count = counts.entry(word.clone()).or_default();
            *count += 1;
            if count.is_multiple_of(10) {
                out.push((word, *count));
            }
        }))
    }
}

pub fn words(step: u64) -> Words {
    let partitions = vec![
        (0..200).map(|n| format!("word-{}", n % 23)).collect(),
        Vec::new(),
        (0..40).map(|n| format!("word-{}", n % 7)).collect(),
    ];
    Words { log: Log(Records::new(partitions)), step }
}

pub fn quiet(step: u64) -> Simulation<Words> {
    Simulation::new(words(step)).faults(Profile::None).variety(Variety::default()).seeds(0..3)
}

/// One seed with all its events.
pub trait ReplaySeed {
    fn replay_seed(&self, seed: u64) -> Run<Summary>;
}

impl<J: Job> ReplaySeed for Simulation<J> {
    fn replay_seed(&self, seed: u64) -> Run<Summary> {
        self.replay(&self.case(seed))
    }
}
