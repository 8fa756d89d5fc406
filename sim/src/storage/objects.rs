//! The objects and what each operation does to them: at once, whole, in order.

use super::damage::{Damaged, neighbour, rotten, truncated};
use super::fate::View;
use super::message::{Answer, AttributeList, Meta, Mode, Operation, Range};
use crate::wire::{Node, now_us};
use bytes::Bytes;
use object_store::GetRange;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// An object as the store holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its bytes.
    pub bytes: Bytes,
    /// Number of the write that made it; no two writes share one.
    pub etag: u64,
    /// Virtual microseconds at which it was written.
    pub modified_us: u64,
    attributes: AttributeList,
}

/// Every object by path.
pub type Objects = BTreeMap<String, Object>;

/// Something that changed the objects. Requests without effect (a create that met an object, the deletion
/// of nothing) are none.
#[derive(Clone, Debug)]
pub struct Mutation<'a> {
    /// Virtual microseconds at which it took effect.
    pub at_us: u64,
    /// Who asked for it, possibly long ago.
    pub by: Node,
    /// The object's path.
    pub path: &'a str,
    /// What happened to it.
    pub change: Change<'a>,
}

/// What a mutation did.
#[derive(Clone, Debug)]
pub enum Change<'a> {
    /// There was no object before.
    Created(&'a Bytes),
    /// Another object was there before.
    Replaced {
        /// The bytes before.
        before: &'a Bytes,
        /// The bytes now.
        now: &'a Bytes,
    },
    /// The object is gone.
    Deleted {
        /// The bytes before.
        before: &'a Bytes,
    },
}

/// All objects of a store and who watches them.
#[derive(Default)]
pub(super) struct Shelf {
    pub objects: Objects,
    pub observer: Option<Observer>,
    pub written_bytes: u64,
    pub read_bytes: u64,
    /// What damaged objects were, by path.
    pub undamaged: BTreeMap<String, Bytes>,
    /// Damage that was asked to destroy, in order.
    pub destroyed: Vec<Damaged>,
    /// Parts of objects that are not complete, by upload. Nobody sees them.
    pub uploads: BTreeMap<u64, BTreeMap<u32, Bytes>>,
    /// Uploads in parts that became objects.
    pub finished_uploads: u64,
    next_upload: u64,
    etags: u64,
}

pub(super) type Observer = Box<dyn FnMut(&Mutation<'_>, &Objects) + Send>;

impl Shelf {
    /// Applies one operation at once and whole; the answer and its body, as a reader with that view gets
    /// them.
    pub fn apply(
        &mut self,
        by: Node,
        operation: Operation,
        body: Bytes,
        page_objects: usize,
        view: View,
    ) -> (Answer, Bytes) {
        let answer = match operation {
            Operation::Put { path, mode, attributes } => self.put(by, path, &mode, attributes, body),
            Operation::Get { path, range, head } => return self.read(&path, &range, head, view),
            Operation::Delete { path } => self.delete(by, &path),
            Operation::List { prefix, after } => {
                self.list(&prefix, after.as_deref(), page_objects, &self.unseen(&prefix, view))
            }
            Operation::BeginParts { .. } => {
                self.next_upload += 1;
                self.uploads.insert(self.next_upload, BTreeMap::new());
                Answer::Upload(self.next_upload)
            }
            Operation::PutPart { upload, part, .. } => match self.uploads.get_mut(&upload) {
                Some(parts) => {
                    parts.insert(part, body);
                    Answer::Done { etag: 0 }
                }
                None => Answer::Missing,
            },
            Operation::CompleteParts { path, upload, attributes } => match self.uploads.remove(&upload) {
                Some(parts) => {
                    self.finished_uploads += 1;
                    let parts: Vec<Bytes> = parts.into_values().collect();
                    self.put(by, path, &Mode::Overwrite, attributes, parts.concat().into())
                }
                None => Answer::Missing,
            },
            Operation::AbortParts { upload, .. } => {
                self.uploads.remove(&upload);
                Answer::Done { etag: 0 }
            }
            Operation::Copy { from, to, mode } => match self.objects.get(&from).cloned() {
                Some(object) => self.put(by, to, &mode, object.attributes, object.bytes),
                None => Answer::Missing,
            },
        };
        (answer, Bytes::new())
    }

    fn put(
        &mut self,
        by: Node,
        path: String,
        mode: &Mode,
        attributes: AttributeList,
        bytes: Bytes,
    ) -> Answer {
        match (mode, self.objects.get(&path)) {
            (Mode::Create, Some(_)) => return Answer::Exists,
            (Mode::Update { .. }, None) => return Answer::Changed,
            (Mode::Update { etag }, Some(object)) if object.etag != *etag => return Answer::Changed,
            (Mode::Overwrite | Mode::Create | Mode::Update { .. }, _) => {}
        }
        self.etags += 1;
        let (etag, modified_us) = (self.etags, now_us());
        self.written_bytes += bytes.len() as u64;
        let object = Object { bytes: bytes.clone(), etag, modified_us, attributes };
        let before = self.objects.insert(path.clone(), object).map(|object| object.bytes);
        self.undamaged.remove(&path);
        let change = match &before {
            None => Change::Created(&bytes),
            Some(before) => Change::Replaced { before, now: &bytes },
        };
        if let Some(observer) = &mut self.observer {
            observer(&Mutation { at_us: modified_us, by, path: &path, change }, &self.objects);
        }
        Answer::Done { etag }
    }

    fn read(&mut self, path: &str, range: &Range, head: bool, view: View) -> (Answer, Bytes) {
        match view {
            View::True | View::Stale { .. } => self.get(path, range, head),
            View::Missing => (Answer::Missing, Bytes::new()),
            View::Rotten(draw) => {
                let (answer, body) = self.get(path, range, head);
                (answer, rotten(&body, draw))
            }
            View::Truncated(draw) => {
                let (answer, body) = self.get(path, range, head);
                (answer, truncated(&body, draw))
            }
            View::Misdirected(draw) => {
                let other = neighbour(&self.objects, path, draw).map(str::to_owned);
                match (self.objects.contains_key(path), other) {
                    (true, Some(other)) => match self.get(&other, range, head) {
                        (Answer::Found { meta, start, attributes }, body) => {
                            let meta = Meta { path: path.to_owned(), ..meta };
                            (Answer::Found { meta, start, attributes }, body)
                        }
                        answer => answer,
                    },
                    _ => self.get(path, range, head),
                }
            }
        }
    }

    fn get(&mut self, path: &str, range: &Range, head: bool) -> (Answer, Bytes) {
        let Some(object) = self.objects.get(path) else { return (Answer::Missing, Bytes::new()) };
        let size = object.bytes.len() as u64;
        let meta = meta_of(path, object);
        let wanted = match *range {
            Range::Whole => Ok(0..size),
            Range::Bounded(start, end) => GetRange::Bounded(start..end).as_range(size),
            Range::From(start) => GetRange::Offset(start).as_range(size),
            Range::Last(count) => GetRange::Suffix(count).as_range(size),
        };
        match wanted {
            Err(bad) => (Answer::BadRange(bad.to_string()), Bytes::new()),
            Ok(wanted) => {
                let start = wanted.start;
                let body = if head {
                    Bytes::new()
                } else {
                    object.bytes.slice(wanted.start as usize..wanted.end as usize)
                };
                self.read_bytes += body.len() as u64;
                (Answer::Found { meta, start, attributes: object.attributes.clone() }, body)
            }
        }
    }

    fn delete(&mut self, by: Node, path: &str) -> Answer {
        self.undamaged.remove(path);
        if let Some(object) = self.objects.remove(path)
            && let Some(observer) = &mut self.observer
        {
            let change = Change::Deleted { before: &object.bytes };
            observer(&Mutation { at_us: now_us(), by, path, change }, &self.objects);
        }
        // As in S3, deleting what is not there succeeds.
        Answer::Done { etag: 0 }
    }

    /// What a listing with that view does not show.
    fn unseen(&self, prefix: &str, view: View) -> BTreeSet<u64> {
        let View::Stale { since_us, objects_max } = view else { return BTreeSet::new() };
        let directory = directory(prefix);
        let young = self
            .objects
            .range::<str, _>((Bound::Included(directory.as_str()), Bound::Unbounded))
            .take_while(|(path, _)| path.starts_with(&directory))
            .filter(|(_, object)| object.modified_us >= since_us)
            .map(|(_, object)| object.etag);
        let young: BTreeSet<_> = young.collect();
        young.into_iter().rev().take(objects_max).collect()
    }

    fn list(&self, prefix: &str, after: Option<&str>, page_objects: usize, unseen: &BTreeSet<u64>) -> Answer {
        let directory = directory(prefix);
        let start = match after {
            Some(after) if after >= directory.as_str() => Bound::Excluded(after),
            _ => Bound::Included(directory.as_str()),
        };
        let mut found = self
            .objects
            .range::<str, _>((start, Bound::Unbounded))
            .take_while(|(path, _)| path.starts_with(&directory))
            .filter(|(_, object)| !unseen.contains(&object.etag));
        let page = page_objects.max(1);
        let objects = found.by_ref().take(page).map(|(path, object)| meta_of(path, object)).collect();
        Answer::Page { objects, more: found.next().is_some() }
    }
}

fn directory(prefix: &str) -> String {
    if prefix.is_empty() { String::new() } else { format!("{prefix}/") }
}

fn meta_of(path: &str, object: &Object) -> Meta {
    Meta {
        path: path.to_owned(),
        size: object.bytes.len() as u64,
        etag: object.etag,
        modified_us: object.modified_us,
    }
}
