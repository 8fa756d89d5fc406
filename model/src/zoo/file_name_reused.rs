//! A file is taken for one that has the same name.
//!
//! After a failure a backend begins again with the same file names for other contents; whoever
//! compares names alone finds the file in the store already and does not write it. Here a task of
//! another attempt does.
//!
//! Source: FLINK-29095 (the review), SPARK-43404, SPARK-46796.

use keygroups::checkpoint::ObjectName;

use super::Twist;
use crate::{
    store::{Object, Store},
    story::COUNT,
};

/// The first snapshot of a task is found under the names of those that later attempts of it write.
#[derive(Debug)]
pub struct FileNameReused;

impl Twist for FileNameReused {
    fn stored(&self, store: &Store, name: ObjectName, object: Object) -> Object {
        let ObjectName::State { attempt, task, .. } = name else { return object };
        let same = |other: &&ObjectName| match other {
            ObjectName::State { attempt: before, task: of, .. } => *before < attempt && *of == task,
            ObjectName::Output { .. } | ObjectName::OutputList { .. } => false,
        };
        let found = store.objects.keys().find(same).filter(|_| task.vertex == COUNT);
        found.and_then(|found| store.objects.get(found)).cloned().unwrap_or(object)
    }
}
