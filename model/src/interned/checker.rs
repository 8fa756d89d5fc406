//! The model over numbers, as stateright sees it.

use stateright::{Model, Property};

use super::{Ids, Interned, Offer};
use crate::properties;

impl Model for Interned {
    type State = Ids;
    type Action = Offer;

    fn init_states(&self) -> Vec<Ids> {
        vec![self.first()]
    }

    fn actions(&self, ids: &Ids, actions: &mut Vec<Offer>) {
        self.offers(ids, |offer| actions.push(offer));
    }

    fn next_state(&self, last: &Ids, offer: Offer) -> Option<Ids> {
        self.step(last, offer)
    }

    fn format_action(&self, offer: &Offer) -> String {
        self.action(*offer).to_string()
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}
