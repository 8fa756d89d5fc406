//! What surrounds a run from its beginning, for its trace: faults tell of themselves when they strike, this does not.

use super::Variety;
use crate::fault::FaultPlan;
use crate::storage::StoreFaults;
use crate::wire::NetworkFaults;
use serde::Serialize;

/// How links and store behave until all is healed, and what sets the job apart.
#[derive(Serialize)]
pub(super) struct Surroundings<'a> {
    // In words; none if people would not notice.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    until_us: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<&'a NetworkFaults>,
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<&'a StoreFaults>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variety: Option<&'a Variety>,
}

impl<'a> Surroundings<'a> {
    /// Those of a run; `None` if there is nothing to tell.
    pub(super) fn of(plan: &'a FaultPlan, variety: &'a Variety) -> Option<Self> {
        let network = Some(&plan.network).filter(|network| **network != NetworkFaults::default());
        let store = Some(&plan.store).filter(|store| **store != StoreFaults::CALM);
        let variety = Some(variety).filter(|variety| **variety != Variety::default());
        let parts: Vec<_> = [
            network.map(|_| "links lose, repeat and delay what is sent now and then".to_owned()),
            store.map(|_| "the store refuses, swallows and delays requests now and then".to_owned()),
            variety.and_then(sets_apart),
        ]
        .into_iter()
        .flatten()
        .collect();
        let text = (!parts.is_empty()).then(|| format!("all the while {}", parts.join("; ")));
        let is_usual = network.is_none() && store.is_none() && variety.is_none();
        (!is_usual).then_some(Self { text, until_us: plan.horizon_us, network, store, variety })
    }
}

/// What is unusual about the job, in words; `None` if nobody would notice.
fn sets_apart(variety: &Variety) -> Option<String> {
    let counted = |count: usize, one: &str, more: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        _ => Some(format!("{count} {more}")),
    };
    let parts = [
        counted(variety.empty_partitions.into(), "empty partition", "empty partitions"),
        counted(variety.silences.len(), "silence", "silences"),
        counted(variety.slow.len(), "time of slow tasks", "times of slow tasks"),
        counted(variety.wishes.len(), "wish for another parallelism", "wishes for other parallelisms"),
        counted(variety.restarts.len(), "restart by its user", "restarts by its user"),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| format!("the job has {}", parts.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::variety::Silence;
    use crate::wire::LinkFaults;

    #[test]
    fn what_is_usual_is_not_told_and_what_is_not_is_in_words_and_in_numbers() {
        let (mut plan, mut variety) = (FaultPlan::none(), Variety::default());
        assert!(Surroundings::of(&plan, &variety).is_none());
        plan.network.set_every(LinkFaults { loss_per_million: 7, ..LinkFaults::CALM });
        plan.horizon_us = 9;
        variety.silences = vec![Silence { partition: 0, at_us: 1, for_us: 2 }; 2];
        let told = serde_json::to_value(Surroundings::of(&plan, &variety)).unwrap();
        let text =
            "all the while links lose, repeat and delay what is sent now and then; the job has 2 silences";
        assert_eq!(told["text"], text);
        assert_eq!(
            (&told["until_us"], &told["network"]["every"]["loss_per_million"]),
            (&9.into(), &7.into())
        );
        assert_eq!(told["variety"]["silences"].as_array().map(Vec::len), Some(2));
        assert_eq!(told.get("store"), None);
    }
}
