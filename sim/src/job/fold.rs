//! An oracle in the user's words: a fold into an ordered map.

use super::rerun::{outputs_differ, several};
use super::{Committed, Entry, Oracle, Position, certificate_of};
use keygroups::checkpoint::Certificate;
use keygroups::codec;
use serde::{Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::marker::PhantomData;

/// What one state must be after given records, and what they put out, by a function of the user's own.
///
/// Values are decoded and compared as they are encoded again, so a type whose encoding has several forms
/// must choose one. Entries of other states are errors.
///
/// ```
/// use keygroups_sim::job::{Fold, Oracle, Position};
/// use std::collections::BTreeMap;
///
/// // The number of each word so far, and no output.
/// let mut oracle = Fold::new("counts", |counts: &mut BTreeMap<String, u64>, word: String, _: &mut Vec<()>| {
///     *counts.entry(word).or_default() += 1;
/// });
/// oracle.add(Position { partition: 0, offset: 0 }, "key".to_owned(), &mut Vec::new());
/// assert_eq!(oracle.state().entries, 1);
/// ```
pub struct Fold<R, O, K, V, F> {
    state: &'static str,
    values: BTreeMap<K, V>,
    fold: F,
    types: PhantomData<fn(R) -> O>,
}

impl<R, O, K, V, F> Fold<R, O, K, V, F>
where
    F: FnMut(&mut BTreeMap<K, V>, R, &mut Vec<O>) + Send,
{
    /// The state `state` begins empty; `fold` changes it by a record, and puts out.
    #[must_use]
    pub fn new(state: &'static str, fold: F) -> Self {
        Self { state, values: BTreeMap::new(), fold, types: PhantomData }
    }
}

impl<R, O, K, V, F> Oracle for Fold<R, O, K, V, F>
where
    O: Serialize + Debug,
    K: Serialize + DeserializeOwned + Ord + Debug + Send,
    V: Serialize + DeserializeOwned + PartialEq + Debug + Send,
    F: FnMut(&mut BTreeMap<K, V>, R, &mut Vec<O>) + Send,
{
    type Record = R;
    type Output = O;

    fn add(&mut self, _: Position, record: R, out: &mut Vec<O>) {
        (self.fold)(&mut self.values, record, out);
    }

    fn state(&self) -> Certificate {
        self.values.iter().map(|entry| certificate_of(&entry)).sum()
    }

    fn entry(&self, entry: Entry<'_>) -> Result<Certificate, String> {
        if entry.state != self.state {
            return Err(format!("nothing is expected in the state {}", entry.state));
        }
        let key: K = codec::decode(entry.key).map_err(|error| error.to_string())?;
        let value: V = codec::decode(entry.value).map_err(|error| error.to_string())?;
        Ok(certificate_of(&(key, value)))
    }

    fn output(&self, output: &O) -> Certificate {
        certificate_of(output)
    }

    fn state_difference(&self, committed: &Committed<'_, O>) -> Option<String> {
        let found = committed.values::<K, V>(self.state).ok()?;
        let count = found.len();
        let found: BTreeMap<K, V> = found.into_iter().collect();
        let mut told = Vec::new();
        if found.len() < count {
            told.push(format!("{} keys are there twice", count - found.len()));
        }
        for (key, expected) in &self.values {
            match found.get(key) {
                Some(value) if value == expected => {}
                Some(value) => told.push(format!("{key:?}: {value:?}, expected {expected:?}")),
                None => told.push(format!("{key:?} is missing, expected {expected:?}")),
            }
        }
        let unknown = found.iter().filter(|(key, _)| !self.values.contains_key(key));
        told.extend(unknown.map(|(key, value)| format!("{key:?}: {value:?} is not expected")));
        several(&told)
    }

    fn output_difference(&self, expected: &[O], found: &[O]) -> Option<String> {
        outputs_differ(expected, found, certificate_of)
    }
}

impl<R, O, K: Debug, V: Debug, F> Debug for Fold<R, O, K, V, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fold")
            .field("state", &self.state)
            .field("values", &self.values)
            .finish_non_exhaustive()
    }
}
