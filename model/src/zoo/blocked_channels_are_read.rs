//! Records behind a barrier are processed before the snapshot.
//!
//! The first rule of aligned barriers is that a channel waits once its barrier has come. An engine
//! that goes on reading puts records into the snapshot that the source will send again.
//!
//! Source: invented; Carbone et al., 2015, the case that alignment is for.

use super::Twist;

/// The engine does not let blocked channels wait.
#[derive(Debug)]
pub struct BlockedChannelsAreRead;

impl Twist for BlockedChannelsAreRead {
    fn heeds_blocked_channels(&self) -> bool {
        false
    }
}
