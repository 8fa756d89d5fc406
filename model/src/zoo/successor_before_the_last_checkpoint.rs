//! The next attempt is deployed before the last checkpoint of this one is committed.
//!
//! RisingWave built the actors of the new layout before those of the old one had passed their last
//! barrier; for a while two read versions covered the same state. Here the leader deploys the next
//! attempt when it triggers the stop-with-checkpoint, to save the time in between.
//!
//! Source: RisingWave pull request 24492; SAMZA-2305.

use std::sync::Arc;

use keygroups::{
    checkpoint::Attempt,
    protocol::{Coordinator, CoordinatorInput, CoordinatorOutput, Deployment, Event, ToHost},
};

use super::Twist;
use crate::{network::Message, world::World};

/// The next attempt is deployed with the trigger of the last checkpoint.
#[derive(Debug)]
pub struct SuccessorBeforeTheLastCheckpoint;

impl Twist for SuccessorBeforeTheLastCheckpoint {
    fn coordinator_wants(
        &self,
        world: &World,
        _: &Coordinator,
        _: &CoordinatorInput,
        mut out: Vec<CoordinatorOutput>,
    ) -> Vec<CoordinatorOutput> {
        let stops = |output: &CoordinatorOutput| match output {
            CoordinatorOutput::Event(Event::Triggered { attempt, stop: true, .. }) => Some(*attempt),
            _ => None,
        };
        let Some(attempt) = out.iter().find_map(stops) else { return out };
        let next = Attempt { run: attempt.run + 1, ..attempt };
        let successors = world.network.iter().filter_map(|message| match &**message {
            Message::ToHost(to, ToHost::Deploy(deployment)) if deployment.attempt == attempt => {
                let successor = Deployment { attempt: next, ..Deployment::clone(deployment) };
                Some(CoordinatorOutput::Send { to: *to, message: ToHost::Deploy(Arc::new(successor)) })
            }
            _ => None,
        });
        out.extend(successors);
        out
    }
}
