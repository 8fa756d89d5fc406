//! A channel does not know which attempt it belongs to.
//!
//! Requests for data exchange that an earlier round of recovery had sent took the channels of the
//! current round. Here a source of the attempt before, which has not heard that it is over, goes on
//! sending to the task that took its receiver's place.
//!
//! Source: RisingWave pull request 20879, issue 20544.

use super::Twist;

/// Whoever has the receiver's name receives.
#[derive(Debug)]
pub struct ElementOfAnOldAttempt;

impl Twist for ElementOfAnOldAttempt {
    fn channels_belong_to_an_attempt(&self) -> bool {
        false
    }
}
