//! A coordinator believes that the next version is its own because it exists.
//!
//! After an ambiguous answer of ZooKeeper, Flink's retry met `AlreadyExists` and had to guess whose
//! entry that was. Here it guesses the wrong way: whatever exists is taken for its own manifest.
//!
//! Source: FLINK-22494; the other side of its guess.

use std::sync::Arc;

use keygroups::{
    checkpoint::Manifest,
    protocol::{Coordinator, CoordinatorInput, CreateOutcome, ReadOutcome},
};

use super::{Around, Twist};

/// `Exists` is taken for success, without reading what is there.
#[derive(Debug)]
pub struct ExistsIsCreated;

impl Twist for ExistsIsCreated {
    fn coordinator_hears(
        &self,
        _: &mut dyn Around,
        _: &Coordinator,
        answered: Option<&Manifest>,
        input: CoordinatorInput,
    ) -> Vec<CoordinatorInput> {
        match (answered, &input) {
            (Some(own), CoordinatorInput::Create { outcome: CreateOutcome::Exists, .. }) => {
                let outcome = ReadOutcome::Found(Arc::new(own.clone()));
                vec![input, CoordinatorInput::Latest { after: own.version, outcome }]
            }
            _ => vec![input],
        }
    }
}
