//! Names of objects, and URLs of stores.

use keygroups::{
    checkpoint::ObjectName,
    store::{CheckpointStore, Identified, Layout},
};
use object_store::path::Path;

use super::bounded;

/// Every name has one text, and one place below every prefix.
pub fn names(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let parsed = bounded(data.len(), || text.parse::<ObjectName>());
    let layout = Layout::new(Path::from("a/job"));
    match parsed {
        Ok(name) => {
            assert_eq!(name.to_string(), text);
            let json = serde_json::to_string(&name).expect("a text is JSON");
            assert_eq!(serde_json::from_str::<ObjectName>(&json).ok(), Some(name));
            let compact = postcard::to_stdvec(&name).expect("plain numbers");
            assert_eq!(postcard::from_bytes::<ObjectName>(&compact), Ok(name));
            assert_eq!(layout.identify(&layout.object(&name)), Identified::Object(name));
        }
        Err(foreign) => assert_eq!(foreign.0, text),
    }
    let Ok(path) = Path::parse(format!("a/job/{text}")) else { return };
    match layout.identify(&path) {
        Identified::Object(name) => assert_eq!(layout.object(&name), path),
        Identified::Manifest(version) => assert_eq!(layout.manifest(version), path),
        Identified::Foreign => {}
    }
}

/// Whatever somebody types: a store, or the reason why not. Nothing is written anywhere: what stands for
/// a local directory is left out.
pub fn url(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if url::Url::parse(text).map_or(true, |url| url.scheme() == "file") || !text.contains("://") {
        return;
    }
    match bounded(data.len(), || CheckpointStore::from_url(text)) {
        Ok(store) => assert!(!store.to_string().is_empty()),
        Err(error) => assert!(error.to_string().contains(text), "{error}"),
    }
}
