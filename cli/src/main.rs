//! The command line of keygroups.

fn main() {}
