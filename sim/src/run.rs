//! One simulation: one seed, one fresh thread, one verdict.
//!
//! The fresh thread matters: std's hash maps and madsim's own state are seeded once per thread, and only
//! the first runtime on a thread gets the same ones for the same seed.

use crate::nodes::Nodes;
use crate::random;
use crate::trace::{Recording, Trace, TraceEvent};
use crate::wire::{Net, NetworkCounts, now};
use fastrand::Rng;
use keygroups_model::conform::{Closed, FORMAT, Opened};
use serde::Serialize;
use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook};
use std::sync::{Arc, Once};
use std::time::Duration;

/// The node of the first and the last event of a trace.
const TRACE: &str = "trace";

/// Virtual time that killed tasks are given to end.
pub const TEARDOWN: Duration = Duration::from_millis(10);

/// What a simulation is made of. Passed to the closure that builds the cluster.
#[derive(Clone, Debug)]
pub struct World {
    /// The seed that everything random comes from.
    pub seed: u64,
    /// The network.
    pub net: Net,
    /// The processes.
    pub nodes: Nodes,
    /// What happened.
    pub trace: Trace,
}

impl World {
    /// The generator for one purpose; see [`random::stream`].
    #[must_use]
    pub fn random(&self, purpose: &str) -> Rng {
        random::stream(self.seed, purpose)
    }
}

/// Why a simulation failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
pub enum Violation {
    /// An invariant or an oracle said no.
    #[error("{rule}: {detail}")]
    Broken {
        /// Name of the invariant or the oracle.
        rule: String,
        /// What it saw.
        detail: String,
    },
    /// Code panicked; a broken assumption, or everything waits for ever.
    #[error("panic at {location}: {message}")]
    Panicked {
        /// Source file, line and column.
        location: String,
        /// The message.
        message: String,
    },
}

impl Violation {
    /// A rule that was broken.
    #[must_use]
    pub fn broken(rule: impl Into<String>, detail: impl fmt::Display) -> Self {
        Self::Broken { rule: rule.into(), detail: detail.to_string() }
    }

    /// The name of what was broken; `no_panic` for a panic.
    #[must_use]
    pub fn rule(&self) -> &str {
        match self {
            Self::Broken { rule, .. } => rule,
            Self::Panicked { .. } => "no_panic",
        }
    }
}

/// The verdict on one seed and what it cost.
#[derive(Clone, Debug)]
pub struct Run<T> {
    /// The seed.
    pub seed: u64,
    /// The simulation's own result, or why it failed.
    pub outcome: Result<T, Violation>,
    /// Hash of everything that happened; equal seeds and builds give equal hashes.
    pub hash: u128,
    /// Number of trace events.
    pub events: u64,
    /// Virtual microseconds the simulation took, [`TEARDOWN`] included.
    pub virtual_us: u64,
    /// What happened to datagrams.
    pub network: NetworkCounts,
    /// Every event in order, if [`Recording::keep`] was asked for.
    pub kept: Vec<TraceEvent>,
    /// Whether every line of [`Recording::stream`] was written; the first error of writing if not.
    pub streamed: Result<(), Arc<io::Error>>,
}

impl<T> Run<T> {
    /// The same run with its result changed by `change`.
    #[must_use]
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Run<U> {
        let Self { seed, outcome, hash, events, virtual_us, network, kept, streamed } = self;
        Run { seed, outcome: outcome.map(change), hash, events, virtual_us, network, kept, streamed }
    }
}

/// Runs `simulation` with `seed` on a fresh thread and waits for it.
///
/// The virtual time is limited by `limit`: whoever tests liveness checks it before that, the limit is for
/// a cluster that keeps itself busy for ever. Panics of any task, the limit, and "no events, all tasks
/// will block forever" become [`Violation::Panicked`].
///
/// # Panics
/// If the operating system gives no thread.
pub fn run<T, F, Fut>(seed: u64, limit: Duration, recording: Recording, simulation: F) -> Run<T>
where
    T: Send,
    F: FnOnce(World) -> Fut + Send,
    Fut: Future<Output = Result<T, Violation>>,
{
    catch_panics_of_simulations();
    let trace = Trace::new(recording);
    trace.event_at(0, TRACE, "opened", &Opened { format: FORMAT, seed });
    let (outcome, virtual_us, network) = std::thread::scope(|scope| {
        let trace = trace.clone();
        std::thread::Builder::new()
            .name(format!("seed-{seed}"))
            .spawn_scoped(scope, move || run_here(seed, limit, trace, simulation))
            .expect("a thread for the simulation")
            .join()
            .expect("panics are caught inside")
    });
    let violation = outcome.as_ref().err().map(ToString::to_string);
    trace.event_at(virtual_us, TRACE, "closed", &Closed { events: trace.count(), violation });
    Run {
        seed,
        outcome,
        hash: trace.hash(),
        events: trace.count(),
        virtual_us,
        network,
        kept: trace.take_events(),
        streamed: trace.finish().map_err(Arc::new),
    }
}

fn run_here<T, F, Fut>(
    seed: u64,
    limit: Duration,
    trace: Trace,
    simulation: F,
) -> (Result<T, Violation>, u64, NetworkCounts)
where
    F: FnOnce(World) -> Fut,
    Fut: Future<Output = Result<T, Violation>>,
{
    IN_SIMULATION.with_borrow_mut(|state| *state = Some(None));
    let mut started = None;
    // A panic leaves nothing behind that is looked at, except the network's counts and the time.
    let result = catch_unwind(AssertUnwindSafe(|| {
        let mut runtime = madsim::runtime::Runtime::with_seed_and_config(seed, madsim::Config::default());
        runtime.set_time_limit(limit);
        let started = &mut started;
        runtime.block_on(async move {
            now::begin();
            let net = Net::start(random::stream(seed, "network"), trace.clone());
            *started = Some(net.clone());
            let nodes = Nodes::new(&net, &trace);
            let outcome = simulation(World { seed, net: net.clone(), nodes: nodes.clone(), trace }).await;
            // Tasks that are pending when the runtime is dropped are leaked: kill, let them be dropped.
            nodes.kill_all();
            net.stop();
            madsim::time::sleep(TEARDOWN).await;
            outcome
        })
    }));
    let outcome = result.unwrap_or_else(|payload| Err(panicked(payload.as_ref())));
    IN_SIMULATION.with_borrow_mut(|state| *state = None);
    let counts = started.map_or_else(NetworkCounts::default, |net| {
        net.release();
        net.counts()
    });
    (outcome, now::end(), counts)
}

thread_local! {
    /// `Some` on a thread that runs a simulation; then the first panic's place and message.
    static IN_SIMULATION: RefCell<Option<Option<Violation>>> = const { RefCell::new(None) };
}

fn panicked(payload: &(dyn Any + Send)) -> Violation {
    let noted = IN_SIMULATION.with_borrow_mut(|state| state.as_mut().and_then(Option::take));
    noted.unwrap_or_else(|| Violation::Panicked {
        location: "unknown".to_owned(),
        message: message_of(payload).to_owned(),
    })
}

fn message_of(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without message")
}

/// Installs, once per process, a hook that notes the panics of simulations instead of printing them; those
/// of other threads go where they went before.
fn catch_panics_of_simulations() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic: &PanicHookInfo<'_>| {
            let ours = IN_SIMULATION.with_borrow_mut(|state| match state {
                None => false,
                Some(noted) => {
                    noted.get_or_insert_with(|| Violation::Panicked {
                        location: panic.location().map_or_else(|| "unknown".to_owned(), ToString::to_string),
                        message: message_of(panic.payload()).to_owned(),
                    });
                    true
                }
            });
            if !ours {
                before(panic);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::run_seeds;
    use crate::storage::{SimObjectStore, StoreNode};
    use madsim::time::sleep;
    use std::ops::ControlFlow;

    const LIMIT: Duration = Duration::from_secs(60);

    #[test]
    fn panic_in_a_process_is_a_violation_with_its_place() {
        let run = run(1, LIMIT, Recording::default(), |world| async move {
            let _ = world.nodes.add("host", |_| async { panic!("assumption {} is broken", 7) });
            sleep(Duration::from_secs(1)).await;
            Ok(())
        });
        let Err(Violation::Panicked { location, message }) = run.outcome else { panic!("{run:?}") };
        assert!(location.contains("run.rs"), "{location}");
        assert_eq!(message, "assumption 7 is broken");
    }

    #[test]
    fn waiting_for_ever_and_running_for_ever_are_violations() {
        let stuck =
            run(1, LIMIT, Recording::default(), |_| async { std::future::pending::<Result<(), _>>().await });
        assert!(stuck.outcome.unwrap_err().to_string().contains("block forever"));
        let busy: Run<()> = run(1, LIMIT, Recording::default(), |_| async {
            loop {
                sleep(Duration::from_secs(1)).await;
            }
        });
        assert!(busy.outcome.unwrap_err().to_string().contains("time limit exceeded"));
    }

    /// madsim's handle holds every main task for restarts, and main tasks usually hold the world: kept in
    /// the world, the handle once made every simulation leak 33 kB and all its objects.
    #[test]
    fn nothing_of_a_simulation_outlives_it() {
        let held = std::sync::Arc::new(());
        let run = run(1, LIMIT, Recording::default(), |world| {
            let held = held.clone();
            async move {
                let store = StoreNode::start(&world.net, &world.trace, world.random("storage"));
                store.observe({
                    let held = held.clone();
                    move |_, _| drop(held.clone())
                });
                let everything = (world.clone(), store, held);
                let _ = world.nodes.add("host", move |node| {
                    let everything = everything.clone();
                    async move {
                        let (world, store, _held) = &everything;
                        let _client = SimObjectStore::connect(&world.net, node, 1, store.node(), 1_000);
                        std::future::pending().await
                    }
                });
                sleep(Duration::from_secs(1)).await;
                Ok(())
            }
        });
        run.outcome.unwrap();
        assert_eq!(std::sync::Arc::strong_count(&held), 1);
    }

    #[test]
    fn batch_is_in_order_of_seed_and_names_the_failures() {
        let batch = run_seeds(
            10..30,
            None,
            |seed| {
                run(seed, LIMIT, Recording::default(), move |_| async move {
                    sleep(Duration::from_millis(seed)).await;
                    if seed % 7 == 0 {
                        Err(Violation::broken("no-multiples-of-seven", seed))
                    } else {
                        Ok(seed)
                    }
                })
            },
            |_| ControlFlow::Continue(()),
        );
        assert!(batch.runs.iter().map(|run| run.seed).eq(10..30));
        assert!(batch.failures().map(|(seed, _)| seed).eq([14, 21, 28]));
        assert!(batch.runs.iter().all(|run| run.virtual_us >= run.seed * 1000));
    }

    #[test]
    fn stopped_batch_finishes_what_it_began() {
        let batch = run_seeds(
            0..1_000_000,
            None,
            |seed| run(seed, LIMIT, Recording::default(), move |_| async move { Ok(seed) }),
            |run| if run.seed >= 5 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) },
        );
        assert!(batch.runs.len() < 1000);
        assert!(batch.runs.iter().enumerate().all(|(index, run)| run.seed == index as u64));
    }
}
