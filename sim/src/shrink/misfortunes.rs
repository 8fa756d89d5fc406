//! What chance strikes: from rates to a list, and from the list one by one.

use super::without_stretches;
use crate::case::Case;
use crate::fault::FaultPlan;
use crate::misfortune::Misfortunes;
use crate::storage::StoreFaults;
use crate::wire::NetworkFaults;

/// More could not be taken away one by one in reasonable time.
const LISTED_MAX: usize = 4_000;

fn with(case: &Case, misfortunes: Option<Misfortunes>) -> Case {
    let plan = FaultPlan { misfortunes, ..case.plan.clone() };
    Case { plan, ..case.clone() }
}

fn has_calm_surroundings(case: &Case) -> bool {
    case.plan.network == NetworkFaults::default() && case.plan.store == StoreFaults::CALM
}

/// The same run with what chance strikes in it as a list, where links or the store cannot be calm.
pub(super) fn named(case: &Case) -> Vec<Case> {
    if case.plan.misfortunes.is_some() || has_calm_surroundings(case) {
        return Vec::new();
    }
    let misfortunes = case.misfortunes();
    if misfortunes.len() > LISTED_MAX { Vec::new() } else { vec![with(case, Some(misfortunes))] }
}

/// Without some of what is listed.
pub(super) fn fewer(case: &Case) -> Vec<Case> {
    let Some(now) = &case.plan.misfortunes else { return Vec::new() };
    if now.is_empty() && has_calm_surroundings(case) {
        return vec![with(case, None)];
    }
    let messages: Vec<_> = now.messages.iter().copied().collect();
    let requests: Vec<_> = now.requests.iter().copied().collect();
    let mut fewer = vec![Misfortunes::default()];
    fewer.extend(
        without_stretches(&messages)
            .into_iter()
            .map(|messages| Misfortunes { messages: messages.into_iter().collect(), ..now.clone() }),
    );
    fewer.extend(
        without_stretches(&requests)
            .into_iter()
            .map(|requests| Misfortunes { requests: requests.into_iter().collect(), ..now.clone() }),
    );
    fewer.into_iter().map(|misfortunes| with(case, Some(misfortunes))).collect()
}
