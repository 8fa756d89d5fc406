//! A change is kept under the key group of the record before.
//!
//! Flink's changelog logged the removal of a timer under whatever key was current, which was that of
//! the record processed last.
//!
//! Source: FLINK-26063.

use keygroups::key_group::KeyGroup;

use super::Twist;

/// State is kept under the key group of the record before, if there was one.
#[derive(Debug)]
pub struct ChangeUnderThePreviousKey;

impl Twist for ChangeUnderThePreviousKey {
    fn group_of(&self, group: KeyGroup, previous: Option<KeyGroup>) -> KeyGroup {
        previous.unwrap_or(group)
    }
}
