//! Who has which key groups, and for how long.

use super::diagram::{At, Held};

/// A task that has key groups at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    /// The first and the last key group.
    pub(super) groups: (u32, u32),
    pub(super) subtask: usize,
    pub(super) processes: bool,
    pub(super) words: String,
}

/// Joins moments to rectangles: what stays the same is one, from when it began to when it ended.
#[derive(Default)]
pub(super) struct Owners {
    holders: Vec<Holder>,
    now: Vec<Held>,
    over: Vec<Held>,
}

impl Owners {
    /// From event `at` on, these and no others have key groups.
    pub(super) fn are(&mut self, at: At, holders: &[Holder]) {
        if self.holders == holders {
            return;
        }
        self.holders = holders.to_vec();
        let mut before = std::mem::take(&mut self.now);
        for held in shares(at, holders) {
            let same = |old: &Held| Held { from: old.from, to: old.to, ..held.clone() } == *old;
            match before.iter().position(same) {
                Some(position) => self.now.push(before.swap_remove(position)),
                None => self.now.push(held),
            }
        }
        self.end(before, at);
    }

    fn end(&mut self, held: Vec<Held>, at: At) {
        self.over.extend(held.into_iter().filter(|held| held.from < at).map(|held| Held { to: at, ..held }));
    }

    /// All rectangles, in the order in which they end.
    pub(super) fn until(mut self, at: At) -> Vec<Held> {
        let now = std::mem::take(&mut self.now);
        self.end(now, at);
        self.over
    }
}

/// Where several have the same key groups, each gets a share of their columns.
fn shares(at: At, holders: &[Holder]) -> Vec<Held> {
    let mut edges: Vec<_> =
        holders.iter().flat_map(|holder| [holder.groups.0, holder.groups.1.saturating_add(1)]).collect();
    edges.sort_unstable();
    edges.dedup();
    let mut all: Vec<Held> = Vec::new();
    for (position, holder) in holders.iter().enumerate() {
        let mut pieces: Vec<Held> = Vec::new();
        let within = edges.windows(2).filter(|edge| holder.groups.0 <= edge[0] && edge[0] <= holder.groups.1);
        for edge in within {
            let beside = |other: &&Holder| other.groups.0 <= edge[0] && edge[0] <= other.groups.1;
            let count = holders.iter().filter(beside).count();
            let share = (holders[..position].iter().filter(beside).count(), count);
            match pieces.last_mut() {
                Some(last) if last.share == share => last.groups.1 = edge[1] - 1,
                _ => pieces.push(Held {
                    groups: (edge[0], edge[1] - 1),
                    from: at,
                    to: at,
                    subtask: holder.subtask,
                    processes: holder.processes,
                    share,
                    words: holder.words.clone(),
                }),
            }
        }
        all.extend(pieces);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(groups: (u32, u32), subtask: usize, processes: bool) -> Holder {
        Holder { groups, subtask, processes, words: format!("task 1-{subtask}") }
    }

    fn told(held: &[Held]) -> Vec<String> {
        let line = |held: &Held| {
            let Held { groups, from, to, subtask, processes, share, .. } = held;
            let phase = if *processes { "processes" } else { "waits" };
            format!(
                "{from}..{to}: {subtask} {phase} on {}–{}, {} of {}",
                groups.0, groups.1, share.0, share.1
            )
        };
        held.iter().map(line).collect()
    }

    #[test]
    fn what_stays_the_same_is_one_rectangle() {
        let mut owners = Owners::default();
        owners.are(1, &[holder((0, 63), 0, false), holder((64, 127), 1, false)]);
        owners.are(2, &[holder((64, 127), 1, false), holder((0, 63), 0, true)]);
        owners.are(3, &[holder((64, 127), 1, false)]);
        assert_eq!(
            told(&owners.until(9)),
            [
                "1..2: 0 waits on 0–63, 0 of 1",
                "2..3: 0 processes on 0–63, 0 of 1",
                "1..9: 1 waits on 64–127, 0 of 1"
            ]
        );
    }

    #[test]
    fn who_has_the_same_key_groups_shares_their_columns_and_only_theirs() {
        let mut owners = Owners::default();
        owners.are(5, &[holder((0, 63), 0, true), holder((32, 95), 1, false)]);
        assert_eq!(
            told(&owners.until(6)),
            [
                "5..6: 0 processes on 0–31, 0 of 1",
                "5..6: 0 processes on 32–63, 0 of 2",
                "5..6: 1 waits on 32–63, 1 of 2",
                "5..6: 1 waits on 64–95, 0 of 1",
            ]
        );
    }

    #[test]
    fn what_lasts_no_time_is_not_drawn() {
        let mut owners = Owners::default();
        owners.are(5, &[holder((0, 63), 0, false)]);
        owners.are(5, &[holder((0, 63), 0, true)]);
        assert_eq!(told(&owners.until(6)), ["5..6: 0 processes on 0–63, 0 of 1"]);
    }
}
