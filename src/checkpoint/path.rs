//! Object names as text: the path of a write-once object below the root of its store.
//!
//! Numbers have a fixed width (20 digits for `u64`, 10 for `u32`, 5 for `u16`), so that the order
//! of the text is the order of the numbers and a listing can begin at an attempt. Parsing is the
//! exact inverse: every name has one text, and anything else is foreign.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use super::{Attempt, CheckpointId, LeaderEpoch, ObjectName, TaskId, VertexId, text::Text};
use crate::key_group::Subtask;

/// A text that names no object of this library.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the name of a state object, an output object or an output list")]
pub struct ForeignName(pub String);

/// The segment of a path that holds `attempt`.
#[cfg(any(test, feature = "store"))]
pub(crate) fn attempt_segment(attempt: Attempt) -> NameText {
    let mut text = NameText::new();
    text.push_attempt(attempt);
    text
}

impl ObjectName {
    /// The longest text of a name.
    pub(crate) const TEXT_BYTES_MAX: usize = 71;

    /// The text of this name.
    pub(crate) fn text(&self) -> NameText {
        let directory: &[u8] = match self {
            Self::State { .. } => b"state/",
            Self::Output { .. } => b"output/",
            Self::OutputList { .. } => b"outputs/",
        };
        let mut text = NameText::new();
        text.push(directory);
        text.push_attempt(self.attempt());
        text.push(b"/");
        match self {
            Self::State { task, .. } | Self::Output { task, .. } => {
                text.push_digits(task.vertex.0.into(), 5);
                text.push(b"-");
                text.push_digits(task.subtask.0.into(), 5);
                text.push(b"/");
            }
            Self::OutputList { .. } => {}
        }
        text.push_digits(self.checkpoint().0, 20);
        text
    }
}

/// The text of a name. Checkpoints, listings and deletions make them by the thousand, so that neither
/// general formatting nor an allocation stands in between.
pub(crate) struct NameText {
    bytes: [u8; ObjectName::TEXT_BYTES_MAX],
    end: usize,
}

impl NameText {
    const fn new() -> Self {
        Self { bytes: [0; ObjectName::TEXT_BYTES_MAX], end: 0 }
    }

    pub(crate) fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..self.end]).expect("letters, digits, dots and dashes are text")
    }

    fn push(&mut self, text: &[u8]) {
        let end = self.end + text.len();
        self.bytes[self.end..end].copy_from_slice(text);
        self.end = end;
    }

    fn push_attempt(&mut self, attempt: Attempt) {
        self.push_digits(attempt.epoch.0, 20);
        self.push(b".");
        self.push_digits(attempt.run.into(), 10);
    }

    /// Appends a number that has at most `width` digits, with zeros in front.
    fn push_digits(&mut self, number: u64, width: usize) {
        let end = self.end + width;
        let digits = &mut self.bytes[self.end..end];
        digits.fill(b'0');
        let mut rest = number;
        for digit in digits.iter_mut().rev() {
            *digit += (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        self.end = end;
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text().as_str())
    }
}

impl FromStr for ObjectName {
    type Err = ForeignName;

    fn from_str(text: &str) -> Result<Self, ForeignName> {
        parse(text).ok_or_else(|| ForeignName(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<ObjectName> {
    let (kind, rest) = text.split_at_checked(text.bytes().position(|byte| byte == b'/')? + 1)?;
    let mut rest = Numbers(rest.as_bytes());
    let attempt =
        Attempt { epoch: LeaderEpoch(rest.next(20, b".")?), run: rest.next(10, b"/")?.try_into().ok()? };
    let mut task = || {
        let vertex = VertexId(rest.next(5, b"-")?.try_into().ok()?);
        Some(TaskId { vertex, subtask: Subtask(rest.next(5, b"/")?.try_into().ok()?) })
    };
    match kind {
        "state/" => {
            Some(ObjectName::State { attempt, task: task()?, checkpoint: CheckpointId(rest.last(20)?) })
        }
        "output/" => {
            Some(ObjectName::Output { attempt, task: task()?, checkpoint: CheckpointId(rest.last(20)?) })
        }
        "outputs/" => Some(ObjectName::OutputList { attempt, checkpoint: CheckpointId(rest.last(20)?) }),
        _ => None,
    }
}

/// What is left of a text of numbers of fixed widths.
struct Numbers<'a>(&'a [u8]);

impl Numbers<'_> {
    /// A number of `width` digits, and what follows it.
    fn next(&mut self, width: usize, then: &[u8]) -> Option<u64> {
        let (number, rest) = self.0.split_at_checked(width)?;
        self.0 = rest.strip_prefix(then)?;
        digits(number, width)
    }

    /// The number of `width` digits that is all there is left.
    fn last(&self, width: usize) -> Option<u64> {
        digits(self.0, width)
    }
}

/// A number written with exactly `width` digits; `None` for anything else, a sign and a number too
/// large for a `u64` included.
pub(crate) fn digits(text: &[u8], width: usize) -> Option<u64> {
    if text.len() != width {
        return None;
    }
    let digit = |byte: &u8| u64::from(byte.wrapping_sub(b'0'));
    // Nearly all are, so that none is asked for itself.
    if text.iter().fold(false, |foreign, byte| foreign | (digit(byte) > 9)) {
        return None;
    }
    // So many digits always fit.
    let (safe, rest) = text.split_at(width.min(19));
    let number = safe.iter().fold(0, |number, byte| number * 10 + digit(byte));
    rest.iter().try_fold(number, |number: u64, byte| number.checked_mul(10)?.checked_add(digit(byte)))
}

// People read manifests, so readable formats hold the path; compact ones hold the derived form.
impl Serialize for ObjectName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(self.text().as_str())
        } else {
            Self::serialize(self, serializer)
        }
    }
}

impl<'de> Deserialize<'de> for ObjectName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            Text::deserialize(deserializer)?.0.parse().map_err(D::Error::custom)
        } else {
            Self::deserialize(deserializer)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_name() -> impl Strategy<Value = ObjectName> {
        (0..3, any::<(u64, u32, u16, u16, u64)>()).prop_map(|(kind, (epoch, run, vertex, subtask, id))| {
            let attempt = Attempt { epoch: LeaderEpoch(epoch), run };
            let task = TaskId { vertex: VertexId(vertex), subtask: Subtask(subtask) };
            let checkpoint = CheckpointId(id);
            match kind {
                0 => ObjectName::State { attempt, task, checkpoint },
                1 => ObjectName::Output { attempt, task, checkpoint },
                _ => ObjectName::OutputList { attempt, checkpoint },
            }
        })
    }

    proptest! {
        #[test]
        fn parsing_is_the_inverse_of_writing(name in any_name()) {
            prop_assert_eq!(name.to_string().parse(), Ok(name));
            prop_assert_eq!(serde_json::from_str::<ObjectName>(&serde_json::to_string(&name)?)?, name);
            prop_assert_eq!(postcard::from_bytes::<ObjectName>(&postcard::to_stdvec(&name)?)?, name);
        }

        #[test]
        fn text_order_is_attempt_order(one in any_name(), other in any_name()) {
            prop_assert_eq!(
                attempt_segment(one.attempt()).as_str().cmp(attempt_segment(other.attempt()).as_str()),
                one.attempt().cmp(&other.attempt())
            );
        }

        #[test]
        fn what_parses_has_exactly_that_text(text in "(state|output|outputs|manifest)/[0-9.+/-]{20,70}") {
            if let Ok(name) = text.parse::<ObjectName>() {
                prop_assert_eq!(name.to_string(), text);
            }
        }
    }

    #[test]
    fn names_read_like_this() {
        let attempt = Attempt { epoch: LeaderEpoch(3), run: 2 };
        let task = TaskId { vertex: VertexId(1), subtask: Subtask(4) };
        let name = ObjectName::State { attempt, task, checkpoint: CheckpointId(17) };
        assert_eq!(
            name.to_string(),
            "state/00000000000000000003.0000000002/00001-00004/00000000000000000017"
        );
        let list = ObjectName::OutputList { attempt, checkpoint: CheckpointId(17) };
        assert_eq!(list.to_string(), "outputs/00000000000000000003.0000000002/00000000000000000017");
    }

    #[test]
    fn near_misses_are_foreign() {
        for text in [
            "",
            "state",
            "state/00000000000000000003.0000000002/00001-00004/0000000000000000017",
            "state/00000000000000000003.0000000002/00001-00004/+0000000000000000017",
            "state/00000000000000000003.0000000002/00001-00004/99999999999999999999",
            "state/00000000000000000003.0000000002/00001-99999/00000000000000000017",
            "state/00000000000000000003.9999999999/00001-00004/00000000000000000017",
            "state/00000000000000000003.0000000002/00001-00004/00000000000000000017/",
            "state/00000000000000000003.0000000002/00000000000000000017",
            "outputs/00000000000000000003.0000000002/00001-00004/00000000000000000017",
            "State/00000000000000000003.0000000002/00001-00004/00000000000000000017",
        ] {
            assert_eq!(text.parse::<ObjectName>(), Err(ForeignName(text.to_owned())));
        }
    }
}
