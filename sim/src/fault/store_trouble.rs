//! The store misbehaves in one way, in one scope: it is slow, throttles, fails, loses answers, is full, lists
//! too little, or gives readers something else than what is there.

use crate::random::{pick, spread};
use crate::storage::{LISTING_LAG_MAX, Scope, StoreFaults, Trouble, TroubleKind};
use fastrand::Rng;
use serde::{Deserialize, Serialize};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreTrouble {
    /// How the store misbehaves meanwhile.
    pub trouble: Trouble,
    /// Virtual microseconds until it is over. Late requests may stay late beyond that.
    pub for_us: u64,
}

impl StoreTrouble {
    pub(super) fn draw(random: &mut Rng) -> Self {
        let kind = match random.u8(0..14) {
            0 => TroubleKind::Slow { extra_us: (0, spread(random, (50_000, 3_000_000))) },
            1 => TroubleKind::Throttling { per_second: random.u32(2..40), burst: random.u32(1..20) },
            2 => TroubleKind::ErrorWithoutEffect,
            3 => TroubleKind::ErrorWithEffect,
            4 => TroubleKind::TimeoutWithoutEffect,
            5 => TroubleKind::TimeoutWithEffect,
            6 => {
                TroubleKind::TimeoutLateEffect { late_us: (100_000, spread(random, (1_000_000, 20_000_000))) }
            }
            7 => TroubleKind::CreateReplyLost,
            8 => TroubleKind::Full,
            9 => TroubleKind::StaleListing {
                young_us: spread(random, (200_000, 8_000_000)),
                objects_max: random.usize(1..=LISTING_LAG_MAX),
            },
            10 => TroubleKind::ReadRot,
            11 => TroubleKind::ReadTruncation,
            12 => TroubleKind::ReadMisdirection,
            _ => TroubleKind::ReadMissing,
        };
        let scope = scope_of(random, &kind);
        let per_million = match kind {
            TroubleKind::Throttling { .. } | TroubleKind::Full => 1_000_000,
            _ => pick(random, &[50_000, 200_000, 500_000, 1_000_000]),
        };
        let trouble = Trouble { kind, scope, per_million };
        Self { trouble, for_us: spread(random, (200_000, 8_000_000)) }
    }

    /// One for a step at which manifests are created and read: what leaves a coordinator not knowing whether
    /// its step of history was taken.
    pub(super) fn draw_for_a_step(random: &mut Rng) -> Self {
        let kind = match random.u8(0..6) {
            0 | 1 => TroubleKind::CreateReplyLost,
            2 => TroubleKind::ErrorWithEffect,
            3 => TroubleKind::TimeoutLateEffect {
                late_us: (1_200_000, spread(random, (2_000_000, 20_000_000))),
            },
            4 => TroubleKind::StaleListing { young_us: 5_000_000, objects_max: LISTING_LAG_MAX },
            _ => TroubleKind::ReadRot,
        };
        let scope = if random.bool() { Scope::Manifests } else { scope_of(random, &kind) };
        let trouble = Trouble { kind, scope, per_million: 1_000_000 };
        Self { trouble, for_us: spread(random, (100_000, 3_000_000)) }
    }

    pub(super) fn kind(&self) -> &'static str {
        self.trouble.kind.name()
    }

    pub(super) fn describe(&self) -> String {
        let what = match &self.trouble.kind {
            TroubleKind::Slow { extra_us } => format!("answers up to {} ms later", extra_us.1 / 1_000),
            TroubleKind::Throttling { per_second, .. } => {
                format!("takes {per_second} requests a second and refuses the others")
            }
            TroubleKind::ErrorWithoutEffect => "answers 500 without effect".to_owned(),
            TroubleKind::ErrorWithEffect => "answers 500 with the effect".to_owned(),
            TroubleKind::TimeoutWithoutEffect => "swallows requests".to_owned(),
            TroubleKind::TimeoutWithEffect => "does not answer, with the effect".to_owned(),
            TroubleKind::TimeoutLateEffect { late_us } => {
                format!("serves up to {} ms too late", late_us.1 / 1_000)
            }
            TroubleKind::CreateReplyLost => "loses the answers of creates".to_owned(),
            TroubleKind::Full => "is full".to_owned(),
            TroubleKind::StaleListing { young_us, objects_max } => {
                format!("omits the newest {objects_max} from listings for {} ms", young_us / 1_000)
            }
            TroubleKind::ReadRot => "flips bits of answers".to_owned(),
            TroubleKind::ReadTruncation => "cuts answers short".to_owned(),
            TroubleKind::ReadMisdirection => "answers with other objects".to_owned(),
            TroubleKind::ReadMissing => "denies objects that are there".to_owned(),
        };
        let Trouble { scope, per_million, .. } = &self.trouble;
        format!("the store {what} ({}, {} % of the requests)", scope.describe(), per_million / 10_000)
    }

    pub(super) fn shape(&self, store: &mut StoreFaults) {
        store.troubles.push(self.trouble.clone());
    }
}

/// No store whose reads are linearizable denies a manifest that was read before, and the protocol does not
/// claim to survive one; everything else may befall everything.
fn scope_of(random: &mut Rng, kind: &TroubleKind) -> Scope {
    let some = [Scope::State, Scope::Output, Scope::OutputLists, Scope::Manifests, Scope::Everything];
    let choices = if *kind == TroubleKind::ReadMissing { &some[..3] } else { &some[..] };
    choices[random.usize(0..choices.len())].clone()
}
