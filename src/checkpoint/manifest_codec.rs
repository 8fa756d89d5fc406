//! Manifests and output lists as bytes. Pure: `store` moves the bytes.

use super::{
    ContentError, FormatError, Manifest, ManifestVersion, ObjectName, OutputList,
    envelope::{Kind, open, seal},
};

/// The format version of the manifests this build writes, and the newest it reads. 2: state handles
/// have bases, which a reader of version 1 would take for garbage.
pub const MANIFEST_FORMAT_VERSION: u32 = 2;

/// The format version of the output lists this build writes, and the newest it reads.
pub const OUTPUT_LIST_FORMAT_VERSION: u32 = 1;

const MANIFEST: Kind = Kind { magic: "keygroups-manifest", version: MANIFEST_FORMAT_VERSION };
const OUTPUT_LIST: Kind = Kind { magic: "keygroups-outputs", version: OUTPUT_LIST_FORMAT_VERSION };

impl Manifest {
    /// The object that holds this manifest: a header line, then JSON. Equal manifests have equal
    /// bytes.
    ///
    /// # Errors
    ///
    /// [`ContentError`] if [`check`](Self::check) refuses it: nobody could read it back.
    pub fn encode(&self) -> Result<Vec<u8>, ContentError> {
        self.check()?;
        Ok(seal(MANIFEST, self))
    }

    /// The manifest in `object`, which was read from the place of `version`.
    ///
    /// # Errors
    ///
    /// [`FormatError`] for anything that [`encode`](Self::encode) would not have written there.
    pub fn decode(version: ManifestVersion, object: &[u8]) -> Result<Self, FormatError> {
        let manifest: Self = open(MANIFEST, object)?;
        if manifest.version != version {
            let found = manifest.version;
            return Err(ContentError::Misdirected { expected: version, found }.into());
        }
        manifest.check()?;
        Ok(manifest)
    }
}

impl OutputList {
    /// The object that holds this list under `name`.
    ///
    /// # Errors
    ///
    /// [`ContentError`] if [`check`](Self::check) refuses it: nobody could read it back.
    pub fn encode(&self, name: ObjectName) -> Result<Vec<u8>, ContentError> {
        self.check(name)?;
        Ok(seal(OUTPUT_LIST, self))
    }

    /// The list in `object`, which was read from the place of `name`. Its `previous` is older than
    /// itself, so a walk over decoded lists ends.
    ///
    /// # Errors
    ///
    /// [`FormatError`] for anything that [`encode`](Self::encode) would not have written there.
    pub fn decode(name: ObjectName, object: &[u8]) -> Result<Self, FormatError> {
        let list: Self = open(OUTPUT_LIST, object)?;
        list.check(name)?;
        Ok(list)
    }
}
