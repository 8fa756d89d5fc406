//! A host that has come back is taken for the one that was there before.
//!
//! What it had restored counts, and is gone: the new process reads nothing, and nobody asks it to.
//!
//! Source: invented; a prototype of this protocol counted the `Ready` of a dead process.

use keygroups::{
    checkpoint::Manifest,
    protocol::{Coordinator, CoordinatorInput, Incarnation, ToCoordinator},
};

use super::{Around, Twist};

/// Coordinators tell hosts by their address alone.
#[derive(Debug)]
pub struct RestartGoesUnnoticed;

impl Twist for RestartGoesUnnoticed {
    fn coordinator_hears(
        &self,
        _: &mut dyn Around,
        _: &Coordinator,
        _: Option<&Manifest>,
        mut input: CoordinatorInput,
    ) -> Vec<CoordinatorInput> {
        if let CoordinatorInput::Host(
            ToCoordinator::Register { incarnation, .. } | ToCoordinator::Ready { incarnation, .. },
        ) = &mut input
        {
            *incarnation = Incarnation(1);
        }
        vec![input]
    }
}
