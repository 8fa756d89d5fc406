//! What people see of work that takes long, and how they end it.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;

/// True once the user wants to stop. From then on Ctrl-C does not end the process.
///
/// # Errors
///
/// If the system does not let us listen.
pub(crate) fn stopped_by_ctrl_c() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let asked = stop.clone();
    ctrlc::set_handler(move || asked.store(true, Ordering::Relaxed)).context("cannot listen to Ctrl-C")?;
    Ok(stop)
}

/// How long something takes for people is real time.
#[allow(clippy::disallowed_methods)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Says on stderr how far something is: in place in a terminal, now and then elsewhere.
pub(crate) struct Ticker {
    began: Instant,
    last: Duration,
    terminal: bool,
}

impl Ticker {
    pub(crate) fn new() -> Self {
        Self { began: now(), last: Duration::ZERO, terminal: io::stderr().is_terminal() }
    }

    /// Says `line`, which is told how long it has taken so far, if it is time to say something.
    pub(crate) fn tick(&mut self, line: impl FnOnce(Duration) -> String) {
        let elapsed = self.began.elapsed();
        let pause = if self.terminal { Duration::from_millis(200) } else { Duration::from_secs(1) };
        if elapsed - self.last < pause {
            return;
        }
        self.last = elapsed;
        let line = line(elapsed);
        // Whoever closed stderr does not want to know.
        let _ = match self.terminal {
            true => write!(io::stderr(), "\r\x1b[2K{line}"),
            false => writeln!(io::stderr(), "{line}"),
        };
    }

    /// Takes what it said last away and gives the seconds that have passed.
    pub(crate) fn clear(self) -> f64 {
        if self.terminal {
            let _ = write!(io::stderr(), "\r\x1b[2K");
        }
        self.began.elapsed().as_secs_f64()
    }
}
