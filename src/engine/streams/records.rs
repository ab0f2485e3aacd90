//! Stream records: what is kept of a change, as bytes, and what readers get of it. Pure.

use std::io::Write as _;
use std::time::SystemTime;

use crate::clock::{epoch_millis, from_epoch_millis};
use crate::engine::state::ViewType;
use crate::engine::store::codec::{Reader, Unreadable, push_bytes, size_of};
use crate::engine::store::text;

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
const EVENTS: [&str; 3] = ["INSERT", "MODIFY", "REMOVE"];
/// Set beside the event's number.
const EXPIRED: u8 = 0x10;

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
        self,
        out: &mut Vec<u8>,
        sequence_number: &str,
        view: ViewType,
        region: &str,
    ) -> Result<(), Unreadable> {
        let event = EVENTS.get(usize::from(self.event)).ok_or(Unreadable)?;
        let size = self.size_bytes()?;
        out.extend_from_slice(br#"{"eventID":""#);
        out.extend(self.id.iter().flat_map(|it| [hex(it >> 4), hex(it & 15)]));
        out.extend_from_slice(br#"","eventName":""#);
        out.extend_from_slice(event.as_bytes());
        out.extend_from_slice(
            br#"","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"#,
        );
        text::push_text(out, region);
        // Whole seconds, as AWS rounds them. Writing to memory never fails.
        let secs = self.millis / 1000;
        write!(
            out,
            r#","dynamodb":{{"ApproximateCreationDateTime":{secs},"Keys":"#
        )
        .ok();
        text::push_stored(out, self.keys)?;
        for (name, image) in [("NewImage", self.new), ("OldImage", self.old)] {
            if !image.is_empty() {
                write!(out, r#","{name}":"#).ok();
                text::push_stored(out, image)?;
            }
        }
        let view = view.name();
        write!(
            out,
            r#","SequenceNumber":"{sequence_number}","SizeBytes":{size},"StreamViewType":"{view}"}}"#
        )
        .ok();
        if self.expired {
            out.extend_from_slice(
                br#","userIdentity":{"PrincipalId":"dynamodb.amazonaws.com","Type":"Service"}"#,
            );
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
        stored.push_text(&mut text, "1", view, "us-east-1").unwrap();
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
