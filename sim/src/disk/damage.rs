//! What becomes of bytes on a disk.

use super::{Disk, State};
use crate::wire::now_us;
use bytes::Bytes;
use object_store::path::Path;
use serde::{Deserialize, Serialize};

/// How files on a disk are damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiskDamageKind {
    /// What was written last is not there.
    LostWrites,
    /// Of what was written last the end is missing, or zeros.
    TornWrites,
    /// What was deleted last is there again.
    StaleCopies,
    /// What was written last holds the bytes of other files, of older ones if there are any.
    MisdirectedWrites,
    /// A bit of every file is flipped.
    BitRot,
}

impl DiskDamageKind {
    /// Its name in kebab case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LostWrites => "disk-lost-writes",
            Self::TornWrites => "disk-torn-writes",
            Self::StaleCopies => "disk-stale-copies",
            Self::MisdirectedWrites => "disk-misdirected-writes",
            Self::BitRot => "disk-bit-rot",
        }
    }
}

/// Damage to the files of one disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiskDamage {
    /// How.
    pub how: DiskDamageKind,
    /// Virtual microseconds: what was written or deleted within the last of them is "last".
    pub last_us: u64,
    /// Which bits, where torn, whose bytes; any number.
    pub draw: u64,
}

impl Disk {
    /// Damages files; how many.
    pub fn damage(&self, damage: &DiskDamage) -> usize {
        let mut state = self.state();
        let since_us = now_us().saturating_sub(damage.last_us);
        match damage.how {
            DiskDamageKind::StaleCopies => state.bring_back(since_us),
            DiskDamageKind::BitRot => state.change(0, |_, index, bytes| Some(rotten(bytes, damage, index))),
            DiskDamageKind::LostWrites => state.change(since_us, |_, _, _| None),
            DiskDamageKind::TornWrites => {
                state.change(since_us, |_, index, bytes| Some(torn(bytes, damage, index)))
            }
            DiskDamageKind::MisdirectedWrites => {
                let others = state.others(since_us);
                state.change(since_us, |path, index, bytes| {
                    let not_it = others.iter().filter(|(other, _)| other != path);
                    let others: Vec<_> = not_it.map(|(_, bytes)| bytes.clone()).collect();
                    let chosen = others.get((at(damage, index) % (others.len() as u64).max(1)) as usize);
                    Some(chosen.unwrap_or(bytes).clone())
                })
            }
        }
    }
}

impl State {
    /// What was deleted since then is there again, where nothing else is.
    fn bring_back(&mut self, since_us: u64) -> usize {
        let back: Vec<_> = self.deleted.iter().filter(|deleted| deleted.at_us >= since_us).collect();
        let back: Vec<_> = back.into_iter().map(|it| (it.path.clone(), it.bytes.clone())).collect();
        let before = self.files.len();
        for (path, bytes) in back {
            if !self.files.contains_key(&path) {
                self.write(path, bytes);
            }
        }
        self.files.len() - before
    }

    /// What may lie under the name of something that was written since then: older files, also deleted ones,
    /// or else any.
    fn others(&self, since_us: u64) -> Vec<(Path, Bytes)> {
        let older = self.files.iter().filter(|(_, file)| file.written_us < since_us);
        let older = older.map(|(path, file)| (path.clone(), file.bytes.clone()));
        let deleted = self.deleted.iter().map(|deleted| (deleted.path.clone(), deleted.bytes.clone()));
        let others: Vec<_> = older.chain(deleted).collect();
        if others.is_empty() {
            self.files.iter().map(|(path, file)| (path.clone(), file.bytes.clone())).collect()
        } else {
            others
        }
    }

    /// Changes each file that was written since then, or removes it; how many are not what they were.
    fn change(
        &mut self,
        since_us: u64,
        mut change: impl FnMut(&Path, u64, &Bytes) -> Option<Bytes>,
    ) -> usize {
        let (mut index, mut changed) = (0, 0);
        self.files.retain(|path, file| {
            if file.written_us < since_us {
                return true;
            }
            index += 1;
            let now = change(path, index, &file.bytes);
            changed += usize::from(now.as_ref() != Some(&file.bytes));
            now.map(|now| file.bytes = now).is_some()
        });
        changed
    }
}

/// A number of its own for each file.
fn at(damage: &DiskDamage, index: u64) -> u64 {
    damage.draw.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(index as u32 % 64) ^ index
}

fn rotten(bytes: &Bytes, damage: &DiskDamage, index: u64) -> Bytes {
    let mut bytes = bytes.to_vec();
    if !bytes.is_empty() {
        let bit = at(damage, index) % (bytes.len() as u64 * 8);
        bytes[(bit / 8) as usize] ^= 1 << (bit % 8);
    }
    bytes.into()
}

/// Blocks that never reached the disk are missing, or zeros where the length was written before them.
fn torn(bytes: &Bytes, damage: &DiskDamage, index: u64) -> Bytes {
    let draw = at(damage, index);
    let kept = ((draw >> 1) % (bytes.len() as u64).max(1)) as usize;
    let mut torn = bytes[..kept].to_vec();
    if draw % 2 == 1 {
        torn.resize(bytes.len(), 0);
    }
    torn.into()
}
