//! What the integration tests share.

#![allow(dead_code, reason = "each test binary uses a part of it")]

pub mod sample;

/// Snapshots lie in `snapshots/` at the root, wherever the test is.
pub fn snapshot_settings() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
}
