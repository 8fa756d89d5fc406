//! The source: reads partitions of the input from where the checkpoint says.

use super::Cluster;
use super::data::{Data, OFFSETS, Record, decode, encode};
use super::engine::{Channels, Outlet};
use super::scenario::EngineBug;
use bytes::Bytes;
use keygroups::checkpoint::RedistributionMode;
use keygroups::driver::{FrozenTask, RestoredTask};
use keygroups::key_group::{self, MaxParallelism, Parallelism, assign};
use keygroups::protocol::{Barrier, FailureCause};
use keygroups::snapshot::OperatorState;
use keygroups_model::zoo::Reading;
use std::collections::BTreeMap;

pub(crate) struct Source {
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

impl Source {
    pub(crate) fn restore(channels: &Channels<'_>, restored: &RestoredTask) -> Result<Self, FailureCause> {
        let deployment = channels.deployment;
        let cluster = channels.cluster;
        let parallelism = deployment.layout.parallelism;
        let forgets = cluster.scenario.bug == Some(EngineBug::ForgetsOffsets);
        let offsets = if deployment.restore.checkpoint.0 == 0 || forgets {
            // The job starts empty: partitions are dealt out from their beginnings.
            let (index, partitions) = (deployment.task.subtask.0, cluster.scenario.partitions);
            let mine = (0..partitions).filter(|partition| partition % parallelism.get() == index);
            let twist = cluster.planted.twist();
            mine.map(|partition| (twist.first_split(partition, index, partitions), 0)).collect()
        } else {
            let offsets = restored.items(OFFSETS).iter().map(|item| decode(item));
            offsets.collect::<Result<_, _>>().map_err(|_| FailureCause::RestoreCorrupt)?
        };
        Ok(Self {
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

    pub(crate) fn run(&mut self) {
        self.running = true;
    }

    /// Reads the next batch of each partition, as far as there is input yet and readers keep up.
    pub(crate) fn emit(&mut self, cluster: &Cluster) {
        if !self.running || self.stopped || self.ended || self.outlets.iter().any(Outlet::is_full) {
            return;
        }
        let mut batches: Vec<Vec<Record>> = self.outlets.iter().map(|_| Vec::new()).collect();
        let mut ended = true;
        for (&partition, offset) in &mut self.offsets {
            let rows = cluster.input.rows(partition);
            let available = cluster.watch.available(rows.len() as u64);
            let until = (*offset + cluster.scenario.batch_rows as u64).min(available);
            for row in &rows[*offset as usize..until.max(*offset) as usize] {
                let key_group = key_group::of(&*row.key, self.max_parallelism);
                let owner = assign::owner(key_group, self.max_parallelism, self.parallelism);
                batches[owner.index()].push(Record {
                    partition,
                    offset: *offset,
                    key: row.key.to_string(),
                    distance: row.distance,
                    dep_delay: row.dep_delay,
                });
                *offset += 1;
            }
            ended &= *offset == rows.len() as u64;
        }
        for (outlet, batch) in self.outlets.iter_mut().zip(batches) {
            if !batch.is_empty() {
                outlet.push(encode(&Data::Records(batch)));
            }
        }
        if ended {
            self.ended = true;
            self.push_all(&encode(&Data::End));
        }
    }

    /// Moves on what waited; whether the source has just come to its end.
    pub(crate) fn work(&mut self) -> bool {
        self.outlets.iter_mut().for_each(Outlet::flush);
        self.ended && !std::mem::replace(&mut self.reported, self.ended)
    }

    pub(crate) fn snapshot(&mut self, barrier: Barrier, cluster: &Cluster) -> FrozenTask {
        self.stopped |= barrier.stop;
        self.push_all(&encode(&Data::Barrier(barrier)));
        let reading = |(&split, &offset): (&u16, &u64)| Reading {
            split,
            offset,
            end: cluster.input.rows(split).len() as u64,
        };
        let mut readings = self.offsets.iter().map(reading).collect();
        cluster.planted.twist().frozen(&mut readings);
        let items = readings.iter().map(|reading| encode(&(reading.split, reading.offset))).collect();
        let mode = RedistributionMode::SplitDistribute;
        let offsets = OperatorState { name: OFFSETS.to_owned(), mode, items };
        FrozenTask { keyed: None, operator_state: vec![offsets], output: None }
    }

    fn push_all(&mut self, message: &Bytes) {
        for outlet in &mut self.outlets {
            outlet.push(message.clone());
        }
    }
}
