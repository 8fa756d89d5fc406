//! A second reader of the snapshot format, written from docs/snapshot_format.md: it shows every
//! byte with the name of its field.

use std::fmt::Write;

/// One line per field: offset, bytes, name, value.
pub fn annotate(object: &[u8]) -> String {
    let mut dump = Dump { object, at: 0, out: String::new() };
    dump.object();
    assert_eq!(dump.at, object.len(), "every byte belongs to a field");
    dump.out
}

struct Dump<'a> {
    object: &'a [u8],
    at: usize,
    out: String,
}

impl<'a> Dump<'a> {
    fn object(&mut self) {
        self.title("header");
        self.text(8, "magic");
        self.number(2, "format version");
        self.number(2, "codec id");
        self.number(2, "codec version");
        let max_parallelism = self.number(2, "max parallelism");
        let first = self.number(2, "first key group");
        let last = self.number(2, "last key group");
        self.number(2, "vertex");
        self.number(2, "subtask");
        self.number(8, "leader epoch");
        self.number(4, "run");
        let keyed_states = self.number(2, "keyed states");
        let operator_states = self.number(2, "operator states");
        self.number(8, "checkpoint");
        self.number(8, "index bytes");
        self.number(8, "object bytes");
        let bases = self.number(2, "bases");
        self.hex(4, "header checksum");
        for state in 0..keyed_states {
            self.title(&format!("keyed state {state}"));
            self.number(1, "kind");
            self.name();
        }
        for base in 0..bases {
            self.title(&format!("base {}", base + 1));
            self.number(2, "vertex");
            self.number(2, "subtask");
            self.number(8, "leader epoch");
            self.number(4, "run");
            self.number(8, "checkpoint");
            self.number(8, "object bytes");
            self.number(8, "section bytes");
            self.number(2, "key groups");
        }
        let mut sections = Vec::new();
        if max_parallelism > 0 {
            for key_group in first..=last {
                self.title(&format!("index of key group {key_group}"));
                let base = self.number(1, "base");
                let layout = self.number(1, "layout");
                assert_eq!(self.number(1, "compression"), 0, "nobody can read what is compressed");
                self.number(8, "offset");
                let length = self.number(8, "length");
                if base == 0 && length > 0 {
                    sections.push((key_group, layout, length));
                }
                self.number(8, "raw length");
                self.number(8, "entries");
                self.hex(16, "digest");
                self.hex(4, "checksum");
            }
        }
        let mut items = Vec::new();
        for state in 0..operator_states {
            self.title(&format!("operator state {state}"));
            self.number(1, "mode");
            self.name();
            for item in 0..self.number(4, "items") {
                self.number(8, &format!("item {item}: offset"));
                items.push((state, item, self.number(4, &format!("item {item}: length"))));
                self.hex(4, &format!("item {item}: checksum"));
            }
        }
        self.title("end of the index");
        self.hex(4, "index checksum");
        for (key_group, layout, length) in sections {
            self.section(key_group, layout, length as usize);
        }
        for (state, item, length) in items {
            self.title(&format!("item {item} of operator state {state}"));
            self.text(length as usize, "item");
        }
    }

    fn section(&mut self, key_group: u64, layout: u64, length: usize) {
        let end = self.at + length;
        self.title(&format!("section of key group {key_group}"));
        self.number(2, "key group");
        while self.at < end {
            self.name();
            match layout {
                1 => self.sorted(),
                2 => self.table(),
                other => panic!("docs/snapshot_format.md has no layout {other}"),
            }
        }
    }

    fn sorted(&mut self) {
        for _ in 0..self.number(8, "entries") {
            let key = self.number(4, "key length");
            let value = self.number(4, "value length");
            self.text(key as usize, "key");
            self.text(value as usize, "value");
        }
    }

    fn table(&mut self) {
        self.number(8, "entries");
        let (pages, chunks) = (self.number(4, "pages"), self.number(4, "chunks"));
        let mut slots = Vec::new();
        for page in 0..pages {
            self.number(1, &format!("page {page}: depth"));
            self.number(1, &format!("page {page}: home bits"));
            slots.push(self.number(4, &format!("page {page}: slots")));
        }
        let mut lengths = Vec::new();
        for _ in 0..chunks {
            let number = self.number(4, "chunk: number");
            lengths.push((number, self.number(8, &format!("chunk {number}: length"))));
        }
        for (page, slots) in slots.into_iter().enumerate() {
            self.title(&format!("slots of page {page}"));
            self.slots(slots);
        }
        for (number, length) in lengths {
            self.title(&format!("records of chunk {number}"));
            let end = self.at + length as usize;
            while self.at < end {
                self.record();
            }
        }
    }

    /// Empty ones that follow each other are one field.
    fn slots(&mut self, count: u64) {
        let mut at = 0;
        while at < count {
            let rest = self.peek((count - at) as usize * 8);
            let empty = rest.chunks(8).take_while(|slot| **slot == [0; 8]).count();
            if empty > 0 {
                self.line(
                    empty * 8,
                    &format!("00 × {}", empty * 8),
                    &format!("slots {at}..{}", at + empty as u64),
                    "empty",
                );
                at += empty as u64;
                continue;
            }
            let slot = !u64::from_le_bytes(rest[..8].try_into().unwrap());
            let (tag, chunk, offset) = (slot >> 36, slot >> 18 & 0x3_FFFF, (slot & 0x3_FFFF) * 4);
            self.field(8, &format!("slot {at}"), &format!("tag {tag:07x}: chunk {chunk}, offset {offset}"));
            at += 1;
        }
    }

    fn record(&mut self) {
        let header = u32::from_le_bytes(self.peek(4).try_into().unwrap());
        let (key, value) = if header == u32::MAX {
            self.hex(4, "header");
            (self.number(4, "key length") as usize, self.number(4, "value length") as usize)
        } else {
            let (key, value) = (header as usize & 0xFFF, header as usize >> 12);
            self.field(4, "header", &format!("key length {key}, value length {value}"));
            (key, value)
        };
        self.text(key, "key");
        self.text(value, "value");
        let padding = (key + value).wrapping_neg() % 4;
        if padding > 0 {
            self.hex(padding, "padding");
        }
    }

    fn title(&mut self, title: &str) {
        writeln!(self.out, "── {title}").unwrap();
    }

    fn name(&mut self) {
        let length = self.number(2, "name length");
        self.text(length as usize, "name");
    }

    fn number(&mut self, width: usize, name: &str) -> u64 {
        let value = self.peek(width).iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte));
        self.field(width, name, &value.to_string());
        value
    }

    fn hex(&mut self, width: usize, name: &str) {
        let digits: String = self.peek(width).iter().rev().map(|byte| format!("{byte:02x}")).collect();
        self.field(width, name, &digits);
    }

    fn text(&mut self, width: usize, name: &str) {
        let text = format!("\"{}\"", self.peek(width).escape_ascii());
        self.field(width, name, &text);
    }

    fn peek(&self, width: usize) -> &'a [u8] {
        &self.object[self.at..self.at + width]
    }

    fn field(&mut self, width: usize, name: &str, value: &str) {
        let bytes: String = self.peek(width).iter().map(|byte| format!("{byte:02x}")).collect();
        self.line(width, &bytes, name, value);
    }

    fn line(&mut self, width: usize, bytes: &str, name: &str, value: &str) {
        writeln!(self.out, "{:5}  {bytes:32}  {name} = {value}", self.at).unwrap();
        self.at += width;
    }
}
