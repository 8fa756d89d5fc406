//! Java's value types that have no counterpart among Rust's primitives. Each holds what Java's
//! object holds and can do nothing but hash: convert from the type your program uses.

use super::{JavaField, JavaHash, step};

/// `java.lang.Character`: one UTF-16 code unit, which is less than a Rust `char`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Character(pub u16);

impl JavaHash for Character {
    fn java_hash(&self) -> i32 {
        i32::from(self.0)
    }
}

/// `java.util.UUID`: its 128 bits as they are written, the first digit highest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(pub u128);

impl JavaHash for Uuid {
    fn java_hash(&self) -> i32 {
        ((self.0 >> 64) as u64 ^ self.0 as u64).java_hash()
    }
}

/// `java.math.BigDecimal`: `unscaled · 10^−scale`. As in Java, 1 and 1.0 are different keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BigDecimal {
    /// The digits as one integer.
    pub unscaled: i128,
    /// How many of them are behind the point.
    pub scale: i32,
}

impl JavaHash for BigDecimal {
    fn java_hash(&self) -> i32 {
        step(self.unscaled.java_hash().cast_unsigned(), self.scale.cast_unsigned()).cast_signed()
    }
}

/// `java.time.LocalDate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalDate {
    /// The proleptic year.
    pub year: i32,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

impl JavaHash for LocalDate {
    fn java_hash(&self) -> i32 {
        let high = self.year.cast_unsigned() & 0xffff_f800;
        let low = (self.year.cast_unsigned() << 11)
            .wrapping_add(u32::from(self.month) << 6)
            .wrapping_add(u32::from(self.day));
        (high ^ low).cast_signed()
    }
}

/// `java.time.LocalTime`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalTime {
    /// Nanoseconds since midnight.
    pub nano_of_day: u64,
}

impl JavaHash for LocalTime {
    fn java_hash(&self) -> i32 {
        self.nano_of_day.java_hash()
    }
}

/// `java.time.LocalDateTime`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalDateTime {
    /// The day.
    pub date: LocalDate,
    /// The time of that day.
    pub time: LocalTime,
}

impl JavaHash for LocalDateTime {
    fn java_hash(&self) -> i32 {
        self.date.java_hash() ^ self.time.java_hash()
    }
}

/// `java.time.Instant`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant {
    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    pub epoch_second: i64,
    /// Nanoseconds after that second, below 1,000,000,000.
    pub nano: u32,
}

impl JavaHash for Instant {
    fn java_hash(&self) -> i32 {
        let nanos = self.nano.wrapping_mul(51).cast_signed();
        self.epoch_second.java_hash().wrapping_add(nanos)
    }
}

/// What a row of a changelog does. Source: Flink, `RowKind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowKind {
    /// `+I`.
    Insert,
    /// `-U`.
    UpdateBefore,
    /// `+U`.
    UpdateAfter,
    /// `-D`.
    Delete,
}

/// Flink's `Row` with fields by position. Its kind is part of the hash, so the same fields as
/// insertion and as update are in different key groups.
///
/// Source: Flink, `RowUtils.deepHashCodeRow`.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    /// The kind.
    pub kind: RowKind,
    /// The fields in order. Fields that are arrays, lists or maps hash by another rule and have no
    /// counterpart here.
    pub fields: &'a [&'a dyn JavaField],
}

impl JavaHash for Row<'_> {
    fn java_hash(&self) -> i32 {
        // Flink wraps each field that is not null into an array of one, whose hash code is 31
        // plus that of the field.
        let part = |field: &dyn JavaField| {
            field.java_hash_if_some().map_or(0, |hash| hash.cast_unsigned().wrapping_add(31))
        };
        let fields = self.fields.iter().fold(1, |hash, field| step(hash, part(*field)));
        step(self.kind as u32, fields).cast_signed()
    }
}
