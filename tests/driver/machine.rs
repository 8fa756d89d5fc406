//! A machine that somebody stands around.

use std::sync::Arc;

use keygroups::{
    checkpoint::LeaderEpoch,
    driver::{CoordinatorDriver, CoordinatorTransport, DriverError, Machine, Timings},
    key_group::Parallelism,
    protocol::{
        Coordinator, CoordinatorId, CoordinatorInput, CoordinatorOutput, CoordinatorTimer, HostId, Options,
        ToHost,
    },
    store::CheckpointStore,
};
use object_store::{memory::InMemory, path::Path};

use crate::{clock::Clock, engine};

/// Hears everything, and wants nothing that is not about timers.
struct Timid(Coordinator);

impl AsRef<Coordinator> for Timid {
    fn as_ref(&self) -> &Coordinator {
        &self.0
    }
}

impl Machine<CoordinatorInput, CoordinatorOutput> for Timid {
    fn handle(&mut self, input: CoordinatorInput, out: &mut Vec<CoordinatorOutput>) {
        self.0.handle(input, out);
        out.retain(|output| {
            matches!(output, CoordinatorOutput::SetTimer(_) | CoordinatorOutput::CancelTimer(_))
        });
    }
}

/// Remembers what it was shown.
#[derive(Default)]
struct Shown(Vec<(CoordinatorId, CoordinatorInput, usize)>);

impl CoordinatorTransport for Shown {
    fn send(&mut self, _: HostId, _: ToHost) {}

    fn tell_peers(&mut self, _: LeaderEpoch) {}

    fn error(&mut self, error: &DriverError) {
        panic!("nothing was asked of the store: {error}");
    }

    fn step(&mut self, machine: &Coordinator, input: &CoordinatorInput, outputs: &[CoordinatorOutput]) {
        self.0.push((machine.id(), input.clone(), outputs.len()));
    }
}

/// What the driver carries out, and shows, is what the wrapper lets through.
#[test]
fn driver_runs_what_stands_around_a_machine() {
    let options = Options::new(engine::job(), Parallelism::new(1).unwrap()).unwrap();
    let machine = || Coordinator::new(CoordinatorId(3), 7, options.clone());
    let inputs = [CoordinatorInput::Boot, CoordinatorInput::Timer(CoordinatorTimer::LeaderSilence)];
    let mut wanted = Vec::new();
    let mut alone = machine();
    inputs.iter().for_each(|input| alone.handle(input.clone(), &mut wanted));

    let store = CheckpointStore::new(Arc::<InMemory>::default(), Path::default());
    let (timid, clock) = (Timid(machine()), Arc::new(Clock::default()));
    let mut driver =
        CoordinatorDriver::new(timid, store, Shown::default(), clock, Timings::default()).unwrap();
    inputs.iter().for_each(|input| driver.handle(input.clone()));
    assert_eq!(driver.machine(), &alone);
    let shown = &driver.transport_mut().0;
    assert!(shown.iter().map(|(_, input, _)| input).eq(&inputs));
    let carried_out: usize = shown.iter().map(|(_, _, outputs)| outputs).sum();
    assert!(0 < carried_out && carried_out < wanted.len(), "{carried_out} of {wanted:?}");
}
