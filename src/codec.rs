//! Keys and values to bytes and back: one compact codec with a documented, stable wire format.
//!
//! The codec is [postcard](https://postcard.jamesmunns.com/wire-format) 1.x: little endian,
//! variable-length integers, no field names, self-delimiting. A snapshot says which codec wrote
//! its keys and values ([`CodecTag`]); state of another codec is refused, never guessed at.
//!
//! Two properties carry weight elsewhere. Encoding is a function of the value: as long as a type's
//! `Serialize` is (no hash maps with random order inside), equal keys have equal bytes, and bytes
//! are what a backend compares. And an encoding never is a prefix of another one of the same type,
//! so that several encodings can be joined into one key without a separator.

mod bounded;

use std::fmt;

use postcard::ser_flavors::Flavor;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use self::bounded::{Bounded, Budget, UNITS_MAX};
use crate::error::ErrorKind;

/// Which codec wrote the keys and values of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CodecTag {
    /// The codec: 1 is postcard.
    pub id: u16,
    /// The version of its wire format: 1 for postcard 1.x.
    pub version: u16,
}

/// The codec of this build: postcard 1.x.
pub const CODEC: CodecTag = CodecTag { id: 1, version: 1 };

impl fmt::Display for CodecTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.id, self.version)
    }
}

/// A key or value that cannot be encoded, or bytes that are no encoding of the wanted type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The type's `Serialize` failed or wants something the codec does not have, as a sequence of
    /// unknown length.
    #[error("cannot encode a {type_name}: {source}")]
    Encode {
        /// The Rust type.
        type_name: &'static str,
        /// What postcard says.
        source: postcard::Error,
    },
    /// The bytes are no value of the type.
    #[error("{bytes} bytes are no {type_name}: {source}; was the type changed since they were written?")]
    Decode {
        /// The Rust type.
        type_name: &'static str,
        /// How many bytes there were.
        bytes: usize,
        /// What postcard says.
        source: postcard::Error,
    },
    /// The bytes begin with a value of the type, and go on.
    #[error(
        "{bytes} bytes are no {type_name}: {left} are left after it; was the type changed since they were written?"
    )]
    TrailingBytes {
        /// The Rust type.
        type_name: &'static str,
        /// How many bytes there were.
        bytes: usize,
        /// How many are left.
        left: usize,
    },
    /// The bytes claim more elements of sequences and maps than there are bytes, and a million more.
    #[error(
        "{bytes} bytes are no {type_name}: they claim more elements than bytes, and more than {UNITS_MAX} units; was the type changed since they were written?"
    )]
    TooManyElements {
        /// The Rust type.
        type_name: &'static str,
        /// How many bytes there were.
        bytes: usize,
    },
}

impl CodecError {
    /// [`ErrorKind::Invalid`] when encoding, [`ErrorKind::Corrupt`] when decoding.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Encode { .. } => ErrorKind::Invalid,
            Self::Decode { .. } | Self::TrailingBytes { .. } | Self::TooManyElements { .. } => {
                ErrorKind::Corrupt
            }
        }
    }
}

/// Most keys fit, so that a lookup allocates nothing.
const INLINE_BYTES: usize = 64;

/// An encoded key or value.
pub(crate) type Encoded = SmallVec<[u8; INLINE_BYTES]>;

/// The bytes of `value`.
///
/// # Errors
///
/// [`CodecError::Encode`].
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, CodecError> {
    encode_small(value).map(SmallVec::into_vec)
}

pub(crate) fn encode_small<T: Serialize + ?Sized>(value: &T) -> Result<Encoded, CodecError> {
    postcard::serialize_with_flavor(value, InPlace(Encoded::new()))
        .map_err(|source| CodecError::Encode { type_name: std::any::type_name::<T>(), source })
}

/// Where encodings go. Piece by piece: `Extend`, which postcard offers, goes byte by byte.
struct InPlace(Encoded);

impl Flavor for InPlace {
    type Output = Encoded;

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<Encoded> {
        Ok(self.0)
    }
}

/// The value whose encoding is exactly `bytes`; text and bytes in it may be borrowed from there.
///
/// Its sequences and maps have at most as many elements as there are bytes, and 1,048,576 more: elements without
/// bytes, as units are, could be claimed by the billion.
///
/// # Errors
///
/// [`CodecError::Decode`], [`CodecError::TooManyElements`], and [`CodecError::TrailingBytes`] if there is more than
/// one value.
pub fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, CodecError> {
    let type_name = std::any::type_name::<T>();
    let budget = Budget::new(bytes.len());
    let mut rest = postcard::Deserializer::from_bytes(bytes);
    let value = T::deserialize(Bounded::new(&mut rest, &budget));
    let value = value.and_then(|value| Ok((value, rest.finalize()?)));
    let (value, rest) = value.map_err(|source| match budget.is_exceeded() {
        true => CodecError::TooManyElements { type_name, bytes: bytes.len() },
        false => CodecError::Decode { type_name, bytes: bytes.len(), source },
    })?;
    if !rest.is_empty() {
        return Err(CodecError::TrailingBytes { type_name, bytes: bytes.len(), left: rest.len() });
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// The wire format is a promise to every snapshot ever written.
    #[test]
    fn bytes_of_known_values_never_change() {
        assert_eq!(encode(&300_u32).unwrap(), [0xAC, 0x02]);
        assert_eq!(encode(&-1_i64).unwrap(), [0x01]);
        assert_eq!(encode("N14228").unwrap(), b"\x06N14228");
        assert_eq!(encode(&(true, 1.5_f64)).unwrap(), [1, 0, 0, 0, 0, 0, 0, 0xF8, 0x3F]);
        assert_eq!(encode(&Some(7_u8)).unwrap(), [1, 7]);
        assert_eq!(encode(&[1_u16, 2]).unwrap(), [1, 2]);
        assert_eq!(encode(&vec![1_u16, 2]).unwrap(), [2, 1, 2]);
    }

    #[test]
    fn bytes_after_the_value_are_refused() {
        assert_eq!(
            decode::<u8>(&[1, 2]),
            Err(CodecError::TrailingBytes { type_name: "u8", bytes: 2, left: 1 })
        );
    }

    #[test]
    fn a_length_far_beyond_the_input_is_refused_without_allocating_it() {
        let claims_four_gigabytes = [0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 1, 2, 3];
        assert!(decode::<String>(&claims_four_gigabytes).is_err());
        assert!(decode::<Vec<u64>>(&claims_four_gigabytes).is_err());
    }

    /// Nothing has to be read for a unit: 2⁶⁴ of them would take years.
    #[test]
    fn units_beyond_number_are_refused() {
        let claims_all = [&[0xFF; 9][..], &[1]].concat();
        let refusal = |type_name| CodecError::TooManyElements { type_name, bytes: claims_all.len() };
        assert_eq!(decode::<Vec<()>>(&claims_all), Err(refusal("alloc::vec::Vec<()>")));
        let map = decode::<BTreeMap<(), [(); 3]>>(&claims_all);
        assert_eq!(map, Err(refusal("alloc::collections::btree::map::BTreeMap<(), [(); 3]>")));

        // Many sequences have no more of them than one.
        let claims_million = [0xFF, 0xFF, 0x3F];
        let nested = [&[100][..], &claims_million.repeat(100)].concat();
        assert!(matches!(decode::<Vec<Vec<()>>>(&nested), Err(CodecError::TooManyElements { .. })));
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Shape {
        Nothing,
        Line(Vec<(u16, u16)>),
        Named { name: String, inner: Option<Box<Shape>>, tags: BTreeMap<u8, Vec<()>> },
    }

    #[test]
    fn as_many_units_as_are_allowed_and_any_number_of_elements_with_bytes_are_read() {
        fn round_trip<T: Serialize + serde::de::DeserializeOwned + PartialEq + fmt::Debug>(value: &T) {
            assert_eq!(decode::<T>(&encode(value).unwrap()).as_ref(), Ok(value));
        }
        round_trip(&vec![(); UNITS_MAX]);
        round_trip(&vec![1_u8; 2 * UNITS_MAX]);
        round_trip(&vec![vec![(), ()]; 1_000]);
        let line = Shape::Line(vec![(1, 2), (3, 4)]);
        let tags = BTreeMap::from([(1, vec![(); 3]), (2, vec![])]);
        let named = Shape::Named { name: "line".to_owned(), inner: Some(Box::new(line)), tags };
        round_trip(&vec![named, Shape::Nothing]);
    }
}
