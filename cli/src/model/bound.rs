//! How large a check is, and the models of that size.

use keygroups_model::Bound;
use keygroups_model::stories::WALK;
use keygroups_model::story::Story;

use crate::names;

/// The bound called `text`.
///
/// # Errors
///
/// One line with the names there are.
pub(crate) fn parse_bound(text: &str) -> Result<Bound, String> {
    Bound::ALL.into_iter().find(|bound| bound.name() == text).ok_or_else(|| {
        let names = Bound::ALL.map(Bound::name);
        names::unknown("bound", text, &names, "keygroups check --help").to_string()
    })
}

/// Every model that can be looked at.
pub(crate) fn stories() -> impl Iterator<Item = &'static Story> {
    Bound::Quick.stories().iter().chain([&WALK])
}
