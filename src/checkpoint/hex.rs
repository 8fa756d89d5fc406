//! 128-bit numbers as text: 32 lower-case hexadecimal digits in readable formats, because JSON numbers
//! lose precision in many readers; plain numbers in compact ones.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use super::text::Text;

pub(crate) fn serialize<S: Serializer>(number: &u128, serializer: S) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() {
        serializer.collect_str(&format_args!("{number:032x}"))
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
