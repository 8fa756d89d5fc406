//! One way in which the store misbehaves: what, where, how often. Any number of them go on at a time.

use super::message::{Mode, Operation};
use serde::{Deserialize, Serialize};

/// A lasting misbehaviour of the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trouble {
    /// What happens.
    pub kind: TroubleKind,
    /// To requests for what.
    pub scope: Scope,
    /// To how many of a million such requests.
    pub per_million: u32,
}

/// What happens to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum TroubleKind {
    /// The answer takes longer; the effect does not.
    Slow {
        /// By how much, in microseconds, both inclusive.
        extra_us: (u64, u64),
    },
    /// Beyond a request rate, 503 SlowDown without effect.
    Throttling {
        /// The rate.
        per_second: u32,
        /// How many come through at once after a pause.
        burst: u32,
    },
    /// 500 without effect. The client cannot know.
    ErrorWithoutEffect,
    /// 500 with the effect. The client cannot know.
    ErrorWithEffect,
    /// No effect and no answer.
    TimeoutWithoutEffect,
    /// The effect at once and no answer.
    TimeoutWithEffect,
    /// The effect when the client has long given up, looked, and seen nothing.
    TimeoutLateEffect {
        /// How much later, in microseconds, both inclusive.
        late_us: (u64, u64),
    },
    /// A conditional create succeeds and its answer is lost: whoever repeats it meets itself.
    CreateReplyLost,
    /// Writes are refused with 507; reads and deletes work.
    Full,
    /// A listing omits what was written last.
    StaleListing {
        /// Objects that are younger, in microseconds, may be missing.
        young_us: u64,
        /// How many at the most, the newest first. The protocol survives [`LISTING_LAG_MAX`].
        objects_max: usize,
    },
    /// A bit of the answer is flipped; the stored bytes are good.
    ReadRot,
    /// The answer ends early; the stored bytes are good.
    ReadTruncation,
    /// The answer is made of another object's bytes; the stored bytes are good.
    ReadMisdirection,
    /// 404 for an object that is there.
    ReadMissing,
}

/// How many of the newest objects a listing may omit so that the chain of manifests is still found: fewer
/// than are retained, so that the newest one listed still exists and leads on to the newest one of all.
pub const LISTING_LAG_MAX: usize = 2;

impl TroubleKind {
    /// Its name in kebab case.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Slow { .. } => "store-slow",
            Self::Throttling { .. } => "store-throttling",
            Self::ErrorWithoutEffect => "store-error-without-effect",
            Self::ErrorWithEffect => "store-error-with-effect",
            Self::TimeoutWithoutEffect => "store-timeout-without-effect",
            Self::TimeoutWithEffect => "store-timeout-with-effect",
            Self::TimeoutLateEffect { .. } => "store-timeout-late-effect",
            Self::CreateReplyLost => "store-create-reply-lost",
            Self::Full => "store-full",
            Self::StaleListing { .. } => "store-stale-listing",
            Self::ReadRot => "store-read-rot",
            Self::ReadTruncation => "store-read-truncation",
            Self::ReadMisdirection => "store-read-misdirection",
            Self::ReadMissing => "store-read-missing",
        }
    }

    /// Whether it can happen to such a request at all.
    fn concerns(&self, operation: &Operation) -> bool {
        match self {
            Self::Slow { .. }
            | Self::Throttling { .. }
            | Self::ErrorWithoutEffect
            | Self::ErrorWithEffect
            | Self::TimeoutWithoutEffect
            | Self::TimeoutWithEffect
            | Self::TimeoutLateEffect { .. } => true,
            Self::CreateReplyLost => matches!(operation, Operation::Put { mode: Mode::Create, .. }),
            Self::Full => operation.needs_room(),
            Self::StaleListing { .. } => matches!(operation, Operation::List { .. }),
            Self::ReadRot | Self::ReadTruncation | Self::ReadMisdirection | Self::ReadMissing => {
                matches!(operation, Operation::Get { head: false, .. })
            }
        }
    }
}

impl Trouble {
    pub(super) fn applies(&self, operation: &Operation) -> bool {
        self.kind.concerns(operation) && self.scope.holds(operation.path())
    }
}

/// Which objects, by what they are to the job below whose prefix they lie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// All.
    Everything,
    /// Manifests.
    Manifests,
    /// Snapshots of tasks.
    State,
    /// Output objects.
    Output,
    /// Links of the chain of outputs.
    OutputLists,
    /// Whatever lies below this prefix, or at it.
    Below(String),
}

impl Scope {
    /// Whether `path`, or a listing of it, is meant.
    #[must_use]
    pub fn holds(&self, path: &str) -> bool {
        let kind = match self {
            Self::Everything => return true,
            Self::Below(prefix) => {
                return path.strip_prefix(prefix.as_str()).is_some_and(|rest| {
                    rest.is_empty() || rest.starts_with('/') || prefix.is_empty() || prefix.ends_with('/')
                });
            }
            Self::Manifests => "manifest",
            Self::State => "state",
            Self::Output => "output",
            Self::OutputLists => "outputs",
        };
        // Behind the job's prefix, which has one segment.
        path.split('/').nth(1) == Some(kind)
    }

    /// In words.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Everything => "everything".to_owned(),
            Self::Manifests => "manifests".to_owned(),
            Self::State => "state".to_owned(),
            Self::Output => "output".to_owned(),
            Self::OutputLists => "lists of outputs".to_owned(),
            Self::Below(prefix) => format!("what lies below {prefix}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_hold_objects_and_listings_of_their_kind_alone() {
        let paths =
            ["job/manifest/1", "job/manifest", "job/state/a/b/1", "job/output/a/b/1", "job/outputs/a/1"];
        let held = |scope: Scope| paths.map(|path| u8::from(scope.holds(path)));
        assert_eq!(held(Scope::Everything), [1, 1, 1, 1, 1]);
        assert_eq!(held(Scope::Manifests), [1, 1, 0, 0, 0]);
        assert_eq!(held(Scope::State), [0, 0, 1, 0, 0]);
        assert_eq!(held(Scope::Output), [0, 0, 0, 1, 0]);
        assert_eq!(held(Scope::OutputLists), [0, 0, 0, 0, 1]);
        assert_eq!(held(Scope::Below("job/output".to_owned())), [0, 0, 0, 1, 0]);
        assert_eq!(held(Scope::Below("job/manifest/1".to_owned())), [1, 0, 0, 0, 0]);
    }
}
