//! An operator with a bug that only a restore brings to light, and how the simulation finds it.
//!
//! Payments are summed up per account; an account whose sum passes a limit is reported, once. The careless
//! operator remembers in a field of its own which accounts it has reported. That is right until the job is
//! rescaled or a host dies: the sums move with their key groups, the field does not, and the next payment
//! reports the account again. The careful one remembers it in keyed state.
//!
//! ```sh
//! cargo run -p keygroups-sim --example own_operator
//! ```

use keygroups::backend::{BackendError, StateBackend, StateDescriptor, ValueState};
use keygroups::key_group::JavaHash;
use keygroups_sim::fault::Profile;
use keygroups_sim::job::{Context, Job, Operator, Records, with};
use keygroups_sim::simulation::{Report, Simulation, is_replay};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// More than this on one account is reported.
const LIMIT: u64 = 500;

/// So much comes in on an account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Payment {
    account: String,
    amount: u64,
}

/// An account has passed the limit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Alert {
    account: String,
}

/// Remembers in its own field what it has reported.
pub struct Careless {
    sums: ValueState<String, u64>,
    reported: BTreeSet<String>,
}

impl Careless {
    fn open(backend: &mut StateBackend) -> Result<Self, BackendError> {
        Ok(Self { sums: backend.register(StateDescriptor::value("sums"))?, reported: BTreeSet::new() })
    }
}

impl Operator for Careless {
    type Record = Payment;
    type Output = Alert;

    fn key(payment: &Payment) -> impl JavaHash {
        payment.account.as_str()
    }

    fn process(&mut self, payment: Payment, context: &mut Context<'_, Alert>) -> Result<(), BackendError> {
        let Payment { account, amount } = payment;
        let sum = context.get(&self.sums, &account)?.unwrap_or(0) + amount;
        context.put(&self.sums, &account, &sum)?;
        if sum > LIMIT && self.reported.insert(account.clone()) {
            context.put_out(Alert { account });
        }
        Ok(())
    }
}

/// Remembers in keyed state what it has reported.
pub struct Careful {
    sums: ValueState<String, u64>,
    reported: ValueState<String, bool>,
}

impl Careful {
    fn open(backend: &mut StateBackend) -> Result<Self, BackendError> {
        Ok(Self {
            sums: backend.register(StateDescriptor::value("sums"))?,
            reported: backend.register(StateDescriptor::value("reported"))?,
        })
    }
}

impl Operator for Careful {
    type Record = Payment;
    type Output = Alert;

    fn key(payment: &Payment) -> impl JavaHash {
        payment.account.as_str()
    }

    fn process(&mut self, payment: Payment, context: &mut Context<'_, Alert>) -> Result<(), BackendError> {
        let Payment { account, amount } = payment;
        let sum = context.get(&self.sums, &account)?.unwrap_or(0) + amount;
        context.put(&self.sums, &account, &sum)?;
        if sum > LIMIT && context.get(&self.reported, &account)?.is_none() {
            context.put(&self.reported, &account, &true)?;
            context.put_out(Alert { account });
        } else if sum > LIMIT {
            // Without such a payment nobody could tell the careful from the careless.
            context.sometimes("known-already");
        }
        Ok(())
    }
}

/// 400 payments to 20 accounts, in three partitions.
fn payments() -> Records<Payment> {
    let payment = |n: u64| Payment { account: format!("account-{}", n * n % 20), amount: n * 7 % 60 };
    Records::dealt((0..400).map(payment), 3)
}

/// Runs an operator over the seeds, and asks for something more than the oracle does.
pub fn simulation<P: Operator<Record = Payment, Output = Alert>>(
    open: fn(&mut StateBackend) -> Result<P, BackendError>,
) -> Simulation<impl Job> {
    Simulation::new(with(payments(), open)).faults(Profile::Chaos).seeds(0..40).at_end(
        "no_account_is_reported_twice",
        |committed| {
            let mut seen = BTreeSet::new();
            match committed.outputs.iter().find(|alert| !seen.insert(*alert)) {
                Some(alert) => Err(format!("{alert:?}")),
                None => Ok(()),
            }
        },
    )
}

/// The operator with the bug.
pub fn careless() -> Report {
    simulation(Careless::open).run()
}

/// The operator without it.
pub fn careful() -> Report {
    simulation(Careful::open).sometimes("known-already").run()
}

fn main() {
    // One of the commands that are printed below.
    if is_replay() {
        return simulation(Careless::open).check();
    }
    let found = careless();
    println!("the careless operator: {found}\n");
    if let Some(failure) = found.first_failure() {
        println!("{}\n", failure.again());
    }
    println!("the careful operator: {}", careful());
}
