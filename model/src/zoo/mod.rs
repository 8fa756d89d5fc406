//! The bug zoo: planted bugs that prove that invariants have teeth.
//!
//! A mutant leaves the production machines alone. It alters what goes into one or comes out of it,
//! or lets the engine or the store misbehave: a [`Twist`].

use std::fmt;

use keygroups::{
    key_group::KeyGroup,
    protocol::{Coordinator, CoordinatorInput, CoordinatorOutput, Host, HostInput, HostOutput},
};

use crate::{
    engine::Frozen,
    store::Request,
    story::{Groups, Record, Story},
    world::World,
};

/// Where a planted bug can sit. Everything it does not change is as it should be.
pub trait Twist: fmt::Debug + Sync {
    /// What `coordinator` hears instead of `input`; `answered` is the request it answers.
    fn coordinator_hears(
        &self,
        _world: &World,
        _coordinator: &Coordinator,
        _answered: Option<&Request>,
        input: CoordinatorInput,
    ) -> Vec<CoordinatorInput> {
        vec![input]
    }

    /// What is carried out instead of `out`, which `coordinator` wants after it heard `input`.
    fn coordinator_wants(
        &self,
        _world: &World,
        _coordinator: &Coordinator,
        _input: &CoordinatorInput,
        out: Vec<CoordinatorOutput>,
    ) -> Vec<CoordinatorOutput> {
        out
    }

    /// What `host` hears instead of `input`.
    fn host_hears(&self, _host: &Host, input: HostInput) -> Vec<HostInput> {
        vec![input]
    }

    /// What is carried out instead of `out`, which `host` wants after it heard `input`.
    fn host_wants(&self, _host: &Host, _input: &HostInput, out: Vec<HostOutput>) -> Vec<HostOutput> {
        out
    }

    /// Changes a snapshot after it was frozen.
    fn frozen(&self, _story: &Story, _frozen: &mut Frozen) {}

    /// Changes restored state before the next handle is read.
    fn before_handle(&self, _groups: &mut Groups) {}

    /// The key group that a record is kept under; `previous` was processed before it.
    fn group_of(&self, record: Record, _previous: Option<Record>) -> KeyGroup {
        record.group
    }

    /// Whether the engine lets channels wait that the aligner blocks.
    fn heeds_blocked_channels(&self) -> bool {
        true
    }
}

/// No bug is planted.
#[derive(Debug)]
pub struct Faithful;

impl Twist for Faithful {}
