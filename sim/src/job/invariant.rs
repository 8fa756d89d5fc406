//! What a user wants to hold besides.

use super::Committed;
use keygroups::protocol::invariant::JobView;
use std::fmt;

/// What an invariant says: nothing, or what is wrong, in words.
pub type Judgement = Result<(), String>;

/// A rule of one's own. A fresh one judges each run, so it may remember what it saw.
pub trait Invariant<O>: Send {
    /// The name that a violation of it bears, as `no_account_is_negative`.
    fn name(&self) -> &str;

    /// After every step of every machine: the living machines, and the history.
    ///
    /// # Errors
    ///
    /// What is wrong.
    fn step(&mut self, view: &JobView<'_>) -> Judgement {
        let _ = view;
        Ok(())
    }

    /// In the moment in which a checkpoint becomes committed.
    ///
    /// # Errors
    ///
    /// What is wrong.
    fn committed(&mut self, committed: &Committed<'_, O>) -> Judgement {
        let _ = committed;
        Ok(())
    }

    /// When the job has finished: its last checkpoint with all its output.
    ///
    /// # Errors
    ///
    /// What is wrong.
    fn finished(&mut self, committed: &Committed<'_, O>) -> Judgement {
        let _ = committed;
        Ok(())
    }

    /// Whether [`step`](Self::step) wants to be asked. False saves time, and is right for whoever looks at
    /// commits only.
    fn judges_steps(&self) -> bool {
        true
    }
}

impl<O> fmt::Debug for dyn Invariant<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A function that judges each committed checkpoint.
pub(crate) struct OnCommit<F>(pub(crate) &'static str, pub(crate) F);

impl<O, F> Invariant<O> for OnCommit<F>
where
    F: Fn(&Committed<'_, O>) -> Judgement + Send,
{
    fn name(&self) -> &str {
        self.0
    }

    fn committed(&mut self, committed: &Committed<'_, O>) -> Judgement {
        self.1(committed)
    }

    fn judges_steps(&self) -> bool {
        false
    }
}

/// A function that judges the end.
pub(crate) struct AtEnd<F>(pub(crate) &'static str, pub(crate) F);

impl<O, F> Invariant<O> for AtEnd<F>
where
    F: Fn(&Committed<'_, O>) -> Judgement + Send,
{
    fn name(&self) -> &str {
        self.0
    }

    fn finished(&mut self, committed: &Committed<'_, O>) -> Judgement {
        self.1(committed)
    }

    fn judges_steps(&self) -> bool {
        false
    }
}
