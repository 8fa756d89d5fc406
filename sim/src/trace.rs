//! Everything that happened in one simulation, in order: hashed always, kept or streamed on request.
//!
//! The hash runs over the compact encoding of each event, so that a run that nobody watches formats
//! nothing. Two runs with equal hashes made the same events at the same virtual times; that is how the
//! tests compare runs across processes.

use crate::encoding::append;
use serde::Serialize;
use serde_json::Value;
use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use xxhash_rust::xxh3::Xxh3;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TraceEvent {
    /// Virtual microseconds since the simulation began.
    pub at_us: u64,
    /// Name of the node it happened on.
    pub node: Arc<str>,
    /// What happened, in kebab case: `manifest-created`.
    pub kind: &'static str,
    /// The particulars.
    pub fields: Value,
}

/// So many bytes are hashed at a time: the hash asks for few large pieces rather than many small ones.
const PIECE_BYTES: usize = 4096;

/// What a trace does besides hashing.
#[derive(Default)]
pub struct Recording {
    /// Keeps every event in memory for [`Trace::take_events`].
    pub keep: bool,
    /// Receives every event as one line of JSON.
    pub stream: Option<Box<dyn Write + Send>>,
}

/// The trace of one simulation. Clones share it.
#[derive(Clone)]
pub struct Trace {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    hash: Xxh3,
    // What comes next in the hash.
    unhashed: Vec<u8>,
    count: u64,
    recording: Recording,
    events: Vec<TraceEvent>,
    failure: Option<io::Error>,
}

impl Trace {
    /// An empty trace.
    #[must_use]
    pub fn new(recording: Recording) -> Self {
        let inner = Inner {
            hash: Xxh3::new(),
            unhashed: Vec::with_capacity(2 * PIECE_BYTES),
            count: 0,
            recording,
            events: Vec::new(),
            failure: None,
        };
        Self { inner: Arc::new(Mutex::new(inner)) }
    }

    /// True if events are kept or streamed; callers may then add costlier detail *to fields that are not
    /// hashed elsewhere* — never to events themselves, or watching a run would change its hash.
    #[must_use]
    pub fn is_recording(&self) -> bool {
        let inner = self.lock();
        inner.recording.keep || inner.recording.stream.is_some()
    }

    /// Notes one event at the present virtual time.
    ///
    /// # Panics
    /// Outside a simulation, and if `fields` cannot be encoded (a map with unencodable keys): trace fields
    /// are plain data.
    pub fn event<T: Serialize + ?Sized>(&self, node: &str, kind: &'static str, fields: &T) {
        self.event_at(crate::wire::now_us(), node, kind, fields);
    }

    /// Notes one event at a time the caller knows already.
    ///
    /// # Panics
    /// If `fields` cannot be encoded: trace fields are plain data.
    pub fn event_at<T: Serialize + ?Sized>(&self, at_us: u64, node: &str, kind: &'static str, fields: &T) {
        let mut inner = self.lock();
        let inner = &mut *inner;
        append(&(at_us, node, kind), &mut inner.unhashed);
        append(fields, &mut inner.unhashed);
        inner.appended();
        inner.count += 1;
        if inner.recording.keep || inner.recording.stream.is_some() {
            let fields = serde_json::to_value(fields).expect("trace fields are plain data");
            inner.record(TraceEvent { at_us, node: node.into(), kind, fields });
        }
    }

    /// Mixes bytes into the hash without making an event: what is too frequent to be shown, such as every
    /// datagram, still has to be the same in every run.
    pub(crate) fn mix(&self, head: [u64; 3], bytes: &[u8]) {
        let mut inner = self.lock();
        inner.unhashed.extend_from_slice(head.map(u64::to_le_bytes).as_flattened());
        inner.unhashed.extend_from_slice(bytes);
        inner.appended();
    }

    /// Hash of everything so far.
    #[must_use]
    pub fn hash(&self) -> u128 {
        let mut inner = self.lock();
        inner.hash_all();
        inner.hash.digest128()
    }

    /// Number of events so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.lock().count
    }

    /// Takes the kept events, in order.
    #[must_use]
    pub fn take_events(&self) -> Vec<TraceEvent> {
        std::mem::take(&mut self.lock().events)
    }

    /// Ends streaming.
    ///
    /// # Errors
    /// The first error of writing; nothing was streamed after it.
    pub fn finish(&self) -> io::Result<()> {
        let mut inner = self.lock();
        if let Some(failure) = inner.failure.take() {
            return Err(failure);
        }
        match inner.recording.stream.take() {
            Some(mut stream) => stream.flush(),
            None => Ok(()),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        // A panic while tracing must not hide the events that led to it.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn appended(&mut self) {
        if self.unhashed.len() >= PIECE_BYTES {
            self.hash_all();
        }
    }

    fn hash_all(&mut self) {
        self.hash.update(&self.unhashed);
        self.unhashed.clear();
    }

    fn record(&mut self, event: TraceEvent) {
        if let Some(stream) = &mut self.recording.stream {
            let mut line = serde_json::to_vec(&event).expect("a JSON value can be written");
            line.push(b'\n');
            if let Err(failure) = stream.write_all(&line) {
                self.failure = Some(failure);
                self.recording.stream = None;
            }
        }
        if self.recording.keep {
            self.events.push(event);
        }
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.lock();
        f.debug_struct("Trace").field("count", &inner.count).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::from(io::ErrorKind::StorageFull))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn watching_does_not_change_the_hash() {
        let silent = Trace::new(Recording::default());
        let lines = Shared::default();
        let watched = Trace::new(Recording { keep: true, stream: Some(Box::new(lines.clone())) });
        for trace in [&silent, &watched] {
            trace.event_at(5, "host-1", "restored", &json!({ "groups": 64, "from": ["a", "b"] }));
            trace.event_at(9, "store", "put", &("manifest/1", 12_u64));
        }
        assert_eq!(silent.hash(), watched.hash());
        assert!(silent.take_events().is_empty());
        assert_eq!(watched.take_events().len(), 2);
        watched.finish().unwrap();
        assert_eq!(
            String::from_utf8(lines.0.lock().unwrap().clone()).unwrap(),
            "{\"at_us\":5,\"node\":\"host-1\",\"kind\":\"restored\",\"fields\":{\"from\":[\"a\",\"b\"],\"groups\":64}}\n\
             {\"at_us\":9,\"node\":\"store\",\"kind\":\"put\",\"fields\":[\"manifest/1\",12]}\n"
        );
    }

    #[test]
    fn time_node_kind_and_fields_all_change_the_hash() {
        let hash = |at_us, node, kind, fields: u8| {
            let trace = Trace::new(Recording::default());
            trace.event_at(at_us, node, kind, &fields);
            trace.hash()
        };
        let reference = hash(1, "a", "b", 1);
        assert_eq!(reference, hash(1, "a", "b", 1));
        for other in [hash(2, "a", "b", 1), hash(1, "x", "b", 1), hash(1, "a", "x", 1), hash(1, "a", "b", 2)]
        {
            assert_ne!(reference, other);
        }
    }

    #[test]
    fn failing_stream_is_reported_at_the_end() {
        let trace = Trace::new(Recording { keep: false, stream: Some(Box::new(Full)) });
        trace.event_at(1, "a", "b", &());
        assert_eq!(trace.finish().unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
