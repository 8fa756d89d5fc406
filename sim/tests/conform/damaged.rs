//! Traces that are none, are damaged, or end early.

use keygroups_sim::fault::Profile;

use crate::support::{Trace, check, trace};

fn refused(text: &str) -> String {
    check(text).expect_err("it is damaged").to_string()
}

fn quiet() -> Trace {
    trace(3, Profile::None)
}

#[test]
fn a_trace_that_is_cut_in_the_middle_of_a_line_says_how_far_it_conforms() {
    let trace = quiet();
    let whole: usize = trace.lines[..50].iter().map(|line| line.len() + 1).sum();
    let text = trace.text();
    assert_eq!(
        refused(&text[..whole + 30]),
        "ends in the middle of line 51; what was checked, up to line 50, conforms"
    );
    let ends_early = "ends after line 50 without a closing line, so the run is not complete; \
                      what was checked, up to line 50, conforms";
    assert_eq!(refused(&text[..whole]), ends_early);
    // A line that lacks its end only is whole.
    assert_eq!(refused(&text[..whole - 1]), ends_early);
}

#[test]
fn a_line_that_is_no_json_is_named_with_its_column() {
    let mut trace = quiet();
    trace.lines[9] = "{\"at_us\":1,node}".to_owned();
    let error = refused(&trace.text());
    assert!(error.starts_with("line 10, column 12: key must be a string"), "{error}");
    // In the particulars, too.
    let mut trace = quiet();
    let at = trace.find(0, |line| line["kind"] == "input" && line["fields"] == "Boot");
    trace.lines[at] = trace.lines[at].replace("\"Boot\"", "\"Boots\"");
    let column = trace.lines[at].find("\"Boots\"").unwrap() + "\"Boots\"".len();
    let error = refused(&trace.text());
    assert!(error.starts_with(&format!("line {}, column {column}: unknown variant", at + 1)), "{error}");
}

#[test]
fn lost_and_added_lines_are_noticed_at_the_end() {
    let mut trace = quiet();
    let lines = trace.lines.len();
    let at = trace.find(0, |line| line["kind"] == "restored");
    trace.lines.remove(at);
    assert_eq!(
        refused(&trace.text()),
        format!(
            "{} lines were written before the closing one, and {} are here; what was checked, up to line {}, conforms",
            lines - 1,
            lines - 2,
            lines - 2
        )
    );
    let mut trace = quiet();
    trace.lines.push(trace.lines[5].clone());
    assert!(refused(&trace.text()).starts_with(&format!("goes on in line {}", lines + 1)));
}

#[test]
fn another_format_another_file_and_another_kind_are_refused() {
    let mut trace = quiet();
    trace.lines[0] = trace.lines[0].replace("\"format\":1", "\"format\":2");
    assert_eq!(refused(&trace.text()), "is a trace of format 2, and this build reads format 1");
    for text in ["", "\n", "tailnum,distance\n", "{\"at_us\":0}\n", &quiet().lines[1..].join("\n")] {
        assert_eq!(refused(text), "is no trace: its first line does not open one", "{text:.40}");
    }
    let mut trace = quiet();
    trace.change(7, |line| line["kind"] = "teleported".into());
    assert!(refused(&trace.text()).starts_with("line 8: a trace has no lines of kind \"teleported\""));
}
