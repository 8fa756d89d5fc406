//! The engine of one host: what a stream processor around the machines does, as small as it can be.
//!
//! A task owns keyed state, source offsets and the output that is not known to be committed. Data
//! goes through one FIFO channel for each pair of tasks of one attempt. The engine decides nothing:
//! it asks the production [`Aligner`] which channel must wait, and does what [`HostOutput`] says.
//!
//! [`HostOutput`]: keygroups::protocol::HostOutput

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use keygroups::{
    checkpoint::{
        Attempt, Certificate, CheckpointId, ObjectName, OperatorStateInfo, OutputHandle, RedistributionMode,
        StateHandle, TaskId, TaskSnapshot, VertexId,
    },
    incremental::{BaseUse, IncrementalPolicy, Lineage},
    key_group::KeyGroup,
    protocol::{Aligner, AlignerInput, AlignerOutput, Barrier, Deployment, FailureCause},
};

use crate::{
    store::{Object, Store},
    story::{self, Groups, LEANS_ON_MAX, OFFSETS, Offsets, Places, Record, Split, Story},
    zoo::{Reading, Twist},
};

/// What travels through a data channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Element {
    /// A record.
    Record(Record),
    /// A mark between records.
    Barrier(Barrier),
    /// The sender has reached the end of its input. It still passes barriers on.
    EndOfData,
}

/// Whether a task may process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Its state is not read yet.
    Restoring,
    /// It waits to be started, was stopped by a barrier, or failed.
    Idle,
    /// It processes.
    Running,
}

/// A frozen snapshot that is not uploaded yet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Frozen {
    /// Keyed state.
    pub groups: Groups,
    /// Where that of it lies which need not be written.
    pub leans_on: Places,
    /// Source offsets.
    pub offsets: Offsets,
    /// Output since the checkpoint that the barrier names as confirmed.
    pub output: Vec<Record>,
}

/// One task in the engine.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EngineTask {
    /// What it was deployed with.
    pub deployment: Arc<Deployment>,
    /// Whether it may process.
    pub phase: Phase,
    groups: Groups,
    // Where key groups lie, if snapshots lean on that; a slot is the number of a key group.
    lineage: Option<Lineage<Places>>,
    offsets: Offsets,
    // Output by the checkpoint whose barrier closed it.
    closed: BTreeMap<CheckpointId, Vec<Record>>,
    open: Vec<Record>,
    aligner: Aligner,
    // One for each task of the input vertices, ascending.
    senders: Vec<TaskId>,
    channels: Vec<VecDeque<Element>>,
    ended: BTreeSet<u32>,
    finished: bool,
    /// Snapshots on their way to the store.
    pub uploads: BTreeMap<CheckpointId, Frozen>,
}

/// What came out of one step of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing that anybody else sees.
    Quiet,
    /// A record for the owner of its key group.
    Emitted(Record),
    /// All input was processed.
    Finished,
    /// The channels stand at this barrier.
    Aligned(Barrier),
}

impl EngineTask {
    /// A task whose state must be read.
    pub fn new(deployment: Arc<Deployment>, inputs: &[VertexId], story: &Story) -> Self {
        let leans = story.incremental && deployment.key_groups.is_some();
        let tasks = deployment.layout.tasks.keys();
        let senders: Vec<TaskId> = tasks.filter(|task| inputs.contains(&task.vertex)).copied().collect();
        Self {
            phase: Phase::Restoring,
            groups: Groups::new(),
            lineage: leans.then(|| Lineage::new(story.max_parallelism as usize)),
            offsets: Offsets::new(),
            closed: BTreeMap::new(),
            open: Vec::new(),
            aligner: Aligner::new(senders.len() as u32, deployment.restore.checkpoint),
            channels: vec![VecDeque::new(); senders.len()],
            senders,
            ended: BTreeSet::new(),
            finished: false,
            uploads: BTreeMap::new(),
            deployment,
        }
    }

    /// Its attempt.
    pub fn attempt(&self) -> Attempt {
        self.deployment.attempt
    }

    /// Its keyed state.
    pub fn groups(&self) -> &Groups {
        &self.groups
    }

    /// Reads its state as the deployment says.
    pub fn restore(
        &mut self,
        story: &Story,
        store: &Store,
        twist: &dyn Twist,
    ) -> Result<Certificate, FailureCause> {
        let deployment = Arc::clone(&self.deployment);
        self.phase = Phase::Idle;
        if deployment.source && deployment.restore.checkpoint == CheckpointId::NONE {
            let index = deployment.task.subtask.index();
            let splits = story.first_splits(index, self.siblings()).into_iter();
            let listed = |Split(split)| {
                Split(twist.first_split(split.into(), index as u16, story.log.len() as u16) as u8)
            };
            self.offsets = splits.map(|(split, offset)| (listed(split), offset)).collect();
        }
        let mut places = Places::new();
        for read in &deployment.restore.state {
            let found = twist.found(&|| store.objects.keys().copied().collect(), read.handle.object);
            let keyed = store.keyed(found).ok_or(FailureCause::RestoreCorrupt)?;
            if twist.restores_only_the_last_handle() {
                self.groups.clear();
            }
            for (group, place, records) in keyed.filter(|(group, ..)| read.key_groups.contains(*group)) {
                let records = records.ok_or(FailureCause::RestoreCorrupt)?;
                self.groups.insert(group, records.clone());
                places.insert(group, place);
            }
        }
        if let Some(lineage) = &mut self.lineage
            && deployment.restore.checkpoint > CheckpointId::NONE
        {
            lineage.restored(deployment.restore.checkpoint, places);
        }
        for read in &deployment.restore.operator_state {
            let (_, _, offsets) = store.state(read.handle.object).ok_or(FailureCause::RestoreCorrupt)?;
            let items = offsets.iter().skip(read.first_item as usize).take(read.items as usize);
            let kept =
                items.filter(|(split, _)| twist.keeps_what_is_anothers() || self.reads(story, **split));
            let kept: Offsets = kept.map(|(split, offset)| (*split, *offset)).collect();
            self.offsets.extend(kept);
        }
        Ok(story::certificates(&self.groups).into_values().sum())
    }

    // How many tasks its vertex has.
    fn siblings(&self) -> usize {
        let Deployment { layout, task, .. } = &*self.deployment;
        layout.tasks.keys().filter(|other| other.vertex == task.vertex).count()
    }

    // Whether it reads a split whose offset it has.
    fn reads(&self, story: &Story, split: Split) -> bool {
        story.offsets != RedistributionMode::Union
            || story.reader(split, self.siblings()) == self.deployment.task.subtask.index()
    }

    /// Whether it was told to read anything.
    pub fn reads_state(&self) -> bool {
        let restore = &self.deployment.restore;
        !restore.state.is_empty() || !restore.operator_state.is_empty()
    }

    /// Whether a source has anything to do.
    pub fn can_read(&self, story: &Story) -> bool {
        self.deployment.source
            && self.phase == Phase::Running
            && (self.next_record(story).is_some() || (story.ends && !self.finished))
    }

    fn next_record(&self, story: &Story) -> Option<Record> {
        let mut own = self.offsets.iter().filter(|(split, _)| self.reads(story, **split));
        own.find_map(|(split, offset)| story.record(*split, *offset))
    }

    /// A source reads its next record, or notices the end of its log.
    pub fn read(&mut self, story: &Story) -> Step {
        match self.next_record(story) {
            Some(record) => {
                self.offsets.insert(record.split, record.offset + 1);
                Step::Emitted(record)
            }
            None => {
                self.finished = true;
                Step::Finished
            }
        }
    }

    /// The channels that have something which need not wait.
    pub fn takable(&self, twist: &dyn Twist) -> impl Iterator<Item = u32> {
        let heeds = twist.heeds_blocked_channels();
        let running = self.phase == Phase::Running;
        (0..).zip(&self.channels).filter_map(move |(channel, elements)| {
            let free = !heeds || !self.aligner.is_blocked(channel);
            (running && free && !elements.is_empty()).then_some(channel)
        })
    }

    /// Whether a channel that has something must wait for the barrier of another.
    pub fn waits(&self) -> bool {
        (0..)
            .zip(&self.channels)
            .any(|(channel, elements)| !elements.is_empty() && self.aligner.is_blocked(channel))
    }

    /// The element that the next [`take`](Self::take) takes.
    pub fn front(&self, channel: u32) -> Option<(TaskId, Element)> {
        let channel = channel as usize;
        Some((*self.senders.get(channel)?, *self.channels.get(channel)?.front()?))
    }

    /// Takes the next element of a channel.
    pub fn take(&mut self, channel: u32, twist: &dyn Twist) -> Step {
        let Some(element) = self.channels.get_mut(channel as usize).and_then(VecDeque::pop_front) else {
            return Step::Quiet;
        };
        match element {
            Element::Record(record) => {
                let group = twist.group_of(record.group, self.open.last().map(|before| before.group));
                if let Some(lineage) = &mut self.lineage {
                    lineage.write(group.index());
                }
                let records = self.groups.entry(group).or_default();
                records.insert(records.partition_point(|seen| *seen < record), record);
                self.open.push(record);
                Step::Quiet
            }
            Element::Barrier(barrier) => self.align(AlignerInput::Barrier { channel, barrier }),
            Element::EndOfData => {
                self.ended.insert(channel);
                let all = self.ended.len() == self.channels.len();
                if all { Step::Finished } else { Step::Quiet }
            }
        }
    }

    // A snapshot orders it anyway.
    pub(crate) fn forget_the_order_of_output(&mut self) {
        self.closed.values_mut().chain([&mut self.open]).for_each(|records| records.sort_unstable());
    }

    fn align(&mut self, input: AlignerInput) -> Step {
        let mut out = Vec::new();
        self.aligner.handle(input, &mut out);
        let aligned = out.iter().find_map(|output| match output {
            AlignerOutput::Aligned(barrier) => Some(Step::Aligned(*barrier)),
            AlignerOutput::Block { .. } | AlignerOutput::Unblock => None,
        });
        aligned.unwrap_or(Step::Quiet)
    }

    /// Stops waiting for the barriers of `checkpoint`.
    pub fn cancel_alignment(&mut self, checkpoint: CheckpointId) {
        self.align(AlignerInput::Aborted { checkpoint });
    }

    /// Puts an element into the channel from `sender`.
    pub fn push(&mut self, sender: TaskId, element: Element) {
        if let Ok(channel) = self.senders.binary_search(&sender) {
            self.channels[channel].push_back(element);
        }
    }

    /// Freezes its state at `barrier`.
    pub fn freeze(&mut self, barrier: Barrier, story: &Story, twist: &dyn Twist) {
        let open = std::mem::take(&mut self.open);
        if !open.is_empty() {
            self.closed.insert(barrier.checkpoint, open);
        }
        let mut output: Vec<Record> =
            self.closed.range(barrier.confirmed.next()..).flat_map(|(_, records)| records).copied().collect();
        output.sort_unstable();
        let reading = |(split, offset): (&Split, &u8)| Reading {
            split: split.0.into(),
            offset: u64::from(*offset),
            end: story.log[usize::from(split.0)].len() as u64,
        };
        let mut readings = self.offsets.iter().map(reading).collect();
        twist.frozen(&mut readings);
        let offsets =
            readings.into_iter().map(|reading| (Split(reading.split as u8), reading.offset as u8)).collect();
        let leans_on = self.lean(barrier, twist);
        let frozen = Frozen { groups: self.groups.clone(), leans_on, offsets, output };
        self.uploads.insert(barrier.checkpoint, frozen);
        if barrier.stop {
            self.phase = Phase::Idle;
        }
    }

    /// What the snapshot at `barrier` need not write, by the rules that the production backend follows.
    fn lean(&mut self, barrier: Barrier, twist: &dyn Twist) -> Places {
        let Barrier { checkpoint, .. } = barrier;
        let Deployment { attempt, task, .. } = *self.deployment;
        let Some(lineage) = &mut self.lineage else { return Places::new() };
        let confirmed = twist.leans_on(lineage.newest(), barrier.confirmed);
        let unchanged = lineage.unchanged(checkpoint, confirmed);
        let places = unchanged.places().into_iter().flatten();
        let possible = places
            .filter(|(group, _)| unchanged.is_unchanged(group.index()))
            .map(|(group, place)| (*group, place));
        // One object is as good as another, and a key group as long as another.
        let needs =
            |place: &ObjectName| BaseUse { object: *place, used_bytes: 1, section_bytes: 1, key_groups: 1 };
        let policy =
            IncrementalPolicy::default().with_bases_max(LEANS_ON_MAX).expect("fewer than a manifest names");
        let leans_on: Places =
            policy.leant_on(possible, needs, 1).map(|(group, place)| (group, *place)).collect();
        let own = ObjectName::State { attempt, task, checkpoint };
        let lies_in = |group: &KeyGroup| leans_on.get(group).copied().unwrap_or(own);
        let places = self.groups.keys().map(|group| (*group, lies_in(group))).collect();
        lineage.freeze(checkpoint, confirmed, places);
        leans_on
    }

    /// Output up to `checkpoint` is committed.
    pub fn forget_output(&mut self, checkpoint: CheckpointId) {
        self.closed = self.closed.split_off(&checkpoint.next());
    }

    /// The names of what an upload writes.
    pub fn objects(&self, checkpoint: CheckpointId, frozen: &Frozen) -> Vec<ObjectName> {
        let (attempt, task) = (self.deployment.attempt, self.deployment.task);
        let output = ObjectName::Output { attempt, task, checkpoint };
        let state = ObjectName::State { attempt, task, checkpoint };
        [state].into_iter().chain((!frozen.output.is_empty()).then_some(output)).collect()
    }

    /// What an upload writes, and what the task acknowledges with.
    pub fn snapshot(
        &self,
        story: &Story,
        checkpoint: CheckpointId,
        frozen: &Frozen,
    ) -> (Vec<(ObjectName, Object)>, TaskSnapshot) {
        let (attempt, task) = (self.deployment.attempt, self.deployment.task);
        let state = ObjectName::State { attempt, task, checkpoint };
        let output = ObjectName::Output { attempt, task, checkpoint };
        let offsets = OperatorStateInfo {
            name: OFFSETS.into(),
            mode: story.offsets,
            items: frozen.offsets.len() as u32,
        };
        let own = frozen.groups.iter().filter(|(group, _)| !frozen.leans_on.contains_key(group));
        let groups: Groups = own.map(|(group, records)| (*group, records.clone())).collect();
        let snapshot = TaskSnapshot {
            task,
            state: StateHandle {
                object: state,
                // As long as it has key groups, where that tells something.
                bytes: if story.incremental { 1 + groups.len() as u64 } else { 1 },
                index_bytes: 1,
                key_groups: self.deployment.key_groups,
                certificate: story::certificates(&frozen.groups).into_values().sum(),
                operator_state: if self.deployment.source { vec![offsets] } else { Vec::new() },
                bases: BTreeSet::from_iter(frozen.leans_on.values().copied()).into_iter().collect(),
            },
            output: (!frozen.output.is_empty()).then_some(OutputHandle {
                object: output,
                bytes: 1,
                records: frozen.output.len() as u64,
                checksum: 0,
            }),
        };
        let (leans_on, offsets) = (frozen.leans_on.clone(), frozen.offsets.clone());
        let mut objects = vec![(state, Object::State { groups, leans_on, offsets })];
        if snapshot.output.is_some() {
            objects.push((output, Object::Output(frozen.output.clone())));
        }
        (objects, snapshot)
    }
}
