//! What comes after a fault. A case is a state; that one thing follows another is asked here.

#![expect(clippy::disallowed_types, reason = "looked up and never iterated")]

use std::{
    collections::{HashSet, VecDeque},
    hash::Hash,
};

use keygroups::{
    checkpoint::{Attempt, ObjectName},
    protocol::TaskPhase,
};
use keygroups_model::{
    action::Action,
    interned::Interned,
    model::JobModel,
    stories::{HALF_WRITTEN, UNREADABLE},
    story::Story,
    world::World,
};

/// The length of a shortest path to a state that is `then` some time after a step that was `first`, which
/// is told with the state before it and says what to look for.
fn follows<T: Clone + Eq + Hash>(
    story: &'static Story,
    first: impl Fn(&Action, &World) -> Option<T>,
    then: impl Fn(&T, &World) -> bool,
) -> Option<usize> {
    let model = Interned::new(JobModel::new(story));
    let mut open: VecDeque<(_, Option<T>, usize)> = VecDeque::from([(model.first(), None, 0)]);
    let mut seen = HashSet::new();
    while let Some((ids, after, steps)) = open.pop_front() {
        if after.as_ref().is_some_and(|after| then(after, &model.world(&ids))) {
            return Some(steps);
        }
        model.steps(&ids, |offer, next| {
            let action = model.action(offer);
            let begins = after.is_none() && action.is_fault();
            let after = if begins { first(action, &model.world(&ids)) } else { after.clone() };
            if seen.insert((next.print(), after.clone())) {
                open.push_back((next, after, steps + 1));
            }
        });
    }
    None
}

#[test]
fn what_an_upload_leaves_behind_that_fails_half_way_is_deleted() {
    let left_behind = |action: &Action, _: &World| match action {
        Action::FailUpload(_, _, _, written) => written.first().copied(),
        _ => None,
    };
    let deleted = |name: &ObjectName, after: &World| !after.store.objects.contains_key(name);
    assert_eq!(follows(&HALF_WRITTEN, left_behind, deleted), Some(23));
}

#[test]
fn an_attempt_whose_state_cannot_be_read_is_followed_by_one_that_has_read_it() {
    let unread = |action: &Action, before: &World| match action {
        Action::FailRestore(host, task) => Some(before.hosts[usize::from(host.0)].tasks[task].attempt()),
        _ => None,
    };
    let runs = |unread: &Attempt, after: &World| {
        after.hosts.iter().flat_map(|process| process.machine.tasks()).any(|(_, task)| {
            let deployment = task.deployment();
            let reads = !deployment.restore.operator_state.is_empty();
            task.phase() == TaskPhase::Running && deployment.attempt > *unread && reads
        })
    };
    assert_eq!(follows(&UNREADABLE, unread, runs), Some(37));
}
