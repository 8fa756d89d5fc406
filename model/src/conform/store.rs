//! The store as the trace shows it: what it held at which line, and what it could say.
//!
//! The model carries a request out and answers it in one step. In a trace both are apart, so an answer
//! is allowed if it was true at some moment between question and answer. What is asked for may land any
//! number of times and at any time later: a network may repeat a request, and so may a driver.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use keygroups::{
    checkpoint::{Manifest, ManifestVersion, ObjectName},
    protocol::{CreateOutcome, ReadOutcome, SweepRequest, Swept},
};

use super::{
    damage::Damage,
    rule::{ANSWERS, OUTSIDE, Refusal},
    wanted::Wanted,
};

/// From the line at which something came into being until the line at which it went.
#[derive(Clone, Debug)]
struct Span<T> {
    from: u64,
    to: Option<u64>,
    what: T,
}

impl<T> Span<T> {
    fn new(from: u64, what: T) -> Self {
        Self { from, to: None, what }
    }

    /// Whether it was there at some moment after line `asked`.
    fn since(&self, asked: u64) -> bool {
        self.to.is_none_or(|to| to > asked)
    }

    /// Whether it was there all the time since line `asked`.
    fn all_the_time_since(&self, asked: u64) -> bool {
        self.from <= asked && self.to.is_none()
    }
}

#[derive(Clone, Debug)]
struct Made {
    manifest: Arc<Manifest>,
    by: Arc<str>,
    // One create makes a manifest once, so its maker hears so once.
    told: bool,
}

/// Everything that was ever in the store.
#[derive(Debug, Default)]
pub(super) struct Store {
    manifests: BTreeMap<ManifestVersion, Vec<Span<Made>>>,
    newest: Vec<Span<Arc<Manifest>>>,
    objects: BTreeMap<ObjectName, Vec<Span<()>>>,
    // Creates that were carried out and met a manifest, by version: when, and whose.
    met: BTreeMap<ManifestVersion, Vec<(u64, Arc<str>)>>,
}

fn exists<T>(spans: Option<&Vec<Span<T>>>) -> bool {
    spans.and_then(|spans| spans.last()).is_some_and(|span| span.to.is_none())
}

impl Store {
    pub(super) fn holds_manifest(&self, version: ManifestVersion) -> bool {
        exists(self.manifests.get(&version))
    }

    pub(super) fn holds(&self, name: &ObjectName) -> bool {
        exists(self.objects.get(name))
    }

    /// Whether the object was there at some moment since line `asked`.
    pub(super) fn held(&self, name: &ObjectName, asked: u64) -> bool {
        self.objects.get(name).is_some_and(|spans| spans.iter().any(|span| span.since(asked)))
    }

    pub(super) fn created(&mut self, now: u64, manifest: Arc<Manifest>, by: Arc<str>) {
        let made = Made { manifest: Arc::clone(&manifest), by, told: false };
        self.manifests.entry(manifest.version).or_default().push(Span::new(now, made));
        self.settle_newest(now);
    }

    /// A create by `by` met a manifest.
    pub(super) fn met(&mut self, now: u64, version: ManifestVersion, by: &str) {
        self.met.entry(version).or_default().push((now, Arc::from(by)));
    }

    pub(super) fn pruned(&mut self, now: u64, version: ManifestVersion) {
        if let Some(span) = self.manifests.get_mut(&version).and_then(|spans| spans.last_mut()) {
            span.to.get_or_insert(now);
        }
        self.settle_newest(now);
    }

    /// What is there already stays: an upload in parts may put the same bytes where they lie.
    pub(super) fn written(&mut self, now: u64, name: ObjectName) {
        let spans = self.objects.entry(name).or_default();
        if spans.last().is_none_or(|span| span.to.is_some()) {
            spans.push(Span::new(now, ()));
        }
    }

    pub(super) fn deleted(&mut self, now: u64, name: &ObjectName) {
        if let Some(span) = self.objects.get_mut(name).and_then(|spans| spans.last_mut()) {
            span.to.get_or_insert(now);
        }
    }

    fn settle_newest(&mut self, now: u64) {
        let newest = self.manifests.values().rev().find_map(|spans| {
            spans.last().filter(|span| span.to.is_none()).map(|span| Arc::clone(&span.what.manifest))
        });
        let before = self.newest.last_mut().filter(|span| span.to.is_none());
        if before.as_ref().map(|span| &span.what) == newest.as_ref() {
            return;
        }
        if let Some(before) = before {
            before.to = Some(now);
        }
        self.newest.extend(newest.map(|manifest| Span::new(now, manifest)));
    }

    /// The newest manifest now.
    pub(super) fn newest(&self) -> Option<&Arc<Manifest>> {
        self.newest.last().filter(|span| span.to.is_none()).map(|span| &span.what)
    }

    /// Whether a read that was asked for at line `asked` can end so now.
    pub(super) fn can_read(&self, asked: u64, outcome: &ReadOutcome, damage: &Damage) -> Result<(), Refusal> {
        let recent = || self.newest.iter().rev().take_while(|span| span.since(asked));
        let possible = match outcome {
            ReadOutcome::Unavailable => true,
            ReadOutcome::Found(found) => recent().any(|span| span.what == *found),
            ReadOutcome::Absent => self.newest.first().is_none_or(|first| first.from > asked),
            ReadOutcome::Corrupt if damage.manifest(asked) => true,
            ReadOutcome::Corrupt => {
                return OUTSIDE.broken_by("in the model no manifest is ever damaged", []);
            }
        };
        if possible {
            return Ok(());
        }
        let newest: Vec<_> = recent().map(|span| (span.what.version, span.what.epoch)).collect();
        let allowed = newest.iter().map(|(version, epoch)| format!("manifest {version} of epoch {epoch}"));
        ANSWERS.instead(allowed.rev().chain(newest.is_empty().then(|| "no manifest".to_owned())))
    }

    /// Whether a create that `by` asked for at line `asked` can end so now.
    pub(super) fn can_create(
        &mut self,
        asked: u64,
        by: &str,
        proposed: &Arc<Manifest>,
        outcome: CreateOutcome,
    ) -> Result<(), Refusal> {
        let version = proposed.version;
        match outcome {
            CreateOutcome::Unknown | CreateOutcome::Failed => Ok(()),
            CreateOutcome::Exists => {
                let met = self.met.get(&version).into_iter().flatten();
                if met.rev().take_while(|(at, _)| *at > asked).any(|(_, node)| **node == *by) {
                    return Ok(());
                }
                ANSWERS.broken_by(
                    format!("no create of manifest {version} from there has met one meanwhile"),
                    ["that nobody knows".to_owned()],
                )
            }
            CreateOutcome::Created => {
                let spans = self.manifests.get_mut(&version);
                let mut made = spans.into_iter().flatten().filter(|span| span.from > asked);
                let own = made
                    .find(|span| !span.what.told && *span.what.by == *by && span.what.manifest == *proposed);
                match own {
                    Some(span) => {
                        span.what.told = true;
                        Ok(())
                    }
                    None => ANSWERS.broken_by(
                        format!("this create did not make manifest {version}"),
                        ["that it exists, or that nobody knows".to_owned()],
                    ),
                }
            }
        }
    }

    /// Whether a create by `by` has made `proposed` since line `asked`.
    pub(super) fn has_created(&self, asked: u64, by: &str, proposed: &Manifest) -> bool {
        self.manifests.get(&proposed.version).is_some_and(|spans| {
            spans
                .iter()
                .any(|span| span.from > asked && *span.what.by == *by && *span.what.manifest == *proposed)
        })
    }

    /// Whether a sweep that was asked for at line `asked` can find this now.
    pub(super) fn can_sweep(
        &self,
        asked: u64,
        request: SweepRequest,
        swept: &Swept,
        wanted: &Wanted,
        damage: &Damage,
    ) -> Result<(), Refusal> {
        let found: BTreeSet<_> = swept.objects.iter().collect();
        if let Some(name) = found.iter().find(|name| name.attempt() < request.from || !self.held(name, asked))
        {
            return ANSWERS.broken_by(format!("{name} was not there meanwhile, or is too old"), []);
        }
        let overlooked = self.objects.iter().find(|(name, spans)| {
            name.attempt() >= request.from
                && spans.last().is_some_and(|span| span.all_the_time_since(asked))
                && !found.contains(name)
        });
        if let Some((name, _)) = overlooked.filter(|_| !damage.listing(asked)) {
            return ANSWERS.broken_by(format!("{name} was there all the time and is not listed"), []);
        }
        let mut committed = Vec::new();
        let mut next = request.head;
        while let Some(name) = next.filter(|name| name.attempt() >= request.from) {
            let Some(list) = wanted.list(&name).filter(|_| self.held(&name, asked)) else {
                return ANSWERS
                    .broken_by(format!("the chain of outputs cannot be walked: {name} is missing"), []);
            };
            committed.push(name);
            committed.extend(list.outputs.iter().map(|output| output.object));
            next = list.previous;
        }
        if committed != swept.committed {
            return ANSWERS.broken_by(
                "the chain of outputs holds other objects",
                committed.iter().map(ToString::to_string),
            );
        }
        Ok(())
    }
}
