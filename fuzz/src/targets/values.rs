//! Keys and values.

use std::{collections::BTreeMap, fmt::Debug};

use keygroups::codec;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::bounded;

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Shape {
    Nothing,
    Point { x: i32, y: i32 },
    Line(Vec<(u16, u16)>),
    Named(String, Option<Box<Shape>>),
}

fn round_trip<T: Serialize + DeserializeOwned + PartialEq + Debug>(bytes: &[u8]) {
    match bounded(bytes.len(), || codec::decode::<T>(bytes)) {
        Ok(value) => {
            let again = codec::encode(&value).expect("what was decoded can be encoded");
            assert_eq!(codec::decode::<T>(&again).as_ref(), Ok(&value));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// The first byte chooses the type.
pub fn codec(data: &[u8]) {
    let Some((choice, bytes)) = data.split_first() else { return };
    match choice % 14 {
        0 => round_trip::<u64>(bytes),
        1 => round_trip::<i64>(bytes),
        2 => round_trip::<String>(bytes),
        3 => round_trip::<Vec<u8>>(bytes),
        4 => round_trip::<(String, u64)>(bytes),
        5 => round_trip::<Option<Vec<String>>>(bytes),
        6 => round_trip::<BTreeMap<u32, String>>(bytes),
        7 => round_trip::<Shape>(bytes),
        8 => round_trip::<(bool, char, u128)>(bytes),
        9 => round_trip::<[u16; 3]>(bytes),
        10 => round_trip::<Vec<Vec<u64>>>(bytes),
        11 => round_trip::<Vec<()>>(bytes),
        12 => round_trip::<BTreeMap<(), Vec<[(); 2]>>>(bytes),
        // Compared as bits: a number that is none equals nothing.
        _ => {
            if let Ok((single, double)) = codec::decode::<(f32, f64)>(bytes) {
                let again = codec::encode(&(single, double)).expect("numbers can be encoded");
                assert_eq!(again, bytes, "a floating-point number has one encoding");
            }
        }
    }
}
