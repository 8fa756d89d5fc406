//! Stored bytes are damaged for ever: rot, truncation, a write that went to the wrong place, a lost object.
//!
//! It strikes what the job can do without, as the [atlas](crate::storage::Atlas) says, unless it is asked to
//! destroy. Drawn plans never ask for that.

use crate::storage::{Damage, DamageKind, Scope, StoreNode};
use fastrand::Rng;
use serde::{Deserialize, Serialize};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreDamage {
    /// What is damaged, and how. Nothing, if no object in the scope may be.
    pub damage: Damage,
}

impl StoreDamage {
    pub(super) fn draw(random: &mut Rng, how: DamageKind) -> Self {
        let scope = match random.u8(0..4) {
            0 => Scope::Manifests,
            1 => Scope::State,
            _ => Scope::Everything,
        };
        Self { damage: Damage { how, scope, draw: random.u64(..), destroys: false } }
    }

    pub(super) fn describe(&self) -> String {
        let Damage { how, scope, destroys, .. } = &self.damage;
        let what = match how {
            DamageKind::BitRot => "a bit rots",
            DamageKind::Truncation => "an object is cut short",
            DamageKind::MisdirectedWrite => "an object is overwritten by another",
            DamageKind::MissingObject => "an object is lost",
        };
        let which = if *destroys { "the last good copy" } else { "something the job can do without" };
        format!("{what} in the store ({}): {which}", scope.describe())
    }

    /// Whether there was anything to damage.
    pub(super) fn strike(&self, store: &StoreNode) -> bool {
        store.damage(&self.damage).is_some()
    }
}
