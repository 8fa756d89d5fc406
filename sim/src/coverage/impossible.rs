//! What cannot meet, with the reason: everything else must, over enough seeds.

use super::At;

/// Why a fault of this kind cannot meet the point; `None` if it can.
#[must_use]
pub fn impossible(kind: &str, at: At) -> Option<&'static str> {
    let _ = (kind, at);
    None
}
