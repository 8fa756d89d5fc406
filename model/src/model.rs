//! Which actions a state has, and what each does.

use keygroups::{
    key_group::Parallelism,
    protocol::{
        CoordinatorInput, CoordinatorTimer as Timer, CreateOutcome, HostInput, PutOutcome, ReadOutcome,
    },
};
use stateright::{Model, Property};

use crate::{
    action::{Action, Ending},
    engine::Phase,
    network::Message,
    process::CoordinatorProcess,
    properties,
    store::Request,
    story::{Budget, Story},
    world::World,
    zoo::Twist,
};

/// The production machines in the world of one story, true or with a planted bug.
#[derive(Clone, Copy, Debug)]
pub struct JobModel {
    story: &'static Story,
    twist: &'static dyn Twist,
}

impl JobModel {
    /// The machines as they are.
    pub fn new(story: &'static Story) -> Self {
        Self { story, twist: &crate::zoo::Faithful }
    }

    /// The machines with a planted bug.
    pub fn with_twist(story: &'static Story, twist: &'static dyn Twist) -> Self {
        Self { story, twist }
    }

    /// The story.
    pub fn story(&self) -> &'static Story {
        self.story
    }

    /// What is planted.
    pub fn twist(&self) -> &'static dyn Twist {
        self.twist
    }
}

impl Model for JobModel {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World::new(self)]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        if world.violation.is_some() {
            return;
        }
        let budget = world.budget;
        for process in &world.coordinators {
            let id = process.machine.id();
            actions.extend(process.timers.iter().map(|timer| Action::Fire(id, *timer)));
            requests(process, actions);
            if process.machine.leads().is_some() {
                actions.extend(self.next_rescale(budget).map(|to| Action::Rescale(id, to)));
            }
            actions.push(Action::CrashCoordinator(id));
        }
        actions.extend(world.network.iter().cloned().map(Action::Deliver));
        actions.extend(world.late.iter().cloned().map(Action::Land));
        for process in &world.hosts {
            let host = process.machine.id();
            actions.extend([Action::Heartbeat(host), Action::CrashHost(host)]);
            for (id, task) in &process.tasks {
                if task.phase == Phase::Restoring {
                    actions.push(Action::Restore(host, *id));
                }
                if task.phase == Phase::Running {
                    actions.push(Action::FailTask(host, *id));
                }
                if task.can_read(self.story) {
                    actions.push(Action::Read(host, *id));
                }
                actions.extend(task.takable(self.twist).filter_map(|channel| {
                    let (from, element) = task.front(channel)?;
                    Some(Action::Take { host, task: *id, channel, from, element })
                }));
                for checkpoint in task.uploads.keys() {
                    actions.push(Action::Upload(host, *id, *checkpoint));
                    actions.push(Action::FailUpload(host, *id, *checkpoint));
                }
            }
        }
        actions.retain(|action| purse(action).is_none_or(|purse| *purse(&mut { budget }) > 0));
    }

    fn next_state(&self, last: &World, action: Action) -> Option<World> {
        let mut world = last.clone();
        self.carry_out(&mut world, &action);
        if world == *last {
            return None;
        }
        if let Some(purse) = purse(&action) {
            *purse(&mut world.budget) -= 1;
        }
        world.settle();
        Some(world)
    }

    fn format_action(&self, action: &Action) -> String {
        action.to_string()
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}

impl JobModel {
    fn next_rescale(&self, budget: Budget) -> Option<Parallelism> {
        let asked = self.story.rescales.len().checked_sub(usize::from(budget.rescales))?;
        Parallelism::new(*self.story.rescales.get(asked)?).ok()
    }

    /// Does what the action says, and nothing around it.
    pub(crate) fn carry_out(&self, world: &mut World, action: &Action) {
        match action {
            Action::Fire(id, timer) => {
                let index = usize::from(id.0);
                world.coordinators[index].edit().timers.remove(timer);
                world.tell_coordinator(self, index, None, CoordinatorInput::Timer(*timer));
            }
            Action::Deliver(message) => match &**message {
                Message::ToHost(host, message) => {
                    world.tell_host(self, usize::from(host.0), HostInput::Coordinator(message.clone()));
                }
                Message::ToCoordinator(id, message) => {
                    let input = CoordinatorInput::Host(message.clone());
                    world.tell_coordinator(self, usize::from(id.0), None, input);
                }
                Message::ToPeer(id, epoch) => {
                    let input = CoordinatorInput::PeerAlive(*epoch);
                    world.tell_coordinator(self, usize::from(id.0), None, input);
                }
            },
            Action::Rescale(id, to) => {
                world.tell_coordinator(self, usize::from(id.0), None, CoordinatorInput::Rescale(*to));
            }
            Action::Store(id, request, ending) => {
                let index = usize::from(id.0);
                world.coordinators[index].edit().answered(request);
                let answer = match ending {
                    Ending::Answered => world.land(self, request),
                    Ending::AnswerLost => {
                        world.land(self, request);
                        time_out(request)
                    }
                    Ending::Delayed => {
                        world.leave(request.clone());
                        time_out(request)
                    }
                    Ending::Refused => time_out(request),
                };
                if let Some(answer) = answer {
                    world.tell_coordinator(self, index, Some(request), answer);
                }
            }
            Action::Land(request) => {
                world.late.edit().remove(request);
                world.land(self, request);
            }
            Action::Heartbeat(host) => world.tell_host(self, usize::from(host.0), HostInput::Heartbeat),
            Action::Restore(host, task) => world.restore(self, usize::from(host.0), *task),
            Action::Read(host, task) => world.read(self, usize::from(host.0), *task),
            Action::Take { host, task, channel, .. } => {
                world.take(self, usize::from(host.0), *task, *channel);
            }
            Action::Upload(host, task, checkpoint) => {
                world.upload(self, usize::from(host.0), *task, *checkpoint, true);
            }
            Action::FailUpload(host, task, checkpoint) => {
                world.upload(self, usize::from(host.0), *task, *checkpoint, false);
            }
            Action::FailTask(host, task) => world.fail(self, usize::from(host.0), *task),
            Action::CrashHost(host) => world.crash_host(self, usize::from(host.0)),
            Action::CrashCoordinator(id) => world.crash_coordinator(self, usize::from(id.0)),
        }
    }
}

/// How a request may end that is in flight.
fn requests(process: &CoordinatorProcess, actions: &mut Vec<Action>) {
    let id = process.machine.id();
    let mut before = None;
    for request in &process.requests {
        if before.replace(request) == Some(request) {
            continue;
        }
        let endings: &[Ending] = if request.has_effect() {
            &[Ending::Answered, Ending::AnswerLost, Ending::Delayed]
        } else {
            &[Ending::Answered, Ending::Refused]
        };
        actions.extend(endings.iter().map(|ending| Action::Store(id, request.clone(), *ending)));
    }
}

/// What a sender hears of a request that was not answered.
fn time_out(request: &Request) -> Option<CoordinatorInput> {
    match request {
        Request::ReadLatest { after } => {
            Some(CoordinatorInput::Latest { after: *after, outcome: ReadOutcome::Unavailable })
        }
        Request::Create(manifest) => {
            Some(CoordinatorInput::Create { version: manifest.version, outcome: CreateOutcome::Unknown })
        }
        Request::PutOutputList(name, _) => {
            Some(CoordinatorInput::OutputList { name: *name, outcome: PutOutcome::Retry })
        }
        Request::Sweep(request) => Some(CoordinatorInput::Swept { request: *request, swept: None }),
        Request::Delete(_) | Request::Prune(_) => None,
    }
}

/// The part of the budget that something is charged to.
type Purse = fn(&mut Budget) -> &mut u8;

/// What a timer's firing is charged to; `None` if it may fire as often as it runs.
fn purse_of_timer(timer: Timer) -> Option<Purse> {
    match timer {
        Timer::LeaderSilence => Some(|budget| &mut budget.campaigns),
        Timer::HostSilence(_) => Some(|budget| &mut budget.host_suspicions),
        Timer::Checkpoint => Some(|budget| &mut budget.checkpoints),
        Timer::Expiry(_) => Some(|budget| &mut budget.expiries),
        Timer::Sweep => Some(|budget| &mut budget.sweeps),
        Timer::Heartbeat | Timer::Restart | Timer::StoreRetry | Timer::Stabilize => None,
    }
}

fn purse(action: &Action) -> Option<Purse> {
    match action {
        Action::Fire(_, timer) => purse_of_timer(*timer),
        Action::Rescale(..) => Some(|budget| &mut budget.rescales),
        Action::Store(_, _, Ending::AnswerLost | Ending::Delayed | Ending::Refused) => {
            Some(|budget| &mut budget.store_faults)
        }
        Action::Heartbeat(_) => Some(|budget| &mut budget.heartbeats),
        Action::FailUpload(..) => Some(|budget| &mut budget.upload_failures),
        Action::FailTask(..) => Some(|budget| &mut budget.task_failures),
        Action::CrashHost(_) => Some(|budget| &mut budget.host_crashes),
        Action::CrashCoordinator(_) => Some(|budget| &mut budget.coordinator_crashes),
        Action::Deliver(_)
        | Action::Store(_, _, Ending::Answered)
        | Action::Land(_)
        | Action::Restore(..)
        | Action::Read(..)
        | Action::Take { .. }
        | Action::Upload(..) => None,
    }
}
