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

/// Calm surroundings where chance strikes only what is listed, and what is left of it, delays, is drawn anew: a
/// run that needs some delay finds it in one of a few draws.
pub(super) fn drawn_anew(case: &Case) -> Vec<Case> {
    const SEEDS: u64 = 16;
    if case.plan.misfortunes.is_none() || has_calm_surroundings(case) {
        return Vec::new();
    }
    let calm = |seed| {
        let plan =
            FaultPlan { network: NetworkFaults::default(), store: StoreFaults::CALM, ..case.plan.clone() };
        Case { plan, seed, ..case.clone() }
    };
    (0..SEEDS).map(calm).collect()
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

#[cfg(test)]
mod tests {
    use super::super::{Size, shrink_with};
    use super::*;
    use crate::cluster::{Scenario, Summary};
    use crate::fault::Profile;
    use crate::input::Table;
    use crate::run::{Run, Violation};
    use crate::wire::NetworkCounts;
    use std::sync::Arc;

    fn imperfect() -> Case {
        let table = Arc::new(Table::january("tailnum").unwrap());
        let drawn = |seed| Case::draw(seed, &Scenario::swarm(seed, &table, 100, Profile::Chaos));
        let struck = |case: &Case| {
            let Misfortunes { messages, requests } = case.misfortunes();
            messages.len() > 5 && requests.len() > 2
        };
        (0..100).map(drawn).find(struck).expect("many seeds have imperfect links and stores")
    }

    // The rule is broken if one message and one request are struck, or where chance is free to strike both.
    #[test]
    fn what_needs_two_misfortunes_is_left_with_their_names() {
        let case = imperfect();
        let all = case.misfortunes();
        let needed = (*all.messages.last().unwrap(), *all.requests.first().unwrap());
        let run = |smaller: &Case| {
            let plan = &smaller.plan;
            let unlucky = match &plan.misfortunes {
                Some(listed) => listed.messages.contains(&needed.0) && listed.requests.contains(&needed.1),
                None => plan.network == case.plan.network && plan.store == case.plan.store,
            };
            // What is not to become smaller here.
            let same = (&smaller.scenario, &plan.timed, &plan.aims, plan.horizon_us)
                == (&case.scenario, &case.plan.timed, &case.plan.aims, case.plan.horizon_us);
            let broken = Violation::broken("two_misfortunes", "");
            Run {
                seed: smaller.seed,
                outcome: if same && unlucky { Err(broken) } else { Ok(Summary::default()) },
                hash: 0,
                events: 0,
                virtual_us: 0,
                network: NetworkCounts::default(),
                kept: Vec::new(),
                streamed: Ok(()),
            }
        };
        let shrunk = shrink_with(&case, run, |_| true).unwrap();
        let left = Misfortunes { messages: [needed.0].into(), requests: [needed.1].into() };
        assert!(shrunk.complete && all.len() > left.len());
        assert_eq!(shrunk.case.plan.misfortunes, Some(left));
        assert_eq!(Size::of(&shrunk.case).surroundings, 0);
    }
}
