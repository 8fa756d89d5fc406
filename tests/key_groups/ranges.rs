//! Key group to subtask: `keygroup_ranges.csv`, `keygroup_digest.csv`,
//! `default_max_parallelism.csv`.

use keygroups::key_group::proof::{Digest, FLINK_DIGESTS, flink_digests};
use keygroups::key_group::{MaxParallelism, Parallelism, assign};

use crate::{columns, max_parallelism, parallelism, rows};

#[test]
fn every_golden_assignment_has_flinks_ranges_and_owners() {
    let golden = include_str!("../golden/keygroup_ranges.csv");
    let mut count = 0;
    for row in rows(golden, "max_parallelism,parallelism,ranges,fnv64") {
        let [max, p, ranges, fnv] = columns(row);
        let (max, p) = (max_parallelism(max), parallelism(p));
        let all = p.subtasks().map(|subtask| {
            let range = assign::range(max, p, subtask).unwrap();
            format!("{}-{}", range.first(), range.last())
        });
        let mut shown: Vec<String> = all.collect();
        if shown.len() > 64 {
            shown.splice(8..shown.len() - 8, ["...".to_owned()]);
        }
        assert_eq!(shown.join(";"), ranges, "ranges of {max}, {p}");

        let mut digest = Digest::default();
        digest.feed_ranges(max, p);
        digest.feed_owners(max, p);
        assert_eq!(format!("{:016x}", digest.get()), fnv, "digest of {max}, {p}");
        count += 1;
    }
    assert_eq!(count, 71);
}

/// The digests beyond 256 take a release build: `keygroups verify-assignment` computes them and
/// compares with [`FLINK_DIGESTS`], which is compared with the golden file here.
#[test]
fn digests_over_all_pairs_are_flinks() {
    let computed = flink_digests(256);
    assert_eq!(computed, FLINK_DIGESTS[..4]);

    let golden = include_str!("../golden/keygroup_digest.csv");
    let mut count = 0;
    for row in rows(golden, "kind,M,digest") {
        let [kind, m, golden] = columns(row);
        let pinned = FLINK_DIGESTS.iter().find(|(pinned, ..)| pinned.to_string() == m);
        let digest = match (kind, pinned) {
            ("digest_ranges", Some((_, ranges, _))) => *ranges,
            ("digest_index", Some((.., owners))) => *owners,
            ("digest_default", _) => {
                let mut digest = Digest::default();
                for p in 1..=m.parse::<u32>().unwrap() {
                    digest.feed(MaxParallelism::default_for(Parallelism::new(p).unwrap()).into());
                }
                digest.get()
            }
            _ => panic!("{row}"),
        };
        assert_eq!(format!("{digest:016x}"), golden, "{kind} {m}");
        count += 1;
    }
    assert_eq!(count, 13);
}

#[test]
fn every_golden_default_max_parallelism_is_flinks() {
    let golden = include_str!("../golden/default_max_parallelism.csv");
    let mut count = 0;
    for row in rows(golden, "parallelism,result") {
        let [p, result] = columns(row);
        let computed = u32::try_from(p.parse::<i64>().unwrap())
            .ok()
            .and_then(|p| Parallelism::new(p).ok())
            .map(|p| MaxParallelism::default_for(p).to_string());
        match computed {
            Some(max) => assert_eq!(max, result, "default of {p}"),
            None => assert_eq!(
                result,
                format!("java.lang.IllegalArgumentException: Operator parallelism not within bounds: {p}")
            ),
        }
        count += 1;
    }
    assert_eq!(count, 69);
}
