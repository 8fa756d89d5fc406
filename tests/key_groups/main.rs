//! Key groups against golden vectors of Apache Flink 2.3.0, every row of every file in
//! `tests/golden`.

mod assignment;
mod keyed_state;
mod operator_state;
mod plan_snapshot;
mod preconditions;
mod ranges;

/// The data rows of a golden file: without comments, without the heading.
fn rows(file: &'static str, heading: &str) -> impl Iterator<Item = &'static str> {
    let mut lines = file.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(lines.next(), Some(heading));
    lines
}

/// The columns of a row.
fn columns<const N: usize>(row: &str) -> [&str; N] {
    let columns: Vec<&str> = row.split(',').collect();
    columns.try_into().unwrap_or_else(|columns: Vec<_>| panic!("{row}: {} columns", columns.len()))
}

fn max_parallelism(number: &str) -> keygroups::key_group::MaxParallelism {
    keygroups::key_group::MaxParallelism::new(number.parse().unwrap()).unwrap()
}

fn parallelism(number: &str) -> keygroups::key_group::Parallelism {
    keygroups::key_group::Parallelism::new(number.parse().unwrap()).unwrap()
}
