//! Which faults the store meets.

use super::{Fault, StoreDamage, StoreErrors, StoreOutage, StoreTrouble};
use fastrand::Rng;

/// A fault of the store for some time.
pub(super) fn draw(random: &mut Rng) -> Fault {
    match random.u8(0..100) {
        0..25 => Fault::StoreErrors(StoreErrors::draw(random)),
        25..35 => Fault::StoreOutage(StoreOutage::draw(random)),
        35..85 => Fault::StoreTrouble(StoreTrouble::draw(random)),
        _ => Fault::StoreDamage(StoreDamage::draw(random)),
    }
}

/// A fault of the store for a step of the protocol.
pub(super) fn draw_for_a_step(random: &mut Rng) -> Fault {
    match random.u8(0..100) {
        0..20 => Fault::StoreErrors(StoreErrors::draw(random)),
        20..35 => Fault::StoreOutage(StoreOutage::draw(random)),
        35..55 => Fault::StoreTrouble(StoreTrouble::draw(random)),
        55..90 => Fault::StoreTrouble(StoreTrouble::draw_for_a_step(random)),
        _ => Fault::StoreDamage(StoreDamage::draw(random)),
    }
}
