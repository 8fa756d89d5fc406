//! Tasks are told of a commit before there is one.
//!
//! Sinks committed on the completion of a snapshot that recovery would never choose, so that a
//! failure rolled the job back behind its own output. Here the notice is sent when all have
//! acknowledged, and the manifest is created after that.
//!
//! Source: FLINK-6328, reverted by FLINK-10354.

use keygroups::protocol::{Coordinator, CoordinatorInput, CoordinatorOutput, Event, ToHost};

use super::{Around, Twist};

/// The notice follows the last acknowledgement.
#[derive(Debug)]
pub struct NoticeBeforeTheCommit;

impl Twist for NoticeBeforeTheCommit {
    fn coordinator_wants(
        &self,
        around: &mut dyn Around,
        _: &Coordinator,
        _: &CoordinatorInput,
        mut out: Vec<CoordinatorOutput>,
    ) -> Vec<CoordinatorOutput> {
        let complete = out.iter().find_map(|output| match output {
            CoordinatorOutput::Event(Event::AllAcknowledged { attempt, checkpoint }) => {
                Some(ToHost::Committed { attempt: *attempt, checkpoint: *checkpoint })
            }
            _ => None,
        });
        if let Some(message) = complete {
            let hosts = around.hosts().into_iter();
            out.extend(hosts.map(|to| CoordinatorOutput::Send { to, message: message.clone() }));
        }
        out
    }
}
