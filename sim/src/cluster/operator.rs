//! The task that processes: an operator with its keyed state, its inputs and what it puts out.

use super::Cluster;
use super::data::{Data, Sent, decode, encode};
use super::engine::Channels;
use super::slowness::Turn;
use super::untyped::Work;
use super::watch::Watch;
use crate::job::{Context, Job, Operator};
use crate::wire::ChannelReceiver;
use bytes::Bytes;
use keygroups::backend::{BackendError, StateBackend};
use keygroups::checkpoint::CheckpointId;
use keygroups::driver::{FrozenOutput, FrozenTask, RestoredTask};
use keygroups::key_group::{self, KeyGroup};
use keygroups::protocol::{
    Aligner, AlignerInput, AlignerOutput, Barrier, Deployment, FailureCause, HostInput,
};
use keygroups_model::zoo::Twist;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

pub(super) struct OperatorTask<P: Operator> {
    deployment: Arc<Deployment>,
    backend: StateBackend,
    operator: P,
    inputs: Vec<ChannelReceiver>,
    // Of its predecessor's attempt; only a planted bug reads them.
    overheard: Vec<ChannelReceiver>,
    aligner: Aligner,
    // What it said last.
    aligned: Vec<AlignerOutput>,
    // Inputs that have ended; they still deliver barriers.
    ended: BTreeSet<usize>,
    // What was put out and is not known to be committed, with the checkpoint it came after.
    output: VecDeque<(CheckpointId, P::Output)>,
    last_snapshot: CheckpointId,
    running: bool,
    stopped: bool,
    finished: bool,
    turn: Turn,
    twist: &'static dyn Twist,
    key_group_before: Option<KeyGroup>,
}

impl<P: Operator> OperatorTask<P> {
    /// `overheard` are channels of its predecessor's attempt, by sender.
    pub(super) fn restore(
        job: &impl Job<Operator = P>,
        channels: &Channels<'_>,
        restored: RestoredTask,
        overheard: Vec<ChannelReceiver>,
    ) -> Result<Self, FailureCause> {
        let deployment = Arc::clone(channels.deployment);
        let mut backend = restored.backend.ok_or(FailureCause::Engine)?;
        backend.set_incremental_policy(channels.cluster.scenario.variety.incremental_policy());
        backend.set_section_options(channels.cluster.scenario.variety.section_options());
        let operator = job.operator(&mut backend).map_err(|_| FailureCause::RestoreCorrupt)?;
        let inputs = channels.inputs();
        let checkpoint = deployment.restore.checkpoint;
        Ok(Self {
            aligner: Aligner::new(inputs.len() as u32, checkpoint),
            aligned: Vec::new(),
            deployment,
            backend,
            operator,
            inputs,
            overheard,
            ended: BTreeSet::new(),
            output: VecDeque::new(),
            last_snapshot: checkpoint,
            running: false,
            stopped: false,
            finished: false,
            turn: Turn::new(channels.cluster),
            twist: channels.cluster.planted.twist(),
            key_group_before: None,
        })
    }

    fn receive(&self, channel: usize) -> Option<Bytes> {
        self.inputs[channel].try_recv().or_else(|| self.overheard.get(channel)?.try_recv())
    }

    fn align(&mut self, input: AlignerInput) -> Option<Barrier> {
        self.aligned.clear();
        self.aligner.handle(input, &mut self.aligned);
        self.aligned.iter().find_map(|output| match output {
            AlignerOutput::Aligned(barrier) => Some(*barrier),
            AlignerOutput::Block { .. } | AlignerOutput::Unblock => None,
        })
    }

    fn process(&mut self, sent: Sent<P::Record>, watch: &Watch) -> Result<(), BackendError> {
        let Sent { position, record } = sent;
        let key_group = key_group::of(&P::key(&record), self.backend.max_parallelism());
        let kept_under = self.twist.group_of(key_group, self.key_group_before.replace(key_group));
        let Self { operator, backend, output, .. } = self;
        let mut context = Context::new(kept_under, position, backend, output, self.last_snapshot);
        operator.process(record, &mut context).inspect_err(|error| match error {
            BackendError::NotOwned { .. } => watch.misrouted(&self.deployment, key_group, error),
            error => watch.operator_failed(&self.deployment, position, error),
        })?;
        let marks = context.into_marks();
        if !marks.is_empty() {
            watch.happened(&marks);
        }
        Ok(())
    }
}

impl<P: Operator> Work for OperatorTask<P> {
    fn run(&mut self) {
        self.running = true;
    }

    fn is_running(&self) -> bool {
        self.running && !self.stopped
    }

    fn tick(&mut self, cluster: &Cluster) {
        self.turn.begin(cluster);
    }

    fn backend(&self) -> Option<&StateBackend> {
        Some(&self.backend)
    }

    /// Processes what has arrived, up to the next thing that the machine must hear.
    fn work(&mut self, watch: &Watch) -> Option<HostInput> {
        let (attempt, task) = (self.deployment.attempt, self.deployment.task);
        if !self.running || self.stopped {
            return None;
        }
        for channel in 0..self.inputs.len() {
            while !self.aligner.is_blocked(channel as u32) || !self.twist.heeds_blocked_channels() {
                if self.turn.is_over() {
                    return None;
                }
                let Some(message) = self.receive(channel) else { break };
                match decode::<Data<P::Record>>(&message) {
                    Ok(Data::Records(records)) => {
                        self.turn.take(records.len());
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

    fn snapshot(&mut self, barrier: Barrier, _: &Cluster) -> FrozenTask {
        self.stopped |= barrier.stop;
        let leans_on = self.twist.leans_on(self.last_snapshot, barrier.confirmed);
        self.last_snapshot = barrier.checkpoint;
        let since = self.output.iter().filter(|(after, _)| *after >= barrier.confirmed);
        let output: Vec<_> = since.map(|(_, record)| record).collect();
        let output = (!output.is_empty())
            .then(|| FrozenOutput { bytes: encode(&output), records: output.len() as u64 });
        let keyed = self.backend.freeze_at(barrier.checkpoint, leans_on);
        FrozenTask { keyed: Some(keyed), operator_state: Vec::new(), output }
    }

    fn commit(&mut self, checkpoint: CheckpointId) {
        while self.output.front().is_some_and(|(after, _)| *after < checkpoint) {
            self.output.pop_front();
        }
    }

    fn cancel_alignment(&mut self, checkpoint: CheckpointId) {
        self.align(AlignerInput::Aborted { checkpoint });
    }

    fn into_inputs(self: Box<Self>) -> Vec<ChannelReceiver> {
        self.inputs
    }
}
