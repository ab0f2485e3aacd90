//! What each stream view type puts into a record, in words and as a sample. Pure.

use aws_sdk_dynamodb::types::{ScalarAttributeType, StreamViewType};
use serde_json::{Map, Value, json};

use crate::aws::dynamodb::KeyPart;

/// A choice of what stream records carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ViewType {
    #[default]
    NewAndOld,
    New,
    Old,
    Keys,
}

impl ViewType {
    pub(super) const ALL: [Self; 4] = [Self::NewAndOld, Self::New, Self::Old, Self::Keys];

    pub(super) fn of(view: &StreamViewType) -> Option<Self> {
        match view {
            StreamViewType::NewAndOldImages => Some(Self::NewAndOld),
            StreamViewType::NewImage => Some(Self::New),
            StreamViewType::OldImage => Some(Self::Old),
            StreamViewType::KeysOnly => Some(Self::Keys),
            _ => None,
        }
    }

    pub(super) fn for_aws(self) -> StreamViewType {
        match self {
            Self::NewAndOld => StreamViewType::NewAndOldImages,
            Self::New => StreamViewType::NewImage,
            Self::Old => StreamViewType::OldImage,
            Self::Keys => StreamViewType::KeysOnly,
        }
    }

    /// As AWS's console calls it.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::NewAndOld => "New and old images",
            Self::New => "New image",
            Self::Old => "Old image",
            Self::Keys => "Key attributes only",
        }
    }

    /// What a record will contain, in one sentence.
    pub(super) fn sentence(self) -> &'static str {
        match self {
            Self::NewAndOld => {
                "The whole item before and after each change: functions can see what changed"
            }
            Self::New => "The whole item after each change; a REMOVE carries the key alone",
            Self::Old => "The whole item before each change; an INSERT carries the key alone",
            Self::Keys => {
                "Only the key of the item that changed: functions read the rest themselves"
            }
        }
    }

    fn has_new(self) -> bool {
        matches!(self, Self::NewAndOld | Self::New)
    }

    fn has_old(self) -> bool {
        matches!(self, Self::NewAndOld | Self::Old)
    }

    /// A MODIFY record of a table with these keys, as a function gets it.
    pub(super) fn sample(self, partition: &KeyPart, sort: Option<&KeyPart>) -> Value {
        let keys: Map<String, Value> = std::iter::once(partition)
            .chain(sort)
            .map(|part| (part.name.clone(), sample_value(&part.kind)))
            .collect();
        let image = |status: &str| {
            let mut image = keys.clone();
            image.insert("status".to_owned(), json!({ "S": status }));
            Value::Object(image)
        };
        let mut record = json!({ "Keys": keys });
        if self.has_new() {
            record["NewImage"] = image("SHIPPED");
        }
        if self.has_old() {
            record["OldImage"] = image("PAID");
        }
        record["StreamViewType"] = self.for_aws().as_str().into();
        json!({ "eventName": "MODIFY", "dynamodb": record })
    }
}

fn sample_value(kind: &ScalarAttributeType) -> Value {
    match kind {
        ScalarAttributeType::N => json!({ "N": "1001" }),
        ScalarAttributeType::B => json!({ "B": "AQI=" }),
        _ => json!({ "S": "c-1001" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_carry_the_images_of_their_view_type_and_no_other() {
        let check = |view: ViewType, expected: &[&str]| {
            let sample = view.sample(&KeyPart::text("pk"), None);
            let members: Vec<_> = sample["dynamodb"].as_object().unwrap().keys().collect();
            assert_eq!(members, expected, "{view:?}");
        };
        check(
            ViewType::NewAndOld,
            &["Keys", "NewImage", "OldImage", "StreamViewType"],
        );
        check(ViewType::New, &["Keys", "NewImage", "StreamViewType"]);
        check(ViewType::Old, &["Keys", "OldImage", "StreamViewType"]);
        check(ViewType::Keys, &["Keys", "StreamViewType"]);
    }

    #[test]
    fn every_view_type_of_aws_has_its_choice() {
        for view in ViewType::ALL {
            assert_eq!(ViewType::of(&view.for_aws()), Some(view));
        }
    }
}
