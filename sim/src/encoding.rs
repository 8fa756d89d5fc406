//! Plain data as bytes, for what travels, what is hashed, what is told to the trace.
//!
//! The bytes are postcard's. Most of what it writes in one piece is a number below 128, a single byte, and to call the
//! system's copying for a byte takes longer than everything else about it: these sinks store it themselves.

use bytes::Bytes;
use postcard::ser_flavors::Flavor;
use postcard::{Error, Result, serialize_with_flavor};
use serde::{Deserializer, Serialize, de};
use std::fmt;
use std::sync::Arc;

/// What [`short`] has room for.
pub(crate) const SHORT_BYTES: usize = 256;

/// Appends the encoding of `value`.
///
/// # Panics
/// If it cannot be encoded: sequences must know their length.
pub(crate) fn append<T: Serialize + ?Sized>(value: &T, to: &mut Vec<u8>) {
    serialize_with_flavor(value, Growing(to)).expect("plain data");
}

/// The encoding of `value`, and `body` behind it, in a buffer that is no larger: most messages are short, and wait in
/// queues.
///
/// # Panics
/// As [`append`].
pub(crate) fn message<T: Serialize + ?Sized>(value: &T, body: &[u8]) -> Bytes {
    let mut room = [0; SHORT_BYTES];
    match short(value, &mut room) {
        Some(head) if body.is_empty() => Bytes::copy_from_slice(head),
        Some(head) => [head, body].concat().into(),
        None => {
            let mut bytes = encode(value);
            bytes.extend_from_slice(body);
            bytes.into()
        }
    }
}

/// The encoding of `value`.
///
/// # Panics
/// As [`append`].
pub(crate) fn encode<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(SHORT_BYTES);
    append(value, &mut bytes);
    bytes
}

/// The encoding of `value` in `room`; `None` if it is longer.
///
/// # Panics
/// As [`append`].
pub(crate) fn short<'a, T: Serialize + ?Sized>(
    value: &T,
    room: &'a mut [u8; SHORT_BYTES],
) -> Option<&'a [u8]> {
    match serialize_with_flavor(value, Bounded { room, end: 0 }) {
        Ok(bytes) => Some(bytes),
        Err(Error::SerializeBufferFull) => None,
        Err(error) => panic!("plain data: {error}"),
    }
}

struct Growing<'a>(&'a mut Vec<u8>);

impl Flavor for Growing<'_> {
    type Output = ();

    #[inline]
    fn try_push(&mut self, byte: u8) -> Result<()> {
        self.0.push(byte);
        Ok(())
    }

    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> Result<()> {
        match bytes {
            [byte] => self.0.push(*byte),
            bytes => self.0.extend_from_slice(bytes),
        }
        Ok(())
    }

    fn finalize(self) -> Result<()> {
        Ok(())
    }
}

struct Bounded<'a> {
    room: &'a mut [u8; SHORT_BYTES],
    end: usize,
}

impl<'a> Flavor for Bounded<'a> {
    type Output = &'a [u8];

    #[inline]
    fn try_push(&mut self, byte: u8) -> Result<()> {
        *self.room.get_mut(self.end).ok_or(Error::SerializeBufferFull)? = byte;
        self.end += 1;
        Ok(())
    }

    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> Result<()> {
        if let [byte] = bytes {
            return self.try_push(*byte);
        }
        let end = self.end + bytes.len();
        self.room.get_mut(self.end..end).ok_or(Error::SerializeBufferFull)?.copy_from_slice(bytes);
        self.end = end;
        Ok(())
    }

    fn finalize(self) -> Result<&'a [u8]> {
        Ok(&self.room[..self.end])
    }
}

/// Decodes a text that is kept and shared, without a copy of it in between.
pub(crate) fn shared_text<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Arc<str>, D::Error> {
    struct Text;

    impl de::Visitor<'_> for Text {
        type Value = Arc<str>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<Arc<str>, E> {
            Ok(text.into())
        }
    }

    deserializer.deserialize_str(Text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_those_of_postcard() {
        let values =
            [0, 1, 127, 128, 300, u64::MAX].map(|number| (number, Some("text"), vec![number; 3], 'x'));
        for value in values {
            let expected = postcard::to_allocvec(&value).unwrap();
            let mut appended = vec![7];
            append(&value, &mut appended);
            assert_eq!(appended, [&[7], &*expected].concat());
            assert_eq!(short(&value, &mut [0; SHORT_BYTES]), Some(&*expected));
            assert_eq!(message(&value, b""), expected);
            assert_eq!(message(&value, b"body"), [&*expected, b"body"].concat());
        }
    }

    #[test]
    fn what_is_too_long_is_not_short() {
        let encoded = |bytes: usize| short(&"x".repeat(bytes), &mut [0; SHORT_BYTES]).map(<[u8]>::len);
        assert_eq!(encoded(SHORT_BYTES - 2), Some(SHORT_BYTES));
        assert_eq!(encoded(SHORT_BYTES - 1), None);
        let long = vec![0_u8; SHORT_BYTES + 1];
        assert_eq!(short(&long, &mut [0; SHORT_BYTES]), None);
        assert_eq!(message(&long, &[7]), [encode(&long), vec![7]].concat());
    }
}
