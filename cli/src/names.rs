//! Names that do not exist, and what was probably meant.

use anyhow::{Error, anyhow};

/// How similar a name must be to be suggested; 1 is equal.
const SIMILAR: f64 = 0.6;
/// What it counts to be similar to a word of a name.
const WORD: f64 = 0.75;
/// More than these are no help.
const SUGGESTED_MAX: usize = 3;
/// More than these are no line.
const LISTED_MAX: usize = 16;

/// One line for somebody who asked for the `kind` called `name`; `list` is the command that shows `names`.
pub(crate) fn unknown(kind: &str, name: &str, names: &[&str], list: &str) -> Error {
    let near = near(name, names);
    match &*near {
        [] if names.len() <= LISTED_MAX => {
            anyhow!("there is no {kind} `{name}`: choose one of {}", names.join(", "))
        }
        [] => anyhow!("there is no {kind} `{name}`: {list} shows all {}", names.len()),
        near => {
            let near: Vec<_> = near.iter().map(|name| format!("`{name}`")).collect();
            anyhow!("there is no {kind} `{name}`: did you mean {}? {list} shows them all", near.join(" or "))
        }
    }
}

/// The names that look like `name`, or of which a word does, the most similar first.
fn near<'a>(name: &str, names: &[&'a str]) -> Vec<&'a str> {
    let plain = |name: &str| name.to_lowercase().replace(['_', ' '], "-");
    let asked = plain(name);
    let similarity = |candidate: &str| {
        let candidate = plain(candidate);
        let part = if asked.len() > 2 && candidate.contains(&asked) { SIMILAR } else { 0.0 };
        let words = candidate.split('-').filter(|word| word.len() > 3);
        let word = words.map(|word| WORD * strsim::normalized_damerau_levenshtein(&asked, word));
        let whole = strsim::normalized_damerau_levenshtein(&asked, &candidate);
        word.fold(part.max(whole), f64::max)
    };
    let names = names.iter().map(|name| (similarity(name), *name));
    let mut near: Vec<_> = names.filter(|(similar, _)| *similar >= SIMILAR).collect();
    near.sort_by(|one, other| other.0.total_cmp(&one.0));
    near.into_iter().take(SUGGESTED_MAX).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: &[&str] = &[
        "alignment",
        "checkpoint",
        "leadership",
        "scale-out",
        "scale-in",
        "everything",
        "ambiguous_is_failed",
    ];

    #[test]
    fn typing_errors_and_parts_of_names_are_understood() {
        for (asked, expected) in [
            ("chekpoint", "checkpoint"),
            ("SCALE_OUT", "scale-out"),
            ("leader", "leadership"),
            ("scalein", "scale-in"),
            ("ambigous", "ambiguous_is_failed"),
        ] {
            assert_eq!(near(asked, NAMES).first(), Some(&expected), "{asked}");
        }
    }

    #[test]
    fn what_looks_like_nothing_is_answered_with_all_names_or_where_to_find_them() {
        let few = unknown("model", "chaos", NAMES, "keygroups check --list").to_string();
        assert!(few.starts_with("there is no model `chaos`: choose one of alignment, checkpoint"), "{few}");
        let many = vec!["alignment"; 17];
        let many = unknown("model", "chaos", &many, "keygroups check --list").to_string();
        assert_eq!(many, "there is no model `chaos`: keygroups check --list shows all 17");
    }
}
