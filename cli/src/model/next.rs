//! What can happen after a path.

use keygroups_model::action::Action;
use stateright::Model;

use super::Path;
use super::telling::tell;

/// A step that changes the last state of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Next {
    /// Among the actions of the state.
    pub(crate) position: usize,
    pub(crate) words: String,
    pub(crate) group: Group,
    /// The invariant that it breaks.
    pub(crate) breaks: Option<&'static str>,
}

/// What kind of thing happens, in the order in which people look for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Group {
    Message,
    Store,
    Coordinator,
    Host,
    Fault,
    /// A message that was heard on this path already.
    Repeated,
}

/// What can happen after the path.
pub(crate) fn next(path: &Path) -> Vec<Next> {
    let (telling, _) = tell(path);
    let steps = path.possible().into_iter().enumerate().filter_map(|(position, action)| {
        let reached = path.model.next_state(path.last(), action.clone())?;
        let group = match &action {
            Action::Deliver(message) => {
                if telling.was_heard(message) {
                    Group::Repeated
                } else {
                    Group::Message
                }
            }
            fault if fault.is_fault() => Group::Fault,
            Action::Store(..) | Action::Land(_) => Group::Store,
            Action::Fire(..) | Action::Rescale(..) | Action::CrashCoordinator(_) => Group::Coordinator,
            Action::Heartbeat(_)
            | Action::Restore(..)
            | Action::FailRestore(..)
            | Action::Read(..)
            | Action::Take { .. }
            | Action::Upload(..)
            | Action::FailUpload(..)
            | Action::FailTask(..)
            | Action::CrashHost(_) => Group::Host,
        };
        let breaks = reached.violation.map(|violation| violation.invariant);
        Some(Next { position, words: telling.words(&action), group, breaks })
    });
    let mut steps: Vec<_> = steps.collect();
    steps.sort_by_key(|step| (step.group, step.position));
    steps
}
