//! The engine of a simulated host: runs the job's tasks for the production driver.

use super::Cluster;
use super::coordinator::CoordinatorMail;
use super::scenario::{OPERATOR, SOURCE};
use super::untyped::Work;
use crate::process::Tasks;
use crate::wire::{Address, Bell, ChannelReceiver, ChannelSender, ConnectionTag, Mailbox, Node};
use bytes::Bytes;
use keygroups::checkpoint::{Attempt, CheckpointId, TaskId};
use keygroups::driver::{CopyError, DriverError, Engine, FrozenTask, RestoredTask};
use keygroups::protocol::{
    Barrier, CoordinatorId, Deployment, FailureCause, Host, HostInput, HostOutput, ToCoordinator, ToHost,
};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

pub(crate) struct SimEngine {
    cluster: Arc<Cluster>,
    node: Node,
    mailbox: Rc<Mailbox<ToHost>>,
    bell: Bell,
    tasks: BTreeMap<(Attempt, TaskId), Box<dyn Work>>,
    // What faults see of them.
    machine: Tasks,
    // Channels of tasks that are gone; only a planted bug leaves any.
    left_open: BTreeMap<TaskId, Vec<ChannelReceiver>>,
}

impl SimEngine {
    pub(crate) fn new(cluster: Arc<Cluster>, node: Node, mailbox: Rc<Mailbox<ToHost>>, bell: Bell) -> Self {
        let machine = cluster.nodes.tasks(node);
        Self { cluster, node, mailbox, bell, tasks: BTreeMap::new(), machine, left_open: BTreeMap::new() }
    }

    /// The time of a batch has come: every source puts its next one into its channels.
    pub(crate) fn tick(&mut self) {
        for work in self.tasks.values_mut() {
            work.tick(&self.cluster);
        }
        self.bell.ring();
    }

    /// Moves what can be moved, up to the next thing that the machine must hear.
    pub(crate) fn work(&mut self) -> Option<HostInput> {
        if self.machine.fail() {
            return self.fail();
        }
        self.tasks.values_mut().find_map(|work| work.work(&self.cluster.watch))
    }

    /// A task that processes fails: all of it is gone but what the machine knows.
    fn fail(&mut self) -> Option<HostInput> {
        let (attempt, task) = *self.tasks.iter().find(|(_, work)| work.is_running())?.0;
        self.tasks.remove(&(attempt, task));
        self.count();
        Some(HostInput::Failed { attempt, task })
    }

    fn count(&self) {
        self.machine.count(self.tasks.values().filter(|work| work.is_running()).count());
    }

    fn mail(&self, to: Option<Address>, message: &CoordinatorMail) {
        if let Some(address) = to {
            self.mailbox.send(address, message);
        }
    }
}

impl Engine for SimEngine {
    fn send(&mut self, to: CoordinatorId, message: ToCoordinator) {
        self.mail(self.cluster.coordinator(to), &CoordinatorMail::Host(message));
    }

    fn send_all(&mut self, message: ToCoordinator) {
        let message = CoordinatorMail::Host(message);
        let all = (0..self.cluster.scenario.coordinators).map(CoordinatorId);
        self.mailbox.send_to_each(all.filter_map(|id| self.cluster.coordinator(id)), &message);
    }

    fn restore(&mut self, deployment: &Arc<Deployment>, restored: RestoredTask) -> Result<(), FailureCause> {
        self.cluster.watch.restored(self.node, deployment, &restored);
        let channels = Channels { cluster: &self.cluster, node: self.node, bell: &self.bell, deployment };
        let work = match deployment.task.vertex {
            SOURCE => self.cluster.job.source(&channels, restored)?,
            _ => {
                let overheard = self.left_open.remove(&deployment.task).unwrap_or_default();
                self.cluster.job.operator(&channels, restored, overheard)?
            }
        };
        self.tasks.insert((deployment.attempt, deployment.task), work);
        Ok(())
    }

    fn run(&mut self, attempt: Attempt, task: TaskId) {
        if let Some(work) = self.tasks.get_mut(&(attempt, task)) {
            work.run();
        }
        self.count();
        // What has arrived meanwhile can be processed now.
        self.bell.ring();
    }

    fn snapshot(&mut self, attempt: Attempt, task: TaskId, barrier: Barrier) -> Option<FrozenTask> {
        self.bell.ring();
        let work = self.tasks.get_mut(&(attempt, task))?;
        if let Some(backend) = work.backend() {
            self.cluster.watch.frozen(self.node, attempt, task, barrier.checkpoint, backend);
        }
        let frozen = work.snapshot(barrier, &self.cluster);
        // With the last one it stops.
        self.count();
        Some(frozen)
    }

    fn commit(&mut self, attempt: Attempt, task: TaskId, checkpoint: CheckpointId) {
        if let Some(work) = self.tasks.get_mut(&(attempt, task)) {
            work.commit(checkpoint);
        }
    }

    fn cancel_alignment(&mut self, attempt: Attempt, task: TaskId, checkpoint: CheckpointId) {
        if let Some(work) = self.tasks.get_mut(&(attempt, task)) {
            work.cancel_alignment(checkpoint);
            self.bell.ring();
        }
    }

    fn drop_task(&mut self, attempt: Attempt, task: TaskId) {
        let dropped = self.tasks.remove(&(attempt, task));
        self.count();
        if let Some(work) = dropped
            && !self.cluster.planted.twist().channels_belong_to_an_attempt()
        {
            self.left_open.insert(task, work.into_inputs());
        }
    }

    fn error(&mut self, _: Attempt, _: TaskId, error: &DriverError) {
        self.cluster.watch.driver_error(self.node, error);
    }

    fn copy_error(&mut self, error: CopyError) {
        self.cluster.watch.copy_error(self.node, &error);
    }

    fn step(&mut self, machine: &Host, input: &HostInput, outputs: &[HostOutput]) {
        self.cluster.watch.host_step(self.node, machine, input, outputs);
    }
}

/// Opens the data channels of one task. Both ends derive a channel's name from the attempt, so that
/// nothing of an older attempt can come in, and from the reader's address: a writer that was told an old one
/// speaks to nobody.
pub(super) struct Channels<'a> {
    pub(super) cluster: &'a Cluster,
    node: Node,
    bell: &'a Bell,
    pub(super) deployment: &'a Arc<Deployment>,
}

impl Channels<'_> {
    fn peers(&self, vertex: keygroups::checkpoint::VertexId) -> impl Iterator<Item = (TaskId, Address)> {
        let tasks = self.deployment.layout.tasks.iter().filter(move |(task, _)| task.vertex == vertex);
        tasks.filter_map(|(task, host)| Some((*task, self.cluster.host(*host)?)))
    }

    fn tag(&self, from: TaskId, to: TaskId, reader: Address) -> ConnectionTag {
        ConnectionTag::of(&(self.deployment.attempt, from, to, reader))
    }

    /// To every task that processes, by subtask.
    pub(crate) fn outputs(&self) -> Vec<Outlet> {
        let from = self.deployment.task;
        let open = |(to, reader): (_, Address)| {
            let tag = self.tag(from, to, reader);
            Outlet::new(self.cluster.net.open(self.node, reader.node, tag, self.bell))
        };
        self.peers(OPERATOR).map(open).collect()
    }

    /// From every source, by subtask.
    pub(crate) fn inputs(&self) -> Vec<ChannelReceiver> {
        let to = self.deployment.task;
        let here = self.cluster.address(self.node);
        let accept = |(from, writer): (_, Address)| {
            self.cluster.net.accept(writer.node, self.node, self.tag(from, to, here), self.bell)
        };
        self.peers(SOURCE).map(accept).collect()
    }
}

/// The sending end of a channel that never refuses: what does not fit waits here, in order.
pub(crate) struct Outlet {
    sender: ChannelSender,
    waiting: VecDeque<Bytes>,
}

impl Outlet {
    fn new(sender: ChannelSender) -> Self {
        Self { sender, waiting: VecDeque::new() }
    }

    pub(crate) fn push(&mut self, message: Bytes) {
        self.flush();
        // Hardly anything ever waits.
        let refused =
            if self.waiting.is_empty() { self.sender.try_send(message).err() } else { Some(message) };
        self.waiting.extend(refused);
    }

    pub(crate) fn flush(&mut self) {
        while let Some(message) = self.waiting.pop_front() {
            if let Err(refused) = self.sender.try_send(message) {
                self.waiting.push_front(refused);
                return;
            }
        }
    }

    /// Whether the channel is full: the reader is behind.
    pub(crate) fn is_full(&self) -> bool {
        !self.waiting.is_empty()
    }
}
