//! What chance does to single requests, each named by who asks and its number there.

use crate::misfortune;
use crate::wire::Node;
use serde::{Deserialize, Serialize};

/// A request that is struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestMisfortune {
    /// Who asks.
    pub by: Node,
    /// Which of its requests that arrive, counted from 1 since the beginning.
    pub request: u64,
    /// What becomes of it.
    pub what: RequestFate,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RequestFate {
    /// It is answered with 503 and has no effect.
    Refused,
    /// It has neither effect nor answer.
    Swallowed,
    /// It has its effect and no answer.
    Unanswered,
    /// It is served later.
    HeldUp {
        /// By so many microseconds.
        late_us: u64,
    },
}

impl RequestFate {
    pub(crate) fn describe(self, request: &str) -> String {
        match self {
            Self::Refused => format!("refused: {request}"),
            Self::Swallowed => format!("swallowed: {request}"),
            Self::Unanswered => format!("unanswered: {request}"),
            Self::HeldUp { late_us } => format!("held up for {} ms: {request}", late_us.div_ceil(1_000)),
        }
    }
}

/// Names the requests of each client.
pub(super) type Named = misfortune::Named<Node, RequestMisfortune>;

impl Named {
    /// What becomes of the next request that arrives from this client.
    pub(super) fn judge(&mut self, by: Node, drawn: Option<RequestFate>) -> Option<RequestFate> {
        let request = self.number(by);
        let named = |what| RequestMisfortune { by, request, what };
        let (least, greatest) = (RequestFate::Refused, RequestFate::HeldUp { late_us: u64::MAX });
        let Some(decided) = self.decided(named(least)..=named(greatest)) else {
            drawn.iter().for_each(|what| self.note(named(*what)));
            return drawn;
        };
        decided.first().map(|misfortune| misfortune.what)
    }
}
