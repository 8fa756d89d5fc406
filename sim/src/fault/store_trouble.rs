//! The store misbehaves in one way, in one scope: it is slow, throttles, fails, loses answers, is full, lists
//! too little, or gives readers something else than what is there.

use crate::random::{pick, spread};
use crate::storage::{Scope, StoreFaults, Trouble, TroubleKind};
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
    /// This trouble, in a scope, at a rate and for a time that are drawn.
    pub(super) fn draw(random: &mut Rng, kind: TroubleKind) -> Self {
        let scope = scope_of(random, &kind);
        let per_million = match kind {
            TroubleKind::Throttling { .. } | TroubleKind::Full => 1_000_000,
            _ => pick(random, &[50_000, 200_000, 500_000, 1_000_000]),
        };
        let trouble = Trouble { kind, scope, per_million };
        Self { trouble, for_us: spread(random, (200_000, 8_000_000)) }
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
