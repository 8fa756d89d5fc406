//! The rules of the world around the machines, by name.

use std::{borrow::Cow, fmt};

use serde::Serialize;

/// A rule that every step of the model keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub name: &'static str,
    /// What it says.
    pub sentence: &'static str,
}

macro_rules! rules {
    ($($constant:ident: $name:literal, $sentence:literal;)*) => {
        $(pub(super) const $constant: Rule = Rule { name: $name, sentence: $sentence };)*
        /// Every rule of the world. Invariants of the protocol are judged besides, by their own names.
        pub const RULES: &[Rule] = &[$($constant),*];
    };
}

rules! {
    TIME: "time_never_runs_backwards", "No line is earlier than the one before.";
    LIVES: "a_process_acts_only_while_it_lives",
        "Each input belongs to a life that has begun and not ended, and Boot is the first of it. No life is like one before.";
    SENT: "what_is_delivered_was_sent",
        "A message reaches only whom a machine sent it to, after that; how often and in which order does not matter.";
    TIMERS: "a_timer_fires_only_if_it_is_set", "A timer fires once each time that the machine sets it, unless the machine cancels it.";
    QUESTIONS: "an_answer_has_its_question", "The store and the engine answer what this life has asked, once.";
    ANSWERS: "an_answer_was_true_meanwhile",
        "Between question and answer there was a moment at which the store could say this. Failures may always be said.";
    WRITES: "a_change_of_the_store_was_asked_for", "Whoever changes the store was told to by its machine.";
    STORE: "the_store_does_what_it_is_asked",
        "A request that is carried out has its effect at once, and nothing else changes the store.";
    OUTPUTS: "what_happens_is_what_the_machine_wanted",
        "After an input come exactly the events and facts that the machine's outputs make, in their order.";
    ENGINE: "the_engine_does_what_it_is_told",
        "A task says what it can say where it stands; a barrier arrives after every sender has put it into its channel.";
    USER: "a_rescale_was_asked_for", "A coordinator hears only of a parallelism that the user asked for.";
    OUTSIDE: "the_model_has_no_such_step", "The protocol may answer this well; the model does not do it, so it proves nothing about it.";
}

/// The first step that the model would not allow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Divergence {
    /// Its line in the trace, from 1.
    pub line: u64,
    /// Its time in microseconds.
    pub at_us: u64,
    /// Where it happened.
    pub node: String,
    /// The rule or the invariant that is broken.
    pub rule: &'static str,
    /// What happened.
    pub happened: String,
    /// What the rule says, or what the invariant found.
    pub because: String,
    /// What the model would have allowed instead, if that can be said.
    pub allowed: Vec<String>,
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}: {}: {} ({})", self.line, self.node, self.happened, self.rule, self.because)
    }
}

/// Why a step is not allowed, before it is known where.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) rule: &'static str,
    pub(super) because: Cow<'static, str>,
    pub(super) allowed: Vec<String>,
}

impl Rule {
    /// Refuses a step where nothing else can be said to be allowed.
    pub(super) fn broken<T>(self) -> Result<T, Refusal> {
        self.broken_by(self.sentence, [])
    }

    /// Refuses a step where one of `allowed` was.
    pub(super) fn instead<T>(self, allowed: impl IntoIterator<Item = String>) -> Result<T, Refusal> {
        self.broken_by(self.sentence, allowed)
    }

    pub(super) fn broken_by<T>(
        self,
        because: impl Into<Cow<'static, str>>,
        allowed: impl IntoIterator<Item = String>,
    ) -> Result<T, Refusal> {
        Err(Refusal { rule: self.name, because: because.into(), allowed: allowed.into_iter().collect() })
    }
}
