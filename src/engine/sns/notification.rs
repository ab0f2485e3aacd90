//! What a queue receives of a message when it does not want it raw. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

/// One message of a topic on its way to one subscription.
pub(super) struct Notification<'a> {
    pub(super) message_id: &'a str,
    pub(super) topic: &'a str,
    pub(super) subscription: &'a str,
    pub(super) subject: Option<&'a str>,
    pub(super) message: &'a str,
    /// `2026-01-01T00:00:00.000Z`
    pub(super) timestamp: &'a str,
    /// `1` or `2`.
    pub(super) signature_version: &'a str,
    pub(super) region: &'a str,
    /// As published.
    pub(super) attributes: &'a Map<String, Value>,
}

impl Notification<'_> {
    /// The JSON text in AWS's form: members in this order, each on its line.
    /// <https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html>
    pub(super) fn text(&self) -> String {
        let region = self.region;
        let certificate =
            format!("https://sns.{region}.amazonaws.com/SimpleNotificationService-waterwheel.pem");
        let unsubscribe = format!(
            "https://sns.{region}.amazonaws.com/?Action=Unsubscribe&SubscriptionArn={}",
            self.subscription
        );
        let signature = self.signature();
        let members = [
            ("Type", Some("Notification")),
            ("MessageId", Some(self.message_id)),
            ("TopicArn", Some(self.topic)),
            ("Subject", self.subject),
            ("Message", Some(self.message)),
            ("Timestamp", Some(self.timestamp)),
            ("SignatureVersion", Some(self.signature_version)),
            ("Signature", Some(&signature)),
            ("SigningCertURL", Some(&certificate)),
            ("UnsubscribeURL", Some(&unsubscribe)),
        ];
        let mut lines: Vec<String> = members
            .into_iter()
            .filter_map(|(name, text)| Some(format!("  \"{name}\" : {}", Value::from(text?))))
            .collect();
        if !self.attributes.is_empty() {
            let attributes: Vec<String> = self.attributes.iter().map(shown).collect();
            lines.push(format!(
                "  \"MessageAttributes\" : {{\n{}\n  }}",
                attributes.join(",\n")
            ));
        }
        format!("{{\n{}\n}}", lines.join(",\n"))
    }

    /// Only Amazon holds the key of real signatures. This one is the SHA-256 of the text that would be signed, so that
    /// it changes with the message; it proves nothing.
    fn signature(&self) -> String {
        let members = [
            ("Message", Some(self.message)),
            ("MessageId", Some(self.message_id)),
            ("Subject", self.subject),
            ("Timestamp", Some(self.timestamp)),
            ("TopicArn", Some(self.topic)),
            ("Type", Some("Notification")),
        ];
        let mut sum = Sha256::new();
        for (name, text) in members {
            if let Some(text) = text {
                sum.update(format!("{name}\n{text}\n"));
            }
        }
        STANDARD.encode(sum.finalize())
    }
}

fn shown((name, attribute): (&String, &Value)) -> String {
    let value = attribute
        .get("StringValue")
        .or(attribute.get("BinaryValue"));
    format!(
        "    {} : {{\"Type\":{},\"Value\":{}}}",
        Value::from(name.as_str()),
        attribute["DataType"],
        value.unwrap_or(&Value::Null)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_notification_is_laid_out_as_aws_does() {
        let attributes = json!({
            "kind": {"DataType": "String", "StringValue": "a \"b\""},
            "blob": {"DataType": "Binary", "BinaryValue": "AgME"},
        });
        let mut notification = Notification {
            message_id: "id-1",
            topic: "arn:aws:sns:us-east-1:123456789012:lost",
            subscription: "arn:aws:sns:us-east-1:123456789012:lost:sub-1",
            subject: Some("Hello"),
            message: "line 1\nline 2",
            timestamp: "2026-01-01T00:00:00.000Z",
            signature_version: "1",
            region: "us-east-1",
            attributes: attributes.as_object().unwrap(),
        };
        let signature = notification.signature();
        let expected = format!(
            r#"{{
  "Type" : "Notification",
  "MessageId" : "id-1",
  "TopicArn" : "arn:aws:sns:us-east-1:123456789012:lost",
  "Subject" : "Hello",
  "Message" : "line 1\nline 2",
  "Timestamp" : "2026-01-01T00:00:00.000Z",
  "SignatureVersion" : "1",
  "Signature" : "{signature}",
  "SigningCertURL" : "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-waterwheel.pem",
  "UnsubscribeURL" : "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=arn:aws:sns:us-east-1:123456789012:lost:sub-1",
  "MessageAttributes" : {{
    "kind" : {{"Type":"String","Value":"a \"b\""}},
    "blob" : {{"Type":"Binary","Value":"AgME"}}
  }}
}}"#
        );
        assert_eq!(notification.text(), expected);
        notification.message = "other";
        assert_ne!(notification.signature(), signature);
        let none = Map::new();
        notification.attributes = &none;
        notification.subject = None;
        let value: Value = serde_json::from_str(&notification.text()).unwrap();
        assert_eq!(value.get("Subject"), None);
        assert_eq!(value.get("MessageAttributes"), None);
    }
}
