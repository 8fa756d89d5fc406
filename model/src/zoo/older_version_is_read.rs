//! A restored task reads a version of its state that was the newest once.
//!
//! RisingWave's recovery did not wait until every worker saw the committed version, so that actors read
//! an older one; and operators that got key groups back, which another had owned meanwhile, found them
//! in the cache that they had kept. Here whoever reads a snapshot finds the one before, if it is there.
//!
//! Source: RisingWave pull requests 8468, 5813 and 24384.

use keygroups::checkpoint::ObjectName;

use super::Twist;

/// Reads find the snapshot that the same task took before.
#[derive(Debug)]
pub struct OlderVersionIsRead;

impl Twist for OlderVersionIsRead {
    fn found(&self, objects: &dyn Fn() -> Vec<ObjectName>, name: ObjectName) -> ObjectName {
        let ObjectName::State { task, checkpoint, .. } = name else { return name };
        let older = |other: &ObjectName| match other {
            ObjectName::State { task: of, checkpoint: before, .. } => *of == task && *before < checkpoint,
            ObjectName::Output { .. } | ObjectName::OutputList { .. } => false,
        };
        objects().into_iter().rfind(older).unwrap_or(name)
    }
}
