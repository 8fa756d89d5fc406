//! A deterministic cluster that runs the machines of keygroups on real input and injects failures.
