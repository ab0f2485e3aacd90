//! The engine's control service, in process and over the port.

mod clock;
mod documented;
mod faults;
mod folders;
mod metrics;
mod pollers;
mod replay;
mod settings;
mod shards;
mod simulate;

use serde_json::{Value, json};
use waterwheel::engine::call::Principal;
use waterwheel::engine::control::{Refused, ask, ask_as};
use waterwheel::engine::faults::{Kind, Rule};

use crate::lab::Lab;

/// An operation that has to succeed.
pub(crate) async fn told(lab: &Lab, operation: &str, input: Value) -> Value {
    let answer = ask(lab.host.engine(), operation, &input).await;
    answer.unwrap_or_else(|refused| panic!("{operation}: {refused}"))
}

/// One that has to be refused.
pub(crate) async fn refused(lab: &Lab, operation: &str, input: Value) -> Refused {
    let answer = ask(lab.host.engine(), operation, &input).await;
    answer.expect_err(operation)
}

/// A request about a mapping, with more members.
pub(crate) fn with(uuid: &str, more: Value) -> Value {
    let Value::Object(mut asked) = more else {
        panic!("{more} has no members");
    };
    asked.entry("UUID").or_insert_with(|| uuid.into());
    Value::Object(asked)
}

#[tokio::test(start_paused = true)]
async fn the_engine_names_its_settings() {
    let lab = Lab::new().await;
    let engine = told(&lab, "GetEngine", json!({})).await;
    assert_eq!(engine["Account"], "123456789012");
    assert_eq!(engine["Clock"]["Now"], 1_767_225_600.0);
    assert_eq!(engine["Mappings"], 0);
    let settings = &engine["Settings"];
    assert_eq!(settings["Poll"], "4/s");
    assert_eq!(settings["Delays"], "quick");
    assert_eq!(settings["TtlDelayInSeconds"], 10);
    assert_eq!(settings["EnforceIam"], true);
    assert_eq!(settings.get("ShardPeriodInSeconds"), None);
}

#[tokio::test(start_paused = true)]
async fn only_root_controls_the_engine() {
    let lab = Lab::new().await;
    let everything =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    lab.allow("worker", everything).await;
    for principal in [
        Principal::Role {
            role: "worker".to_owned(),
            session: "s".to_owned(),
        },
        Principal::Service("lambda.amazonaws.com".to_owned()),
    ] {
        let answer = ask_as(lab.host.engine(), &principal, "GetEngine", &json!({})).await;
        let refused = answer.unwrap_err();
        assert_eq!(refused.code, "AccessDeniedException");
        assert!(refused.message.contains("waterwheel:GetEngine"));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_misspelt_is_refused() {
    let lab = Lab::new().await;
    let unknown = refused(&lab, "GetEngine", json!({"Uuid": "1"})).await;
    assert_eq!(unknown.code, "ValidationException");
    assert!(
        unknown.message.contains("unknown field `Uuid`"),
        "{unknown}"
    );
    let unknown = refused(&lab, "GetEngines", json!({})).await;
    assert_eq!(unknown.code, "UnknownOperationException");
}

#[tokio::test(start_paused = true)]
async fn injected_faults_spare_the_control_service() {
    let lab = Lab::new().await;
    let rules = vec![Rule::always("*", Kind::AnswerLost)];
    lab.host.engine().faults().set(1, rules);
    told(&lab, "GetEngine", json!({})).await;
}
