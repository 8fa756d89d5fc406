//! Who has which lane.

use std::collections::BTreeMap;

use crate::replay::words::Told;
use crate::report::diagram::Lane;

/// Faults, the job, the user and the store, then coordinators, then hosts.
pub(super) struct Lanes {
    by_name: BTreeMap<String, usize>,
    all: Vec<Lane>,
}

pub(super) const FAULTS: usize = 0;
pub(super) const JOB: usize = 1;
pub(super) const STORE: usize = 3;

impl Lanes {
    /// Of everybody that the events name.
    pub(super) fn of(told: &[Told<'_>]) -> Self {
        let mut names: Vec<_> = told.iter().filter_map(|told| process(told.node)).collect();
        names.sort_unstable();
        names.dedup();
        let fixed = [("faults", "fault"), ("job", "job"), ("user", "user"), ("store", "store")];
        let mut all: Vec<_> = fixed.map(|(name, kind)| Lane { name: name.to_owned(), kind }).into();
        all.extend(names.into_iter().map(|(_, kind, _, name)| Lane { name: name.to_owned(), kind }));
        let by_name = all.iter().enumerate().map(|(lane, it)| (it.name.clone(), lane)).collect();
        Self { by_name, all }
    }

    /// Where an event of this node is drawn: what is nobody's is the job's.
    pub(super) fn lane(&self, node: &str) -> usize {
        self.named(node).unwrap_or(JOB)
    }

    pub(super) fn named(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    pub(super) fn coordinators(&self) -> impl Iterator<Item = usize> + use<> {
        let is_one = |(lane, it): (usize, &Lane)| (it.kind == "coordinator").then_some(lane);
        self.all.iter().enumerate().filter_map(is_one).collect::<Vec<_>>().into_iter()
    }

    /// The lanes of everybody whom a text names, in the order of the text.
    pub(super) fn named_in(&self, text: &str) -> Vec<usize> {
        let mut found: Vec<_> = self
            .by_name
            .iter()
            .filter(|(_, lane)| **lane >= STORE)
            .filter_map(|(name, lane)| Some((position(text, name)?, *lane)))
            .collect();
        found.sort_unstable();
        found.into_iter().map(|(_, lane)| lane).collect()
    }

    pub(super) fn into_all(self) -> Vec<Lane> {
        self.all
    }
}

/// How the lane of a process is sorted: coordinators, hosts, others, each by number.
fn process(node: &str) -> Option<(u8, &'static str, u64, &str)> {
    let numbered = |prefix| node.strip_prefix(prefix).and_then(|number: &str| number.parse().ok());
    match node {
        "faults" | "job" | "user" | "store" | "trace" | "watch" => None,
        _ => Some(if let Some(number) = numbered("coordinator ") {
            (0, "coordinator", number, node)
        } else if let Some(number) = numbered("host ") {
            (1, "host", number, node)
        } else {
            (2, "other", 0, node)
        }),
    }
}

/// Where a text has this name, and not as a part of a longer one.
fn position(text: &str, name: &str) -> Option<usize> {
    let inside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.match_indices(name).map(|(position, _)| position).find(|position| {
        !inside(text[..*position].chars().next_back())
            && !inside(text[position + name.len()..].chars().next())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn lanes(nodes: &[&str]) -> Lanes {
        let told: Vec<_> =
            nodes.iter().map(|node| Told { at_us: 0, node, kind: "input", fields: &Value::Null }).collect();
        Lanes::of(&told)
    }

    #[test]
    fn lanes_are_in_order_of_kind_and_number() {
        let lanes = lanes(&["host 10", "trace", "host 2", "coordinator 1", "store", "host 2", "a new kind"]);
        let names: Vec<_> = lanes.into_all().into_iter().map(|lane| lane.name).collect();
        assert_eq!(
            names,
            ["faults", "job", "user", "store", "coordinator 1", "host 2", "host 10", "a new kind"]
        );
    }

    #[test]
    fn a_name_is_not_found_within_a_longer_one() {
        let lanes = lanes(&["host 1", "host 12", "coordinator 0"]);
        let (host_1, host_12) = (lanes.lane("host 1"), lanes.lane("host 12"));
        assert_eq!(lanes.named_in("links from host 12 to the rest are cut"), [host_12]);
        assert_eq!(lanes.named_in("the store serves nobody, host 12 and host 1"), [STORE, host_12, host_1]);
        assert!(lanes.named_in("links lose 5 % of all messages").is_empty());
    }
}
