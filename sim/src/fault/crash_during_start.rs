//! A process dies, starts again, and dies again before it has got anywhere: a crash loop.

use crate::random::{between, spread};
use crate::wire::{Net, Node};
use fastrand::Rng;
use serde::{Deserialize, Serialize};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrashDuringStart {
    /// Who dies.
    pub node: Node,
    /// Virtual microseconds until it starts again, each time.
    pub down_us: u64,
    /// Virtual microseconds into its new life when it dies again.
    pub life_us: u64,
    /// How many new lives end like that.
    pub lives: u8,
}

impl CrashDuringStart {
    pub(super) fn draw(random: &mut Rng, node: Node) -> Self {
        Self {
            node,
            down_us: spread(random, (2_000, 1_000_000)),
            // From before its first step to its first requests and answers.
            life_us: between(random, (0, 300_000)),
            lives: random.u8(1..=4),
        }
    }

    pub(super) fn describe(&self, net: &Net) -> String {
        let (name, lives) = (net.name(self.node), self.lives);
        format!("{name} is crashed, and {lives} more times {} ms after its start", self.life_us / 1_000)
    }

    /// The next crash, and when.
    pub(super) fn next(&self) -> Option<(u64, Self)> {
        let lives = self.lives.checked_sub(1)?;
        Some((self.life_us, Self { lives, ..self.clone() }))
    }
}
