//! The MD5 sums by which SQS clients check that a message arrived whole. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use serde_json::Value;

pub(super) fn of_body(body: &str) -> String {
    hex(&Md5::digest(body))
}

/// Of `MessageAttributes` in order of their names; `None` when there are none.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html>
pub(super) fn of_attributes(attributes: &Value) -> Option<String> {
    let attributes = attributes.as_object().filter(|it| !it.is_empty())?;
    let mut names: Vec<&String> = attributes.keys().collect();
    names.sort();
    let mut sum = Md5::new();
    for name in names {
        let attribute = &attributes[name];
        let text = |member: &str| attribute.get(member).and_then(Value::as_str);
        add(&mut sum, name.as_bytes());
        add(&mut sum, text("DataType").unwrap_or_default().as_bytes());
        match (text("StringValue"), text("BinaryValue")) {
            (None, Some(binary)) => {
                sum.update([2]);
                add(&mut sum, &STANDARD.decode(binary).unwrap_or_default());
            }
            (value, _) => {
                sum.update([1]);
                add(&mut sum, value.unwrap_or_default().as_bytes());
            }
        }
    }
    Some(hex(&sum.finalize()))
}

fn add(sum: &mut Md5, bytes: &[u8]) {
    // Messages are limited to a megabyte.
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    sum.update(length.to_be_bytes());
    sum.update(bytes);
}

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or_default();
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn sums_are_those_of_the_service() {
        assert_eq!(of_body("hello world"), "5eb63bbbe01eeed093cb22bb8f5acdc3");
        assert_eq!(of_attributes(&json!({})), None);
        let time = json!({ "DataType": "Number", "StringValue": "1493147359900" });
        assert_eq!(
            of_attributes(&json!({ "timestamp": time })).as_deref(),
            Some("235c5c510d26fb653d073faed50ae77c")
        );
    }
}
