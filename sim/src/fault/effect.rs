//! What a fault does, at once and for as long as it lasts, and how that ends.

use super::{Fault, crash};
use crate::nodes::{Nodes, ProcessState};
use crate::process::Manners;
use crate::storage::{StoreFaults, StoreNode};
use crate::wire::{NetworkFaults, Node};
use std::collections::BTreeMap;

impl Fault {
    /// What it does at once: to processes, to stored bytes. Whether anything is otherwise by it, at once or as
    /// long as it lasts: a process that is down cannot crash, and damage may find nothing that it may strike.
    pub(super) fn strike(&self, nodes: &Nodes, store: &StoreNode) -> bool {
        let is_there = |node: &Node| nodes.state(*node) != ProcessState::Absent;
        match self {
            Self::Crash(fault) => nodes.crash(fault.node),
            Self::CrashDuringStart(fault) => nodes.crash(fault.node),
            Self::Pause(fault) => nodes.pause(fault.node),
            Self::StoreDamage(fault) => fault.strike(store),
            Self::DamagedDisk(fault) => fault.strike(nodes),
            Self::Rack(fault) => fault.strike(nodes),
            Self::NewAddress(fault) => fault.strike(nodes),
            Self::Join(fault) => nodes.join(fault.node),
            Self::Leave(fault) => nodes.leave(fault.node),
            Self::ClockJump(fault) => nodes.jump(fault.node, fault.by_us),
            Self::HalfOpen(fault) => nodes.sever(fault.from, fault.to, fault.data) > 0,
            Self::Slow(fault) => is_there(&fault.node),
            Self::FailingTasks(fault) => nodes.tasks(fault.node).process(),
            Self::ClockDrift(fault) => is_there(&fault.node),
            Self::DiskTrouble(fault) => fault.nodes.iter().any(is_there),
            // The injector knows whether it found whom to cut off.
            Self::Isolation(_)
            | Self::Partition(_)
            | Self::RoughLinks(_)
            | Self::StoreErrors(_)
            | Self::StoreOutage(_)
            | Self::StoreTrouble(_) => true,
        }
    }

    /// Undoes [`strike`](Self::strike), unless another fault has taken over the process meanwhile.
    pub(super) fn relent(&self, nodes: &Nodes) {
        match self {
            Self::Crash(fault) => crash::restart(nodes, fault.node),
            Self::CrashDuringStart(fault) => crash::restart(nodes, fault.node),
            Self::Pause(fault) => nodes.resume(fault.node),
            Self::Rack(fault) => fault.relent(nodes),
            Self::NewAddress(fault) => crash::restart(nodes, fault.node),
            Self::DamagedDisk(fault) => fault.relent(nodes),
            Self::Slow(_)
            | Self::FailingTasks(_)
            | Self::Join(_)
            | Self::Leave(_)
            | Self::ClockDrift(_)
            | Self::ClockJump(_)
            | Self::Partition(_)
            | Self::Isolation(_)
            | Self::HalfOpen(_)
            | Self::RoughLinks(_)
            | Self::StoreErrors(_)
            | Self::StoreOutage(_)
            | Self::StoreTrouble(_)
            | Self::StoreDamage(_)
            | Self::DiskTrouble(_) => {}
        }
    }

    /// What follows when it is over, and after how many virtual microseconds.
    pub(super) fn next(&self) -> Option<(u64, Self)> {
        match self {
            Self::CrashDuringStart(fault) => {
                fault.next().map(|(at_us, next)| (at_us, Self::CrashDuringStart(next)))
            }
            _ => None,
        }
    }

    /// What it makes of links and store for as long as it lasts.
    pub(super) fn shape(&self, network: &mut NetworkFaults, store: &mut StoreFaults) {
        match self {
            Self::Partition(fault) => fault.shape(network),
            Self::RoughLinks(fault) => fault.shape(network),
            Self::StoreErrors(fault) => fault.shape(store),
            Self::StoreOutage(fault) => fault.shape(store),
            Self::StoreTrouble(fault) => fault.shape(store),
            // Which partition an isolation is depends on who leads.
            Self::Isolation(_)
            | Self::Crash(_)
            | Self::CrashDuringStart(_)
            | Self::Pause(_)
            | Self::Slow(_)
            | Self::FailingTasks(_)
            | Self::Rack(_)
            | Self::NewAddress(_)
            | Self::Join(_)
            | Self::Leave(_)
            | Self::ClockDrift(_)
            | Self::ClockJump(_)
            | Self::StoreDamage(_)
            | Self::DamagedDisk(_)
            | Self::DiskTrouble(_)
            | Self::HalfOpen(_) => {}
        }
    }

    /// Whether links, store and machines are what they were: all that it does, it does to processes at once.
    pub(super) fn leaves_surroundings(&self) -> bool {
        matches!(
            self,
            Self::Crash(_)
                | Self::CrashDuringStart(_)
                | Self::Pause(_)
                | Self::Rack(_)
                | Self::NewAddress(_)
                | Self::Join(_)
                | Self::Leave(_)
                | Self::ClockJump(_)
                | Self::StoreDamage(_)
                | Self::DamagedDisk(_)
                | Self::HalfOpen(_)
        )
    }

    /// What it makes of the machines under processes for as long as it lasts.
    pub(super) fn slow_down(&self, manners: &mut BTreeMap<Node, Manners>) {
        match self {
            Self::Slow(fault) => fault.shape(manners),
            Self::FailingTasks(fault) => fault.shape(manners),
            Self::ClockDrift(fault) => fault.shape(manners),
            Self::DiskTrouble(fault) => fault.shape(manners),
            _ => {}
        }
    }
}
