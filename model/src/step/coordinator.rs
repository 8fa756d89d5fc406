//! What coordinators hear and want.

use std::{collections::BTreeSet, sync::Arc};

use keygroups::{
    checkpoint::{Manifest, ObjectName},
    protocol::{
        Coordinator, CoordinatorId, CoordinatorInput, CoordinatorOutput, CreateOutcome, PutOutcome,
        invariant::Fact,
    },
};

use super::{Step, Told};
use crate::{
    network::Message,
    process::CoordinatorProcess,
    store::{Object, Request},
};

impl Step<'_> {
    /// A coordinator hears something; `request` is what it is the answer to.
    pub fn tell_coordinator(&mut self, index: usize, request: Option<&Request>, input: CoordinatorInput) {
        let twist = self.model.twist();
        let process = self.coordinator(index).clone();
        let answered = match request {
            Some(Request::Create(manifest)) => Some(&**manifest),
            _ => None,
        };
        let inputs = twist.coordinator_hears(self, &process.machine, answered, input);
        // Held any longer, it would make every edit below a copy.
        drop(process);
        for input in inputs {
            let mut machine = self.coordinator(index).machine.clone();
            let mut out = Vec::new();
            machine.handle(input.clone(), &mut out);
            let out = twist.coordinator_wants(self, &machine, &input, out);
            if machine != self.coordinator(index).machine {
                self.edit_coordinator(index).machine = machine;
            }
            out.into_iter().for_each(|output| self.for_coordinator(index, output));
        }
    }

    fn for_coordinator(&mut self, index: usize, output: CoordinatorOutput) {
        if let Some(fact) = Fact::of_coordinator(&output) {
            self.record(fact);
        }
        match output {
            CoordinatorOutput::Send { to, message } => self.send(Message::ToHost(to, message)),
            CoordinatorOutput::TellPeers(epoch) => {
                let ids = (0..self.model.story().coordinators).filter(|id| usize::from(*id) != index);
                ids.for_each(|id| self.send(Message::ToPeer(CoordinatorId(id), epoch)));
            }
            CoordinatorOutput::ReadLatest { after } => self.request(index, Request::ReadLatest { after }),
            CoordinatorOutput::CreateManifest(manifest) => self.request(index, Request::Create(manifest)),
            CoordinatorOutput::PutOutputList { name, list } => {
                self.request(index, Request::PutOutputList(name, list));
            }
            CoordinatorOutput::Sweep(request) => self.request(index, Request::Sweep(request)),
            CoordinatorOutput::Delete(names) => self.leave(Request::Delete(names)),
            CoordinatorOutput::PruneManifests { below } => self.leave(Request::Prune(below)),
            CoordinatorOutput::SetTimer(timer) => {
                if !self.coordinator(index).timers.contains(&timer) {
                    self.edit_coordinator(index).timers.insert(timer);
                }
            }
            CoordinatorOutput::CancelTimer(timer) => {
                if self.coordinator(index).timers.contains(&timer) {
                    self.edit_coordinator(index).timers.remove(&timer);
                }
            }
            CoordinatorOutput::Event(_) => {}
        }
    }

    fn request(&mut self, index: usize, request: Request) {
        self.edit_coordinator(index).request(request);
    }

    /// Carries a request out and gives its answer; `None` if it has none.
    pub fn land(&mut self, request: &Request) -> Option<CoordinatorInput> {
        match request {
            Request::ReadLatest { after } => {
                Some(CoordinatorInput::Latest { after: *after, outcome: self.store().latest() })
            }
            Request::Create(manifest) => {
                let outcome = self.edit_store().create(manifest);
                if outcome == CreateOutcome::Created {
                    self.manifest_created(manifest);
                }
                Some(CoordinatorInput::Create { version: manifest.version, outcome })
            }
            Request::PutOutputList(name, list) => {
                let outcome = self.write(*name, Object::List(Arc::clone(list)));
                Some(CoordinatorInput::OutputList { name: *name, outcome })
            }
            Request::Sweep(request) => {
                Some(CoordinatorInput::Swept { request: *request, swept: self.store().sweep(*request) })
            }
            Request::Delete(names) => {
                for name in names {
                    if self.edit_store().objects.remove(name).is_some() {
                        self.record(Fact::ObjectDeleted(*name));
                    }
                }
                None
            }
            Request::Prune(below) => {
                for version in self.store().prunable(*below) {
                    self.edit_store().manifests.remove(&version);
                    self.record(Fact::ManifestDeleted(version));
                }
                None
            }
        }
    }

    fn manifest_created(&mut self, manifest: &Arc<Manifest>) {
        let story = self.model.story();
        let store = self.store();
        let contents = manifest
            .newest_checkpoint()
            .map(|record| (store.contents(record), story.sequential_run(&store.offsets(record))));
        self.told.push(Told::Manifest(Arc::clone(manifest), contents));
    }

    /// Writes an object once, and remembers what was written first.
    pub fn write(&mut self, name: ObjectName, object: Object) -> PutOutcome {
        let twist = self.model.twist();
        let store = self.store();
        let other = twist.stored(&|| store.objects.keys().copied().collect(), name);
        let object = other.and_then(|other| store.objects.get(&other)).cloned().unwrap_or(object);
        let (new, fingerprint) = (!self.store().objects.contains_key(&name), object.fingerprint());
        let outcome = self.edit_store().put(name, object);
        if new {
            self.record(Fact::ObjectWritten { name, fingerprint });
        }
        outcome
    }

    /// A coordinator's process dies and comes back. What it has sent to the store may still land.
    pub(super) fn crash_coordinator(&mut self, index: usize) {
        let options = self.model.story().options();
        let process = self.edit_coordinator(index);
        let (id, crashes) = (process.machine.id(), process.crashes + 1);
        let machine = Coordinator::new(id, nonce(id.0, crashes), options);
        let (timers, requests) = (BTreeSet::new(), Vec::new());
        let dead = std::mem::replace(process, CoordinatorProcess { machine, crashes, timers, requests });
        dead.requests.into_iter().filter(Request::has_effect).for_each(|request| self.leave(request));
        self.tell_coordinator(index, None, CoordinatorInput::Boot);
    }
}

/// What tells the claims of one life of a coordinator from all others.
pub(crate) fn nonce(coordinator: u16, crashes: u64) -> u64 {
    (u64::from(coordinator) << 32) | crashes
}
