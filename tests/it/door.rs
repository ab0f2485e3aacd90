//! Calling functions in this process without the SDK: what comes back is what the SDK makes of it.

use std::time::Duration;

use aws_smithy_runtime_api::client::auth::SharedAuthScheme;
use waterwheel::engine::call::Principal;
use waterwheel::engine::faults::{Kind, Rule};
use waterwheel::mapping::poller::Clients;
use waterwheel::mapping::progress::Answer;

use crate::lab::Lab;

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
        let engine = lab.host.engine();
        let service = Principal::Service("lambda.amazonaws.com".to_owned());
        let config = engine.sdk_config(&service);
        let signing = SharedAuthScheme::new(engine.unsigned(&service, "dynamodb"));
        let sdk = Clients::new(&config, &config);
        Self {
            door: sdk.clone().inside(signing, engine.door(&service, "lambda")),
            sdk,
        }
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
