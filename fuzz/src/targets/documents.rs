//! Manifests and output lists: as they came, and under a header that vouches for them.

use keygroups::{
    checkpoint::{
        Attempt, ContentError, FormatError, LeaderEpoch, Manifest, ManifestVersion, ObjectName, OutputList,
    },
    snapshot::checksum,
};

use super::bounded;

/// The object with the length and the checksum in its header made right.
fn healed(object: &[u8]) -> Vec<u8> {
    let end = object.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let (line, body) = object.split_at(end);
    let body = body.strip_prefix(b"\n").unwrap_or(body);
    let fields = String::from_utf8_lossy(line);
    let header: Vec<_> = fields
        .split(' ')
        .map(|field| match field.split_once('=') {
            Some(("crc32c", _)) => format!("crc32c={:08x}", checksum(body)),
            Some(("bytes", _)) => format!("bytes={}", body.len()),
            _ => field.to_owned(),
        })
        .collect();
    [header.join(" ").as_bytes(), b"\n", body].concat()
}

/// A manifest.
pub fn manifest(data: &[u8]) {
    read_manifest(data);
    read_manifest(&healed(data));
}

fn read_manifest(object: &[u8]) {
    let decode = |version| bounded(object.len(), || Manifest::decode(version, object));
    let decoded = match decode(ManifestVersion(12)) {
        // Its own version, so that what lies behind this check is reached.
        Err(FormatError::Content(ContentError::Misdirected { found, .. })) => decode(found),
        decoded => decoded,
    };
    match decoded {
        Ok(manifest) => {
            assert_eq!(manifest.check(), Ok(()));
            let again = manifest.encode().expect("what was decoded can be encoded");
            let decoded =
                Manifest::decode(manifest.version, &again).expect("what was encoded can be decoded");
            assert_eq!(decoded, manifest);
            assert_eq!(decoded.encode(), Ok(again), "equal manifests have equal bytes");
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A link of the chain of outputs.
pub fn outputs(data: &[u8]) {
    read_outputs(data);
    read_outputs(&healed(data));
}

fn read_outputs(object: &[u8]) {
    let attempt = Attempt { epoch: LeaderEpoch(2), run: 1 };
    let decode = |name| bounded(object.len(), || OutputList::decode(name, object));
    let mut name = ObjectName::OutputList { attempt, checkpoint: keygroups::checkpoint::CheckpointId(7) };
    let mut decoded = decode(name);
    // The name it would have to lie under, so that what lies behind these checks is reached.
    for _ in 0..2 {
        name = match decoded {
            Err(FormatError::Content(ContentError::MisdirectedList { found, .. })) => {
                ObjectName::OutputList { attempt: name.attempt(), checkpoint: found }
            }
            Err(FormatError::Content(ContentError::ListedOutput { found, .. })) => {
                ObjectName::OutputList { attempt: found.attempt(), checkpoint: name.checkpoint() }
            }
            _ => break,
        };
        decoded = decode(name);
    }
    match decoded {
        Ok(list) => {
            let again = list.encode(name).expect("what was decoded can be encoded");
            assert_eq!(OutputList::decode(name, &again), Ok(list.clone()));
            if let Some(previous) = list.previous {
                assert!((previous.attempt(), previous.checkpoint()) < (name.attempt(), name.checkpoint()));
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
