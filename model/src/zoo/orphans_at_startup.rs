//! What is not loaded yet is taken for an orphan.
//!
//! A member that came up looked for snapshots that belong to no job and deleted them, before it had
//! loaded the jobs. Here a coordinator does so when it begins to campaign and has read no manifest.
//!
//! Source: Hazelcast Jet 2415.

use keygroups::protocol::{Coordinator, CoordinatorInput, CoordinatorOutput, Event};

use super::{Around, Twist};

/// A campaign begins by deleting every object.
#[derive(Debug)]
pub struct OrphansAtStartup;

impl Twist for OrphansAtStartup {
    fn coordinator_wants(
        &self,
        around: &mut dyn Around,
        _: &Coordinator,
        _: &CoordinatorInput,
        mut out: Vec<CoordinatorOutput>,
    ) -> Vec<CoordinatorOutput> {
        let campaigns = out.contains(&CoordinatorOutput::Event(Event::Campaigned));
        if campaigns {
            let orphans = around.objects();
            if !orphans.is_empty() {
                out.push(CoordinatorOutput::Delete(orphans));
            }
        }
        out
    }
}
