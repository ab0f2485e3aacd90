//! The seam as SDKs see it: signatures, permissions, errors, injected faults; in process and over the port.

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use waterwheel::clock::Clock;
use waterwheel::engine::call::Principal;
use waterwheel::engine::{EngineHost, Options};

pub(crate) fn world() -> EngineHost {
    EngineHost::open(Options::temporary(Clock::real())).unwrap()
}

fn code<E: ProvideErrorMetadata>(error: &E) -> String {
    error.code().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn what_waterwheel_cannot_do_is_an_unknown_operation() {
    let host = world();
    let config = host.engine().sdk_config(&Principal::Root);
    let dynamodb = aws_sdk_dynamodb::Client::new(&config);
    let error = dynamodb
        .list_imports()
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert_eq!(code(&error), "UnknownOperationException");
    let lambda = aws_sdk_lambda::Client::new(&config);
    let error = lambda.list_layers().send().await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 404);
    let iam = aws_sdk_iam::Client::new(&config);
    let error = iam
        .list_users()
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert_eq!(code(&error), "InvalidAction");
}
