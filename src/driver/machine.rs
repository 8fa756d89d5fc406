//! What a driver runs.

use crate::protocol::{Coordinator, CoordinatorInput, CoordinatorOutput, Host, HostInput, HostOutput};

/// A machine of the protocol, or something around one that keeps to the same contract: whoever wants
/// to count, delay or falsify what a machine hears and wants wraps it, and the driver notices nothing.
///
/// A driver also asks for the machine itself, by [`AsRef`], to show it to the engine.
pub trait Machine<Input, Output> {
    /// Applies one input and appends what is to be carried out, in that order. Nothing else happens.
    fn handle(&mut self, input: Input, out: &mut Vec<Output>);
}

impl Machine<CoordinatorInput, CoordinatorOutput> for Coordinator {
    fn handle(&mut self, input: CoordinatorInput, out: &mut Vec<CoordinatorOutput>) {
        self.handle(input, out);
    }
}

impl AsRef<Self> for Coordinator {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl Machine<HostInput, HostOutput> for Host {
    fn handle(&mut self, input: HostInput, out: &mut Vec<HostOutput>) {
        self.handle(input, out);
    }
}

impl AsRef<Self> for Host {
    fn as_ref(&self) -> &Self {
        self
    }
}
