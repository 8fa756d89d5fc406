//! The keyed operator: totals per key, one output record per row.

use super::data::{Data, OutputRecord, Record, STATE, Value, decode, encode};
use super::engine::Channels;
use super::scenario::EngineBug;
use super::watch::Watch;
use crate::wire::ChannelReceiver;
use bytes::Bytes;
use keygroups::backend::{StateBackend, StateDescriptor, ValueState};
use keygroups::checkpoint::CheckpointId;
use keygroups::driver::{FrozenOutput, FrozenTask, RestoredTask};
use keygroups::key_group::{self, KeyGroup};
use keygroups::protocol::{
    Aligner, AlignerInput, AlignerOutput, Barrier, Deployment, FailureCause, HostInput,
};
use keygroups_model::zoo::Twist;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

pub(crate) struct Totals {
    deployment: Arc<Deployment>,
    backend: StateBackend,
    totals: ValueState<String, Value>,
    inputs: Vec<ChannelReceiver>,
    // Of its predecessor's attempt; only a planted bug reads them.
    overheard: Vec<ChannelReceiver>,
    aligner: Aligner,
    // Inputs that have ended; they still deliver barriers.
    ended: BTreeSet<usize>,
    // What was put out and is not known to be committed, with the checkpoint it came after.
    output: VecDeque<(CheckpointId, OutputRecord)>,
    last_snapshot: CheckpointId,
    running: bool,
    stopped: bool,
    finished: bool,
    processed: u64,
    bug: Option<EngineBug>,
    twist: &'static dyn Twist,
    key_group_before: Option<KeyGroup>,
}

impl Totals {
    /// `overheard` are channels of its predecessor's attempt, by sender.
    pub(crate) fn restore(
        channels: &Channels<'_>,
        restored: RestoredTask,
        overheard: Vec<ChannelReceiver>,
    ) -> Result<Self, FailureCause> {
        let deployment = Arc::clone(channels.deployment);
        let mut backend = restored.backend.ok_or(FailureCause::Engine)?;
        let totals =
            backend.register(StateDescriptor::value(STATE)).map_err(|_| FailureCause::RestoreCorrupt)?;
        let inputs = channels.inputs();
        let checkpoint = deployment.restore.checkpoint;
        Ok(Self {
            aligner: Aligner::new(inputs.len() as u32, checkpoint),
            deployment,
            backend,
            totals,
            inputs,
            overheard,
            ended: BTreeSet::new(),
            output: VecDeque::new(),
            last_snapshot: checkpoint,
            running: false,
            stopped: false,
            finished: false,
            processed: 0,
            bug: channels.cluster.scenario.bug,
            twist: channels.cluster.planted.twist(),
            key_group_before: None,
        })
    }

    /// Its channels, by sender.
    pub(crate) fn into_inputs(self) -> Vec<ChannelReceiver> {
        self.inputs
    }

    pub(crate) fn backend(&self) -> &StateBackend {
        &self.backend
    }

    pub(crate) fn run(&mut self) {
        self.running = true;
    }

    /// Processes what has arrived, up to the next thing that the machine must hear.
    pub(crate) fn work(&mut self, watch: &Watch) -> Option<HostInput> {
        let (attempt, task) = (self.deployment.attempt, self.deployment.task);
        if !self.running || self.stopped {
            return None;
        }
        for channel in 0..self.inputs.len() {
            while !self.aligner.is_blocked(channel as u32) || !self.twist.heeds_blocked_channels() {
                let Some(message) = self.receive(channel) else { break };
                match decode(&message) {
                    Ok(Data::Records(records)) => {
                        for record in records {
                            if self.process(record, watch).is_err() {
                                self.running = false;
                                return Some(HostInput::Failed { attempt, task });
                            }
                        }
                    }
                    Ok(Data::Barrier(barrier)) => {
                        let input = AlignerInput::Barrier { channel: channel as u32, barrier };
                        if let Some(barrier) = self.align(input) {
                            return Some(HostInput::Aligned { attempt, task, barrier });
                        }
                    }
                    Ok(Data::End) => {
                        self.ended.insert(channel);
                    }
                    Err(_) => {
                        self.running = false;
                        return Some(HostInput::Failed { attempt, task });
                    }
                }
            }
        }
        let finished = self.ended.len() == self.inputs.len();
        let first = finished && !std::mem::replace(&mut self.finished, finished);
        first.then_some(HostInput::Finished { attempt, task })
    }

    fn receive(&self, channel: usize) -> Option<Bytes> {
        self.inputs[channel].try_recv().or_else(|| self.overheard.get(channel)?.try_recv())
    }

    fn align(&mut self, input: AlignerInput) -> Option<Barrier> {
        let mut out = Vec::new();
        self.aligner.handle(input, &mut out);
        out.into_iter().find_map(|output| match output {
            AlignerOutput::Aligned(barrier) => Some(barrier),
            AlignerOutput::Block { .. } | AlignerOutput::Unblock => None,
        })
    }

    fn process(&mut self, record: Record, watch: &Watch) -> Result<(), keygroups::backend::BackendError> {
        let key_group = key_group::of(record.key.as_str(), self.backend.max_parallelism());
        let mut nth = 0;
        self.processed += 1;
        let times =
            1 + u64::from(self.bug == Some(EngineBug::CountsTwice) && self.processed.is_multiple_of(97));
        let kept_under = self.twist.group_of(key_group, self.key_group_before.replace(key_group));
        let updated = self.backend.update(&self.totals, kept_under, &record.key, |before| {
            let (flights, distance, delay) = before.unwrap_or_default();
            nth = flights + times;
            Some((nth, distance + record.distance, delay.max(record.dep_delay)))
        });
        if let Err(error) = updated {
            watch.misrouted(&self.deployment, key_group, &error);
            return Err(error);
        }
        let Record { partition, offset, key, .. } = record;
        self.output.push_back((self.last_snapshot, OutputRecord { partition, offset, key, nth }));
        Ok(())
    }

    pub(crate) fn snapshot(&mut self, barrier: Barrier) -> FrozenTask {
        self.stopped |= barrier.stop;
        self.last_snapshot = barrier.checkpoint;
        let since = self.output.iter().filter(|(after, _)| *after >= barrier.confirmed);
        let output: Vec<_> = since.map(|(_, record)| record).collect();
        let output = (!output.is_empty())
            .then(|| FrozenOutput { bytes: encode(&output), records: output.len() as u64 });
        FrozenTask { keyed: Some(self.backend.freeze()), operator_state: Vec::new(), output }
    }

    pub(crate) fn commit(&mut self, checkpoint: CheckpointId) {
        while self.output.front().is_some_and(|(after, _)| *after < checkpoint) {
            self.output.pop_front();
        }
    }

    pub(crate) fn cancel_alignment(&mut self, checkpoint: CheckpointId) {
        self.align(AlignerInput::Aborted { checkpoint });
    }
}
