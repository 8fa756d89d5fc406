//! A host's disk is full, cannot be read, or is slow.

use super::disk_damage::names;
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
    /// Whose disks.
    pub nodes: Vec<Node>,
    /// What they refuse, or how late they are.
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
    pub(super) fn draw(random: &mut Rng, nodes: Vec<Node>, how: DiskTroubleKind) -> Self {
        Self { nodes, how, for_us: spread(random, (500_000, 15_000_000)) }
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
        format!("the disk of {} {what}", names(net, &self.nodes))
    }

    pub(super) fn shape(&self, manners: &mut BTreeMap<Node, Manners>) {
        for &node in &self.nodes {
            let disk = &mut manners.entry(node).or_default().disk;
            match self.how {
                DiskTroubleKind::Full => disk.full = true,
                DiskTroubleKind::Unreadable => disk.unreadable = true,
                DiskTroubleKind::Slow { extra_us } => disk.slow_us = disk.slow_us.max(extra_us),
            }
        }
    }
}
