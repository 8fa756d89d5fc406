//! The options that processes start with. They change when the whole job is cancelled and started again.

use super::variety::JobRestart;
use super::{Cluster, Scenario};
use crate::wire::Node;
use keygroups::key_group::Parallelism;
use std::sync::{Mutex, PoisonError};

/// What a process that starts now is told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    /// The parallelism of a job that begins.
    pub(super) parallelism: Parallelism,
    pub(super) slots: u16,
    pub(super) checkpoints_retained: usize,
}

impl Terms {
    pub(super) fn of(scenario: &Scenario) -> Mutex<Self> {
        Mutex::new(Self {
            parallelism: scenario.parallelisms[0],
            slots: scenario.slots,
            checkpoints_retained: scenario.checkpoints_retained,
        })
    }
}

impl Cluster {
    pub(super) fn terms(&self) -> Terms {
        *self.terms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes all processes down at once. Whoever starts from now on has other options; one that a fault had
    /// taken down before may be the first.
    pub(super) fn cancel(&self, restart: &JobRestart) {
        let terms = Terms {
            parallelism: restart.parallelism,
            slots: restart.slots,
            checkpoints_retained: restart.checkpoints_retained,
        };
        *self.terms.lock().unwrap_or_else(PoisonError::into_inner) = terms;
        for node in self.processes() {
            self.nodes.crash(node);
        }
    }

    /// Starts all processes that are down.
    pub(super) fn start_again(&self) {
        for node in self.processes() {
            if self.nodes.state(node) == crate::nodes::ProcessState::Down {
                self.nodes.restart(node);
            }
        }
    }

    fn processes(&self) -> impl Iterator<Item = Node> {
        self.coordinators.iter().chain(&self.hosts).copied()
    }
}
