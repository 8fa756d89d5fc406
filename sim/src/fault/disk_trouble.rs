//! A host's disk is full, cannot be read, or is slow.

use crate::process::Manners;
use crate::random::spread;
use crate::wire::{Net, Node};
use fastrand::Rng;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiskTrouble {
    /// Whose disk.
    pub node: Node,
    /// What it refuses, or how late it is.
    pub how: DiskTroubleKind,
    /// Virtual microseconds until it is as good as before.
    pub for_us: u64,
}

/// What is wrong with a disk for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiskTroubleKind {
    /// Nothing can be written.
    Full,
    /// Nothing can be read.
    Unreadable,
    /// Everything takes longer.
    Slow {
        /// By so many virtual microseconds, each time.
        extra_us: u64,
    },
}

impl DiskTrouble {
    pub(super) fn draw(random: &mut Rng, node: Node, how: DiskTroubleKind) -> Self {
        Self { node, how, for_us: spread(random, (500_000, 15_000_000)) }
    }

    pub(super) fn kind(&self) -> &'static str {
        match self.how {
            DiskTroubleKind::Full => "disk-full",
            DiskTroubleKind::Unreadable => "disk-unreadable",
            DiskTroubleKind::Slow { .. } => "disk-slow",
        }
    }

    pub(super) fn describe(&self, net: &Net) -> String {
        let what = match self.how {
            DiskTroubleKind::Full => "is full".to_owned(),
            DiskTroubleKind::Unreadable => "cannot be read".to_owned(),
            DiskTroubleKind::Slow { extra_us } => format!("is {} ms late for everything,", extra_us / 1_000),
        };
        format!("the disk of {} {what}", net.name(self.node))
    }

    pub(super) fn shape(&self, manners: &mut BTreeMap<Node, Manners>) {
        let disk = &mut manners.entry(self.node).or_default().disk;
        match self.how {
            DiskTroubleKind::Full => disk.full = true,
            DiskTroubleKind::Unreadable => disk.unreadable = true,
            DiskTroubleKind::Slow { extra_us } => disk.slow_us = disk.slow_us.max(extra_us),
        }
    }
}
