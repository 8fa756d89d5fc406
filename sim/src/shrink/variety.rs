//! A job more like any other.

use super::without_stretches;
use crate::case::Case;
use crate::cluster::Variety;

/// Without all of its variety; without a part of it.
pub(super) fn less_variety(case: &Case) -> Vec<Case> {
    let now = &case.scenario.variety;
    let mut less = vec![
        Variety::default(),
        Variety { empty_partitions: 0, ..now.clone() },
        Variety { ballast_bytes: 0, ..now.clone() },
        Variety { window_messages: None, ..now.clone() },
        Variety { bases_max: None, ..now.clone() },
        Variety { part_bytes: None, ..now.clone() },
        Variety { sections: None, ..now.clone() },
    ];
    let silences = without_stretches(&now.silences).into_iter();
    less.extend(silences.map(|silences| Variety { silences, ..now.clone() }));
    let slow = without_stretches(&now.slow).into_iter();
    less.extend(slow.map(|slow| Variety { slow, ..now.clone() }));
    let wishes = without_stretches(&now.wishes).into_iter();
    less.extend(wishes.map(|wishes| Variety { wishes, ..now.clone() }));
    let restarts = without_stretches(&now.restarts).into_iter();
    less.extend(restarts.map(|restarts| Variety { restarts, ..now.clone() }));
    let with = |variety| {
        let mut smaller = case.clone();
        smaller.scenario.variety = variety;
        smaller
    };
    less.into_iter().map(with).collect()
}
