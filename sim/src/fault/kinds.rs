//! Every kind of fault by its name: what it is for people, how often it is drawn, and how.

use super::disk_damage::draw_nodes;
use super::{
    ClockDrift, ClockJump, Crash, CrashDuringStart, DamagedDisk, DiskTrouble, DiskTroubleKind, FailingTasks,
    Fault, HalfOpen, Isolated, Isolation, Join, Leave, NewAddress, Partition, Pause, Rack, RoughLinks, Slow,
    StoreDamage, StoreErrors, StoreOutage, StoreTrouble, Targets,
};
use crate::disk::DiskDamageKind;
use crate::random::{pick, spread};
use crate::storage::{DamageKind, LISTING_LAG_MAX, TroubleKind};
use crate::wire::Node;
use fastrand::Rng;
use std::fmt;

/// A kind of fault.
#[derive(Clone, Copy)]
pub struct Kind {
    /// What [`Fault::kind`] says.
    pub name: &'static str,
    /// What happens, in a sentence without a full stop.
    pub about: &'static str,
    /// How often it is drawn, beside the others.
    pub(super) weight: u32,
    /// Whether it befalls local copies only: see [`Mix::of_disks`](super::mix::Mix::of_disks).
    pub(super) of_disks: bool,
    pub(super) draw: fn(&mut Drawing<'_>) -> Option<Fault>,
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kind").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What faults are drawn from, and what may still be drawn.
pub(super) struct Drawing<'a> {
    pub(super) random: Rng,
    pub(super) targets: &'a Targets,
    /// Spares that nothing lets join so far.
    spares: Vec<Node>,
    /// Processes that have not left so far, and how many hosts and coordinators still may.
    stay: Vec<Node>,
    leave: (usize, usize),
}

impl<'a> Drawing<'a> {
    pub(super) fn new(random: Rng, targets: &'a Targets) -> Self {
        Self {
            random,
            targets,
            spares: targets.spares.clone(),
            stay: targets.processes(),
            leave: targets.may_leave(),
        }
    }

    fn process(&mut self) -> Node {
        pick(&mut self.random, &self.targets.processes())
    }

    fn trouble(&mut self, kind: TroubleKind) -> Option<Fault> {
        Some(Fault::StoreTrouble(StoreTrouble::draw(&mut self.random, kind)))
    }

    fn damage(&mut self, how: DamageKind) -> Option<Fault> {
        Some(Fault::StoreDamage(StoreDamage::draw(&mut self.random, how)))
    }

    fn damaged_disk(&mut self, how: DiskDamageKind) -> Option<Fault> {
        let nodes = draw_nodes(&mut self.random, &self.targets.hosts);
        Some(Fault::DamagedDisk(DamagedDisk::draw(&mut self.random, nodes, how)))
    }

    fn disk_trouble(&mut self, how: DiskTroubleKind) -> Option<Fault> {
        let nodes = draw_nodes(&mut self.random, &self.targets.hosts);
        Some(Fault::DiskTrouble(DiskTrouble::draw(&mut self.random, nodes, how)))
    }

    fn join(&mut self) -> Option<Fault> {
        if self.spares.is_empty() {
            return None;
        }
        let node = self.spares.swap_remove(self.random.usize(0..self.spares.len()));
        Some(Fault::Join(Join { node }))
    }

    fn leave(&mut self) -> Option<Fault> {
        if self.stay.is_empty() {
            return None;
        }
        let node = self.stay.swap_remove(self.random.usize(0..self.stay.len()));
        let left = if self.targets.hosts.contains(&node) { &mut self.leave.0 } else { &mut self.leave.1 };
        *left = left.checked_sub(1)?;
        Some(Fault::Leave(Leave { node }))
    }
}

const fn kind(
    name: &'static str,
    weight: u32,
    about: &'static str,
    draw: fn(&mut Drawing<'_>) -> Option<Fault>,
) -> Kind {
    Kind { name, about, weight, of_disks: false, draw }
}

const fn of_disks(
    name: &'static str,
    about: &'static str,
    draw: fn(&mut Drawing<'_>) -> Option<Fault>,
) -> Kind {
    Kind { name, about, weight: 1, of_disks: true, draw }
}

/// Every kind, in the order of a table for people: processes, clocks, network, store, disks.
pub const KINDS: &[Kind] = &[
    kind("crash", 16, "a process loses its memory and starts again after 2 ms to 15 s", |d| {
        let node = d.process();
        Some(Fault::Crash(Crash::draw(&mut d.random, node)))
    }),
    kind("crash-during-start", 6, "a process starts again and dies within 300 ms, up to four times", |d| {
        let node = d.process();
        Some(Fault::CrashDuringStart(CrashDuringStart::draw(&mut d.random, node)))
    }),
    kind("pause", 16, "a process freezes and goes on, not knowing that time has passed: a zombie", |d| {
        let node = d.process();
        Some(Fault::Pause(Pause::draw(&mut d.random, node)))
    }),
    kind("slow", 6, "a process gets the processor 2 ms to 2 s late, whatever it does", |d| {
        let node = d.process();
        Some(Fault::Slow(Slow::draw(&mut d.random, node)))
    }),
    kind("failing-tasks", 8, "every task on a host fails that processes there, for 1 ms to 10 s", |d| {
        let node = pick(&mut d.random, &d.targets.hosts);
        Some(Fault::FailingTasks(FailingTasks::draw(&mut d.random, node)))
    }),
    kind("rack", 5, "several processes crash or freeze together", |d| {
        let processes = d.targets.processes();
        (processes.len() > 1).then(|| Fault::Rack(Rack::draw(&mut d.random, &processes)))
    }),
    kind(
        "new-address",
        6,
        "a process comes back under another address, which is known up to 5 s later",
        |d| {
            let node = d.process();
            Some(Fault::NewAddress(NewAddress::draw(&mut d.random, node)))
        },
    ),
    kind("join", 6, "a spare host joins with its slots", |d| d.join()),
    kind("leave", 4, "a process goes for good", |d| d.leave()),
    kind("clock-drift", 4, "the clock of a process runs at half to twice its rate", |d| {
        let node = d.process();
        Some(Fault::ClockDrift(ClockDrift::draw(&mut d.random, node)))
    }),
    kind("clock-jump", 4, "the clock of a process is put forward or back by 10 ms to 20 s", |d| {
        let node = d.process();
        Some(Fault::ClockJump(ClockJump::draw(&mut d.random, node)))
    }),
    kind("partition", 8, "a node is cut off, two lose each other, or the cluster falls apart", |d| {
        Some(Fault::Partition(Partition::draw(&mut d.random, true, d.targets)))
    }),
    kind("one-way-partition", 8, "a partition that only one direction notices", |d| {
        Some(Fault::Partition(Partition::draw(&mut d.random, false, d.targets)))
    }),
    kind("isolated-leader", 5, "who leads is cut off: from all, its peers, the hosts, or the store", |d| {
        Some(Fault::Isolation(Isolation::draw(&mut d.random, Isolated::Leader, d.targets)))
    }),
    kind("isolated-store", 3, "the store is cut off: from all, the coordinators, or the hosts", |d| {
        Some(Fault::Isolation(Isolation::draw(&mut d.random, Isolated::Store, d.targets)))
    }),
    kind("half-open-connection", 5, "data channels between two hosts die in one direction, silently", |d| {
        (d.targets.hosts.len() > 1).then(|| Fault::HalfOpen(HalfOpen::draw(&mut d.random, d.targets)))
    }),
    kind("loss", 3, "links lose up to 30 % of what is sent", |d| {
        Some(Fault::RoughLinks(RoughLinks::draw_loss(&mut d.random)))
    }),
    kind("duplication", 3, "links repeat up to 30 % of what is sent", |d| {
        Some(Fault::RoughLinks(RoughLinks::draw_duplication(&mut d.random)))
    }),
    kind("reordering", 3, "messages overtake each other: delays of 1 to 80 ms", |d| {
        Some(Fault::RoughLinks(RoughLinks::draw_reordering(&mut d.random)))
    }),
    kind("delay-spikes", 3, "links hold up to 10 % of what is sent for up to 2 s", |d| {
        Some(Fault::RoughLinks(RoughLinks::draw_spikes(&mut d.random)))
    }),
    kind("rough-links", 6, "links lose, repeat, delay and hold up at once", |d| {
        Some(Fault::RoughLinks(RoughLinks::draw(&mut d.random)))
    }),
    kind(
        "store-errors",
        9,
        "requests are refused, swallowed, held up, or take effect without an answer",
        |d| Some(Fault::StoreErrors(StoreErrors::draw(&mut d.random))),
    ),
    kind("store-outage", 7, "nobody is served", |d| {
        Some(Fault::StoreOutage(StoreOutage::draw(&mut d.random)))
    }),
    kind("store-slow", 2, "the store answers up to 3 s later", |d| {
        let extra_us = (0, spread(&mut d.random, (50_000, 3_000_000)));
        d.trouble(TroubleKind::Slow { extra_us })
    }),
    kind("store-throttling", 2, "the store refuses what is beyond a request rate", |d| {
        let (per_second, burst) = (d.random.u32(2..40), d.random.u32(1..20));
        d.trouble(TroubleKind::Throttling { per_second, burst })
    }),
    kind("store-error-without-effect", 2, "the store answers 500, without effect", |d| {
        d.trouble(TroubleKind::ErrorWithoutEffect)
    }),
    kind("store-error-with-effect", 3, "the store answers 500, with the effect", |d| {
        d.trouble(TroubleKind::ErrorWithEffect)
    }),
    kind("store-timeout-without-effect", 2, "the store swallows requests", |d| {
        d.trouble(TroubleKind::TimeoutWithoutEffect)
    }),
    kind("store-timeout-with-effect", 2, "the store does not answer, with the effect", |d| {
        d.trouble(TroubleKind::TimeoutWithEffect)
    }),
    kind("store-timeout-late-effect", 3, "what is asked for comes up to 20 s later", |d| {
        let late_us = (100_000, spread(&mut d.random, (1_000_000, 20_000_000)));
        d.trouble(TroubleKind::TimeoutLateEffect { late_us })
    }),
    kind("store-create-reply-lost", 4, "the answers of conditional creates are lost", |d| {
        d.trouble(TroubleKind::CreateReplyLost)
    }),
    kind("store-full", 2, "the store is full: no writes, but reads and deletes", |d| {
        d.trouble(TroubleKind::Full)
    }),
    kind("store-stale-listing", 3, "listings omit up to two of the newest objects", |d| {
        // Beyond that nothing listed leads to the newest manifest.
        let most = LISTING_LAG_MAX.min(d.targets.manifests_retained.saturating_sub(1) as usize);
        let young_us = spread(&mut d.random, (200_000, 8_000_000));
        let objects_max = d.random.usize(0..=most);
        (objects_max > 0).then_some(())?;
        d.trouble(TroubleKind::StaleListing { young_us, objects_max })
    }),
    kind("store-read-rot", 2, "a bit of what is read is flipped on the way", |d| {
        d.trouble(TroubleKind::ReadRot)
    }),
    kind("store-read-truncation", 2, "what is read ends early", |d| d.trouble(TroubleKind::ReadTruncation)),
    kind("store-read-misdirection", 2, "another object is read", |d| {
        d.trouble(TroubleKind::ReadMisdirection)
    }),
    kind("store-read-missing", 2, "an object that is there is denied", |d| {
        d.trouble(TroubleKind::ReadMissing)
    }),
    kind("store-bit-rot", 2, "a stored object that is not needed rots", |d| d.damage(DamageKind::BitRot)),
    kind("store-truncation", 2, "a stored object that is not needed is cut short", |d| {
        d.damage(DamageKind::Truncation)
    }),
    kind("store-misdirected-write", 2, "a stored object that is not needed is overwritten by another", |d| {
        d.damage(DamageKind::MisdirectedWrite)
    }),
    kind("store-missing-object", 2, "a stored object that is not needed is lost", |d| {
        d.damage(DamageKind::MissingObject)
    }),
    of_disks("disk-lost-writes", "a host crashes, and what it wrote last to its disk is gone", |d| {
        d.damaged_disk(DiskDamageKind::LostWrites)
    }),
    of_disks("disk-torn-writes", "a host crashes, and what it wrote last to its disk is half there", |d| {
        d.damaged_disk(DiskDamageKind::TornWrites)
    }),
    of_disks("disk-stale-copies", "a host crashes, and what it deleted last is on its disk again", |d| {
        d.damaged_disk(DiskDamageKind::StaleCopies)
    }),
    of_disks("disk-misdirected-writes", "what a host wrote last holds the bytes of older files", |d| {
        d.damaged_disk(DiskDamageKind::MisdirectedWrites)
    }),
    of_disks("disk-bit-rot", "a bit of every file on a host's disk is flipped", |d| {
        d.damaged_disk(DiskDamageKind::BitRot)
    }),
    of_disks("disk-full", "a host's disk takes no writes", |d| d.disk_trouble(DiskTroubleKind::Full)),
    of_disks("disk-unreadable", "a host's disk cannot be read", |d| {
        d.disk_trouble(DiskTroubleKind::Unreadable)
    }),
    of_disks("disk-slow", "everything on a host's disk takes up to 10 s longer", |d| {
        let extra_us = spread(&mut d.random, (10_000, 10_000_000));
        d.disk_trouble(DiskTroubleKind::Slow { extra_us })
    }),
];
