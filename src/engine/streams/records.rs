//! Stream records: what is kept of a change, as bytes, and what readers get of it. Pure.

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::clock::{epoch_millis, from_epoch_millis};
use crate::engine::dynamodb::value::Attribute;
use crate::engine::state::ViewType;
use crate::engine::store::codec::{Reader, Unreadable, decode_item, push_bytes, size_of};
use crate::engine::store::text;
use crate::mapping::record::{Event, EventName, Record, SequenceNumber};

/// A change of one item, its images as `codec` encodes them. One image at least is there, and they differ.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    pub keys: &'a [u8],
    pub old: Option<&'a [u8]>,
    pub new: Option<&'a [u8]>,
    pub at: SystemTime,
    /// 32 hexadecimal digits when printed.
    pub id: [u8; 16],
    /// The item went because its time to live was over, not by a user's wish.
    pub expired: bool,
}

/// A stored record.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a> {
    event: u8,
    millis: u64,
    id: &'a [u8],
    expired: bool,
    keys: &'a [u8],
    /// Empty where the view type or the change has none.
    new: &'a [u8],
    old: &'a [u8],
}

const VERSION: u8 = 1;
const EVENTS: [EventName; 3] = [EventName::Insert, EventName::Modify, EventName::Remove];
/// Set beside the event's number.
const EXPIRED: u8 = 0x10;

/// Where a record is, and what all records there have in common.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    pub stream_arn: &'a str,
    pub region: &'a str,
    pub view: ViewType,
    /// Names of the key attributes, partition key first.
    pub keys: &'a [String],
}

/// Who reads a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum For {
    /// Whoever calls `GetRecords`.
    Reader,
    /// A function. It is told the ARN of the stream, the time as a float and, unlike readers, the names of a
    /// `userIdentity` in lower case.
    Function,
}

/// What a stream of this view type keeps of the change.
pub fn encode(view: ViewType, change: &Change<'_>) -> Vec<u8> {
    let wants_new = matches!(view, ViewType::NewImage | ViewType::NewAndOldImages);
    let wants_old = matches!(view, ViewType::OldImage | ViewType::NewAndOldImages);
    let new = change.new.filter(|_| wants_new).unwrap_or_default();
    let old = change.old.filter(|_| wants_old).unwrap_or_default();
    let event = match (change.old, change.new) {
        (None, _) => 0,
        (Some(_), Some(_)) => 1,
        (Some(_), None) => 2,
    };
    let mut out = Vec::with_capacity(40 + change.keys.len() + new.len() + old.len());
    out.push(VERSION);
    out.push(event | if change.expired { EXPIRED } else { 0 });
    out.extend_from_slice(&epoch_millis(change.at).to_be_bytes());
    out.extend_from_slice(&change.id);
    for part in [change.keys, new, old] {
        push_bytes(&mut out, part);
    }
    out
}

impl<'a> Stored<'a> {
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Unreadable> {
        let mut from = Reader(bytes);
        if from.byte()? != VERSION {
            return Err(Unreadable);
        }
        let event = from.byte()?;
        Ok(Self {
            event: event & !EXPIRED,
            expired: event & EXPIRED != 0,
            millis: from.number()?,
            id: from.take(16)?,
            keys: from.bytes()?,
            new: from.bytes()?,
            old: from.bytes()?,
        })
    }

    pub fn created(&self) -> SystemTime {
        from_epoch_millis(self.millis)
    }

    /// `SizeBytes`: the keys and the images that are there.
    pub fn size_bytes(&self) -> Result<usize, Unreadable> {
        let mut size = size_of(self.keys)?;
        for image in [self.new, self.old] {
            if !image.is_empty() {
                size += size_of(image)?;
            }
        }
        Ok(size)
    }

    /// Appends one element of `Records` as `GetRecords` answers it.
    pub fn push_text(
        &self,
        out: &mut Vec<u8>,
        sequence_number: &str,
        source: &Source<'_>,
    ) -> Result<(), Unreadable> {
        self.push(out, sequence_number, source, For::Reader)
    }

    /// As the pipeline of a trigger takes it.
    pub fn record(&self, sequence_number: &str, source: &Source<'_>) -> Result<Record, Unreadable> {
        let images = self.keys.len() + self.new.len() + self.old.len();
        let mut text = Vec::with_capacity(512 + images * 2);
        self.push(&mut text, sequence_number, source, For::Function)?;
        let text = String::from_utf8(text).map_err(|_utf8| Unreadable)?;
        let id: String = self.id_digits().map(char::from).collect();
        let size = self.size_bytes()?;
        Ok(Record {
            sequence_number: SequenceNumber::new(sequence_number),
            event_id: id.into(),
            event_name: self.event_name()?,
            key: self.key_words(source.keys)?,
            created: SystemTime::UNIX_EPOCH + Duration::from_secs(self.millis / 1000),
            size_bytes: u64::try_from(size).unwrap_or(u64::MAX),
            event: Event::from(text),
        })
    }

    fn event_name(&self) -> Result<EventName, Unreadable> {
        let name = EVENTS.get(usize::from(self.event));
        name.copied().ok_or(Unreadable)
    }

    fn id_digits(&self) -> impl Iterator<Item = u8> {
        self.id.iter().flat_map(|it| [hex(it >> 4), hex(it & 15)])
    }

    /// The values of the key attributes.
    fn key_words(&self, names: &[String]) -> Result<Arc<str>, Unreadable> {
        let item = decode_item(self.keys)?;
        let values = names.iter().filter_map(|name| item.get(name));
        let words = values.map(|value| match value {
            Attribute::N(number) => number.to_string(),
            Attribute::B(bytes) => BASE64_STANDARD.encode(bytes),
            Attribute::S(text) => text.clone(),
            // No key has another type.
            _ => String::new(),
        });
        let words: Vec<String> = words.collect();
        Ok(words.join(" / ").into())
    }

    fn push(
        &self,
        out: &mut Vec<u8>,
        sequence_number: &str,
        source: &Source<'_>,
        reader: For,
    ) -> Result<(), Unreadable> {
        let event = self.event_name()?.as_str();
        let size = self.size_bytes()?;
        out.extend_from_slice(br#"{"eventID":""#);
        out.extend(self.id_digits());
        out.extend_from_slice(br#"","eventName":""#);
        out.extend_from_slice(event.as_bytes());
        out.extend_from_slice(
            br#"","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"#,
        );
        text::push_text(out, source.region);
        // Whole seconds, as AWS rounds them. Writing to memory never fails.
        let secs = self.millis / 1000;
        let fraction = if reader == For::Function { ".0" } else { "" };
        write!(
            out,
            r#","dynamodb":{{"ApproximateCreationDateTime":{secs}{fraction},"Keys":"#
        )
        .ok();
        match reader {
            For::Function if source.keys.len() > 1 => {
                text::push_ordered(out, self.keys, source.keys)?;
            }
            _ => text::push_stored(out, self.keys)?,
        }
        for (name, image) in [("NewImage", self.new), ("OldImage", self.old)] {
            if !image.is_empty() {
                write!(out, r#","{name}":"#).ok();
                text::push_stored(out, image)?;
            }
        }
        let view = source.view.name();
        write!(
            out,
            r#","SequenceNumber":"{sequence_number}","SizeBytes":{size},"StreamViewType":"{view}"}}"#
        )
        .ok();
        if self.expired {
            out.extend_from_slice(match reader {
                For::Reader => {
                    br#","userIdentity":{"PrincipalId":"dynamodb.amazonaws.com","Type":"Service"}"#
                }
                For::Function => {
                    br#","userIdentity":{"type":"Service","principalId":"dynamodb.amazonaws.com"}"#
                }
            });
        }
        if reader == For::Function {
            out.extend_from_slice(br#","eventSourceARN":"#);
            text::push_text(out, source.stream_arn);
        }
        out.push(b'}');
        Ok(())
    }
}

/// The lowest four bits as a digit.
fn hex(bits: u8) -> u8 {
    b"0123456789abcdef"[usize::from(bits & 15)]
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::engine::dynamodb::value::{Item, item_from_json};
    use crate::engine::store::codec::encode_item;

    fn item(json: &Value) -> Vec<u8> {
        let item: Item = item_from_json(json).unwrap();
        encode_item(&item)
    }

    fn record(view: ViewType, keys: &Value, old: Option<&Value>, new: Option<&Value>) -> Value {
        let (old, new) = (old.map(item), new.map(item));
        let bytes = encode(
            view,
            &Change {
                keys: &item(keys),
                old: old.as_deref(),
                new: new.as_deref(),
                at: from_epoch_millis(1_795_284_314_999),
                id: [0xab; 16],
                expired: false,
            },
        );
        let stored = Stored::decode(&bytes).unwrap();
        let mut text = Vec::new();
        let source = Source {
            stream_arn: "arn",
            region: "us-east-1",
            view,
            keys: &[],
        };
        stored.push_text(&mut text, "1", &source).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    #[test]
    fn images_follow_the_view_type() {
        let key = json!({"id": {"S": "a"}});
        let (one, two) = (
            json!({"id": {"S": "a"}, "n": {"N": "1"}}),
            json!({"id": {"S": "a"}, "n": {"N": "2"}}),
        );
        for (view, new, old) in [
            (ViewType::KeysOnly, false, false),
            (ViewType::NewImage, true, false),
            (ViewType::OldImage, false, true),
            (ViewType::NewAndOldImages, true, true),
        ] {
            let check = |old_item: Option<&Value>, new_item: Option<&Value>, event: &str| {
                let record = record(view, &key, old_item, new_item);
                let change = &record["dynamodb"];
                assert_eq!(
                    (&record["eventName"], &change["Keys"]),
                    (&json!(event), &key)
                );
                assert_eq!(change.get("NewImage"), new_item.filter(|_| new));
                assert_eq!(change.get("OldImage"), old_item.filter(|_| old));
            };
            check(None, Some(&one), "INSERT");
            check(Some(&one), Some(&two), "MODIFY");
            check(Some(&two), None, "REMOVE");
        }
    }

    #[test]
    fn a_record_reads_as_aws_writes_it() {
        let record = record(
            ViewType::NewAndOldImages,
            &json!({"id": {"S": "a"}}),
            Some(&json!({"id": {"S": "a"}, "n": {"N": "42"}})),
            Some(&json!({"id": {"S": "a"}, "n": {"N": "43"}})),
        );
        assert_eq!(
            record,
            json!({
                "eventID": "abababababababababababababababab", "eventName": "MODIFY", "eventVersion": "1.1",
                "eventSource": "aws:dynamodb", "awsRegion": "us-east-1",
                "dynamodb": {
                    "ApproximateCreationDateTime": 1_795_284_314, "Keys": {"id": {"S": "a"}},
                    "NewImage": {"id": {"S": "a"}, "n": {"N": "43"}},
                    "OldImage": {"id": {"S": "a"}, "n": {"N": "42"}},
                    "SequenceNumber": "1", "SizeBytes": 15, "StreamViewType": "NEW_AND_OLD_IMAGES"
                }
            })
        );
    }

    #[test]
    fn sizes_agree_with_those_recorded_on_aws() {
        for (view, item, bytes) in [
            (ViewType::KeysOnly, json!({"Username": {"S": "Fred"}}), 12),
            (
                ViewType::NewAndOldImages,
                json!({"id": {"S": "id_value"}}),
                20,
            ),
        ] {
            let record = record(view, &item, None, Some(&item));
            assert_eq!(record["dynamodb"]["SizeBytes"], bytes);
        }
    }
}
