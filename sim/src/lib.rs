//! A deterministic cluster that runs the machines of keygroups on real input and injects failures.
//!
//! One simulation is one seed: a fresh thread, a madsim runtime, a network of our own ([`wire`]), an
//! object store on it ([`storage`]), a plan of faults drawn from the seed ([`fault`]), and a rolling hash
//! over everything that happened ([`trace`]). Why its verdicts can be trusted: the same seed gives the
//! same hash in every process, payloads are really encoded, and the expected result ([`oracle`]) is
//! computed by code that shares nothing with the cluster.

#[cfg(not(madsim))]
compile_error!(
    "keygroups-sim runs under `--cfg madsim`, which the workspace's .cargo/config.toml sets. \
     RUSTFLAGS in the environment replaces that setting: run `unset RUSTFLAGS` and build again \
     (or add `--cfg madsim` to your RUSTFLAGS)."
);

#[cfg(madsim)]
pub mod batch;
#[cfg(madsim)]
pub mod case;
#[cfg(madsim)]
pub mod cluster;
#[cfg(madsim)]
pub mod coverage;
#[cfg(madsim)]
pub mod fault;
pub mod input;
#[cfg(madsim)]
pub mod nodes;
pub mod oracle;
pub mod random;
#[cfg(madsim)]
pub mod run;
#[cfg(madsim)]
pub mod shrink;
#[cfg(madsim)]
pub mod storage;
#[cfg(madsim)]
pub mod trace;
#[cfg(madsim)]
pub mod wire;
