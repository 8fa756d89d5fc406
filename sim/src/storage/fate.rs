//! What becomes of a request: decided when it arrives, from the faults of the moment.

use super::faults::{Outage, StoreFaults};
use super::message::{Answer, Operation};
use super::misfortune::RequestFate;
use super::objects::Shelf;
use super::trouble::TroubleKind;
use crate::random::{between, happens};
use fastrand::Rng;

/// What becomes of a request.
#[derive(Debug)]
pub(super) enum Fate {
    /// It has its effect and is answered, after so many microseconds more than usual.
    Served { slow_us: u64, view: View },
    /// It has no effect and this answer.
    Refused(&'static str, Answer),
    /// It has its effect and this answer.
    Failed(&'static str, Answer),
    /// It has its effect and no answer.
    Unanswered(&'static str),
    /// It has neither effect nor answer.
    Swallowed,
    /// It is served after so many microseconds.
    HeldUp { late_us: u64 },
}

/// What a reader sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// What is there.
    True,
    /// A flipped bit; the number says which.
    Rotten(u64),
    /// Less; the number says how much.
    Truncated(u64),
    /// Another object; the number says which.
    Misdirected(u64),
    /// Nothing.
    Missing,
    /// All but the newest so many objects that were written after this time.
    Stale { since_us: u64, objects_max: usize },
}

impl View {
    /// As a fate in the trace.
    pub fn name(self) -> &'static str {
        match self {
            Self::True => "served",
            Self::Rotten(_) => "rotten",
            Self::Truncated(_) => "truncated",
            Self::Misdirected(_) => "misdirected",
            Self::Missing => "missing",
            Self::Stale { .. } => "stale",
        }
    }
}

/// Lets requests through at a rate: a bucket that is emptied by requests and filled by time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Throttle {
    // When the bucket will be full again.
    full_at_us: u64,
}

impl Throttle {
    fn admits(&mut self, now_us: u64, per_second: u32, burst: u32) -> bool {
        let each_us = 1_000_000 / u64::from(per_second.max(1));
        let full_at_us = self.full_at_us.max(now_us) + each_us;
        let admitted = full_at_us <= now_us + each_us * u64::from(burst.max(1));
        if admitted {
            self.full_at_us = full_at_us;
        }
        admitted
    }
}

/// What the rates strike a request with. During an outage that is only what makes a difference then.
fn chance(faults: &StoreFaults, random: &mut Rng) -> Option<RequestFate> {
    let refuses = faults.outage == Some(Outage::Refuses);
    let refused = !refuses && happens(random, faults.refused_per_million);
    if faults.outage == Some(Outage::Silent) {
        None
    } else if happens(random, faults.swallowed_per_million) {
        Some(RequestFate::Swallowed)
    } else if refuses || refused {
        refused.then_some(RequestFate::Refused)
    } else if happens(random, faults.late_per_million) {
        Some(RequestFate::HeldUp { late_us: between(random, faults.late_us) })
    } else {
        happens(random, faults.unanswered_per_million).then_some(RequestFate::Unanswered)
    }
}

/// At most one misfortune strikes a request, the first that does; slowness adds up. `name` may know better
/// than the draw which of the rates' misfortunes comes true.
pub(super) fn decide(
    faults: &StoreFaults,
    throttle: &mut Throttle,
    random: &mut Rng,
    now_us: u64,
    operation: &Operation,
    shelf: &Shelf,
    name: impl FnOnce(Option<RequestFate>) -> Option<RequestFate>,
) -> Fate {
    match (faults.outage, name(chance(faults, random))) {
        (Some(Outage::Silent), _) | (_, Some(RequestFate::Swallowed)) => return Fate::Swallowed,
        (Some(Outage::Refuses), _) | (_, Some(RequestFate::Refused)) => {
            return Fate::Refused("refused", Answer::Refused);
        }
        (None, Some(RequestFate::HeldUp { late_us })) => return Fate::HeldUp { late_us },
        (None, Some(RequestFate::Unanswered)) => return Fate::Unanswered("unanswered"),
        (None, None) => {}
    }
    let (mut slow_us, mut view) = (0, View::True);
    for trouble in &faults.troubles {
        if view != View::True || !trouble.applies(operation) || !happens(random, trouble.per_million) {
            continue;
        }
        match trouble.kind {
            TroubleKind::Slow { extra_us } => slow_us += between(random, extra_us),
            TroubleKind::Throttling { per_second, burst } => {
                if !throttle.admits(now_us, per_second, burst) {
                    return Fate::Refused("slow-down", Answer::SlowDown);
                }
            }
            TroubleKind::ErrorWithoutEffect => return Fate::Refused("failed", Answer::Failed),
            TroubleKind::ErrorWithEffect => return Fate::Failed("failed-after-effect", Answer::Failed),
            TroubleKind::TimeoutWithoutEffect => return Fate::Swallowed,
            TroubleKind::TimeoutWithEffect => return Fate::Unanswered("unanswered"),
            TroubleKind::TimeoutLateEffect { late_us } => {
                return Fate::HeldUp { late_us: between(random, late_us) };
            }
            TroubleKind::CreateReplyLost => {
                if !shelf.objects.contains_key(operation.path()) {
                    return Fate::Unanswered("reply-lost");
                }
            }
            TroubleKind::Full => return Fate::Refused("full", Answer::Full),
            TroubleKind::StaleListing { young_us, objects_max } => {
                view = View::Stale { since_us: now_us.saturating_sub(young_us), objects_max };
            }
            TroubleKind::ReadRot => view = View::Rotten(random.u64(..)),
            TroubleKind::ReadTruncation => view = View::Truncated(random.u64(..)),
            TroubleKind::ReadMisdirection => view = View::Misdirected(random.u64(..)),
            TroubleKind::ReadMissing => view = View::Missing,
        }
    }
    Fate::Served { slow_us, view }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throttle_lets_a_burst_through_and_then_its_rate() {
        let mut throttle = Throttle::default();
        let mut admitted = |now_us| throttle.admits(now_us, 10, 3);
        assert_eq!([0, 0, 0, 0].map(&mut admitted), [true, true, true, false]);
        assert_eq!([99_999, 100_000, 100_000].map(&mut admitted), [false, true, false]);
        assert_eq!([900_000; 4].map(&mut admitted), [true, true, true, false]);
    }
}
