//! A deterministic cluster that runs the machines of keygroups on real input and injects failures.
//!
//! One simulation is one seed: a fresh thread, a madsim runtime, a network of our own ([`wire`]), an
//! object store on it ([`storage`]), a plan of faults drawn from the seed ([`fault`]), and a rolling hash
//! over everything that happened ([`trace`]). Why its verdicts can be trusted: the same seed gives the
//! same hash in every process, payloads are really encoded, and the expected result ([`oracle`]) is
//! computed by code that shares nothing with the cluster.
//!
//! # A job of your own
//!
//! [`Simulation`](simulation::Simulation) runs any job: an [`Operator`](job::Operator) with typed keyed
//! state, fed by a [`Source`](job::Source), in clusters that are drawn from seeds. This counts the words of
//! a log and puts out each that is seen for the first time, while it is rescaled and everything fails:
//!
//! ```
//! use keygroups::backend::{BackendError, StateBackend, StateDescriptor, ValueState};
//! use keygroups::key_group::JavaHash;
//! use keygroups_sim::fault::Profile;
//! use keygroups_sim::job::{Context, Operator, Records, with};
//! use keygroups_sim::simulation::Simulation;
//!
//! struct NewWords {
//!     counts: ValueState<String, u64>,
//! }
//!
//! impl Operator for NewWords {
//!     type Record = String;
//!     type Output = String;
//!
//!     fn key(word: &String) -> impl JavaHash {
//!         word.as_str()
//!     }
//!
//!     fn process(&mut self, word: String, context: &mut Context<'_, String>) -> Result<(), BackendError> {
//!         let count = context.get(&self.counts, &word)?.unwrap_or(0) + 1;
//!         context.put(&self.counts, &word, &count)?;
//!         if count == 1 {
//!             context.put_out(word);
//!         }
//!         Ok(())
//!     }
//! }
//!
//! // A restored task gets a backend that holds its key groups; what it keeps, it registers.
//! fn open(backend: &mut StateBackend) -> Result<NewWords, BackendError> {
//!     Ok(NewWords { counts: backend.register(StateDescriptor::value("counts"))? })
//! }
//!
//! let words = (0..200).map(|n| format!("word-{}", n % 17));
//! let log = Records::dealt(words, 3);
//! Simulation::new(with(log, open))
//!     .faults(Profile::Chaos)
//!     .parallelisms([2, 4, 3])
//!     .at_end("every_word_is_new_once", |committed| match committed.outputs.len() {
//!         17 => Ok(()),
//!         other => Err(format!("{other} words were put out")),
//!     })
//!     .seeds(0..10)
//!     .check();
//! ```
//!
//! After every step all invariants of the library are checked. At every committed checkpoint all state and
//! all output are compared with what the operator makes of the same records alone ([`Rerun`](job::Rerun));
//! an [oracle](job::Oracle) of your own can say it in other words ([`Fold`](job::Fold)). What else must hold
//! you say as [invariants](job::Invariant). In a test, [`check`](simulation::Simulation::check) panics with
//! the first seed that breaks something:
//!
//! ```text
//! seed 0 breaks output_is_exactly_once: up to checkpoint 6 the committed output is …
//! again, with its story:
//!   KEYGROUPS_SEED=0 cargo test -p shop alerts_come_once -- --exact
//! the same from a file that later builds run too:
//!   KEYGROUPS_CASE=target/keygroups-sim/alerts_come_once-0.json cargo test -p shop alerts_come_once -- --exact
//! ```
//!
//! Faults can be [planned](simulation::Simulation::fault_plan) or [put](simulation::Simulation::fault) one by
//! one, and processes can use a [store](simulation::Simulation::store) of your own. Two examples tell whole
//! stories: `own_operator` (a bug that only a restore shows) and `own_store` (an adapter with a race).
//!
//! # The flag
//!
//! madsim is compiled for simulations with `--cfg madsim` only, in every crate that depends on this one. Put
//! this into `.cargo/config.toml` at the root of your workspace:
//!
//! ```toml
//! [target.'cfg(all())']
//! rustflags = ["--cfg", "madsim"]
//!
//! # For doctests that simulate.
//! [build]
//! rustdocflags = ["--cfg", "madsim"]
//! ```
//!
//! Nothing but madsim and this crate looks at the flag. `RUSTFLAGS` in the environment replaces these lines:
//! add `--cfg madsim` to it where it is set. Take this crate as a dev-dependency, so that it is no part of
//! what you ship.

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
pub mod disk;
mod encoding;
pub mod fault;
pub mod input;
#[cfg(madsim)]
pub mod job;
#[cfg(madsim)]
pub mod misfortune;
#[cfg(madsim)]
pub mod nodes;
pub mod oracle;
#[cfg(madsim)]
pub mod process;
pub mod random;
#[cfg(madsim)]
pub mod run;
#[cfg(madsim)]
pub mod shrink;
#[cfg(madsim)]
pub mod simulation;
#[cfg(madsim)]
pub mod storage;
#[cfg(madsim)]
pub mod trace;
#[cfg(madsim)]
pub mod wire;
#[cfg(madsim)]
pub mod zoo;
