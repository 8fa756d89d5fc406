//! The options that processes start with. They change when the whole job is cancelled and started again.

use super::variety::JobRestart;
use super::{Cluster, Scenario};
use crate::wire::{Node, now_us};
use keygroups::key_group::Parallelism;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What a process that starts now is told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    /// The parallelism of a job that begins.
    pub(super) parallelism: Parallelism,
    pub(super) slots: u16,
    pub(super) checkpoints_retained: usize,
    // Nobody runs before.
    up_at_us: u64,
}

impl Terms {
    pub(super) fn of(scenario: &Scenario) -> Mutex<Self> {
        Mutex::new(Self {
            parallelism: scenario.parallelisms[0],
            slots: scenario.slots,
            checkpoints_retained: scenario.checkpoints_retained,
            up_at_us: 0,
        })
    }
}

impl Cluster {
    pub(super) fn terms(&self) -> Terms {
        *self.terms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits while the job is cancelled; a process that a fault starts meanwhile waits too.
    pub(super) async fn is_up(&self) {
        loop {
            let up_at_us = self.terms().up_at_us;
            let now_us = now_us();
            if now_us >= up_at_us {
                return;
            }
            madsim::time::sleep(Duration::from_micros(up_at_us - now_us)).await;
        }
    }

    /// Takes all processes down at once. They start again with other options.
    pub(super) fn cancel(&self, restart: &JobRestart) {
        let terms = Terms {
            parallelism: restart.parallelism,
            slots: restart.slots,
            checkpoints_retained: restart.checkpoints_retained,
            up_at_us: now_us() + restart.down_us,
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
