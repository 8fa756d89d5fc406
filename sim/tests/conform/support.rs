//! Traces as lines that can be changed.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use keygroups_model::conform::{Divergence, Report, TraceError, conform};
use keygroups_sim::case::Case;
use keygroups_sim::cluster::{EngineBug, Scenario};
use keygroups_sim::fault::{FaultPlan, Profile};
use keygroups_sim::input::{DEFAULT_KEY, Table};
use keygroups_sim::trace::Recording;
use keygroups_sim::wire::Node;
use serde_json::Value;

/// The lines of a trace, from 0; people count from 1.
#[derive(Clone)]
pub struct Trace {
    pub lines: Vec<String>,
}

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A small run.
pub fn trace(seed: u64, faults: Profile) -> Trace {
    trace_of(seed, faults, |scenario| scenario)
}

/// A small run in which records are counted twice now and then.
pub fn trace_with_bug(seed: u64) -> Trace {
    trace_of(seed, Profile::Chaos, |scenario| scenario.with_engine_bug(EngineBug::CountsTwice))
}

fn trace_of(seed: u64, faults: Profile, change: impl Fn(Scenario) -> Scenario) -> Trace {
    let mut table = Table::january(DEFAULT_KEY).unwrap();
    table.rows.truncate(300);
    let scenario = change(Scenario::swarm(seed, &Arc::new(table), 300, faults));
    recorded(&Case::draw(seed, &scenario))
}

/// A small run without failures but those that `change` puts into its plan; it is told the hosts.
pub fn trace_with_plan(seed: u64, change: impl FnOnce(&mut FaultPlan, &[Node])) -> Trace {
    let table = Arc::new(Table::january(DEFAULT_KEY).unwrap());
    let scenario = Scenario::swarm(seed, &table, 200, Profile::None);
    let mut case = Case::draw(seed, &scenario);
    change(&mut case.plan, &scenario.targets().hosts);
    case.check().unwrap();
    recorded(&case)
}

fn recorded(case: &Case) -> Trace {
    let written = Written::default();
    let run = case.run(Recording { keep: false, stream: Some(Box::new(written.clone())) });
    run.streamed.unwrap();
    let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    Trace { lines: text.lines().map(str::to_owned).collect() }
}

/// What becomes of a trace that can be checked.
pub fn conforms(trace: &Trace) -> Report {
    check(&trace.text()).unwrap()
}

pub fn check(text: &str) -> Result<Report, TraceError> {
    conform(text.as_bytes())
}

impl Trace {
    pub fn text(&self) -> String {
        self.lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
    }

    pub fn line(&self, at: usize) -> Value {
        serde_json::from_str(&self.lines[at]).unwrap()
    }

    /// The first line from `from` on that is `wanted`.
    pub fn find(&self, from: usize, wanted: impl Fn(&Value) -> bool) -> usize {
        (from..self.lines.len()).find(|at| wanted(&self.line(*at))).expect("the run has such a line")
    }

    pub fn find_last(&self, below: usize, wanted: impl Fn(&Value) -> bool) -> usize {
        (0..below).rev().find(|at| wanted(&self.line(*at))).expect("the run has such a line")
    }

    pub fn change(&mut self, at: usize, change: impl FnOnce(&mut Value)) {
        let mut line = self.line(at);
        change(&mut line);
        self.lines[at] = line.to_string();
    }

    /// The step that does not conform, which is at `at`.
    #[track_caller]
    pub fn diverges(&self, at: usize, rule: &str) -> Divergence {
        let divergence = conforms(self).divergence.expect("an error was planted");
        assert_eq!((divergence.line, divergence.rule), (at as u64 + 1, rule), "{divergence:?}");
        divergence
    }
}
