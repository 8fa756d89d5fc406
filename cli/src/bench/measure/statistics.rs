//! Many measurements in one number.

/// The middle one; of an even number the greater of both in the middle.
///
/// # Panics
///
/// Without measurements.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    quantile(values.into_iter().collect(), 0.5)
}

/// The smallest value that is at least as great as this share of them.
///
/// # Panics
///
/// Without measurements.
pub fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1).expect("something was measured");
    values[(last as f64 * share).ceil() as usize]
}
