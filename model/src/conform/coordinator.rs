//! One life of a coordinator's process: a fresh machine, the timers it has set, the answers it waits for.

use std::{collections::BTreeSet, sync::Arc};

use keygroups::{
    checkpoint::{ManifestVersion, ObjectName},
    protocol::{
        Coordinator, CoordinatorId, CoordinatorInput, CoordinatorOutput, CoordinatorTimer, CreateOutcome,
        Options, PutOutcome, ReadOutcome, invariant::Fact,
    },
};

use super::{
    rule::{LIVES, QUESTIONS, Refusal, TIMERS, USER},
    world::{Follows, World},
};
use crate::{action::Ending, store::Request};

/// A coordinator that lives.
#[derive(Debug)]
pub(super) struct CoordinatorLife {
    pub(super) machine: Coordinator,
    node: Arc<str>,
    booted: bool,
    timers: BTreeSet<CoordinatorTimer>,
    // What it waits for, with the line at which it asked.
    requests: Vec<(u64, Request)>,
}

impl CoordinatorLife {
    pub(super) fn new(node: Arc<str>, id: CoordinatorId, nonce: u64, options: Options) -> Self {
        let machine = Coordinator::new(id, nonce, options);
        Self { machine, node, booted: false, timers: BTreeSet::new(), requests: Vec::new() }
    }

    /// Lets the machine hear `input` at line `now`, if the model would.
    pub(super) fn hear(
        &mut self,
        now: u64,
        input: CoordinatorInput,
        world: &mut World,
    ) -> Result<(), Refusal> {
        let ending = self.allow(now, &input, world)?;
        world.tally.coordinator_heard(&self.machine, &input, ending);
        let mut out = Vec::new();
        self.machine.handle(input, &mut out);
        out.into_iter().for_each(|output| self.carry_out(now, output, world));
        Ok(())
    }

    // How a request has ended, if the input is its answer.
    fn allow(
        &mut self,
        now: u64,
        input: &CoordinatorInput,
        world: &mut World,
    ) -> Result<Option<Ending>, Refusal> {
        let id = self.machine.id();
        let boot = *input == CoordinatorInput::Boot;
        if std::mem::replace(&mut self.booted, true) == boot {
            return LIVES.broken();
        }
        match input {
            CoordinatorInput::Boot => {}
            CoordinatorInput::Timer(timer) => {
                if !self.timers.remove(timer) {
                    return TIMERS.instead(
                        self.timers.iter().map(|timer| CoordinatorInput::Timer(*timer).to_string()),
                    );
                }
            }
            CoordinatorInput::Host(message) => world.sent.reaches_coordinator(id, message)?,
            CoordinatorInput::PeerAlive(epoch) => world.sent.reaches_peer(id, *epoch)?,
            CoordinatorInput::Rescale(parallelism) => {
                if !world.asked.contains(parallelism) {
                    return USER.instead(world.asked.iter().map(|asked| format!("parallelism {asked}")));
                }
            }
            CoordinatorInput::Latest { .. }
            | CoordinatorInput::Create { .. }
            | CoordinatorInput::OutputList { .. }
            | CoordinatorInput::Swept { .. } => return self.answered(now, input, world).map(Some),
        }
        Ok(None)
    }

    // The newest question that explains the answer: what explains it since then explains it since
    // longer ago, so older ones are left for answers that need them.
    fn answered(&mut self, now: u64, input: &CoordinatorInput, world: &mut World) -> Result<Ending, Refusal> {
        let mut refusal = None;
        for index in (0..self.requests.len()).rev() {
            let (asked, request) = &self.requests[index];
            match could_answer(*asked, request, input, &self.node, world) {
                None => {}
                Some(Ok(())) => {
                    let ending = ending(*asked, request, input, &self.node, world);
                    self.requests.remove(index);
                    return Ok(ending);
                }
                Some(Err(refused)) => refusal = Some(refused),
            }
        }
        match refusal {
            Some(refusal) => Err(refusal),
            None => {
                let waits = self.requests.iter().map(|(asked, request)| {
                    format!("an answer to what was asked {} lines before: {request}", now - asked)
                });
                QUESTIONS.instead(waits)
            }
        }
    }

    fn carry_out(&mut self, now: u64, output: CoordinatorOutput, world: &mut World) {
        let id = self.machine.id();
        if let Some(fact) = Fact::of_coordinator(&output) {
            world.follows(&self.node, Follows::Fact(fact));
        }
        match output {
            CoordinatorOutput::Send { to, message } => {
                world.sent.send_to_host(to, message);
            }
            CoordinatorOutput::TellPeers(epoch) => world.sent.send_to_peers(id, epoch),
            CoordinatorOutput::ReadLatest { after } => {
                self.requests.push((now, Request::ReadLatest { after }));
            }
            CoordinatorOutput::CreateManifest(manifest) => {
                world.wanted.create(&self.node, &manifest);
                self.requests.push((now, Request::Create(manifest)));
            }
            CoordinatorOutput::PutOutputList { name, list } => {
                world.wanted.put_list(&self.node, name, &list);
                self.requests.push((now, Request::PutOutputList(name, list)));
            }
            CoordinatorOutput::Sweep(request) => self.requests.push((now, Request::Sweep(request))),
            CoordinatorOutput::Delete(names) => world.wanted.delete(&self.node, &names),
            CoordinatorOutput::PruneManifests { below } => world.wanted.prune(&self.node, below),
            CoordinatorOutput::SetTimer(timer) => {
                self.timers.insert(timer);
            }
            CoordinatorOutput::CancelTimer(timer) => {
                self.timers.remove(&timer);
            }
            CoordinatorOutput::Event(event) => world.follows(&self.node, Follows::Event(event)),
        }
    }

    /// Whether it waits for the answer to a create of that manifest.
    pub(super) fn creates(&self, version: ManifestVersion) -> bool {
        self.requests
            .iter()
            .any(|(_, request)| matches!(request, Request::Create(manifest) if manifest.version == version))
    }

    /// Whether it waits for the answer to a write of that list.
    pub(super) fn writes(&self, list: &ObjectName) -> bool {
        self.requests
            .iter()
            .any(|(_, request)| matches!(request, Request::PutOutputList(name, _) if name == list))
    }
}

/// `None` if `input` is no answer to `request` at all.
fn could_answer(
    asked: u64,
    request: &Request,
    input: &CoordinatorInput,
    node: &str,
    world: &mut World,
) -> Option<Result<(), Refusal>> {
    match (request, input) {
        (Request::ReadLatest { after }, CoordinatorInput::Latest { after: answered, outcome })
            if after == answered =>
        {
            Some(world.store.can_read(asked, outcome, &world.damage))
        }
        (Request::Create(proposed), CoordinatorInput::Create { version, outcome })
            if proposed.version == *version =>
        {
            Some(world.store.can_create(asked, node, proposed, *outcome))
        }
        (Request::PutOutputList(name, _), CoordinatorInput::OutputList { name: answered, outcome })
            if name == answered =>
        {
            Some(world.wanted.can_put_list(&world.store, &world.damage, asked, name, *outcome))
        }
        (Request::Sweep(request), CoordinatorInput::Swept { request: answered, swept })
            if request == answered =>
        {
            let swept = swept.as_ref();
            let can = |swept| world.store.can_sweep(asked, *request, swept, &world.wanted, &world.damage);
            Some(swept.map_or(Ok(()), can))
        }
        _ => None,
    }
}

/// Which of the model's endings an answer is.
fn ending(asked: u64, request: &Request, input: &CoordinatorInput, node: &str, world: &World) -> Ending {
    let landed = match request {
        Request::Create(manifest) => world.store.has_created(asked, node, manifest),
        Request::PutOutputList(name, _) => world.store.held(name, asked),
        Request::ReadLatest { .. } | Request::Sweep(_) | Request::Delete(_) | Request::Prune(_) => false,
    };
    let ambiguous = if landed { Ending::AnswerLost } else { Ending::Delayed };
    match input {
        CoordinatorInput::Latest { outcome: ReadOutcome::Unavailable | ReadOutcome::Corrupt, .. }
        | CoordinatorInput::Create { outcome: CreateOutcome::Failed, .. }
        | CoordinatorInput::Swept { swept: None, .. } => Ending::Refused,
        CoordinatorInput::Create { outcome: CreateOutcome::Unknown, .. }
        | CoordinatorInput::OutputList { outcome: PutOutcome::Retry, .. } => ambiguous,
        _ => Ending::Answered,
    }
}
