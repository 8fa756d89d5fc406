//! A store of one's own in the simulation: an adapter with a race in it, and its correct form.
//!
//! The protocol stands on one promise of the object store: of several that create the same object, one wins.
//! The adapter is for a service that cannot do that, so it looks first and then writes. Nearly always that
//! is the same. The simulation finds two coordinators that both look, find nothing, and both write: the
//! history of the job is overwritten.
//!
//! ```sh
//! cargo run -p keygroups-sim --example own_store
//! ```

use async_trait::async_trait;
use futures::stream::BoxStream;
use keygroups::backend::{BackendError, StateBackend, StateDescriptor, ValueState};
use keygroups::key_group::JavaHash;
use keygroups_sim::fault::Profile;
use keygroups_sim::job::{Context, Job, Operator, Records, with};
use keygroups_sim::simulation::{Report, Simulation, is_replay};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use std::fmt;
use std::sync::Arc;

/// How the adapter creates an object that must not be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Creates {
    /// Looks whether it is there, then writes.
    LooksFirst,
    /// Leaves it to the store.
    Atomically,
}

/// The adapter.
#[derive(Debug)]
pub struct Adapter<S> {
    store: S,
    creates: Creates,
}

impl<S> Adapter<S> {
    /// An adapter of `store` that looks first.
    pub fn overwriting(store: S) -> Self {
        Self { store, creates: Creates::LooksFirst }
    }
}

impl<S: ObjectStore> fmt::Display for Adapter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "adapter of {}", self.store)
    }
}

#[async_trait]
impl<S: ObjectStore> ObjectStore for Adapter<S> {
    async fn put_opts(&self, at: &Path, payload: PutPayload, mut options: PutOptions) -> Result<PutResult> {
        if options.mode == PutMode::Create && self.creates == Creates::LooksFirst {
            match self.store.head(at).await {
                Ok(_) => {
                    let source = "it was there already".into();
                    return Err(Error::AlreadyExists { path: at.to_string(), source });
                }
                Err(Error::NotFound { .. }) => options.mode = PutMode::Overwrite,
                Err(error) => return Err(error),
            }
        }
        self.store.put_opts(at, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.store.put_multipart_opts(at, options).await
    }

    async fn get_opts(&self, at: &Path, options: GetOptions) -> Result<GetResult> {
        self.store.get_opts(at, options).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.store.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.store.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.store.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.store.copy_opts(from, to, options).await
    }
}

/// Counts words: any job will do.
struct Count(ValueState<String, u64>);

impl Operator for Count {
    type Record = String;
    type Output = String;

    fn key(word: &String) -> impl JavaHash {
        word.as_str()
    }

    fn process(&mut self, word: String, context: &mut Context<'_, String>) -> Result<(), BackendError> {
        context.update(&self.0, &word, |count| Some(count.unwrap_or(0) + 1))?;
        context.put_out(word);
        Ok(())
    }
}

/// The job over a store that creates in this way.
pub fn simulation(creates: Creates) -> Simulation<impl Job> {
    let words = (0..300).map(|n| format!("word-{}", n % 37));
    let open = |backend: &mut StateBackend| backend.register(StateDescriptor::value("counts")).map(Count);
    Simulation::new(with(Records::dealt(words, 4), open))
        .faults(Profile::Chaos)
        .seeds(0..200)
        .store(move |_, store| Arc::new(Adapter { store, creates }))
}

/// Runs the seeds of [`simulation`].
pub fn find(creates: Creates) -> Report {
    simulation(creates).run()
}

fn main() {
    // One of the commands that are printed below.
    if is_replay() {
        return simulation(Creates::LooksFirst).check();
    }
    let found = find(Creates::LooksFirst);
    println!("looks first, then writes: {found}\n");
    if let Some(failure) = found.first_failure() {
        println!("{}\n", failure.again());
    }
    println!("creates atomically: {}", find(Creates::Atomically));
}
