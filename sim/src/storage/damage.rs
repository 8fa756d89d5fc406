//! Damage of bytes: what a disk, a network or a confused store makes of them.

use super::atlas::{Atlas, Need};
use super::objects::{Objects, Shelf};
use super::trouble::Scope;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::ops::Bound;

/// How stored bytes are damaged, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DamageKind {
    /// A bit is flipped.
    BitRot,
    /// The end is missing.
    Truncation,
    /// Another object's bytes lie under this name.
    MisdirectedWrite,
    /// The object is gone.
    MissingObject,
}

impl DamageKind {
    /// Its name in kebab case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BitRot => "store-bit-rot",
            Self::Truncation => "store-truncation",
            Self::MisdirectedWrite => "store-misdirected-write",
            Self::MissingObject => "store-missing-object",
        }
    }
}

/// Damage to one stored object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Damage {
    /// How.
    pub how: DamageKind,
    /// Among which objects.
    pub scope: Scope,
    /// Which of them, and where in it; any number.
    pub draw: u64,
    /// Whether it strikes the last good copy of something that is needed, instead of something that the
    /// protocol can do without.
    #[serde(default)]
    pub destroys: bool,
}

/// An object that was damaged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Damaged {
    /// Its path.
    pub path: String,
    /// How.
    pub how: DamageKind,
    /// What it was to the job.
    pub need: Need,
}

pub(super) fn rotten(bytes: &Bytes, draw: u64) -> Bytes {
    let mut bytes = bytes.to_vec();
    if !bytes.is_empty() {
        let bit = draw % (bytes.len() as u64 * 8);
        bytes[(bit / 8) as usize] ^= 1 << (bit % 8);
    }
    bytes.into()
}

pub(super) fn truncated(bytes: &Bytes, draw: u64) -> Bytes {
    bytes.slice(..(draw % (bytes.len() as u64).max(1)) as usize)
}

/// The object before or behind `path`, of the same kind if there is one: the likeliest to be taken for it.
pub(super) fn neighbour<'a>(objects: &'a Objects, path: &str, draw: u64) -> Option<&'a str> {
    let before = objects.range::<str, _>((Bound::Unbounded, Bound::Excluded(path))).next_back();
    let behind = objects.range::<str, _>((Bound::Excluded(path), Bound::Unbounded)).next();
    let kind = |path: &str| path.split('/').nth(1).map(str::to_owned);
    let mut both = [before, behind].map(|found| found.map(|(found, _)| found.as_str()));
    if draw % 2 == 1 {
        both.reverse();
    }
    let mut found = both.into_iter().flatten();
    let first = found.clone().find(|found| kind(found) == kind(path));
    first.or_else(|| found.next())
}

impl Shelf {
    /// Damages one object; `None` if there is none in the scope that may be.
    pub fn damage(&mut self, damage: &Damage) -> Option<Damaged> {
        let atlas = Atlas::of(&self.objects, &self.undamaged);
        let candidates: Vec<_> = atlas
            .needs()
            .filter(|(path, need)| {
                let asked = if damage.destroys { need.can_be_destroyed(damage.how) } else { need.is_spare() };
                asked && damage.scope.holds(path) && !self.undamaged.contains_key(*path)
            })
            .collect();
        let index = (damage.draw % (candidates.len() as u64).max(1)) as usize;
        let (path, need) = candidates.get(index)?;
        let (path, need) = ((*path).to_owned(), (*need).clone());
        let object = self.objects.get(&path)?;
        let (good, draw) = (object.bytes.clone(), damage.draw.rotate_left(32));
        let bad = match damage.how {
            DamageKind::BitRot => Some(rotten(&good, draw)),
            DamageKind::Truncation => Some(truncated(&good, draw)),
            DamageKind::MisdirectedWrite => {
                let other = neighbour(&self.objects, &path, draw)?;
                Some(self.objects.get(other)?.bytes.clone())
            }
            DamageKind::MissingObject => None,
        };
        if bad.as_ref() == Some(&good) {
            return None;
        }
        match bad {
            Some(bad) => self.objects.get_mut(&path)?.bytes = bad,
            None => drop(self.objects.remove(&path)),
        }
        self.undamaged.insert(path.clone(), good);
        let damaged = Damaged { path, how: damage.how, need };
        if damage.destroys {
            self.destroyed.push(damaged.clone());
        }
        Some(damaged)
    }
}
