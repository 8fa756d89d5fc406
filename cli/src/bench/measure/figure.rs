//! A line of the table in docs/performance.md.

use std::fmt::Write;

use serde::Serialize;

/// One figure: what was aimed at, what was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// What is measured, of how many keys, and what is verified.
    pub figure: String,
    /// Empty if it is measured for information.
    pub aim: String,
    /// In words and numbers.
    pub measured: String,
    /// `None` without an aim.
    pub reached: Option<bool>,
}

impl Figure {
    /// A figure without an aim.
    pub fn new(figure: impl Into<String>, measured: impl Into<String>) -> Self {
        Self { figure: figure.into(), aim: String::new(), measured: measured.into(), reached: None }
    }

    /// With an aim.
    pub fn aiming(self, aim: impl Into<String>, reached: bool) -> Self {
        Self { aim: aim.into(), reached: Some(reached), ..self }
    }
}

/// The figures as a table in Markdown; `command` is what measures them.
pub fn markdown(figures: &[Figure], command: &str) -> String {
    let mut table = "| figure | aim | measured | reached? | command |\n|---|---|---|---|---|\n".to_owned();
    for Figure { figure, aim, measured, reached } in figures {
        let reached = match reached {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "",
        };
        writeln!(table, "| {figure} | {aim} | {measured} | {reached} | {command} |")
            .expect("a string takes everything");
    }
    table
}

/// A number of keys as people say it: 5M, 20k, 1,234.
pub fn keys(number: u64) -> String {
    match number {
        n if n >= 1_000_000 && n % 100_000 == 0 => format!("{}M keys", n as f64 / 1e6),
        n if n >= 1_000 && n % 1_000 == 0 => format!("{}k keys", n / 1_000),
        n => format!("{n} keys"),
    }
}
