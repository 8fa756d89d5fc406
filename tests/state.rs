//! Keyed state and the snapshot object, through the public API.

mod common;

mod state {
    mod backend;
    mod damage;
    mod dump;
    mod format;
    mod incremental;
    mod layouts;
    mod operator_state;
    mod refusals;
    mod rescale;
    #[path = "in_memory.rs"]
    mod storage;
    mod support;
}
