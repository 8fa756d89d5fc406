//! How the cost of an entry grows with the state.

use serde::Serialize;

use super::figure::{self, Figure};
use super::restore::Restore;
use super::snapshot::Snapshot;

/// Nanoseconds of processor time for each entry, of the smaller and of the larger state.
#[derive(Clone, Debug, Serialize)]
pub struct Growth {
    keys: [u64; 2],
    snapshot: [f64; 2],
    restore: [f64; 2],
}

impl Growth {
    pub fn new(snapshots: [&Snapshot; 2], restores: [&Restore; 2]) -> Self {
        Self {
            keys: restores.map(|restore| restore.keys),
            snapshot: snapshots.map(|snapshot| snapshot.ns_per_entry),
            restore: restores.map(Restore::ns_per_entry),
        }
    }

    pub fn figures(&self) -> Vec<Figure> {
        let [small, large] = self.keys.map(figure::keys);
        let one = |what: &str, [small_ns, large_ns]: [f64; 2]| {
            let ratio = large_ns / small_ns;
            Figure::new(
                format!("cost of an entry, {what}, {small} → {large}"),
                format!("{small_ns:.1} → {large_ns:.1} ns, **{ratio:.2}×**"),
            )
            .aiming("≤ 1.5×", ratio <= 1.5)
        };
        vec![one("snapshot", self.snapshot), one("restore", self.restore)]
    }
}
