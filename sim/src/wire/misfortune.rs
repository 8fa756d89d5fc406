//! What chance does to single messages, each named by its link and its number there.

use super::Node;
use super::faults::Drawn;
use crate::misfortune;
use serde::{Deserialize, Serialize};

/// A message that is struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessageMisfortune {
    /// Who sends it.
    pub from: Node,
    /// To whom.
    pub to: Node,
    /// Which of the datagrams and channel frames that go this way, counted from 1 since the beginning.
    pub message: u64,
    /// What becomes of it. Of two misfortunes of one message both come true.
    pub what: MessageFate,
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MessageFate {
    /// It does not arrive.
    Lost,
    /// It is held up.
    Late {
        /// By so many microseconds more than the link takes anyway.
        by_us: u64,
    },
    /// It arrives a second time.
    Twice {
        /// So many microseconds after it was sent.
        again_us: u64,
    },
}

impl MessageFate {
    pub(crate) fn describe(self, message: &str) -> String {
        match self {
            Self::Lost => format!("lost: {message}"),
            Self::Late { by_us } => format!("late by {} ms: {message}", by_us.div_ceil(1_000)),
            Self::Twice { again_us } => format!("again after {} ms: {message}", again_us.div_ceil(1_000)),
        }
    }
}

/// Names the messages of each link.
pub(super) type Named = misfortune::Named<(Node, Node), MessageMisfortune>;

impl Named {
    /// What becomes of the next message from one node to another.
    pub(super) fn judge(&mut self, from: Node, to: Node, drawn: Drawn) -> Drawn {
        let message = self.number((from, to));
        let named = |what| MessageMisfortune { from, to, message, what };
        let (least, greatest) = (MessageFate::Lost, MessageFate::Twice { again_us: u64::MAX });
        let Some(decided) = self.decided(named(least)..=named(greatest)) else {
            drawn.misfortunes().for_each(|what| self.note(named(what)));
            return drawn;
        };
        decided.iter().fold(drawn.without_misfortunes(), |fate, misfortune| fate.with(misfortune.what))
    }
}
