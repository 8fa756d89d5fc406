//! What is not loaded yet is taken for an orphan.
//!
//! A member that came up looked for snapshots that belong to no job and deleted them, before it had
//! loaded the jobs. Here a coordinator does so when it begins to campaign and has read no manifest.
//!
//! Source: Hazelcast Jet 2415.

use keygroups::protocol::{Coordinator, CoordinatorInput, CoordinatorOutput, Event};

use super::Twist;
use crate::step::Step;

/// A campaign begins by deleting every object.
#[derive(Debug)]
pub struct OrphansAtStartup;

impl Twist for OrphansAtStartup {
    fn coordinator_wants(
        &self,
        around: &mut Step<'_>,
        _: &Coordinator,
        _: &CoordinatorInput,
        mut out: Vec<CoordinatorOutput>,
    ) -> Vec<CoordinatorOutput> {
        let campaigns = out.contains(&CoordinatorOutput::Event(Event::Campaigned));
        if campaigns && !around.store().objects.is_empty() {
            out.push(CoordinatorOutput::Delete(around.store().objects.keys().copied().collect()));
        }
        out
    }
}
