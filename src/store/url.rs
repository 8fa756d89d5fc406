//! Opening a store by URL.

use std::{num::NonZeroU64, path::PathBuf, sync::Arc};

use object_store::{ObjectStore, ObjectStoreScheme, memory::InMemory};
use url::Url;

use super::{CheckpointStore, StoreError};

impl CheckpointStore {
    /// The checkpoint store at `url`.
    ///
    /// | URL | store | feature |
    /// |---|---|---|
    /// | `/a/directory`, `a/directory`, `file:///a/directory` | local directory, created if absent | `fs` |
    /// | `memory:///` | in memory, a new one at each call | |
    /// | `s3://bucket/prefix` | Amazon S3 and compatible | `aws` |
    /// | `gs://bucket/prefix` | Google Cloud Storage | `gcp` |
    /// | `az://container/prefix` | Azure Blob Storage | `azure` |
    ///
    /// The cloud stores take credentials and endpoints from the environment as object_store's
    /// `from_env` documents (`AWS_*`, `GOOGLE_*`, `AZURE_*`), never retry, and need a tokio runtime.
    ///
    /// `?part_bytes=16777216` behind the URL of a store that is no directory is [`with_parts`](Self::with_parts), in the
    /// clouds of 5 MiB to 5 GiB (Azure: to 4,000 MiB); the clouds' clients send a part a few times, after a pause, if it is
    /// turned down for the moment.
    ///
    /// A local directory is that of [`local`](Self::local) with [`Durability::Synced`](super::Durability::Synced): a
    /// write is on disk before it is reported as done. `file:///a/directory?sync=off` does without, `?map=on` is
    /// [`local_mapped`](Self::local_mapped), `?huge_pages=on` is
    /// [`with_huge_pages`](Self::with_huge_pages), and `?sync=off&map=on` two of them.
    ///
    /// # Errors
    ///
    /// [`StoreError::Directory`] and [`StoreError::Url`] say what is wrong and what is possible.
    pub fn from_url(url: &str) -> Result<Self, StoreError> {
        if !url.contains("://") {
            return local(url, PathBuf::from(url), None);
        }
        let invalid = |reason: String| StoreError::Url { url: url.to_owned(), reason };
        let mut parsed = Url::parse(url).map_err(|error| invalid(error.to_string()))?;
        if parsed.fragment().is_some() {
            return Err(invalid(
                "what is behind `#` would be left out: in a name, write it `%23`".to_owned(),
            ));
        }
        if parsed.scheme() == "file" {
            let directory = parsed.to_file_path().map_err(|()| {
                invalid("a file URL has three slashes and an absolute path: file:///directory".to_owned())
            })?;
            return local(url, directory, parsed.query());
        }
        let (scheme, prefix) = ObjectStoreScheme::parse(&parsed)
            .map_err(|_| invalid(format!("`{}` is not one of {SCHEMES}", parsed.scheme())))?;
        let part_bytes =
            parsed.query().map(|query| part_bytes(query, &scheme)).transpose().map_err(invalid)?;
        parsed.set_query(None);
        let store = match scheme {
            ObjectStoreScheme::Memory => Ok(Arc::new(InMemory::new()) as _),
            ObjectStoreScheme::AmazonS3 => s3(parsed),
            ObjectStoreScheme::GoogleCloudStorage => gcs(parsed),
            ObjectStoreScheme::MicrosoftAzure => azure(parsed),
            _ => Err(format!("`{}` is not one of {SCHEMES}", parsed.scheme())),
        };
        let store = Self::new(store.map_err(invalid)?, prefix);
        Ok(match part_bytes {
            Some(part_bytes) => store.with_parts(part_bytes),
            None => store,
        })
    }
}

/// What `part_bytes=<n>` says, if `scheme` takes parts of that length; otherwise what is wrong.
fn part_bytes(query: &str, scheme: &ObjectStoreScheme) -> Result<NonZeroU64, String> {
    let bounds = match scheme {
        ObjectStoreScheme::Memory => 1..=u64::MAX,
        ObjectStoreScheme::MicrosoftAzure => 5 << 20..=4_000 << 20,
        _ => 5 << 20..=5 << 30,
    };
    let Some(bytes) = query.strip_prefix("part_bytes=") else {
        return Err(format!("`{query}` is no option of this store: `part_bytes=<bytes>` is the only one"));
    };
    let within = bytes.parse().ok().filter(|bytes: &NonZeroU64| bounds.contains(&bytes.get()));
    within.ok_or_else(|| {
        let (least, most) = bounds.into_inner();
        format!("`{query}`: parts have {least} to {most} bytes here")
    })
}

const SCHEMES: &str = "a directory, file:///, memory:///, s3://, gs:// and az://";

#[cfg(feature = "fs")]
const LOCAL_OPTIONS: &str =
    "`sync=on`, `sync=off`, `map=on`, `map=off`, `huge_pages=on` and `huge_pages=off`";

#[cfg(feature = "fs")]
fn local(url: &str, directory: PathBuf, query: Option<&str>) -> Result<CheckpointStore, StoreError> {
    use super::Durability;
    let (mut durability, mut is_mapped, mut has_huge_pages) = (Durability::Synced, false, false);
    let invalid = |reason: String| StoreError::Url { url: url.to_owned(), reason };
    for option in query.into_iter().flat_map(|query| query.split('&')) {
        match option {
            "sync=on" => durability = Durability::Synced,
            "sync=off" => durability = Durability::Unsynced,
            "map=on" => is_mapped = true,
            "map=off" => is_mapped = false,
            "huge_pages=on" => has_huge_pages = true,
            "huge_pages=off" => has_huge_pages = false,
            other => return Err(invalid(format!("`{other}` is none of {LOCAL_OPTIONS}"))),
        }
    }
    match (is_mapped, has_huge_pages) {
        (true, true) => Err(invalid("what is mapped is not read into huge pages: choose one".to_owned())),
        (true, false) => CheckpointStore::local_mapped(directory, durability),
        (false, true) => CheckpointStore::local(directory, durability).map(CheckpointStore::with_huge_pages),
        (false, false) => CheckpointStore::local(directory, durability),
    }
}

#[cfg(not(feature = "fs"))]
fn local(url: &str, _: PathBuf, _: Option<&str>) -> Result<CheckpointStore, StoreError> {
    Err(StoreError::Url { url: url.to_owned(), reason: feature_is_off("fs") })
}

/// A repeat inside the client would be invisible to the protocol, and only the protocol knows what
/// a repeat means.
#[cfg(any(feature = "aws", feature = "gcp", feature = "azure"))]
fn never() -> object_store::RetryConfig {
    object_store::RetryConfig { max_retries: 0, ..Default::default() }
}

macro_rules! cloud {
    ($name:ident, $feature:literal, $builder:path) => {
        #[cfg(feature = $feature)]
        fn $name(url: Url) -> Result<Arc<dyn ObjectStore>, String> {
            use $builder as Builder;
            let store = Builder::from_env().with_url(url).with_retry(never()).build();
            store.map(|store| Arc::new(store) as _).map_err(|error| error.to_string())
        }

        #[cfg(not(feature = $feature))]
        fn $name(_: Url) -> Result<Arc<dyn ObjectStore>, String> {
            Err(feature_is_off($feature))
        }
    };
}

cloud!(s3, "aws", object_store::aws::AmazonS3Builder);
cloud!(gcs, "gcp", object_store::gcp::GoogleCloudStorageBuilder);
cloud!(azure, "azure", object_store::azure::MicrosoftAzureBuilder);

#[cfg(not(all(feature = "fs", feature = "aws", feature = "gcp", feature = "azure")))]
fn feature_is_off(feature: &str) -> String {
    format!("keygroups was built without it: enable the cargo feature `{feature}`")
}
