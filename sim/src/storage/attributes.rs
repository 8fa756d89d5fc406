//! Attributes of objects as plain names and values.

use super::message::AttributeList;
use object_store::{Attribute, AttributeValue, Attributes};

/// Marks user-defined attributes; no other name begins with it.
const METADATA: &str = "metadata:";

/// # Errors
/// The attribute that this build of the simulation does not know.
pub(super) fn to_list(attributes: &Attributes) -> Result<AttributeList, Attribute> {
    let mut list = attributes
        .iter()
        .map(|(attribute, value)| {
            let name = match attribute {
                Attribute::ContentDisposition => "content-disposition".to_owned(),
                Attribute::ContentEncoding => "content-encoding".to_owned(),
                Attribute::ContentLanguage => "content-language".to_owned(),
                Attribute::ContentType => "content-type".to_owned(),
                Attribute::CacheControl => "cache-control".to_owned(),
                Attribute::StorageClass => "storage-class".to_owned(),
                Attribute::Metadata(name) => format!("{METADATA}{name}"),
                other => return Err(other.clone()),
            };
            Ok((name, value.to_string()))
        })
        .collect::<Result<AttributeList, Attribute>>()?;
    list.sort_unstable();
    Ok(list)
}

pub(super) fn from_list(list: AttributeList) -> Attributes {
    list.into_iter()
        .map(|(name, value)| {
            let attribute = match name.as_str() {
                "content-disposition" => Attribute::ContentDisposition,
                "content-encoding" => Attribute::ContentEncoding,
                "content-language" => Attribute::ContentLanguage,
                "content-type" => Attribute::ContentType,
                "cache-control" => Attribute::CacheControl,
                "storage-class" => Attribute::StorageClass,
                other => {
                    let name = other.strip_prefix(METADATA).expect("names were made by to_list");
                    Attribute::Metadata(name.to_owned().into())
                }
            };
            (attribute, AttributeValue::from(value))
        })
        .collect()
}
