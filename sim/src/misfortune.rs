//! Chance, written out: which single messages and requests it strikes, each by a name that stays its own.
//!
//! Links and the store have rates. What the rates strike in a run is drawn from a shared stream, so that one
//! misfortune cannot be left out without drawing all later ones anew. So what was struck can be noted,
//! as the n-th message of a link or the n-th request of a client, and a plan can hold the list: then chance
//! strikes exactly these and no others, whatever the rates. A run with everything in the list that was noted in
//! it is the same run, to the last byte of its trace.

use crate::storage::RequestMisfortune;
use crate::wire::{MessageMisfortune, Node};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// All that chance strikes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Misfortunes {
    /// On links.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub messages: BTreeSet<MessageMisfortune>,
    /// In the store.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub requests: BTreeSet<RequestMisfortune>,
}

impl Misfortunes {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.messages.len() + self.requests.len()
    }

    /// Whether chance strikes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every node that is named.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = Node> {
        let messages = self.messages.iter().flat_map(|it| [it.from, it.to]);
        messages.chain(self.requests.iter().map(|it| it.by))
    }

    /// The same in a cluster in which `place` says who a node is now; what befalls nodes that are gone is gone.
    pub(crate) fn moved(&self, place: &impl Fn(Node) -> Option<Node>) -> Self {
        let message = |it: &MessageMisfortune| {
            Some(MessageMisfortune { from: place(it.from)?, to: place(it.to)?, ..*it })
        };
        let request = |it: &RequestMisfortune| Some(RequestMisfortune { by: place(it.by)?, ..*it });
        Self {
            messages: self.messages.iter().filter_map(message).collect(),
            requests: self.requests.iter().filter_map(request).collect(),
        }
    }

    /// Each in words; `name` says what a node is called.
    pub fn describe(&self, name: impl Fn(Node) -> String) -> Vec<String> {
        let messages = self.messages.iter().map(|it| {
            let link = format!("message {} from {} to {}", it.message, name(it.from), name(it.to));
            it.what.describe(&link)
        });
        let requests = self
            .requests
            .iter()
            .map(|it| it.what.describe(&format!("request {} of {} to the store", it.request, name(it.by))));
        messages.chain(requests).collect()
    }
}

/// Where what chance strikes is noted. Clones are the same list.
#[derive(Debug)]
pub(crate) struct Noted<M>(Arc<Mutex<BTreeSet<M>>>);

/// Gives everything of one kind that chance could strike its name, a number beside `K`, and notes or decides
/// what is struck.
#[derive(Debug)]
pub(crate) struct Named<K, M> {
    counts: BTreeMap<K, u64>,
    part: Part<M>,
}

#[derive(Debug)]
enum Part<M> {
    /// Whatever is drawn comes true and is noted.
    Note(Noted<M>),
    /// Only these come true. What has struck is taken out.
    Only(BTreeSet<M>),
}

impl<M: Ord + Clone> Noted<M> {
    /// What was noted so far.
    pub(crate) fn so_far(&self) -> BTreeSet<M> {
        self.list().clone()
    }

    fn list(&self) -> MutexGuard<'_, BTreeSet<M>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<M> Default for Noted<M> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<M> Clone for Noted<M> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K: Ord, M: Ord + Clone> Named<K, M> {
    pub(crate) fn noting(noted: Noted<M>) -> Self {
        Self { counts: BTreeMap::new(), part: Part::Note(noted) }
    }

    pub(crate) fn only(misfortunes: BTreeSet<M>) -> Self {
        Self { counts: BTreeMap::new(), part: Part::Only(misfortunes) }
    }

    /// The number of the next one.
    pub(crate) fn number(&mut self, of: K) -> u64 {
        let count = self.counts.entry(of).or_default();
        *count += 1;
        *count
    }

    /// Which of these misfortunes come true; `None` if those do that are drawn.
    pub(crate) fn decided(&mut self, among: RangeInclusive<M>) -> Option<Vec<M>> {
        match &mut self.part {
            Part::Note(_) => None,
            Part::Only(only) => Some(only.extract_if(among, |_| true).collect()),
        }
    }

    /// Tells what was drawn and comes true.
    pub(crate) fn note(&self, misfortune: M) {
        if let Part::Note(noted) = &self.part {
            noted.list().insert(misfortune);
        }
    }

    /// How many are listed that have not struck.
    pub(crate) fn to_come(&self) -> usize {
        match &self.part {
            Part::Note(_) => 0,
            Part::Only(only) => only.len(),
        }
    }

    /// From now on nothing listed strikes.
    pub(crate) fn heal(&mut self) {
        if let Part::Only(only) = &mut self.part {
            only.clear();
        }
    }
}
