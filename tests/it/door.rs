//! Reading records and calling functions in this process without the SDK: what comes back is what the SDK makes of it.

use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::client::auth::SharedAuthScheme;
use serde_json::{Value, json};
use waterwheel::engine::call::Principal;
use waterwheel::engine::faults::{Kind, Rule};
use waterwheel::mapping::poller::{Clients, Records, Trouble};
use waterwheel::mapping::progress::Answer;

use crate::lab::Lab;
use crate::tables::call;

const CODE: &str = "exports.handler = async (event) => {
    console.log('called');
    if (event.fails) throw new TypeError('no “such” thing');
    return { got: event };
};";

struct Pair {
    sdk: Clients,
    door: Clients,
}

impl Pair {
    fn of(lab: &Lab) -> Self {
        Self::reading_as(lab, &Principal::Service("lambda.amazonaws.com".to_owned()))
    }

    fn reading_as(lab: &Lab, reader: &Principal) -> Self {
        let engine = lab.host.engine();
        let service = Principal::Service("lambda.amazonaws.com".to_owned());
        let signing = SharedAuthScheme::new(engine.unsigned(reader, "dynamodb"));
        let sdk = Clients::new(&engine.sdk_config(reader), &engine.sdk_config(&service));
        Self {
            door: sdk.clone().inside(
                signing,
                engine.door(reader, "dynamodb"),
                engine.door(&service, "lambda"),
            ),
            sdk,
        }
    }

    /// What both read, without what is another one each time.
    async fn reads(
        &self,
        iterator: &str,
        arn: &str,
        keys: &[&str],
    ) -> [Result<Records, Trouble>; 2] {
        let keys: Arc<[String]> = keys.iter().map(|it| (*it).to_owned()).collect();
        let mut reads = [
            self.sdk.read(iterator.to_owned(), arn, &keys).await,
            self.door.read(iterator.to_owned(), arn, &keys).await,
        ];
        for trouble in reads.iter_mut().filter_map(|it| it.as_mut().err()) {
            let id = std::mem::take(&mut trouble.request_id);
            assert_eq!(id.is_empty(), trouble.status == 0, "{id}");
        }
        reads
    }

    /// The answers of both, without what is another one each time.
    async fn answers(&self, lab: &Lab, arn: &str, payload: &str) -> [Answer; 2] {
        let mut answers = [
            self.sdk.invoke(arn, &lab.clock, payload.to_owned()).await,
            self.door.invoke(arn, &lab.clock, payload.to_owned()).await,
        ];
        for answer in &mut answers {
            let id = std::mem::take(&mut answer.request_id);
            assert_eq!(id.is_empty(), answer.status == 0, "{id}");
            if !id.is_empty() {
                answer.payload = answer.payload.replace(&id, "ID");
                answer.log_tail = answer.log_tail.replace(&id, "ID");
            }
            answer.took = Duration::ZERO;
            // A cold start tells more, and both have their own memory.
            let from = answer.log_tail.find("START RequestId").unwrap_or_default();
            let to = answer.log_tail.find("REPORT").unwrap_or_default();
            answer.log_tail = answer.log_tail[from..to].to_owned();
        }
        answers
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_the_same_with_and_without_the_sdk() {
    let lab = Lab::new().await;
    lab.function("reader", CODE).await;
    let pair = Pair::of(&lab);
    let arn = "arn:aws:lambda:us-east-1:123456789012:function:reader";
    for (payload, status) in [
        (r#"{"é": "ü"}"#, 200),
        (r#"{"fails": true}"#, 200),
        ("", 200),
    ] {
        let [sdk, door] = pair.answers(&lab, arn, payload).await;
        assert_eq!(door, sdk);
        assert_eq!(door.status, status);
        assert!(door.log_tail.contains("called"), "{door:?}");
    }
    let unknown = "arn:aws:lambda:us-east-1:123456789012:function:nobody";
    let [sdk, door] = pair.answers(&lab, unknown, "{}").await;
    assert_eq!(door, sdk);
    assert_eq!(door.status, 404);
    assert!(door.payload.contains("Function not found"), "{door:?}");
    for kind in [Kind::Throttle, Kind::InternalError, Kind::AnswerLost] {
        let rule = Rule::always("lambda:Invoke", kind);
        lab.host.engine().faults().set(1, vec![rule]);
        let [sdk, door] = pair.answers(&lab, arn, "{}").await;
        assert_eq!(door, sdk);
        assert_ne!(door.status, 200);
    }
}

/// An iterator at the beginning of a stream's only shard.
async fn beginning(lab: &Lab, stream_arn: &str) -> String {
    let engine = lab.host.engine();
    let arn = json!({ "StreamArn": stream_arn });
    let described = call(engine, "DescribeStream", arn).await.unwrap();
    let iterator = call(
        engine,
        "GetShardIterator",
        json!({
            "StreamArn": stream_arn, "ShardIteratorType": "TRIM_HORIZON",
            "ShardId": described["StreamDescription"]["Shards"][0]["ShardId"],
        }),
    );
    let iterator = iterator.await.unwrap();
    iterator["ShardIterator"].as_str().unwrap().to_owned()
}

async fn write(lab: &Lab, operation: &str, member: &str, value: Value) {
    let request = json!({ "TableName": "visits", member: value });
    call(lab.host.engine(), operation, request).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn records_are_the_same_with_and_without_the_sdk() {
    for view in ["NEW_AND_OLD_IMAGES", "KEYS_ONLY", "OLD_IMAGE"] {
        let lab = Lab::new().await;
        let engine = lab.host.engine();
        let made = call(
            engine,
            "CreateTable",
            json!({
                "TableName": "visits", "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [
                    {"AttributeName": "who", "AttributeType": "B"}, {"AttributeName": "at", "AttributeType": "N"},
                ],
                "KeySchema": [
                    {"AttributeName": "who", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"},
                ],
                "StreamSpecification": {"StreamEnabled": true, "StreamViewType": view},
            }),
        );
        let made = made.await.unwrap();
        let stream_arn = made["TableDescription"]["LatestStreamArn"]
            .as_str()
            .unwrap();
        lab.sleep(5).await;
        let key = json!({"who": {"B": "AAEC"}, "at": {"N": "-1.50"}});
        let mut item = key.clone();
        for (name, value) in [
            ("s", json!({"S": "h\"é\\llo\n\u{1}"})),
            ("b", json!({"B": "AAEC"})),
            ("yes", json!({"BOOL": true})),
            ("null", json!({"NULL": true})),
            ("n", json!({"N": "-1.5E-100"})),
            (
                "m",
                json!({"M": {"z": {"L": [{"N": "10"}, {"M": {}}]}, "a \"name\"": {"S": ""}}}),
            ),
            ("ss", json!({"SS": ["b", "a"]})),
            ("ns", json!({"NS": ["3", "-2"]})),
            ("bs", json!({"BS": ["AQ==", "AA=="]})),
        ] {
            item[name] = value;
        }
        write(&lab, "PutItem", "Item", item.clone()).await;
        item["s"] = json!({"S": "else"});
        write(&lab, "PutItem", "Item", item.clone()).await;
        write(&lab, "DeleteItem", "Key", key).await;
        write(
            &lab,
            "UpdateTimeToLive",
            "TimeToLiveSpecification",
            json!({"AttributeName": "n", "Enabled": true}),
        )
        .await;
        item["n"] = json!({"N": "1767225601"});
        write(&lab, "PutItem", "Item", item).await;
        lab.sleep(60).await;

        let iterator = beginning(&lab, stream_arn).await;
        let [sdk, door] = Pair::of(&lab)
            .reads(&iterator, stream_arn, &["who", "at"])
            .await;
        let (sdk, door) = (sdk.unwrap(), door.unwrap());
        assert_eq!(door, sdk);
        assert_eq!(door.records.len(), 5);
        assert_eq!(&*door.records[0].key, "AAEC / -1.5");
        let last = door.records[4].event.text();
        assert!(
            last.contains(r#""userIdentity":{"type":"Service""#),
            "{last}"
        );
        lab.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn trouble_with_reading_is_the_same_with_and_without_the_sdk() {
    let lab = Lab::new().await;
    let stream_arn = lab.table("orders").await;
    let iterator = beginning(&lab, &stream_arn).await;
    let pair = Pair::of(&lab);
    for (kind, code) in [
        (Kind::Throttle, "ThrottlingException"),
        (Kind::InternalError, "InternalServerError"),
        (Kind::AccessDenied, "AccessDeniedException"),
        (Kind::ExpiredIterator, "ExpiredIteratorException"),
        (Kind::TrimmedData, "TrimmedDataAccessException"),
        (Kind::AnswerLost, ""),
    ] {
        let rule = Rule::always("streams:GetRecords", kind);
        lab.host.engine().faults().set(1, vec![rule]);
        let [sdk, door] = pair.reads(&iterator, &stream_arn, &["id"]).await;
        assert_eq!(door, sdk);
        assert_eq!(door.unwrap_err().code, code);
    }
    lab.host.engine().faults().set(1, Vec::new());
    lab.role("stranger").await;
    let other = json!({
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"},
    });
    lab.allow("stranger", &other.to_string()).await;
    let stranger = Principal::Role {
        role: "stranger".to_owned(),
        session: "fn".to_owned(),
    };
    let denied = Pair::reading_as(&lab, &stranger);
    let [sdk, door] = denied.reads(&iterator, &stream_arn, &["id"]).await;
    assert_eq!(door, sdk);
    assert_eq!(door.unwrap_err().code, "AccessDeniedException");
    let [sdk, door] = pair.reads("no iterator", &stream_arn, &["id"]).await;
    assert_eq!(door, sdk);
    assert_eq!(door.unwrap_err().code, "ValidationException");
}
