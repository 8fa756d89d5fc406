//! How long everything may take. The machines know timers by name only.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::protocol::CoordinatorTimer;

/// How long the timers of coordinators and hosts are, and how long the store has to answer. All
/// coordinators and hosts of a job should have the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timings {
    pub(super) heartbeat: Duration,
    pub(super) leader_silence: Duration,
    pub(super) leader_silence_jitter: Duration,
    pub(super) host_silence: Duration,
    pub(super) restart_pause: Duration,
    pub(super) checkpoint_interval: Duration,
    pub(super) checkpoint_expiry: Duration,
    pub(super) store_retry: Duration,
    pub(super) request_timeout: Duration,
    pub(super) transfer_timeout: Duration,
    pub(super) sweep_interval: Duration,
    pub(super) stabilize: Duration,
}

/// A year. Sums of a few of these are far from what clocks overflow at.
const LONGEST: Duration = Duration::from_secs(365 * 86_400);

/// Timings that cannot work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimingsError {
    /// A timer without length goes off for ever.
    #[error("{name} is 0: its timer would go off without end")]
    Zero {
        /// Its name, as in [`Timings`].
        name: &'static str,
    },
    /// A timer that no job lives to see, and that clocks cannot count to.
    #[error("{name} is {} days: at most {} make sense", duration.as_secs() / 86_400, LONGEST.as_secs() / 86_400)]
    TooLong {
        /// Its name, as in [`Timings`].
        name: &'static str,
        /// How long it is.
        duration: Duration,
    },
    /// Whoever is alive would be taken for dead between two signs of life.
    #[error(
        "{name} is {} ms and the heartbeat {} ms: at least two heartbeats must fit into it, \
         or one that is late looks like a death", silence.as_millis(), heartbeat.as_millis()
    )]
    SilenceTooShort {
        /// The name of the silence, as in [`Timings`].
        name: &'static str,
        /// How long it is.
        silence: Duration,
        /// The interval of heartbeats.
        heartbeat: Duration,
    },
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(1),
            leader_silence: Duration::from_secs(5),
            leader_silence_jitter: Duration::ZERO,
            host_silence: Duration::from_secs(5),
            restart_pause: Duration::from_secs(1),
            checkpoint_interval: Duration::from_secs(10),
            checkpoint_expiry: Duration::from_secs(60),
            store_retry: Duration::from_millis(500),
            request_timeout: Duration::from_secs(10),
            transfer_timeout: Duration::from_secs(60),
            sweep_interval: Duration::from_secs(60),
            stabilize: Duration::from_secs(10),
        }
    }
}

impl Timings {
    /// Between two signs of life of leaders and hosts, which also repeat what was not answered.
    /// Default 1 s: a lost message costs no more than that.
    #[must_use]
    pub fn with_heartbeat(self, heartbeat: Duration) -> Self {
        Self { heartbeat, ..self }
    }

    /// How long a standby hears of no leader before it campaigns. Default 5 s: four heartbeats may
    /// be lost. A wrong suspicion costs a restart of the job, not its state.
    #[must_use]
    pub fn with_leader_silence(self, leader_silence: Duration) -> Self {
        Self { leader_silence, ..self }
    }

    /// Added to the leader silence of this coordinator. Default 0, which is right for one
    /// coordinator; give each of several another value (random below the leader silence), so that
    /// they do not campaign at the same moment. If they do, one wins.
    #[must_use]
    pub fn with_leader_silence_jitter(self, leader_silence_jitter: Duration) -> Self {
        Self { leader_silence_jitter, ..self }
    }

    /// How long a host may be silent before its tasks are started elsewhere. Default 5 s: four
    /// heartbeats may be lost. A wrong suspicion costs a restart of the job, not its state.
    #[must_use]
    pub fn with_host_silence(self, host_silence: Duration) -> Self {
        Self { host_silence, ..self }
    }

    /// Between the end of a failed attempt and the next, and between election and the first
    /// attempt. Default 1 s: as long as hosts need to register with a new leader, and long enough
    /// that a job that fails at once does not keep everybody busy.
    #[must_use]
    pub fn with_restart_pause(self, restart_pause: Duration) -> Self {
        Self { restart_pause, ..self }
    }

    /// Between two checkpoints. Default 10 s: as much must be processed again after a failure, and
    /// output becomes visible as late.
    #[must_use]
    pub fn with_checkpoint_interval(self, checkpoint_interval: Duration) -> Self {
        Self { checkpoint_interval, ..self }
    }

    /// How long a checkpoint may take before it is given up. Default 60 s: uploads of large states
    /// need their time, but a lost barrier must not block checkpoints for ever.
    #[must_use]
    pub fn with_checkpoint_expiry(self, checkpoint_expiry: Duration) -> Self {
        Self { checkpoint_expiry, ..self }
    }

    /// Between two tries of a store request. Default 500 ms: gentle with a store that is
    /// overloaded, and short beside a checkpoint interval.
    #[must_use]
    pub fn with_store_retry(self, store_retry: Duration) -> Self {
        Self { store_retry, ..self }
    }

    /// How long the store has for one small request: a manifest, an output list, an index.
    /// Default 10 s: far above what a healthy store needs. Afterwards the outcome is unknown.
    #[must_use]
    pub fn with_request_timeout(self, request_timeout: Duration) -> Self {
        Self { request_timeout, ..self }
    }

    /// How long the store has for one request with much data: a snapshot or a part of it, an output,
    /// a run of key groups, a listing. Default 60 s: 1 GiB at 18 MiB/s.
    #[must_use]
    pub fn with_transfer_timeout(self, transfer_timeout: Duration) -> Self {
        Self { transfer_timeout, ..self }
    }

    /// Between two searches for garbage. Default 60 s: what failures leave behind costs a little
    /// space, listings cost requests.
    #[must_use]
    pub fn with_sweep_interval(self, sweep_interval: Duration) -> Self {
        Self { sweep_interval, ..self }
    }

    /// How long new slots must have been there before a running job that wants them is stopped and
    /// scaled up. Default 10 s: hosts that come back together are used together.
    #[must_use]
    pub fn with_stabilize(self, stabilize: Duration) -> Self {
        Self { stabilize, ..self }
    }

    /// Whether they can work.
    ///
    /// # Errors
    ///
    /// [`TimingsError`] names the first that cannot.
    pub fn check(&self) -> Result<(), TimingsError> {
        let positive = [
            ("heartbeat", self.heartbeat),
            ("restart_pause", self.restart_pause),
            ("checkpoint_interval", self.checkpoint_interval),
            ("checkpoint_expiry", self.checkpoint_expiry),
            ("store_retry", self.store_retry),
            ("request_timeout", self.request_timeout),
            ("transfer_timeout", self.transfer_timeout),
            ("sweep_interval", self.sweep_interval),
            ("stabilize", self.stabilize),
        ];
        if let Some(&(name, _)) = positive.iter().find(|(_, duration)| duration.is_zero()) {
            return Err(TimingsError::Zero { name });
        }
        let silences = [("leader_silence", self.leader_silence), ("host_silence", self.host_silence)];
        let jitter = [("leader_silence_jitter", self.leader_silence_jitter)];
        let all = positive.iter().chain(&silences).chain(&jitter);
        if let Some(&(name, duration)) = all.into_iter().find(|(_, duration)| *duration > LONGEST) {
            return Err(TimingsError::TooLong { name, duration });
        }
        let heartbeat = self.heartbeat;
        for (name, silence) in silences {
            if silence < heartbeat.saturating_mul(2) {
                return Err(TimingsError::SilenceTooShort { name, silence, heartbeat });
            }
        }
        Ok(())
    }

    pub(super) fn of(&self, timer: CoordinatorTimer) -> Duration {
        match timer {
            CoordinatorTimer::LeaderSilence => self.leader_silence.saturating_add(self.leader_silence_jitter),
            CoordinatorTimer::Heartbeat => self.heartbeat,
            CoordinatorTimer::HostSilence(_) => self.host_silence,
            CoordinatorTimer::Restart => self.restart_pause,
            CoordinatorTimer::Checkpoint => self.checkpoint_interval,
            CoordinatorTimer::Expiry(_) => self.checkpoint_expiry,
            CoordinatorTimer::StoreRetry => self.store_retry,
            CoordinatorTimer::Sweep => self.sweep_interval,
            CoordinatorTimer::Stabilize => self.stabilize,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_pass_the_check() {
        assert_eq!(Timings::default().check(), Ok(()));
    }

    #[test]
    fn timer_without_length_is_refused() {
        let timings = Timings::default().with_store_retry(Duration::ZERO);
        assert_eq!(timings.check(), Err(TimingsError::Zero { name: "store_retry" }));
    }

    #[test]
    fn timer_that_clocks_cannot_count_to_is_refused() {
        let timings = Timings::default().with_leader_silence_jitter(Duration::MAX);
        let error = timings.check().unwrap_err();
        assert_eq!(error, TimingsError::TooLong { name: "leader_silence_jitter", duration: Duration::MAX });
        assert!(error.to_string().ends_with(" days: at most 365 make sense"), "{error}");
        assert_eq!(Timings::default().with_sweep_interval(LONGEST).check(), Ok(()));
    }

    #[test]
    fn silence_of_one_heartbeat_is_refused() {
        let (silence, heartbeat) = (Duration::from_millis(1999), Duration::from_secs(1));
        let timings = Timings::default().with_host_silence(silence);
        assert_eq!(
            timings.check(),
            Err(TimingsError::SilenceTooShort { name: "host_silence", silence, heartbeat })
        );
    }

    #[test]
    fn jitter_lengthens_only_the_leader_silence() {
        let timings = Timings::default().with_leader_silence_jitter(Duration::from_secs(2));
        assert_eq!(timings.of(CoordinatorTimer::LeaderSilence), Duration::from_secs(7));
        assert_eq!(timings.of(CoordinatorTimer::Heartbeat), Duration::from_secs(1));
    }
}
