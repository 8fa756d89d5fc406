//! A smaller job on a smaller cluster.

use super::without_stretches;
use crate::case::Case;
use crate::cluster::Scenario;
use crate::fault::{Fault, FaultPlan, Victim};
use crate::input::Table;
use crate::wire::Node;
use keygroups::key_group::{MaxParallelism, Parallelism};
use std::sync::Arc;

fn with(case: &Case, change: impl FnOnce(&mut Scenario)) -> Case {
    let mut smaller = case.clone();
    change(&mut smaller.scenario);
    smaller
}

/// Fewer rescales.
pub(super) fn fewer_parallelisms(case: &Case) -> Vec<Case> {
    let lists = without_stretches(&case.scenario.parallelisms);
    lists.into_iter().map(|list| with(case, |scenario| scenario.parallelisms = list)).collect()
}

/// Fewer rows. Of many, only stretches: each candidate is a run.
pub(super) fn fewer_rows(case: &Case) -> Vec<Case> {
    const ONE_BY_ONE: usize = 48;
    let rows = &case.scenario.input.rows;
    let lists = without_stretches(rows).into_iter();
    let bold = lists.filter(|list| rows.len() <= ONE_BY_ONE || rows.len() - list.len() >= rows.len() / 16);
    bold.map(|rows| with(case, |scenario| scenario.input = Arc::new(Table { rows }))).collect()
}

/// Each parallelism lower: 1, half, one less.
pub(super) fn lower_parallelisms(case: &Case) -> Vec<Case> {
    let mut lower = Vec::new();
    for (index, parallelism) in case.scenario.parallelisms.iter().enumerate() {
        let now = u32::from(parallelism.get());
        for less in [1, now / 2, now - 1] {
            if let (true, Ok(less)) = (less < now, Parallelism::new(less)) {
                lower.push(with(case, |scenario| scenario.parallelisms[index] = less));
            }
        }
    }
    lower
}

/// As few key groups as the job can have; half; one less.
pub(super) fn fewer_key_groups(case: &Case) -> Vec<Case> {
    let now = u32::from(case.scenario.max_parallelism.get());
    let least = case.scenario.parallelisms.iter().map(|parallelism| parallelism.get()).max().unwrap_or(1);
    let fewer = [u32::from(least), now / 2, now - 1].into_iter().filter(|fewer| *fewer < now);
    let fewer = fewer.filter_map(|fewer| MaxParallelism::new(fewer).ok());
    fewer.map(|max| with(case, |scenario| scenario.max_parallelism = max)).collect()
}

/// Fewer coordinators, hosts, slots. Faults that hit a process that is gone go with it.
pub(super) fn fewer_processes(case: &Case) -> Vec<Case> {
    let Scenario { coordinators, hosts, slots, .. } = case.scenario;
    let mut fewer = Vec::new();
    let mut push = |coordinators: u16, hosts: u16, slots: u16| {
        let mut smaller = with(case, |scenario| {
            (scenario.coordinators, scenario.hosts, scenario.slots) = (coordinators, hosts, slots);
            scenario.variety.restarts.iter_mut().for_each(|restart| restart.slots = restart.slots.max(slots));
        });
        smaller.plan = moved(&case.plan, &case.scenario, &smaller.scenario);
        fewer.push(smaller);
    };
    push(1, hosts, slots);
    push(coordinators.saturating_sub(1), hosts, slots);
    let tasks = case.scenario.parallelisms.iter().map(|parallelism| 2 * parallelism.get()).max().unwrap_or(2);
    push(coordinators, tasks.div_ceil(slots.max(1)), slots);
    // One large host instead of many small ones.
    push(coordinators, 1, tasks);
    push(coordinators, 2, tasks.div_ceil(2));
    push(coordinators, hosts.saturating_sub(1), slots);
    fewer.retain(|smaller| {
        let (now, then) = (&case.scenario, &smaller.scenario);
        (then.coordinators + then.hosts, then.slots) < (now.coordinators + now.hosts, now.slots)
    });
    fewer
}

/// One partition, one retained checkpoint, an early end of faults.
pub(super) fn plainer(case: &Case) -> Vec<Case> {
    let last_us = case.plan.timed.last().map_or(0, |(at_us, _)| *at_us);
    let mut plainer = vec![
        with(case, |scenario| scenario.partitions = 1),
        with(case, |scenario| scenario.partitions = (scenario.partitions / 2).max(1)),
        with(case, |scenario| scenario.checkpoints_retained = 1),
        with(case, |scenario| scenario.disks = false),
    ];
    let mut sooner = case.clone();
    sooner.plan.horizon_us = (case.plan.horizon_us / 2).max(last_us);
    plainer.push(sooner);
    plainer
}

/// The plan for a cluster with fewer processes.
fn moved(plan: &FaultPlan, from: &Scenario, to: &Scenario) -> FaultPlan {
    let (before, after) = (from.targets(), to.targets());
    let place = |node: Node| {
        let of = |old: &[Node], new: &[Node]| {
            old.iter().position(|it| *it == node).and_then(|index| new.get(index).copied())
        };
        let process = of(&before.coordinators, &after.coordinators)
            .or_else(|| of(&before.hosts, &after.hosts))
            .or_else(|| of(&before.spares, &after.spares));
        process.or((node == before.store).then_some(after.store))
    };
    let fault = |fault: &Fault| {
        let mut moved = fault.clone();
        moved.move_nodes(&mut |node| place(node)).then_some(moved)
    };
    let mut smaller = plan.clone();
    smaller.timed = plan.timed.iter().filter_map(|(at_us, it)| Some((*at_us, fault(it)?))).collect();
    let aims = plan.aims.iter().filter_map(|aim| {
        let victim = match aim.victim {
            Victim::Node(node) => Victim::Node(place(node)?),
            Victim::Actor => Victim::Actor,
        };
        Some(crate::fault::Aim { victim, fault: fault(&aim.fault)?, ..aim.clone() })
    });
    smaller.aims = aims.collect();
    smaller.faults_max = smaller.timed.len() + smaller.aims.len();
    smaller.network = plan.network.moved(&place);
    smaller.misfortunes = plan.misfortunes.as_ref().map(|misfortunes| misfortunes.moved(&place));
    smaller
}
