//! Java hash codes of typed keys.
//!
//! A key group is computed from Java's `hashCode`, so each key type here says which Java type it
//! stands for and hashes to the same 32 bits. A null key has no group in Flink, and none here:
//! [`Option`] has no [`JavaHash`]. Only the fields of tuples and rows may be null, which is what
//! [`JavaField`] is for.
//!
//! Three of Java's rules surprise:
//!
//! - A number hashes differently by its type: −1 is −1 as `Integer` and 0 as `Long`.
//! - `0.0` and `-0.0` are different keys, and every NaN is the same one.
//! - An enum or array hashes by its address: it moves between groups from run to run, and so it
//!   has no counterpart here.
//!
//! Source: JDK 17, `hashCode` of each class; Apache Flink 2.3.0, `Tuple1` to `Tuple12`, `Row`.

mod text;
mod value;

pub use text::Utf16;
pub use value::{BigDecimal, Character, Instant, LocalDate, LocalDateTime, LocalTime, Row, RowKind, Uuid};

/// A key: a value that hashes like a Java object.
///
/// | Rust | Java |
/// |---|---|
/// | `i8`, `i16`, `i32`, `i64`, `bool`, `f32`, `f64` | `Byte`, `Short`, `Integer`, `Long`, `Boolean`, `Float`, `Double` |
/// | `u8`, `u16`, `u32`, `u64` | the signed type of the same width, by bits: as a Java program keeps an unsigned number |
/// | `i128` | `BigInteger` of the same value |
/// | `str`, `String`, [`Utf16`] | `String` |
/// | [`Character`], [`Uuid`], [`BigDecimal`], [`LocalDate`], [`LocalTime`], [`LocalDateTime`], [`Instant`] | the same name |
/// | tuples of 1 to 12 fields | Flink's `Tuple1` to `Tuple12` |
/// | [`Row`] | Flink's `Row` with fields by position |
///
/// A null key does not compile:
///
/// ```compile_fail
/// # use keygroups::key_group::{self, MaxParallelism};
/// key_group::of(&Some(1_i32), MaxParallelism::new(128).unwrap());
/// ```
pub trait JavaHash {
    /// Java's `hashCode()`.
    fn java_hash(&self) -> i32;
}

/// A field of a tuple or row: a [`JavaHash`] or, as an [`Option`], a value that may be null.
pub trait JavaField {
    /// Java's `hashCode()`; `None` for null.
    fn java_hash_if_some(&self) -> Option<i32>;
}

impl<T: JavaHash + ?Sized> JavaField for T {
    #[inline]
    fn java_hash_if_some(&self) -> Option<i32> {
        Some(self.java_hash())
    }
}

impl<T: JavaHash> JavaField for Option<T> {
    #[inline]
    fn java_hash_if_some(&self) -> Option<i32> {
        self.as_ref().map(T::java_hash)
    }
}

impl<T: JavaHash + ?Sized> JavaHash for &T {
    #[inline]
    fn java_hash(&self) -> i32 {
        (**self).java_hash()
    }
}

macro_rules! hash_is_the_number {
    ($($signed:ty, $unsigned:ty);*) => {$(
        impl JavaHash for $signed {
            #[inline]
            fn java_hash(&self) -> i32 {
                i32::from(*self)
            }
        }

        impl JavaHash for $unsigned {
            #[inline]
            fn java_hash(&self) -> i32 {
                self.cast_signed().java_hash()
            }
        }
    )*};
}

hash_is_the_number!(i8, u8; i16, u16; i32, u32);

impl JavaHash for i64 {
    #[inline]
    fn java_hash(&self) -> i32 {
        self.cast_unsigned().java_hash()
    }
}

impl JavaHash for u64 {
    #[inline]
    fn java_hash(&self) -> i32 {
        (self ^ self >> 32) as i32
    }
}

impl JavaHash for i128 {
    fn java_hash(&self) -> i32 {
        let magnitude = self.unsigned_abs();
        // Java keeps the magnitude in words of 32 bits, the highest first, without leading zeros;
        // leading zeros do not change the sum.
        let hash = (0..4).rev().map(|word| (magnitude >> (32 * word)) as u32).fold(0, step);
        if *self < 0 { hash.wrapping_neg().cast_signed() } else { hash.cast_signed() }
    }
}

impl JavaHash for bool {
    #[inline]
    fn java_hash(&self) -> i32 {
        if *self { 1231 } else { 1237 }
    }
}

impl JavaHash for f64 {
    #[inline]
    fn java_hash(&self) -> i32 {
        let bits = if self.is_nan() { 0x7ff8_0000_0000_0000 } else { self.to_bits() };
        bits.java_hash()
    }
}

impl JavaHash for f32 {
    #[inline]
    fn java_hash(&self) -> i32 {
        let bits = if self.is_nan() { 0x7fc0_0000 } else { self.to_bits() };
        bits.cast_signed()
    }
}

macro_rules! tuple {
    ($first:ident $($field:ident)*) => {
        impl<$first: JavaField, $($field: JavaField),*> JavaHash for ($first, $($field,)*) {
            #[inline]
            fn java_hash(&self) -> i32 {
                #[allow(non_snake_case, reason = "the fields are named by their types")]
                let ($first, $($field,)*) = self;
                let hash = $first.java_hash_if_some().unwrap_or(0).cast_unsigned();
                $(let hash = step(hash, $field.java_hash_if_some().unwrap_or(0).cast_unsigned());)*
                hash.cast_signed()
            }
        }
    };
}

tuple!(A);
tuple!(A B);
tuple!(A B C);
tuple!(A B C D);
tuple!(A B C D E);
tuple!(A B C D E F);
tuple!(A B C D E F G);
tuple!(A B C D E F G H);
tuple!(A B C D E F G H I);
tuple!(A B C D E F G H I J);
tuple!(A B C D E F G H I J K);
tuple!(A B C D E F G H I J K L);

/// How Java combines hash codes of parts.
#[inline]
const fn step(hash: u32, part: u32) -> u32 {
    hash.wrapping_mul(31).wrapping_add(part)
}
