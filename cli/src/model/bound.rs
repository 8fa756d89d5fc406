//! How large a check is, and the models of that size.

use keygroups_model::stories::QUICK;
use keygroups_model::story::Story;
use keygroups_model::{Bound, stories::EVERYTHING};

use crate::names;

/// Every bound by the name it has on the command line, and its models.
const BOUNDS: &[(&str, Bound, &[Story])] = &[("quick", Bound::Quick, QUICK)];

/// The bound called `text`.
///
/// # Errors
///
/// One line with the names there are.
pub(crate) fn parse_bound(text: &str) -> Result<Bound, String> {
    let named = BOUNDS.iter().find(|(name, ..)| *name == text);
    named.map(|(_, bound, _)| *bound).ok_or_else(|| {
        let names: Vec<_> = BOUNDS.iter().map(|(name, ..)| *name).collect();
        names::unknown("bound", text, &names, "keygroups check --help").to_string()
    })
}

/// What a bound is called.
pub(crate) fn bound_name(bound: Bound) -> &'static str {
    of(bound).0
}

/// The models that are explored completely with this bound.
pub(crate) fn stories_of(bound: Bound) -> &'static [Story] {
    of(bound).2
}

fn of(bound: Bound) -> &'static (&'static str, Bound, &'static [Story]) {
    BOUNDS.iter().find(|(_, known, _)| *known == bound).expect("every bound is in the table")
}

/// Every model that can be looked at.
pub(crate) fn stories() -> impl Iterator<Item = &'static Story> {
    BOUNDS.iter().flat_map(|(_, _, stories)| *stories).chain([&EVERYTHING])
}
