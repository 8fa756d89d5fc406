//! The tests of `state` that go through a backend, over state on disk.

mod state {
    mod backend;
    mod damage;
    mod incremental;
    mod refusals;
    mod rescale;
    #[path = "on_disk.rs"]
    mod storage;
    mod support;
}
