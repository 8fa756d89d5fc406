//! A job without its types, as the cluster runs it. Types come back where a task or the judge begins, so
//! that nothing is dispatched dynamically for a single record.

use super::Cluster;
use super::engine::Channels;
use super::judge::JobJudge;
use super::operator::OperatorTask;
use super::source::SourceTask;
use super::watch::Watch;
use crate::job::{Invariant, Job, OutputOf, Source};
use crate::run::Violation;
use crate::wire::ChannelReceiver;
use bytes::Bytes;
use keygroups::backend::StateBackend;
use keygroups::checkpoint::{CheckpointId, CheckpointRecord};
use keygroups::driver::{FrozenTask, RestoredTask};
use keygroups::key_group::MaxParallelism;
use keygroups::protocol::invariant::{Contents, JobView};
use keygroups::protocol::{Barrier, FailureCause, HostInput};
use keygroups::snapshot::KeyGroupSections;
use keygroups::store::Layout;
use std::sync::Arc;

/// One task of the job on a host.
pub(super) trait Work {
    /// It may process from now on.
    fn run(&mut self);

    /// Whether it may still: after its last snapshot it does not.
    fn is_running(&self) -> bool;

    /// The time of a batch has come.
    fn tick(&mut self, cluster: &Cluster);

    /// Moves what can be moved, up to the next thing that the machine must hear.
    fn work(&mut self, watch: &Watch) -> Option<HostInput>;

    /// Its keyed state, if it has any.
    fn backend(&self) -> Option<&StateBackend>;

    /// Stands at its barrier.
    fn snapshot(&mut self, barrier: Barrier, cluster: &Cluster) -> FrozenTask;

    /// What was put out up to the checkpoint is committed.
    fn commit(&mut self, checkpoint: CheckpointId);

    /// The checkpoint was given up.
    fn cancel_alignment(&mut self, checkpoint: CheckpointId);

    /// Its channels, by sender, for a planted bug.
    fn into_inputs(self: Box<Self>) -> Vec<ChannelReceiver>;
}

/// Judges what is committed.
pub(super) trait Judge: Send {
    /// Records before the newest committed barrier.
    fn committed_rows(&self) -> u64;

    /// What `record`, the next committed checkpoint, holds, and what it should hold.
    fn compare(
        &mut self,
        record: &CheckpointRecord,
        read: Read<'_>,
        layout: &Layout,
    ) -> Result<Compared, Unreadable>;

    /// A machine has taken a step.
    fn step(&mut self, view: &JobView<'_>) -> Result<(), Violation>;

    /// Whether [`step`](Self::step) says anything.
    fn judges_steps(&self) -> bool;

    /// The job has finished, and a reader of the store gets these outputs. Its final state.
    fn finish(&mut self, objects: &[Bytes]) -> Result<Vec<KeyGroupSections>, Violation>;
}

/// Gives the object at a path, if there is one.
pub(super) type Read<'a> = &'a dyn Fn(&str) -> Option<Bytes>;

/// What became of comparing a checkpoint.
pub(super) struct Compared {
    pub(super) found: Contents,
    pub(super) expected: Contents,
    /// How they differ, for people.
    pub(super) difference: Option<String>,
    /// What a user's own invariant says.
    pub(super) broken: Option<Violation>,
}

/// Why a checkpoint cannot be compared at all.
pub(super) type Unreadable = String;

/// Makes the invariants of one run.
pub(crate) type Rules<O> = Vec<Arc<dyn Fn() -> Box<dyn Invariant<O>> + Send + Sync>>;

/// A job of whatever types, with what a user wants to hold besides. Clones are the same job.
#[derive(Clone)]
pub(crate) struct AnyJob(Arc<dyn Untyped>);

impl AnyJob {
    pub(crate) fn new<J: Job>(job: Arc<J>, rules: Rules<OutputOf<J>>) -> Self {
        Self(Arc::new(Typed { job, rules }))
    }

    /// The records of each partition.
    pub(crate) fn partitions(&self) -> Vec<u64> {
        self.0.partitions()
    }

    pub(super) fn untyped(self) -> Arc<dyn Untyped> {
        self.0
    }
}

/// Everything that the cluster wants of a job.
pub(super) trait Untyped: Send + Sync {
    /// The name of the operator's vertex.
    fn name(&self) -> &str;

    /// The records of each partition.
    fn partitions(&self) -> Vec<u64>;

    /// How many records of a partition are there at `now_us`, as the source says.
    fn available(&self, partition: u16, now_us: u64) -> u64;

    /// A task that reads.
    fn source(&self, channels: &Channels<'_>, restored: RestoredTask) -> Result<Box<dyn Work>, FailureCause>;

    /// A task that processes; it overhears channels of its predecessor's attempt, if a bug is planted.
    fn operator(
        &self,
        channels: &Channels<'_>,
        restored: RestoredTask,
        overheard: Vec<ChannelReceiver>,
    ) -> Result<Box<dyn Work>, FailureCause>;

    /// Whoever judges one run.
    fn judge(&self, max_parallelism: MaxParallelism) -> Box<dyn Judge>;
}

struct Typed<J: Job> {
    job: Arc<J>,
    rules: Rules<OutputOf<J>>,
}

impl<J: Job> Untyped for Typed<J> {
    fn name(&self) -> &str {
        self.job.name()
    }

    fn partitions(&self) -> Vec<u64> {
        let source = self.job.source();
        (0..source.partitions()).map(|partition| source.records(partition)).collect()
    }

    fn available(&self, partition: u16, now_us: u64) -> u64 {
        self.job.source().available(partition, now_us)
    }

    fn source(&self, channels: &Channels<'_>, restored: RestoredTask) -> Result<Box<dyn Work>, FailureCause> {
        Ok(Box::new(SourceTask::restore(&self.job, channels, &restored)?))
    }

    fn operator(
        &self,
        channels: &Channels<'_>,
        restored: RestoredTask,
        overheard: Vec<ChannelReceiver>,
    ) -> Result<Box<dyn Work>, FailureCause> {
        Ok(Box::new(OperatorTask::restore(&*self.job, channels, restored, overheard)?))
    }

    fn judge(&self, max_parallelism: MaxParallelism) -> Box<dyn Judge> {
        Box::new(JobJudge::new(&self.job, max_parallelism, &self.rules))
    }
}
