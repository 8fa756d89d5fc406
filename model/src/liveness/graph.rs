//! The recorded part of the graph of recoveries: what can be reached from where.

use hashbrown::{HashTable, hash_table::Entry};

use super::goals::{EVERY, Goals, Standing};
use crate::interned::{Ids, Offer};

/// A step to another state.
#[derive(Clone, Copy)]
pub(super) struct Edge {
    pub(super) price: u8,
    pub(super) to: u32,
}

/// A recorded state.
pub(super) struct Node {
    /// The state, with the history of the way on which it was found first.
    pub(super) ids: Ids,
    pub(super) standing: Standing,
    /// The goals that can be reached from here, by what is recorded.
    pub(super) reaches: Goals,
    /// Whether a reachable state of the story is this one after a loss of everything in flight.
    pub(super) is_asked: bool,
    /// Steps that were not tried yet, the cheapest last; `None` if nobody has looked.
    pub(super) untried: Option<Vec<(u8, Offer)>>,
    /// What was tried, in this order, as far as it leads elsewhere.
    pub(super) edges: Vec<Edge>,
    /// The number of the last search that came by.
    pub(super) search: u32,
    situation: u64,
    before: Vec<u32>,
}

/// Recorded states and steps. Whatever is recorded, each state has the goals of all states that can
/// be reached from it: a new step takes those of its end backwards, to all that lead to its start.
///
/// A state that reaches every goal is decided. Nobody goes on from it again, and nothing new will have
/// to be taken back through it: its steps are counted and not kept.
#[derive(Default)]
pub(super) struct Graph {
    nodes: Vec<Node>,
    // By print of the situation, which is as good as random: it is its own hash.
    index: HashTable<u32>,
    edges: usize,
    open: Vec<(u32, Goals)>,
}

impl Graph {
    pub(super) fn states(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn edges(&self) -> usize {
        self.edges
    }

    /// The number of a state by its situation; `record` gives one that is not known yet.
    pub(super) fn find(&mut self, situation: u64, record: impl FnOnce() -> (Ids, Standing)) -> u32 {
        let is = |id: &u32| self.nodes[*id as usize].situation == situation;
        match self.index.entry(situation, is, |id| self.nodes[*id as usize].situation) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(free) => {
                let id = u32::try_from(self.nodes.len()).expect("fewer than 2^32 states are recorded");
                free.insert(id);
                let (ids, standing) = record();
                self.nodes.push(Node {
                    ids,
                    standing,
                    reaches: standing.reached,
                    is_asked: false,
                    untried: None,
                    edges: Vec::new(),
                    search: 0,
                    situation,
                    before: Vec::new(),
                });
                id
            }
        }
    }

    pub(super) fn is_decided(&self, id: u32) -> bool {
        self[id].reaches == EVERY
    }

    /// Records a step.
    pub(super) fn connect(&mut self, from: u32, edge: Edge) {
        self.edges += 1;
        let (start, end) = (&self[from], &self[edge.to]);
        let gained = end.reaches | start.standing.reached_by_step(&end.standing);
        if end.reaches != EVERY {
            self[edge.to].before.push(from);
        }
        self[from].edges.push(edge);
        self.grant(from, gained);
    }

    // Takes goals backwards.
    fn grant(&mut self, id: u32, goals: Goals) {
        let mut open = std::mem::take(&mut self.open);
        open.push((id, goals));
        while let Some((id, goals)) = open.pop() {
            let node = &mut self[id];
            let new = goals & !node.reaches;
            if new == 0 {
                continue;
            }
            node.reaches |= new;
            open.extend(node.before.iter().map(|before| (*before, new)));
            if node.reaches == EVERY {
                node.before = Vec::new();
                node.edges = Vec::new();
                node.untried = None;
            }
        }
        self.open = open;
    }
}

impl std::ops::Index<u32> for Graph {
    type Output = Node;

    fn index(&self, id: u32) -> &Node {
        &self.nodes[id as usize]
    }
}

impl std::ops::IndexMut<u32> for Graph {
    fn index_mut(&mut self, id: u32) -> &mut Node {
        &mut self.nodes[id as usize]
    }
}

#[cfg(test)]
mod tests {
    use keygroups::checkpoint::CheckpointId;

    use super::*;

    const STATES: u32 = 12;

    // The same graph, asked naively: what is reached in any state that can be reached.
    fn closure(own: &[Goals], steps: &[(u32, u32)]) -> Vec<Goals> {
        let mut reaches = own.to_vec();
        for _ in 0..STATES {
            for (from, to) in steps {
                // That a step is possible at all is a goal too.
                reaches[*from as usize] |= reaches[*to as usize] | 1;
            }
        }
        reaches
    }

    #[test]
    fn states_reach_what_any_state_after_them_reaches_in_whatever_order_steps_are_recorded() {
        for seed in 0..500 {
            let mut random = seed;
            let mut below = |bound: u32| {
                random = crate::part::hash_of(&random);
                (random % u64::from(bound)) as u32
            };
            let own: Vec<Goals> =
                (0..STATES).map(|_| if below(3) == 0 { 1 << below(8) & EVERY } else { 0 }).collect();
            let mut graph = Graph::default();
            for (state, reached) in (0..).zip(&own) {
                let standing = Standing { reached: *reached, soothed: 0, committed: CheckpointId::NONE };
                assert_eq!(graph.find(state, || (Ids::empty(), standing)), state as u32);
            }
            let mut steps = Vec::new();
            for _ in 0..below(40) {
                let (from, to) = (below(STATES), below(STATES));
                steps.push((from, to));
                graph.connect(from, Edge { price: 0, to });
                let expected = closure(&own, &steps);
                assert!((0..STATES).all(|id| graph[id].reaches == expected[id as usize]), "seed {seed}");
            }
        }
    }
}
