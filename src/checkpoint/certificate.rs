//! The conservation certificate: what has moved is what was there.

use std::{iter::Sum, ops::Add};

use serde::{Deserialize, Serialize};

use super::hex;

/// How many entries there are and the sum of their digests, modulo 2¹²⁸.
///
/// Addition is commutative and associative, so a certificate does not depend on the order of
/// entries or on how key groups are spread over subtasks: the certificates of all subtasks before
/// a rescale and after it must add up to the same. A loss, a duplicate or a changed entry differs
/// with a probability of 1 − 2⁻¹²⁸ for anything but malice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Certificate {
    /// Number of entries.
    pub entries: u64,
    /// Sum of the entries' 128-bit digests, wrapping.
    #[serde(with = "hex")]
    pub digest: u128,
}

impl Add for Certificate {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            entries: self.entries.wrapping_add(other.entries),
            digest: self.digest.wrapping_add(other.digest),
        }
    }
}

impl Sum for Certificate {
    fn sum<I: Iterator<Item = Self>>(certificates: I) -> Self {
        certificates.fold(Self::default(), Add::add)
    }
}
