//! A file is taken for one that has the same name.
//!
//! After a failure a backend begins again with the same file names for other contents; whoever
//! compares names alone finds the file in the store already and does not write it. Here a task of
//! another attempt does.
//!
//! Source: FLINK-29095 (the review), SPARK-43404, SPARK-46796.

use keygroups::checkpoint::ObjectName;

use super::Twist;
use crate::story::COUNT;

/// The first snapshot of a task is found under the names of those that later attempts of it write.
#[derive(Debug)]
pub struct FileNameReused;

impl Twist for FileNameReused {
    fn stored(&self, objects: &dyn Fn() -> Vec<ObjectName>, name: ObjectName) -> Option<ObjectName> {
        let ObjectName::State { attempt, task, .. } = name else { return None };
        let same = |other: &ObjectName| match other {
            ObjectName::State { attempt: before, task: of, .. } => *before < attempt && *of == task,
            ObjectName::Output { .. } | ObjectName::OutputList { .. } => false,
        };
        objects().into_iter().find(same).filter(|_| task.vertex == COUNT)
    }
}
