//! Opening a store by URL.

use std::{path::PathBuf, sync::Arc};

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
    /// A local directory is synced to disk before a write is reported as done. Writes are staged in
    /// a file and become visible by a hard link, so the file system must have hard links, and no
    /// crash leaves a half-written object visible; it can leave a staging file `<name>#<n>`, which
    /// nothing ever reads. Blocks for a few system calls.
    ///
    /// # Errors
    ///
    /// [`StoreError::Directory`] and [`StoreError::Url`] say what is wrong and what is possible.
    pub fn from_url(url: &str) -> Result<Self, StoreError> {
        if !url.contains("://") {
            return local(url, PathBuf::from(url));
        }
        let invalid = |reason: String| StoreError::Url { url: url.to_owned(), reason };
        let parsed = Url::parse(url).map_err(|error| invalid(error.to_string()))?;
        if parsed.scheme() == "file" {
            let directory = parsed.to_file_path().map_err(|()| {
                invalid("a file URL has three slashes and an absolute path: file:///directory".to_owned())
            })?;
            return local(url, directory);
        }
        let (scheme, prefix) = ObjectStoreScheme::parse(&parsed)
            .map_err(|_| invalid(format!("`{}` is not one of {SCHEMES}", parsed.scheme())))?;
        let store = match scheme {
            ObjectStoreScheme::Memory => Arc::new(InMemory::new()),
            ObjectStoreScheme::AmazonS3 => s3(url)?,
            ObjectStoreScheme::GoogleCloudStorage => gcs(url)?,
            ObjectStoreScheme::MicrosoftAzure => azure(url)?,
            _ => return Err(invalid(format!("`{}` is not one of {SCHEMES}", parsed.scheme()))),
        };
        Ok(Self::new(store, prefix))
    }
}

const SCHEMES: &str = "a directory, file:///, memory:///, s3://, gs:// and az://";

#[cfg(feature = "fs")]
fn local(_: &str, directory: PathBuf) -> Result<CheckpointStore, StoreError> {
    let at_fault = |source| StoreError::Directory { directory: directory.clone(), source };
    create_directory(&directory).map_err(at_fault)?;
    let store = object_store::local::LocalFileSystem::new_with_prefix(&directory)
        .map_err(|error| at_fault(error.into()))?
        .with_fsync(true);
    Ok(CheckpointStore::new(Arc::new(store), object_store::path::Path::default()))
}

/// Creates `directory` and what it lies in, each durably: a synced object in a directory whose own
/// entry a power failure takes back would be lost with it.
#[cfg(feature = "fs")]
fn create_directory(directory: &std::path::Path) -> std::io::Result<()> {
    let is_named = |parent: &&std::path::Path| !parent.as_os_str().is_empty();
    match std::fs::create_dir(directory) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            // A file of that name, too, "already exists".
            return std::fs::read_dir(directory).map(drop);
        }
        Err(error) => match (error.kind(), directory.parent().filter(is_named)) {
            (std::io::ErrorKind::NotFound, Some(parent)) => {
                create_directory(parent)?;
                std::fs::create_dir(directory)?;
            }
            _ => return Err(error),
        },
    }
    #[cfg(unix)]
    {
        let parent = directory.parent().filter(is_named).unwrap_or(std::path::Path::new("."));
        std::fs::File::open(parent)?.sync_all()?;
    }
    Ok(())
}

#[cfg(not(feature = "fs"))]
fn local(url: &str, _: PathBuf) -> Result<CheckpointStore, StoreError> {
    Err(feature_is_off(url, "fs"))
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
        fn $name(url: &str) -> Result<Arc<dyn ObjectStore>, StoreError> {
            use $builder as Builder;
            let store = Builder::from_env().with_url(url).with_retry(never()).build();
            match store {
                Ok(store) => Ok(Arc::new(store)),
                Err(error) => Err(StoreError::Url { url: url.to_owned(), reason: error.to_string() }),
            }
        }

        #[cfg(not(feature = $feature))]
        fn $name(url: &str) -> Result<Arc<dyn ObjectStore>, StoreError> {
            Err(feature_is_off(url, $feature))
        }
    };
}

cloud!(s3, "aws", object_store::aws::AmazonS3Builder);
cloud!(gcs, "gcp", object_store::gcp::GoogleCloudStorageBuilder);
cloud!(azure, "azure", object_store::azure::MicrosoftAzureBuilder);

#[cfg(not(all(feature = "fs", feature = "aws", feature = "gcp", feature = "azure")))]
fn feature_is_off(url: &str, feature: &str) -> StoreError {
    let reason = format!("keygroups was built without it: enable the cargo feature `{feature}`");
    StoreError::Url { url: url.to_owned(), reason }
}
