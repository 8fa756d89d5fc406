//! JSON as `serde_json` writes it for people, in larger pieces: it writes a line's indentation level by level,
//! which is half of the work for a manifest.

use std::io::{self, Write};

use serde_json::ser::Formatter;

/// Ends a line after a comma and begins the next one, as far as anything here is nested.
const LINE: &[u8; 66] = b",\n                                                                ";

/// Two spaces a level.
pub(super) struct Indented {
    level: usize,
    has_value: bool,
}

impl Indented {
    pub(super) const fn new() -> Self {
        Self { level: 0, has_value: false }
    }

    fn line<W: ?Sized + Write>(&self, writer: &mut W, after_comma: bool) -> io::Result<()> {
        let (begin, indent) = (usize::from(!after_comma), 2 * self.level);
        match LINE.get(begin..2 + indent) {
            Some(line) => writer.write_all(line),
            None => {
                writer.write_all(&LINE[begin..2])?;
                (0..indent).try_for_each(|_| writer.write_all(b" "))
            }
        }
    }

    fn begin<W: ?Sized + Write>(&mut self, writer: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.level += 1;
        self.has_value = false;
        writer.write_all(bracket)
    }

    fn end<W: ?Sized + Write>(&mut self, writer: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.level -= 1;
        if self.has_value {
            self.line(writer, false)?;
        }
        writer.write_all(bracket)
    }
}

impl Formatter for Indented {
    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.begin(writer, b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.end(writer, b"]")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.line(writer, !first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.has_value = true;
        Ok(())
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.begin(writer, b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.end(writer, b"}")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.line(writer, !first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.has_value = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn it_writes_what_serde_json_writes() {
        let mut deep = json!({});
        for level in 0..40 {
            deep = json!([level, { "deep": deep, "empty": [] }]);
        }
        let flat = json!({ "a": [], "b": {}, "c": [1, "two\n", null, [[]]], "d": { "e": [{}], "f": 1.5 } });
        for value in [flat, deep, Value::Null] {
            let mut written = Vec::new();
            value
                .serialize(&mut serde_json::Serializer::with_formatter(&mut written, Indented::new()))
                .unwrap();
            assert_eq!(String::from_utf8(written).unwrap(), serde_json::to_string_pretty(&value).unwrap());
        }
    }
}
