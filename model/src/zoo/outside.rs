//! Bugs that a model cannot see: in it bytes and hashes are values.

/// A bug of a kind that is outside the model, and the test of the library that catches it.
#[derive(Clone, Copy, Debug)]
pub struct Outside {
    /// Where it comes from.
    pub source: &'static str,
    /// What goes wrong.
    pub what: &'static str,
    /// The file with the test.
    pub file: &'static str,
    /// The test.
    pub test: &'static str,
}

/// Every bug of this kind that the library is tested for.
pub const OUTSIDE: &[Outside] = &[
    Outside {
        source: "FLINK-19748",
        what: "the sentinel offset of an empty key group is taken for a real one",
        file: "tests/state/damage.rs",
        test: "sentinel_offset_of_an_empty_key_group_is_refused",
    },
    Outside {
        source: "FLINK-34063",
        what: "offsets of operator state are taken before the compressor was flushed: items are lost on a rescale",
        file: "tests/state/operator_state.rs",
        test: "every_run_of_items_is_restored_by_one_ranged_read",
    },
    Outside {
        source: "RisingWave 16815",
        what: "router and state hash different projections of a key",
        file: "tests/key_groups/assignment.rs",
        test: "every_golden_key_has_flinks_hash_and_key_groups",
    },
];
