//! Key to key group: `keygroup_assignment.csv`.

use keygroups::key_group::java::{
    BigDecimal, Character, Instant, LocalDate, LocalDateTime, LocalTime, Row, RowKind, Utf16, Uuid,
};
use keygroups::key_group::{JavaField, JavaHash, hash};

use crate::{max_parallelism, rows};

const GOLDEN: &str = include_str!("../golden/keygroup_assignment.csv");
const MAX_PARALLELISMS: [&str; 11] =
    ["1", "2", "3", "7", "127", "128", "129", "1000", "4096", "32767", "32768"];

#[test]
fn every_golden_key_has_flinks_hash_and_key_groups() {
    let heading = format!("type,key,javahash,murmur,kg{}", MAX_PARALLELISMS.join(",kg"));
    let mut count = 0;
    for row in rows(GOLDEN, &heading) {
        let mut columns = row.split(',');
        let mut next = || columns.next().unwrap();
        let (java_type, key) = (next(), next());
        let hash = java_hash(java_type, key);
        assert_eq!(hash.to_string(), next(), "hash code of {java_type} {key}");
        assert_eq!(hash::murmur(hash).to_string(), next(), "murmur of {java_type} {key}");
        for max in MAX_PARALLELISMS {
            let key_group = hash::of_hash(hash, max_parallelism(max));
            assert_eq!(key_group.to_string(), next(), "{java_type} {key} at max parallelism {max}");
        }
        assert_eq!(columns.next(), None);
        count += 1;
    }
    assert_eq!(count, 269);
}

/// A field whose hash code is already known.
#[derive(Clone, Copy)]
struct Hashed(i32);

impl JavaHash for Hashed {
    fn java_hash(&self) -> i32 {
        self.0
    }
}

/// The hash code of `key`, made with the type that stands for `java_type`.
fn java_hash(java_type: &str, key: &str) -> i32 {
    match java_type {
        "String" => text(key),
        "Character" => Character(u16::from_str_radix(key, 16).unwrap()).java_hash(),
        "Integer" => number::<i32>(key),
        "Long" => number::<i64>(key),
        "Short" => number::<i16>(key),
        "Byte" => number::<i8>(key),
        "Boolean" => number::<bool>(key),
        "BigInteger" => number::<i128>(key),
        "Double" => f64::from_bits(u64::from_str_radix(key, 16).unwrap()).java_hash(),
        "Float" => f32::from_bits(u32::from_str_radix(key, 16).unwrap()).java_hash(),
        "BigDecimal" => {
            let (unscaled, scale) = key.split_once('/').unwrap();
            BigDecimal { unscaled: unscaled.parse().unwrap(), scale: scale.parse().unwrap() }.java_hash()
        }
        "UUID" => Uuid(u128::from_str_radix(&key.replace('-', ""), 16).unwrap()).java_hash(),
        "LocalDate" => date(key).java_hash(),
        "LocalTime" => time(key).java_hash(),
        "LocalDateTime" => {
            let (day, time_of_day) = key.split_once('T').unwrap();
            LocalDateTime { date: date(day), time: time(time_of_day) }.java_hash()
        }
        "Instant" => {
            let (second, nano) = key.split_once('/').unwrap();
            Instant { epoch_second: second.parse().unwrap(), nano: nano.parse().unwrap() }.java_hash()
        }
        "Tuple1" | "Tuple2" | "Tuple3" | "Tuple4" | "Tuple5" => match *fields(key) {
            [a] => (a,).java_hash(),
            [a, b] => (a, b).java_hash(),
            [a, b, c] => (a, b, c).java_hash(),
            [a, b, c, d] => (a, b, c, d).java_hash(),
            [a, b, c, d, e] => (a, b, c, d, e).java_hash(),
            _ => panic!("{key}"),
        },
        "Row" => {
            let (kind, key) = key.split_at(2);
            let kind = match kind {
                "+I" => RowKind::Insert,
                "-U" => RowKind::UpdateBefore,
                "+U" => RowKind::UpdateAfter,
                "-D" => RowKind::Delete,
                _ => panic!("{kind}"),
            };
            let hashed = fields(key);
            let fields: Vec<&dyn JavaField> = hashed.iter().map(|field| field as &dyn JavaField).collect();
            Row { kind, fields: &fields }.java_hash()
        }
        _ => panic!("no type stands for {java_type}"),
    }
}

fn number<T: std::str::FromStr<Err: std::fmt::Debug> + JavaHash>(key: &str) -> i32 {
    key.parse::<T>().unwrap().java_hash()
}

/// A string by its code units and, if it is valid text, by Rust's type too.
fn text(key: &str) -> i32 {
    let unit = |digits: &[u8]| u16::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap();
    let units: Vec<u16> = key.as_bytes().chunks(4).map(unit).collect();
    let hash = Utf16(&units).java_hash();
    if let Ok(text) = String::from_utf16(&units) {
        assert_eq!(text.java_hash(), hash, "{text:?}");
        assert_eq!(text.as_str().java_hash(), hash, "{text:?}");
    }
    hash
}

fn date(key: &str) -> LocalDate {
    let [year, month, day] = key.split('-').collect::<Vec<_>>().try_into().unwrap();
    LocalDate { year: year.parse().unwrap(), month: month.parse().unwrap(), day: day.parse().unwrap() }
}

fn time(key: &str) -> LocalTime {
    let (hour, minute) = key.split_once(':').unwrap();
    let minutes = hour.parse::<u64>().unwrap() * 60 + minute.parse::<u64>().unwrap();
    LocalTime { nano_of_day: minutes * 60_000_000_000 }
}

/// The fields of `(Type:key;Type:key…)`, which may nest.
fn fields(key: &str) -> Vec<Option<Hashed>> {
    let inner = key.strip_prefix('(').and_then(|key| key.strip_suffix(')')).unwrap();
    let mut depth = 0_i32;
    let parts = inner.split(|character: char| {
        depth += i32::from(character == '(') - i32::from(character == ')');
        character == ';' && depth == 0
    });
    let field = |part: &str| {
        let (java_type, key) = part.split_once(':').or_else(|| (part == "null").then_some(("null", "")))?;
        (java_type != "null").then(|| Hashed(java_hash(java_type, key)))
    };
    parts.filter(|part| !part.is_empty()).map(field).collect()
}
