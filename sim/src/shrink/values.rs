//! Shorter and milder: every duration and every rate of the plan on its own, whatever fault it is of.
//!
//! It works on the plan's JSON, where durations end in `_us` and rates in `_per_million`: what a new kind
//! of fault is made of needs no code here.

use crate::case::Case;
use serde_json::Value;

/// With one duration or rate as 0, or half as large.
pub(super) fn smaller(case: &Case) -> Vec<Case> {
    let plan = serde_json::to_value(&case.plan).expect("a plan is plain data");
    let mut places = Vec::new();
    // The surroundings are calm or they are not: that is another pass.
    for part in ["timed", "aims"] {
        collect(&plan[part], &mut vec![part.to_owned()], &mut places);
    }
    let mut smaller = Vec::new();
    for (pointer, number) in places {
        for less in [0, number / 16, number / 2] {
            // Below a millisecond nothing gets simpler.
            if less >= number || number - less < 1_000 && less != 0 {
                continue;
            }
            let mut plan = plan.clone();
            *plan.pointer_mut(&pointer).expect("a place in the plan") = less.into();
            if let Ok(plan) = serde_json::from_value(plan) {
                smaller.push(Case { plan, ..case.clone() });
            }
        }
    }
    smaller
}

// JSON pointers to durations and rates, with their values.
fn collect(value: &Value, path: &mut Vec<String>, places: &mut Vec<(String, u64)>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                path.push(name.clone());
                collect(field, path, places);
                path.pop();
            }
        }
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                path.push(index.to_string());
                collect(element, path, places);
                path.pop();
            }
        }
        Value::Number(number) => {
            let named = path.iter().rev().find(|part| part.parse::<usize>().is_err());
            let counts = named.is_some_and(|name| name.ends_with("_us") || name.ends_with("_per_million"));
            // The time at which a fault strikes is the first element of a pair, and is nothing to shorten.
            if let (true, Some(number)) = (counts, number.as_u64()) {
                places.push((format!("/{}", path.join("/")), number));
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}
