//! Objects by URL: in a directory, or with the cargo feature `cloud` at S3, Google Cloud or Azure.

use std::fs;
use std::sync::Arc;

use anyhow::{Context, bail};
use futures::{StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, ObjectStoreScheme, PutMode};
use tokio::runtime::{self, Runtime};
use url::Url;

/// Reads that are under way at once.
const READS: usize = 16;

/// The objects below a URL. Names are relative to it. Every call blocks.
pub(crate) struct Store {
    url: String,
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    runtime: Runtime,
}

fn parsed(at: &str) -> anyhow::Result<Url> {
    let url = Url::parse(at).with_context(|| format!("{at} is no URL"))?;
    if url.query().is_some() || url.fragment().is_some() {
        bail!("{at}: what is behind `?` or `#` would be left out: in a name, write %3F and %23");
    }
    Ok(url)
}

/// Whether this names objects and not a file.
pub(crate) fn is_url(at: &str) -> bool {
    at.contains("://")
}

impl Store {
    /// The objects at a URL, to read them.
    pub(crate) fn open(at: &str) -> anyhow::Result<Self> {
        let parsed = parsed(at)?;
        let scheme = ObjectStoreScheme::parse(&parsed);
        let (store, prefix) = match scheme {
            Ok((ObjectStoreScheme::Local, _)) => {
                let Ok(directory) = parsed.to_file_path() else {
                    bail!("{at}: a file URL has three slashes and an absolute path: file:///directory");
                };
                return Self::directory(&directory);
            }
            Ok((
                ObjectStoreScheme::AmazonS3
                | ObjectStoreScheme::GoogleCloudStorage
                | ObjectStoreScheme::MicrosoftAzure,
                _,
            )) => cloud(at, &parsed)?,
            _ => bail!("{at}: objects are at s3://, gs://, az:// or file:///"),
        };
        Self::new(at.trim_end_matches('/').to_owned(), store, prefix)
    }

    /// The objects at a URL, to write more. A directory is created.
    pub(crate) fn create_at(at: &str) -> anyhow::Result<Self> {
        let url = parsed(at)?;
        if url.scheme() == "file"
            && let Ok(directory) = url.to_file_path()
        {
            fs::create_dir_all(&directory).with_context(|| format!("cannot write {at}"))?;
        }
        Self::open(at)
    }

    /// The files of a directory as objects.
    pub(crate) fn directory(directory: &std::path::Path) -> anyhow::Result<Self> {
        Self::new(directory.display().to_string(), local(directory)?, Path::default())
    }

    fn new(url: String, store: Arc<dyn ObjectStore>, prefix: Path) -> anyhow::Result<Self> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        Ok(Self { url, store, prefix, runtime: runtime.context("cannot wait for objects")? })
    }

    /// How people call an object.
    pub(crate) fn name(&self, name: &str) -> String {
        format!("{}/{name}", self.url.trim_end_matches('/'))
    }

    fn path(&self, name: &str) -> Path {
        name.split('/').fold(self.prefix.clone(), |path, part| path.join(part))
    }

    /// The names of all objects below `directory`, ascending.
    pub(crate) fn list(&self, directory: Option<&str>) -> anyhow::Result<Vec<String>> {
        let below = directory.map_or_else(|| self.prefix.clone(), |directory| self.path(directory));
        let listed = self.runtime.block_on(self.store.list(Some(&below)).try_collect::<Vec<_>>());
        let listed = listed.with_context(|| format!("cannot list {}", self.url))?;
        let relative = |path: &Path| {
            let parts: Vec<_> = path.prefix_match(&self.prefix)?.collect();
            Some(parts.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join("/"))
        };
        let mut names: Vec<_> = listed.iter().filter_map(|meta| relative(&meta.location)).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// The contents of an object, if it exists.
    pub(crate) fn read(&self, name: &str) -> anyhow::Result<Option<Vec<u8>>> {
        match self.runtime.block_on(read(&*self.store, self.path(name))) {
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            bytes => bytes.map(Some).with_context(|| format!("cannot read {}", self.name(name))),
        }
    }

    /// How long an object is in bytes, if it exists.
    pub(crate) fn length(&self, name: &str) -> anyhow::Result<Option<u64>> {
        match self.runtime.block_on(self.store.head(&self.path(name))) {
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Ok(meta) => Ok(Some(meta.size)),
            Err(error) => Err(error).with_context(|| format!("cannot look for {}", self.name(name))),
        }
    }

    /// The contents of objects that exist, in the order of their names.
    pub(crate) fn read_all(&self, names: &[String]) -> anyhow::Result<Vec<Vec<u8>>> {
        let reads = names.iter().map(|name| async move {
            let bytes = read(&*self.store, self.path(name)).await;
            bytes.with_context(|| format!("cannot read {}", self.name(name)))
        });
        self.runtime.block_on(futures::stream::iter(reads).buffered(READS).try_collect())
    }

    /// Creates an object. One that exists is left as it is, and must be the same.
    pub(crate) fn create(&self, name: &str, contents: &str) -> anyhow::Result<()> {
        let (path, bytes) = (self.path(name), contents.to_owned().into_bytes());
        let put = self.store.put_opts(&path, bytes.into(), PutMode::Create.into());
        match self.runtime.block_on(put) {
            Ok(_) => Ok(()),
            Err(object_store::Error::AlreadyExists { .. }) => {
                if self.read(name)?.as_deref() == Some(contents.as_bytes()) {
                    return Ok(());
                }
                bail!(
                    "{} exists and says something else: another build or machine got other results",
                    self.name(name)
                )
            }
            Err(error) => Err(error).with_context(|| {
                format!("cannot write {}; the same command goes on after what is written", self.name(name))
            }),
        }
    }
}

async fn read(store: &dyn ObjectStore, path: Path) -> object_store::Result<Vec<u8>> {
    Ok(store.get(&path).await?.bytes().await?.to_vec())
}

fn local(directory: &std::path::Path) -> anyhow::Result<Arc<dyn ObjectStore>> {
    let store = LocalFileSystem::new_with_prefix(directory);
    let store = store.with_context(|| format!("cannot use {}", directory.display()))?;
    Ok(Arc::new(store.with_fsync(true)))
}

/// Credentials and endpoints come from the environment: `AWS_*`, `GOOGLE_*`, `AZURE_*`.
#[cfg(feature = "cloud")]
fn cloud(at: &str, url: &Url) -> anyhow::Result<(Arc<dyn ObjectStore>, Path)> {
    let told = std::env::vars_os().filter_map(|(name, value)| {
        let (name, value) = (name.into_string().ok()?, value.into_string().ok()?);
        ["AWS_", "GOOGLE_", "AZURE_"].iter().any(|known| name.starts_with(known)).then_some((name, value))
    });
    let (store, prefix) = object_store::parse_url_opts(url, told).with_context(|| at.to_owned())?;
    Ok((store.into(), prefix))
}

#[cfg(not(feature = "cloud"))]
fn cloud(at: &str, _: &Url) -> anyhow::Result<(Arc<dyn ObjectStore>, Path)> {
    bail!(
        "{at}: this keygroups was built without cloud stores; build it with \
         `cargo install --path cli --features cloud`"
    )
}
