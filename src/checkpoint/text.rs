//! Text that is read and not kept.

use std::borrow::Cow;

use serde::Deserialize;

/// A string of a readable format; borrowed from it wherever it stands there as it is.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);
