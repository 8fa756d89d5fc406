//! Object names as text: the path of a write-once object below the root of its store.
//!
//! Numbers have a fixed width (20 digits for `u64`, 10 for `u32`, 5 for `u16`), so that the order
//! of the text is the order of the numbers and a listing can begin at an attempt. Parsing is the
//! exact inverse: every name has one text, and anything else is foreign.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use super::{Attempt, CheckpointId, LeaderEpoch, ObjectName, TaskId, VertexId};
use crate::key_group::Subtask;

/// A text that names no object of this library.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the name of a state object, an output object or an output list")]
pub struct ForeignName(pub String);

/// The segment of a path that holds `attempt`.
pub(crate) fn attempt_segment(attempt: Attempt) -> String {
    format!("{:020}.{:010}", attempt.epoch, attempt.run)
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attempt = attempt_segment(self.attempt());
        let checkpoint = self.checkpoint();
        match self {
            Self::State { task, .. } => {
                write!(f, "state/{attempt}/{:05}-{:05}/{checkpoint:020}", task.vertex, task.subtask)
            }
            Self::Output { task, .. } => {
                write!(f, "output/{attempt}/{:05}-{:05}/{checkpoint:020}", task.vertex, task.subtask)
            }
            Self::OutputList { .. } => write!(f, "outputs/{attempt}/{checkpoint:020}"),
        }
    }
}

impl FromStr for ObjectName {
    type Err = ForeignName;

    fn from_str(text: &str) -> Result<Self, ForeignName> {
        parse(text).ok_or_else(|| ForeignName(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<ObjectName> {
    let (kind, rest) = text.split_once('/')?;
    let (attempt, rest) = rest.split_once('/')?;
    let attempt = parse_attempt(attempt)?;
    if kind == "outputs" {
        return Some(ObjectName::OutputList { attempt, checkpoint: CheckpointId(digits(rest, 20)?) });
    }
    let (task, checkpoint) = rest.split_once('/')?;
    let (task, checkpoint) = (parse_task(task)?, CheckpointId(digits(checkpoint, 20)?));
    match kind {
        "state" => Some(ObjectName::State { attempt, task, checkpoint }),
        "output" => Some(ObjectName::Output { attempt, task, checkpoint }),
        _ => None,
    }
}

fn parse_attempt(text: &str) -> Option<Attempt> {
    let (epoch, run) = text.split_once('.')?;
    Some(Attempt { epoch: LeaderEpoch(digits(epoch, 20)?), run: digits(run, 10)? })
}

fn parse_task(text: &str) -> Option<TaskId> {
    let (vertex, subtask) = text.split_once('-')?;
    Some(TaskId { vertex: VertexId(digits(vertex, 5)?), subtask: Subtask(digits(subtask, 5)?) })
}

/// A number written with exactly `width` digits; `None` for anything else, a sign and a number too
/// large for `T` included.
pub(crate) fn digits<T: FromStr>(text: &str, width: usize) -> Option<T> {
    let exact = text.len() == width && text.bytes().all(|byte| byte.is_ascii_digit());
    exact.then(|| text.parse().ok()).flatten()
}

// People read manifests, so readable formats hold the path; compact ones hold the derived form.
impl Serialize for ObjectName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            Self::serialize(self, serializer)
        }
    }
}

impl<'de> Deserialize<'de> for ObjectName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
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
                attempt_segment(one.attempt()).cmp(&attempt_segment(other.attempt())),
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
