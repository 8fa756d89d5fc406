//! Whole stories, told as traces.

use keygroups::protocol::{CoordinatorInput, CoordinatorTimer as Timer};

use crate::{
    common::snapshot_settings,
    desk::{Desk, parallelism},
};

#[test]
fn rescale_from_2_to_4_is_stop_with_checkpoint_and_a_new_attempt() {
    let mut desk = Desk::running(3, 2, 2);
    desk.coordinator(0, CoordinatorInput::Rescale(parallelism(4)));
    snapshot_settings().bind(|| insta::assert_snapshot!("protocol_rescale_2_to_4", desk.trace.join("\n")));
    assert_eq!(desk.newest().desired_parallelism, parallelism(4));
}

#[test]
fn checkpoint_is_collected_committed_and_told() {
    let mut desk = Desk::running(2, 2, 2);
    desk.fire(0, Timer::Checkpoint);
    snapshot_settings().bind(|| insta::assert_snapshot!("protocol_checkpoint", desk.trace.join("\n")));
}

#[test]
fn takeover_restores_from_the_newest_committed_checkpoint() {
    let mut desk = Desk::new(2, 2, 2, 2);
    desk.fire(0, Timer::LeaderSilence);
    desk.fire(0, Timer::Restart);
    desk.fire(0, Timer::Checkpoint);
    desk.trace.clear();
    desk.fire(1, Timer::LeaderSilence);
    desk.fire(1, Timer::Restart);
    snapshot_settings().bind(|| insta::assert_snapshot!("protocol_takeover", desk.trace.join("\n")));
    assert_eq!(desk.coordinators[0].leads(), None);
}
