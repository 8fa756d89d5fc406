//! A host is told that its attempt is over, and not by whom.
//!
//! It obeyed for good, kept no trace of the epoch that had said so, and ignored its leader from then on. When
//! the leader of that epoch died and forgot that it had led, nobody was left who knew of it: the one before
//! repeated a start that no host would hear, and everybody else heard that it was alive.
//!
//! Source: this protocol had it, until one of 100,000 seeds of the simulation met it.

use keygroups::protocol::{Coordinator, CoordinatorInput, CoordinatorOutput, ToCoordinator, ToHost};

use super::{Around, Twist};

/// A host that runs what is over is told of that attempt, instead of the last one that is over.
#[derive(Debug)]
pub struct CancelledWithoutAFence;

impl Twist for CancelledWithoutAFence {
    fn coordinator_wants(
        &self,
        _: &mut dyn Around,
        _: &Coordinator,
        input: &CoordinatorInput,
        mut out: Vec<CoordinatorOutput>,
    ) -> Vec<CoordinatorOutput> {
        let CoordinatorInput::Host(ToCoordinator::Register { active: Some(active), .. }) = input else {
            return out;
        };
        for output in &mut out {
            if let CoordinatorOutput::Send { message: ToHost::Cancel { attempt }, .. } = output {
                *attempt = (*attempt).min(*active);
            }
        }
        out
    }
}
