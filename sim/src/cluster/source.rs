//! The task that reads: partitions of the source from where the checkpoint says.

use super::Cluster;
use super::data::{Data, OFFSETS, Sent, decode, encode};
use super::engine::{Channels, Outlet};
use super::scenario::EngineBug;
use super::untyped::Work;
use super::watch::Watch;
use crate::job::{Job, Operator, Position, RecordOf, Source};
use crate::wire::{ChannelReceiver, now_us};
use bytes::Bytes;
use keygroups::backend::StateBackend;
use keygroups::checkpoint::{Attempt, CheckpointId, RedistributionMode, TaskId};
use keygroups::driver::{FrozenTask, RestoredTask};
use keygroups::key_group::{self, MaxParallelism, Parallelism, assign};
use keygroups::protocol::{Barrier, FailureCause, HostInput};
use keygroups::snapshot::OperatorState;
use keygroups_model::zoo::Reading;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) struct SourceTask<J> {
    job: Arc<J>,
    attempt: Attempt,
    task: TaskId,
    // Where to read on, by partition.
    offsets: BTreeMap<u16, u64>,
    outlets: Vec<Outlet>,
    max_parallelism: MaxParallelism,
    parallelism: Parallelism,
    running: bool,
    stopped: bool,
    ended: bool,
    reported: bool,
}

impl<J: Job> SourceTask<J> {
    pub(super) fn restore(
        job: &Arc<J>,
        channels: &Channels<'_>,
        restored: &RestoredTask,
    ) -> Result<Self, FailureCause> {
        let deployment = channels.deployment;
        let cluster = channels.cluster;
        let parallelism = deployment.layout.parallelism;
        let forgets = cluster.scenario.bug == Some(EngineBug::ForgetsOffsets);
        let offsets = if deployment.restore.checkpoint.0 == 0 || forgets {
            // The job starts empty: partitions are dealt out from their beginnings.
            let (index, partitions) = (deployment.task.subtask.0, job.source().partitions());
            let mine = (0..partitions).filter(|partition| partition % parallelism.get() == index);
            let twist = cluster.planted.twist();
            mine.map(|partition| (twist.first_split(partition, index, partitions), 0)).collect()
        } else {
            let offsets = restored.items(OFFSETS).iter().map(|item| decode(item));
            offsets.collect::<Result<_, _>>().map_err(|_| FailureCause::RestoreCorrupt)?
        };
        Ok(Self {
            job: Arc::clone(job),
            attempt: deployment.attempt,
            task: deployment.task,
            offsets,
            outlets: channels.outputs(),
            max_parallelism: cluster.scenario.max_parallelism,
            parallelism,
            running: false,
            stopped: false,
            ended: false,
            reported: false,
        })
    }

    fn push_all(&mut self, message: &Bytes) {
        for outlet in &mut self.outlets {
            outlet.push(message.clone());
        }
    }
}

impl<J: Job> Work for SourceTask<J> {
    fn run(&mut self) {
        self.running = true;
    }

    fn is_running(&self) -> bool {
        self.running && !self.stopped
    }

    /// Reads the next batch of each partition, as far as there is input yet and readers keep up.
    fn tick(&mut self, cluster: &Cluster) {
        if !self.running || self.stopped || self.ended || self.outlets.iter().any(Outlet::is_full) {
            return;
        }
        let source = self.job.source();
        let mut batches: Vec<Vec<Sent<RecordOf<J>>>> = self.outlets.iter().map(|_| Vec::new()).collect();
        let mut ended = true;
        for (&partition, offset) in &mut self.offsets {
            let records = source.records(partition);
            let available = cluster.available(partition, records, now_us());
            let until = (*offset + cluster.scenario.batch_rows as u64).min(available);
            for offset in *offset..until {
                let record = source.record(partition, offset);
                let key_group = key_group::of(&J::Operator::key(&record), self.max_parallelism);
                let owner = assign::owner(key_group, self.max_parallelism, self.parallelism);
                batches[owner.index()].push(Sent { position: Position { partition, offset }, record });
            }
            *offset = until.max(*offset);
            ended &= *offset == records;
        }
        for (outlet, batch) in self.outlets.iter_mut().zip(batches) {
            if !batch.is_empty() {
                outlet.push(encode(&Data::Records(batch)));
            }
        }
        if ended {
            self.ended = true;
            self.push_all(&encode(&Data::<RecordOf<J>>::End));
        }
    }

    /// Moves on what waited; the end, once.
    fn work(&mut self, _: &Watch) -> Option<HostInput> {
        self.outlets.iter_mut().for_each(Outlet::flush);
        let first = self.ended && !std::mem::replace(&mut self.reported, self.ended);
        first.then_some(HostInput::Finished { attempt: self.attempt, task: self.task })
    }

    fn backend(&self) -> Option<&StateBackend> {
        None
    }

    fn snapshot(&mut self, barrier: Barrier, cluster: &Cluster) -> FrozenTask {
        self.stopped |= barrier.stop;
        self.push_all(&encode(&Data::<RecordOf<J>>::Barrier(barrier)));
        let reading = |(&split, &offset): (&u16, &u64)| Reading {
            split,
            offset,
            end: self.job.source().records(split),
        };
        let mut readings = self.offsets.iter().map(reading).collect();
        cluster.planted.twist().frozen(&mut readings);
        let items = readings.iter().map(|reading| encode(&(reading.split, reading.offset))).collect();
        let mode = RedistributionMode::SplitDistribute;
        let offsets = OperatorState { name: OFFSETS.to_owned(), mode, items };
        FrozenTask { keyed: None, operator_state: vec![offsets], output: None }
    }

    fn commit(&mut self, _: CheckpointId) {}

    fn cancel_alignment(&mut self, _: CheckpointId) {}

    fn into_inputs(self: Box<Self>) -> Vec<ChannelReceiver> {
        Vec::new()
    }
}
