//! Which faults a seed is made of.

use super::kinds::Drawing;
use super::{Aim, Fault, KINDS, Kind, Profile, Victim, When};
use crate::random::{between, pick, spread};
use fastrand::Rng;

/// Which kinds of faults a seed draws, and how many. Where everything goes wrong at once, one thing hides
/// another: some seeds know one kind only, which then strikes often.
pub(super) struct Mix {
    kinds: Vec<&'static Kind>,
    timed: usize,
    aims: usize,
    of_disks: bool,
    /// Links and store are imperfect all the time.
    pub(super) background: bool,
}

impl Mix {
    /// What befalls local copies, where hosts keep any: beside `others`, or, in some seeds of chaos, instead.
    ///
    /// Where everything else goes wrong, hardly a checkpoint is committed before all is healed, so that few
    /// copies could be damaged. With nothing but crashes beside, most restores find some.
    pub(super) fn of_disks(random: &mut Rng, profile: Profile, others: Self) -> [Self; 2] {
        let mut kinds: Vec<_> = KINDS.iter().filter(|kind| kind.of_disks).collect();
        if random.bool() {
            random.shuffle(&mut kinds);
            kinds.truncate(random.usize(1..=3));
        }
        let alone = profile == Profile::Chaos && random.u8(0..3) == 0;
        let (timed, aims) = match profile {
            Profile::None => (0, 0),
            Profile::Default => (random.usize(0..=1), random.usize(0..=1)),
            Profile::Chaos if alone => (random.usize(3..=8), random.usize(2..=8)),
            // Now and then disks are good, whatever else befalls.
            Profile::Chaos if random.u8(0..4) == 0 => (0, 0),
            Profile::Chaos => (random.usize(1..=4), random.usize(1..=4)),
        };
        let others = if alone {
            let kinds = KINDS.iter().filter(|kind| kind.name == "crash").collect();
            let (timed, aims) = (random.usize(1..=4), random.usize(0..=2));
            Self { kinds, timed, aims, of_disks: false, background: false }
        } else {
            others
        };
        [others, Self { kinds, timed, aims, of_disks: true, background: false }]
    }

    /// A few faults of any kind.
    pub(super) fn bad_day(random: &mut Rng) -> Self {
        let (timed, aims) = (random.usize(1..=3), random.usize(1..=2));
        Self { kinds: not_of_disks(), timed, aims, of_disks: false, background: true }
    }

    /// Many, of one kind, of some, or of all.
    pub(super) fn chaos(random: &mut Rng) -> Self {
        let mut kinds = not_of_disks();
        match random.u8(0..10) {
            0..2 => {
                let (timed, aims) = (random.usize(4..=14), random.usize(2..=8));
                let kinds = vec![pick(random, &kinds)];
                Self { kinds, timed, aims, of_disks: false, background: random.bool() }
            }
            2..5 => {
                random.shuffle(&mut kinds);
                kinds.truncate(random.usize(2..=5));
                let (timed, aims) = (random.usize(3..=10), random.usize(2..=8));
                Self { kinds, timed, aims, of_disks: false, background: random.u8(0..4) > 0 }
            }
            _ => {
                let (timed, aims) = (random.usize(3..=10), random.usize(2..=6));
                Self { kinds, timed, aims, of_disks: false, background: true }
            }
        }
    }

    /// All faults: by time, in no order, and by step.
    pub(super) fn draw_all(
        &self,
        drawing: &mut Drawing<'_>,
        horizon_us: u64,
    ) -> (Vec<(u64, Fault)>, Vec<Aim>) {
        let timed = (0..self.timed).filter_map(|_| {
            let fault = self.draw(drawing)?;
            Some((between(&mut drawing.random, (0, horizon_us)), fault))
        });
        let timed = timed.collect();
        let aims = if drawing.targets.steps.is_empty() { 0 } else { self.aims };
        (timed, (0..aims).filter_map(|_| self.draw_aim(drawing)).collect())
    }

    /// A fault of one of the kinds, unless the cluster has no more of what it needs.
    pub(super) fn draw(&self, drawing: &mut Drawing<'_>) -> Option<Fault> {
        let all: u32 = self.kinds.iter().map(|kind| kind.weight).sum();
        let mut left = drawing.random.u32(0..all);
        let chosen = self.kinds.iter().find(|kind| match left.checked_sub(kind.weight) {
            Some(rest) => {
                left = rest;
                false
            }
            None => true,
        });
        chosen.and_then(|kind| (kind.draw)(drawing))
    }

    fn draw_step(&self, drawing: &mut Drawing<'_>) -> &'static str {
        let steps = drawing.targets.steps;
        // Few restores find copies, and between two checkpoints copies are replaced: at any other step it is
        // seldom seen what befell one.
        if self.of_disks && drawing.random.bool() && steps.contains(&BEFORE_READING) {
            return BEFORE_READING;
        }
        pick(&mut drawing.random, steps)
    }

    /// The same, aimed at a step.
    pub(super) fn draw_aim(&self, drawing: &mut Drawing<'_>) -> Option<Aim> {
        let step = self.draw_step(drawing).to_owned();
        // Small occurrences are more likely: an election or a rescale comes once or twice, a restore often.
        let most = if drawing.random.bool() { 2 } else { 16 };
        let occurrence = match step == BEFORE_READING && self.of_disks {
            // The first attempt of a job finds nothing.
            true => drawing.random.u32(3..=40),
            false => spread(&mut drawing.random, (1, most)) as u32,
        };
        let when = pick(&mut drawing.random, &[When::Before, When::After]);
        let victim = match drawing.random.bool() {
            true => Victim::Actor,
            // Coordinators keep no copies.
            false if self.of_disks => Victim::Node(pick(&mut drawing.random, &drawing.targets.hosts)),
            false => Victim::Node(pick(&mut drawing.random, &drawing.targets.processes())),
        };
        let fault = self.draw(drawing)?;
        Some(Aim { step, occurrence, when, victim, fault })
    }
}

/// Where copies are about to be read.
const BEFORE_READING: &str = "restoring";

fn not_of_disks() -> Vec<&'static Kind> {
    KINDS.iter().filter(|kind| !kind.of_disks).collect()
}
