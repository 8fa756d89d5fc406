//! What is to be drawn: a seed, or a file of one of several kinds.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use anyhow::{Context, bail};
use keygroups_sim::case::Case;
use serde::Deserialize;
use serde_json::Value;

use crate::model::{Document, SavedPath};
use crate::replay::words::Told;

/// No line of a trace is longer, so that a file that is none does not fill the memory.
const LINE_BYTES_MAX: u64 = 64 << 20;

/// What a file holds.
pub(super) enum Source {
    Trace(TraceFile),
    Path(Box<SavedPath>),
    Case(Box<Case>),
}

/// The events of a trace, as far as it can be read.
pub(super) struct TraceFile {
    lines: Vec<Line>,
    /// Why there are no more of them, if the trace has not ended.
    pub(super) cut: Option<String>,
}

#[derive(Deserialize)]
struct Line {
    at_us: u64,
    node: String,
    kind: String,
    fields: Value,
}

impl Line {
    fn told(&self) -> Told<'_> {
        Told { at_us: self.at_us, node: &self.node, kind: &self.kind, fields: &self.fields }
    }
}

impl Source {
    /// Reads a file, or stdin for `-`. **This is where the kind of a file is decided**: by its first line.
    ///
    /// # Errors
    ///
    /// One line that names the file, if it cannot be read or is of no kind that can be drawn.
    pub(super) fn read(file: &Path) -> anyhow::Result<Self> {
        let name = name(file);
        let mut reader: Box<dyn BufRead> = match file {
            _ if file == Path::new("-") => Box::new(io::stdin().lock()),
            _ => Box::new(BufReader::new(File::open(file).with_context(|| format!("cannot read {name}"))?)),
        };
        let first = line(&mut reader).with_context(|| format!("cannot read {name}"))?;
        if serde_json::from_slice::<Line>(&first).is_ok() {
            let trace =
                TraceFile::read(&first, &mut reader).with_context(|| format!("cannot read {name}"))?;
            return Ok(Self::Trace(trace));
        }
        let mut whole = first;
        reader.read_to_end(&mut whole).with_context(|| format!("cannot read {name}"))?;
        if let Ok(document) = serde_json::from_slice::<Document>(&whole) {
            let saved = document.follow().with_context(|| format!("cannot follow the path in {name}"))?;
            return Ok(Self::Path(Box::new(saved)));
        }
        if is_case(&whole) {
            return Ok(Self::Case(Box::new(Case::parse(file, &whole)?)));
        }
        let what = if whole.trim_ascii().is_empty() { "is empty" } else { "is neither" };
        bail!(
            "{name} {what}: a report needs a trace that keygroups sim --trace FILE has written, a case of keygroups \
             shrink, or a path that keygroups check or explore has saved"
        );
    }
}

/// Whether it means to be a case; what is wrong with one, its own reader says best.
fn is_case(bytes: &[u8]) -> bool {
    let document: Option<Value> = serde_json::from_slice(bytes).ok();
    document.is_some_and(|document| document["scenario"].is_object() && document["plan"].is_object())
}

/// As messages name it.
pub(super) fn name(file: &Path) -> String {
    if file == Path::new("-") { "stdin".to_owned() } else { file.display().to_string() }
}

impl TraceFile {
    fn read(first: &[u8], reader: &mut impl BufRead) -> io::Result<Self> {
        let (mut lines, mut cut, mut bytes) = (Vec::<Line>::new(), None, first.to_vec());
        while !bytes.is_empty() {
            match serde_json::from_slice(&bytes) {
                Ok(line) => lines.push(line),
                Err(error) => {
                    let what = if error.is_eof() { "is cut off" } else { "is no event" };
                    cut = Some(format!("line {} {what}", lines.len() + 1));
                    break;
                }
            }
            bytes = line(reader)?;
        }
        let is_closed = lines.last().is_some_and(|line| line.kind == "closed");
        if cut.is_none() && !is_closed {
            cut = Some("the end of the run is missing".to_owned());
        }
        Ok(Self { lines, cut })
    }

    pub(super) fn events(&self) -> Vec<Told<'_>> {
        self.lines.iter().map(Line::told).collect()
    }
}

/// The next line with its end; empty at the end of the file.
fn line(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    reader.take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(text: &str) -> TraceFile {
        let mut rest = text.as_bytes();
        let first = line(&mut rest).unwrap();
        TraceFile::read(&first, &mut rest).unwrap()
    }

    const OPENED: &str = r#"{"at_us":0,"node":"trace","kind":"opened","fields":{"format":1,"seed":7}}"#;
    const CLOSED: &str =
        r#"{"at_us":9,"node":"trace","kind":"closed","fields":{"events":1,"violation":null}}"#;

    #[test]
    fn a_whole_trace_is_not_cut() {
        let trace = trace(&format!("{OPENED}\n{CLOSED}\n"));
        assert_eq!((trace.events().len(), trace.cut), (2, None));
    }

    #[test]
    fn of_a_cut_trace_everything_before_the_cut_is_there() {
        let cut = trace(&format!("{OPENED}\n{}", &CLOSED[..40]));
        assert_eq!((cut.events().len(), cut.cut.as_deref()), (1, Some("line 2 is cut off")));
        let damaged = trace(&format!("{OPENED}\n{{\"at_us\":\n{CLOSED}\n"));
        assert_eq!((damaged.events().len(), damaged.cut.as_deref()), (1, Some("line 2 is cut off")));
        let strange = trace(&format!("{OPENED}\nhello\n{CLOSED}\n"));
        assert_eq!((strange.events().len(), strange.cut.as_deref()), (1, Some("line 2 is no event")));
        let ended = trace(&format!("{OPENED}\n"));
        assert_eq!(ended.cut.as_deref(), Some("the end of the run is missing"));
    }
}
