//! 128-bit numbers as text: 32 lower-case hexadecimal digits in readable formats, because JSON numbers
//! lose precision in many readers; plain numbers in compact ones.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use super::text::Text;

const DIGITS: usize = 32;

pub(crate) fn serialize<S: Serializer>(number: &u128, serializer: S) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() {
        let digits = digits_of(*number);
        serializer.serialize_str(str::from_utf8(&digits).expect("hexadecimal digits are text"))
    } else {
        number.serialize(serializer)
    }
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u128, D::Error> {
    if deserializer.is_human_readable() {
        let text = Text::deserialize(deserializer)?;
        u128::from_str_radix(&text.0, 16).map_err(D::Error::custom)
    } else {
        u128::deserialize(deserializer)
    }
}

/// All digits. A manifest has such a number for every task, and general formatting is slow beside the rest of it.
fn digits_of(number: u128) -> [u8; DIGITS] {
    let mut digits = [0; DIGITS];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(number.to_be_bytes()) {
        pair.copy_from_slice(&[byte >> 4, byte & 0xf].map(|digit| match digit {
            0..10 => b'0' + digit,
            _ => b'a' - 10 + digit,
        }));
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_of_general_formatting() {
        let bits = (0..128).map(|bit| 1 << bit);
        for number in bits.chain([0, u128::MAX, 0x0123_4567_89ab_cdef_fedc_ba98_7654_3210]) {
            assert_eq!(str::from_utf8(&digits_of(number)).unwrap(), format!("{number:032x}"));
        }
    }
}
