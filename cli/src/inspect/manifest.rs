//! What a manifest says.

use anyhow::bail;
use keygroups::ErrorKind;
use keygroups::checkpoint::{ContentError, FormatError, Manifest, ManifestVersion};
use serde::Serialize;

use super::source::Found;

#[derive(Serialize)]
pub(super) struct Document {
    at: String,
    /// Nothing if it is damaged.
    pub(super) manifest: Option<Manifest>,
    pub(super) problems: Vec<String>,
}

impl Document {
    pub(super) fn of(found: &Found) -> anyhow::Result<Self> {
        let expected = ManifestVersion(found.version().unwrap_or_default());
        let decoded = match Manifest::decode(expected, &found.bytes) {
            // It is not where its name says what it is.
            Err(FormatError::Content(ContentError::Misdirected { found: version, .. }))
                if found.version().is_none() =>
            {
                Manifest::decode(version, &found.bytes)
            }
            decoded => decoded,
        };
        let at = found.at.clone();
        match decoded {
            Ok(manifest) => Ok(Self { at, manifest: Some(manifest), problems: Vec::new() }),
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                Ok(Self { problems: vec![format!("{at}: {error}")], at, manifest: None })
            }
            Err(error) => bail!("{at}: {error}"),
        }
    }
}
