//! What nobody asks to meet, with the reason: everything else must, over enough seeds.

use super::At;

/// Kinds that are over in the moment in which they strike.
const MOMENTARY: &[&str] = &[
    "join",
    "leave",
    "clock-jump",
    "half-open-connection",
    "store-bit-rot",
    "store-truncation",
    "store-misdirected-write",
    "store-missing-object",
];

/// Kinds that damage what is stored, unless it is the last good copy of something that is needed.
const OF_STORED: &[&str] =
    &["store-bit-rot", "store-truncation", "store-misdirected-write", "store-missing-object"];

/// Kinds that strike files while their process is down, and last no longer than that.
const OF_FILES: &[&str] =
    &["disk-lost-writes", "disk-torn-writes", "disk-stale-copies", "disk-misdirected-writes", "disk-bit-rot"];

/// Why nobody asks that a fault of this kind meets the point, though it may; `None` if it must.
#[must_use]
pub fn unasked(kind: &str, at: At) -> Option<&'static str> {
    let momentary = MOMENTARY.contains(&kind);
    match at {
        At::C2 | At::C4 | At::C14 | At::C16 | At::C17 if OF_STORED.contains(&kind) => Some(
            "damage finds an object that it may strike in one strike of six: not every kind of it does here in 10,000 seeds",
        ),
        At::C12 if momentary => Some(
            "both are over at once: mostly, what is subsumed is deleted within milliseconds of the commit",
        ),
        At::C13 if kind == "half-open-connection" => {
            Some("both are over at once, and few of these strikes find channels between their two hosts")
        }
        At::C13 if kind == "leave" => Some("both are over at once, and few processes may leave for good"),
        At::R3 if momentary => Some(
            "both are over at once: mostly, hosts hear of the cancel within milliseconds of each other; faults are aimed at the cancel",
        ),
        At::R3 if OF_FILES.contains(&kind) => Some(
            "the point is over at once, and damage finds files in one strike of six, most of them where somebody restores: R8",
        ),
        At::R6 if kind == "half-open-connection" => Some(
            "channels of the old attempt have ended, those of the new one are not open: hardly any can die",
        ),
        At::R13 if momentary => {
            Some("both are over at once, and no fault is aimed at messages of old attempts")
        }
        At::R4 | At::R5 if momentary => {
            Some("both are over at once, and faults are aimed at the steps around it: the cancel, and R6")
        }
        At::R15 if momentary => Some(
            "the first checkpoint after a rescale is seldom given up, and what strikes for a moment seldom then",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{FaultPlan, KINDS, Profile, Targets};
    use crate::wire::Node;
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn momentary_are_the_kinds_whose_drawn_faults_have_nothing_to_end() {
        let targets = Targets {
            coordinators: vec![Node(1), Node(2)],
            hosts: vec![Node(3), Node(4), Node(5)],
            spares: vec![Node(6)],
            hosts_min: 2,
            manifests_retained: 4,
            disks: true,
            store: Node(0),
            steps: &[],
        };
        let plans = (0..600).map(|seed| FaultPlan::draw(seed, Profile::Chaos, &targets, 1_000_000));
        // Some faults of a kind may last and others not: then points can be asked to meet those that do.
        let mut lasting = BTreeMap::new();
        for plan in plans {
            for fault in plan.faults() {
                *lasting.entry(fault.kind()).or_insert(false) |= fault.lasts_us() > 0;
            }
        }
        let momentary: BTreeSet<_> =
            lasting.iter().filter(|(_, lasts)| !**lasts).map(|(kind, _)| *kind).collect();
        assert_eq!(momentary, MOMENTARY.iter().copied().collect());
        assert_eq!(
            lasting.keys().copied().collect::<BTreeSet<_>>(),
            KINDS.iter().map(|kind| kind.name).collect()
        );
    }

    #[test]
    fn what_lasts_is_asked_to_meet_every_point() {
        assert_eq!(unasked("crash", At::R13), None);
        assert_eq!(unasked("join", At::C2), None);
        assert!(unasked("join", At::R13).is_some());
        assert_eq!(unasked("disk-bit-rot", At::R4), None);
        assert_eq!((unasked("join", At::C16), unasked("join", At::R6)), (None, None));
        assert!(unasked("store-bit-rot", At::C16).is_some());
    }
}
