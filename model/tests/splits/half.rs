//! Worlds in which something is half done.

use std::{
    collections::{BTreeMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use keygroups::{
    checkpoint::{Attempt, CheckpointId, ObjectName, TaskId},
    protocol::{CoordinatorInput, HostInput, PutOutcome},
};
use keygroups_model::{
    action::{Action, Ending},
    engine::{EngineTask, Phase},
    model::JobModel,
    network::{Message, Receiver},
    step::Step,
    store::{Object, Request},
    world::World,
};
use stateright::Model;

/// Something that has begun and is not over.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Half {
    /// A process is dead. It has lost everything, and this is what it will say when it comes back.
    Dead(Receiver, Vec<Arc<Message>>),
    /// The store has done what a coordinator asked for, or never will, and nobody has heard of it.
    Answer { to: usize, life: u64, request: Request, answer: CoordinatorInput },
    /// A task has read these objects, as they were then, and may have to read more.
    Restore { host: usize, task: TaskId, attempt: Attempt, read: BTreeMap<ObjectName, Option<Object>> },
    /// So many objects of a snapshot are written, and the host does not know.
    Upload {
        host: usize,
        task: TaskId,
        attempt: Attempt,
        checkpoint: CheckpointId,
        written: usize,
        all_well: bool,
    },
}

/// How an action begins that does not end at once.
pub type Begin = fn(&JobModel, &World, &Action) -> Option<(World, Half)>;

/// A world, and what is half done in it.
#[derive(Clone, Hash)]
struct Split {
    world: World,
    halves: Vec<Half>,
}

pub fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn settled(mut world: World) -> World {
    world.settle();
    world
}

/// A process dies, and comes back later.
pub fn die(model: &JobModel, world: &World, action: &Action) -> Option<(World, Half)> {
    let (Action::CrashHost(_) | Action::CrashCoordinator(_)) = action else { return None };
    let mut after = model.next_state(world, action.clone())?;
    let said = after.network.iter().filter(|message| !world.network.contains(*message)).cloned().collect();
    after.network = world.network.clone();
    Some((after, Half::Dead(whose(action)?, said)))
}

/// A store request is carried out or not, and its answer comes later.
pub fn carry_out(model: &JobModel, world: &World, action: &Action) -> Option<(World, Half)> {
    let Action::Store(id, request, ending) = action else { return None };
    let (to, mut world) = (usize::from(id.0), world.clone());
    let life = world.coordinators[to].crashes;
    world.coordinators[to].edit().answered(request);
    if *ending != Ending::Answered {
        world.budget.store_faults -= 1;
    }
    if *ending == Ending::Delayed {
        world.late.edit().insert(request.clone());
    }
    let mut step = Step::new(model, world);
    let answer = match ending {
        Ending::Answered => step.land(request),
        Ending::AnswerLost => step.land(request).and(request.time_out()),
        Ending::Delayed | Ending::Refused => request.time_out(),
    };
    Some((settled(step.into_world()), Half::Answer { to, life, request: request.clone(), answer: answer? }))
}

/// A task reads its objects one by one.
pub fn read_one_by_one(model: &JobModel, world: &World, action: &Action) -> Option<(World, Half)> {
    let Action::Restore(host, task) = action else { return None };
    let host = usize::from(host.0);
    let attempt = world.hosts[host].tasks[task].attempt();
    let (world, half) =
        Half::Restore { host, task: *task, attempt, read: BTreeMap::new() }.go_on(model, world.clone());
    Some((world, half?))
}

/// A task writes its objects one by one, and then tells its host.
pub fn write_one_by_one(model: &JobModel, world: &World, action: &Action) -> Option<(World, Half)> {
    let Action::Upload(host, task, checkpoint) = *action else { return None };
    let host = usize::from(host.0);
    let attempt = world.hosts[host].tasks[&task].attempt();
    let (world, half) = Half::Upload { host, task, attempt, checkpoint, written: 0, all_well: true }
        .go_on(model, world.clone());
    Some((world, half?))
}

/// The process that does something or that something is done to.
fn whose(action: &Action) -> Option<Receiver> {
    match action {
        Action::Fire(id, _)
        | Action::Rescale(id, _)
        | Action::Store(id, ..)
        | Action::CrashCoordinator(id) => Some(Receiver::Coordinator(*id)),
        Action::Deliver(message) => Some(message.receiver()),
        Action::Land(_) => None,
        Action::Heartbeat(host)
        | Action::Restore(host, _)
        | Action::FailRestore(host, _)
        | Action::Read(host, _)
        | Action::Take { host, .. }
        | Action::Upload(host, ..)
        | Action::FailUpload(host, ..)
        | Action::FailTask(host, _)
        | Action::CrashHost(host) => Some(Receiver::Host(*host)),
    }
}

/// What a task reads, in this order.
pub fn reads(task: &EngineTask) -> impl Iterator<Item = ObjectName> {
    let restore = &task.deployment.restore;
    let keyed = restore.state.iter().map(|read| read.handle.object);
    keyed.chain(restore.operator_state.iter().map(|read| read.handle.object))
}

/// A task has read these objects, whatever has become of them since.
fn restored(
    model: &JobModel,
    mut world: World,
    host: usize,
    task: TaskId,
    read: BTreeMap<ObjectName, Option<Object>>,
) -> World {
    let (id, store) = (world.hosts[host].machine.id(), world.store.clone());
    let found = read.into_iter().filter_map(|(name, object)| Some((name, object?)));
    world.store.edit().objects = found.collect();
    let mut step = Step::new(model, world);
    step.take(&Action::Restore(id, task));
    World { store, ..step.into_world() }
}

impl Half {
    /// Takes the next of its steps, after which it may be over.
    fn go_on(self, model: &JobModel, mut world: World) -> (World, Option<Self>) {
        let (world, half) = match self {
            Self::Dead(_, said) => {
                world.network.edit().extend(said);
                (world, None)
            }
            Self::Answer { to, request, answer, .. } => {
                let mut step = Step::new(model, world);
                step.tell_coordinator(to, Some(&request), answer);
                (step.into_world(), None)
            }
            Self::Restore { host, task, attempt, read } => {
                let next = reads(&world.hosts[host].tasks[&task]).find(|name| !read.contains_key(name));
                match next {
                    Some(name) => {
                        let found = world.store.objects.get(&name).cloned();
                        let read = read.into_iter().chain([(name, found)]).collect();
                        (world, Some(Self::Restore { host, task, attempt, read }))
                    }
                    None => (restored(model, world, host, task, read), None),
                }
            }
            Self::Upload { host, task, attempt, checkpoint, written, all_well } => {
                let engine = &world.hosts[host].tasks[&task];
                let (mut objects, snapshot) =
                    engine.snapshot(model.story(), checkpoint, &engine.uploads[&checkpoint]);
                if written < objects.len() {
                    let (name, object) = objects.swap_remove(written);
                    let mut step = Step::new(model, world);
                    let all_well = all_well && step.write(name, object) == PutOutcome::Written;
                    let half =
                        Self::Upload { host, task, attempt, checkpoint, written: written + 1, all_well };
                    (step.into_world(), Some(half))
                } else {
                    let engine = world.hosts[host].edit().task(attempt, task);
                    engine.expect("it lives on").uploads.remove(&checkpoint);
                    let mut step = Step::new(model, world);
                    let snapshot = all_well.then(|| Arc::new(snapshot));
                    step.tell_host(host, HostInput::Uploaded { attempt, task, checkpoint, snapshot });
                    (step.into_world(), None)
                }
            }
        };
        (settled(world), half)
    }

    /// Whether something cannot happen before it is over.
    fn excludes(&self, action: &Action) -> bool {
        match (self, action) {
            (Self::Dead(dead, _), _) => whose(action) == Some(*dead),
            (Self::Restore { host, task, .. }, Action::Restore(at, of)) => {
                (*host, *task) == (usize::from(at.0), *of)
            }
            (Self::Upload { host, task, checkpoint, .. }, Action::Upload(at, of, id)) => {
                (*host, *task, *checkpoint) == (usize::from(at.0), *of, *id)
            }
            _ => false,
        }
    }

    /// Whether whoever does it, or waits for it, still does.
    fn lives_on(&self, world: &World) -> bool {
        let task = |host: usize, task, attempt| {
            world.hosts[host].tasks.get(task).filter(|task| task.attempt() == attempt)
        };
        match self {
            Self::Dead(..) => true,
            Self::Answer { to, life, .. } => world.coordinators[*to].crashes == *life,
            Self::Restore { host, task: id, attempt, .. } => {
                task(*host, id, *attempt).is_some_and(|task| task.phase == Phase::Restoring)
            }
            Self::Upload { host, task: id, attempt, checkpoint, .. } => {
                task(*host, id, *attempt).is_some_and(|task| task.uploads.contains_key(checkpoint))
            }
        }
    }
}

impl Split {
    fn next(&self, model: &JobModel, begin: &[Begin]) -> Vec<Self> {
        let mut actions = Vec::new();
        model.actions(&self.world, &mut actions);
        actions.retain(|action| !self.halves.iter().any(|half| half.excludes(action)));
        let mut next: Vec<Self> = actions
            .into_iter()
            .filter_map(|action| {
                let mut halves = self.halves.clone();
                let begun = begin.iter().find_map(|begin| begin(model, &self.world, &action));
                let world = match begun {
                    Some((world, half)) => {
                        halves.push(half);
                        world
                    }
                    None => model.next_state(&self.world, action)?,
                };
                Some(Self { world, halves })
            })
            .collect();
        next.extend((0..self.halves.len()).map(|index| {
            let mut halves = self.halves.clone();
            let (world, half) = halves.remove(index).go_on(model, self.world.clone());
            halves.extend(half);
            Self { world, halves }
        }));
        for Self { world, halves } in &mut next {
            halves.retain(|half| half.lives_on(world));
            halves.sort_unstable();
        }
        next
    }
}

/// Everything that can come of a world if what `begin` knows takes several steps: how many states, and
/// what `view` sees of those with nothing half done. Every invariant holds in all of them.
pub fn explore(
    model: &JobModel,
    init: World,
    begin: &[Begin],
    view: impl Fn(&World) -> u64,
) -> (usize, HashSet<u64>) {
    let mut open = vec![Split { world: init, halves: Vec::new() }];
    let mut seen: HashSet<u64> = open.iter().map(hash).collect();
    let mut whole = HashSet::new();
    while let Some(split) = open.pop() {
        assert_eq!(split.world.violation, None, "{}", model.story().name);
        if split.halves.is_empty() {
            whole.insert(view(&split.world));
        }
        open.extend(split.next(model, begin).into_iter().filter(|split| seen.insert(hash(split))));
    }
    (seen.len(), whole)
}
