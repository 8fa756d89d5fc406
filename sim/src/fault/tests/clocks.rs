//! Facts about clocks that err.

use super::*;

/// When ten seconds by the clock of a process are over that errs after the first, in milliseconds.
fn ten_seconds_end_after_ms(fault: impl Fn(Node) -> Fault + Send) -> u64 {
    simulate(31, |world, store, targets| async move {
        let node = targets.hosts[0];
        let _injector = Injector::start(&world, &store, after_a_second(fault(node)));
        let others = world.nodes.clock(targets.coordinators[0]).sleep(Duration::from_secs(2));
        let timer = world.nodes.clock(node).sleep(Duration::from_secs(10));
        others.await;
        assert_eq!(now_us() / 1_000, 2_000, "the clocks of others are right");
        timer.await;
        now_us() / 1_000
    })
    .outcome
    .unwrap()
}

#[test]
fn timers_that_run_go_by_the_clock_that_drifts() {
    let drift =
        |rate_per_mille, for_us| move |node| Fault::ClockDrift(ClockDrift { node, rate_per_mille, for_us });
    assert_eq!(ten_seconds_end_after_ms(drift(2_000, 60_000_000)), 1_000 + 9_000 / 2);
    assert_eq!(ten_seconds_end_after_ms(drift(500, 60_000_000)), 1_000 + 9_000 * 2);
    // Twice as fast for two seconds.
    assert_eq!(ten_seconds_end_after_ms(drift(2_000, 2_000_000)), 8_000);
}

#[test]
fn clock_that_is_put_forward_fires_early_and_one_that_is_put_back_late() {
    let jump = |by_us| move |node| Fault::ClockJump(ClockJump { node, by_us });
    assert_eq!(ten_seconds_end_after_ms(jump(5_000_000)), 5_000);
    assert_eq!(ten_seconds_end_after_ms(jump(-5_000_000)), 15_000);
    // Everything that was set is due at once.
    assert_eq!(ten_seconds_end_after_ms(jump(60_000_000)), 2_000);
}
