//! Recoveries: what happens by itself, and the search for goals along it.

use std::cmp::Reverse;

use keygroups::protocol::{CoordinatorTimer as Timer, invariant::Violation};

use super::{
    Effort,
    goals::{Goal, Standing, Standings, first_beyond},
    graph::{Edge, Graph},
};
use crate::{
    action::{Action, Ending},
    interned::{Ids, Interned, Offer, Quiet},
};

/// What gives something up is slower than everything else: it fires only where nothing goes on.
const PATIENT: u8 = 2;

/// Far more than any recovery needs: checkpoints, sweeps and what is given up, and states in all.
pub(super) const PRICE_MAX: usize = 16;
pub(super) const VISITED_MAX: usize = 4_000;

/// How readily a step is tried: 0 first. `None` if it does not happen by itself.
///
/// Messages arrive, requests are answered, tasks work, timers fire. A timer that suspects somebody
/// fires only if that is true: a standby's only while it hears of no leader that it believes in, be that a
/// zombie that could be believed in for ever, that for a host never, since no host stays dead, and a
/// checkpoint expires only if nobody works on it.
fn price(action: &Action, standing: &Standing) -> Option<u8> {
    match action {
        Action::Store(_, _, Ending::Answered)
        | Action::Land(_)
        | Action::Heartbeat(_)
        | Action::Restore(..)
        | Action::Read(..)
        | Action::Take { .. }
        | Action::Upload(..) => Some(0),
        Action::Fire(coordinator, timer) => match timer {
            Timer::Heartbeat | Timer::Restart | Timer::StoreRetry | Timer::Stabilize => Some(0),
            Timer::Sweep | Timer::Checkpoint => Some(1),
            Timer::Expiry(_) => Some(PATIENT),
            Timer::LeaderSilence => (!standing.is_soothed(*coordinator)).then_some(PATIENT),
            Timer::HostSilence(_) => None,
        },
        Action::Deliver(_)
        | Action::Rescale(..)
        | Action::Store(..)
        | Action::FailRestore(..)
        | Action::FailUpload(..)
        | Action::FailTask(..)
        | Action::CrashHost(_)
        | Action::CrashCoordinator(_) => None,
    }
}

/// What can be reached from a state.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    /// Every goal.
    Recovers,
    /// Not this one, whatever happens by itself.
    Lost(&'static Goal),
    /// Not this one within the limits.
    TooFar(&'static Goal),
    /// A state in which nothing happens any more, and the job is not finished.
    Rest,
}

// How a search has ended.
#[derive(PartialEq, Eq)]
enum End {
    Decided,
    // Everything that can follow was tried.
    Exhausted,
    Limited,
    Rest,
}

/// Searches for recoveries, and records what it explores.
pub(super) struct Recovery<'m> {
    quiet: Quiet<'m>,
    standings: Standings,
    graph: Graph,
    searches: u32,
    asked: usize,
    steps: usize,
    broken: Option<Violation>,
}

impl<'m> Recovery<'m> {
    pub(super) fn new(model: &'m Interned) -> Self {
        Self {
            quiet: Quiet::new(model),
            standings: Standings::default(),
            graph: Graph::default(),
            searches: 0,
            asked: 0,
            steps: 0,
            broken: None,
        }
    }

    /// How much was done so far.
    pub(super) fn effort(&self) -> Effort {
        let (states, edges) = (self.graph.states(), self.graph.edges());
        Effort { asked: self.asked, steps: self.steps, states, edges }
    }

    /// The first invariant that a step of a recovery has broken.
    pub(super) fn broken(&self) -> Option<&Violation> {
        self.broken.as_ref()
    }

    /// What can be reached from a reachable state of the story after everything in flight is lost.
    pub(super) fn ask(&mut self, ids: &Ids) -> Answer {
        let start = self.find(self.quiet.without_mail(ids));
        if std::mem::replace(&mut self.graph[start].is_asked, true) {
            return Answer::Recovers;
        }
        self.asked += 1;
        if self.graph.is_decided(start) {
            return Answer::Recovers;
        }
        // In most states one order of what is ready is enough, in the others every order is tried.
        let mut end = self.search(start, true);
        if matches!(end, End::Exhausted | End::Limited) {
            end = self.search(start, false);
        }
        match (end, first_beyond(self.graph[start].reaches)) {
            (End::Rest, _) => Answer::Rest,
            (_, None) => Answer::Recovers,
            (End::Limited, Some(goal)) => Answer::TooFar(goal),
            (End::Exhausted | End::Decided, Some(goal)) => Answer::Lost(goal),
        }
    }

    // Until every goal is known to be reachable from `start`, or a state is found in which nothing happens
    // any more. Cheap steps are tried first, and among equals the search goes deep. If `hasty`, nothing
    // else is tried where there is a step without a price.
    fn search(&mut self, start: u32, hasty: bool) -> End {
        self.searches += 1;
        self.graph[start].search = self.searches;
        let (mut seen, mut limited) = (1, false);
        let mut open: Vec<Vec<u32>> = vec![Vec::new(); PRICE_MAX + 1];
        open[0].push(start);
        while let Some(cost) = open.iter().position(|states| !states.is_empty()) {
            let Some(at) = open[cost].pop() else { break };
            let mut number = 0;
            while let Some(Edge { price, to }) = self.edge(at, number) {
                number += 1;
                if self.graph.is_decided(start) {
                    return End::Decided;
                }
                if std::mem::replace(&mut self.graph[to].search, self.searches) == self.searches {
                    continue;
                }
                seen += 1;
                if seen > VISITED_MAX {
                    return End::Limited;
                }
                match open.get_mut(cost + usize::from(price)) {
                    Some(states) => states.push(to),
                    None => limited = true,
                }
                if hasty && price == 0 {
                    break;
                }
            }
            if number == 0 && !self.graph[at].standing.may_rest() {
                return End::Rest;
            }
        }
        if limited { End::Limited } else { End::Exhausted }
    }

    // The step with this number out of a state, in the order of their prices: one that is recorded, or
    // the next that leads elsewhere.
    fn edge(&mut self, from: u32, number: usize) -> Option<Edge> {
        loop {
            if let Some(edge) = self.graph[from].edges.get(number) {
                return Some(*edge);
            }
            let (price, offer) = self.next_offer(from)?;
            let ids = self.graph[from].ids;
            self.steps += 1;
            let Some(next) = self.quiet.step(&ids, offer) else { continue };
            if let Some(violation) = self.quiet.model().violation_of(&next) {
                self.broken.get_or_insert_with(|| violation.clone());
                continue;
            }
            let to = self.find(next);
            if to != from {
                let edge = Edge { price, to };
                self.graph.connect(from, edge);
                // Of a state that is decided by it, nothing is kept.
                return Some(edge);
            }
        }
    }

    fn next_offer(&mut self, from: u32) -> Option<(u8, Offer)> {
        let (quiet, node) = (&self.quiet, &mut self.graph[from]);
        let untried = node.untried.get_or_insert_with(|| {
            let mut untried = Vec::new();
            quiet.model().offers(&node.ids, |offer| {
                let price = price(quiet.model().action(offer), &node.standing);
                untried.extend(price.map(|price| (price, offer)));
            });
            untried.reverse();
            untried.sort_by_key(|(price, _)| Reverse(*price));
            untried
        });
        let is_busy = node.edges.iter().any(|edge| edge.price == 0);
        let next = untried.pop_if(|(price, _)| !is_busy || *price < PATIENT);
        if next.is_none() {
            *untried = Vec::new();
        }
        next
    }

    fn find(&mut self, ids: Ids) -> u32 {
        let situation = self.quiet.situation(&ids).print();
        self.graph.find(situation, || (ids, self.standings.of(&self.quiet, &ids)))
    }
}
