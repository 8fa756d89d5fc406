//! Fewer faults, and calmer surroundings.

use super::without_stretches;
use crate::case::Case;
use crate::fault::FaultPlan;
use crate::storage::StoreFaults;
use crate::wire::NetworkFaults;

/// Kinds of misfortune that links and the store have without any fault.
pub(super) fn surroundings(plan: &FaultPlan) -> usize {
    usize::from(plan.network != NetworkFaults::default()) + usize::from(plan.store != StoreFaults::CALM)
}

/// Links and the store without misfortunes of their own.
pub(super) fn calmer(case: &Case) -> Vec<Case> {
    let with = |change: fn(&mut FaultPlan)| {
        let mut calmer = case.clone();
        change(&mut calmer.plan);
        calmer
    };
    vec![
        with(|plan| {
            plan.network = NetworkFaults::default();
            plan.store = StoreFaults::CALM;
        }),
        with(|plan| plan.network = NetworkFaults::default()),
        with(|plan| plan.store = StoreFaults::CALM),
    ]
}

/// Without some of the faults.
pub(super) fn fewer(case: &Case) -> Vec<Case> {
    let of_plan = |change: &dyn Fn(&mut FaultPlan)| {
        let mut fewer = case.clone();
        change(&mut fewer.plan);
        // The plan is healed when all that can strike has struck.
        fewer.plan.faults_max = fewer.plan.timed.len() + fewer.plan.aims.len();
        fewer
    };
    let timed = without_stretches(&case.plan.timed);
    let aims = without_stretches(&case.plan.aims);
    let timed = timed.into_iter().map(|timed| of_plan(&|plan| plan.timed.clone_from(&timed)));
    let aims = aims.into_iter().map(|aims| of_plan(&|plan| plan.aims.clone_from(&aims)));
    let mut fewer = vec![of_plan(&|plan| {
        plan.timed.clear();
        plan.aims.clear();
    })];
    fewer.extend(timed.chain(aims));
    fewer
}
