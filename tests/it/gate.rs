//! Read-only connections, end to end: every verb that changes something is refused below the console.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use waterwheel::aws::error::Kind;
use waterwheel::aws::lambda::{Code, FunctionSettings, NewFunction, NewMapping};
use waterwheel::aws::{
    Aws, Error, control, demo, dynamodb, faults, folders, iam, lambda, logs, settings, shards, sns,
    sqs, streams, whatif, world,
};
use waterwheel::clock::Clock;
use waterwheel::engine::Options;
use waterwheel::mapping::MappingConfig;
use waterwheel::mapping::pace::Pace;

type Asked = Pin<Box<dyn Future<Output = Result<(), Error>>>>;

fn world() -> Aws {
    Aws::embedded(Options::temporary(Clock::real())).unwrap()
}

fn ask<T>(verb: impl Future<Output = Result<T, Error>> + 'static) -> Asked {
    Box::pin(async { verb.await.map(drop) })
}

/// Some value for any text parameter.
fn x() -> String {
    "x".to_owned()
}

type Changes = Vec<(&'static str, Asked)>;

/// Verbs that change something, with the operation each would send first.
fn changes(aws: &Aws) -> Changes {
    let mut all = changes_of_tables(aws);
    all.extend(changes_of_functions(aws));
    all.extend(changes_of_the_rest(aws));
    all.extend(changes_of_the_local_cloud(aws));
    all
}

fn changes_of_tables(aws: &Aws) -> Changes {
    let a = || aws.clone();
    let item = || dynamodb::item_from_json(r#"{"id":"1"}"#).unwrap().0;
    let table = dynamodb::NewTable::new("T", dynamodb::KeyPart::text("id"));
    let any = dynamodb::PutRule::Any;
    let several = dynamodb::delete_items(a(), x(), vec![item()]);
    let statement = dynamodb::execute_statement(a(), x(), Vec::new(), None, None);
    vec![
        ("ExecuteStatement", ask(statement)),
        ("CreateTable", ask(dynamodb::create_table(a(), table))),
        ("DeleteTable", ask(dynamodb::delete_table(a(), x()))),
        ("UpdateTable", ask(dynamodb::set_stream(a(), x(), None))),
        ("PutItem", ask(dynamodb::put_item(a(), x(), item(), any))),
        ("DeleteItem", ask(dynamodb::delete_item(a(), x(), item()))),
        ("BatchWriteItem", ask(several)),
    ]
}

/// What only the cloud inside the app lets one do.
fn changes_of_the_local_cloud(aws: &Aws) -> Changes {
    let a = || aws.clone();
    let fault = faults::NewFault::default();
    let settings = settings::Values::new();
    vec![
        ("SetClock", ask(world::set_clock(a(), None, Duration::ZERO))),
        ("SetEngineSettings", ask(settings::change(a(), settings))),
        ("AddFaultRules", ask(faults::add(a(), fault, None))),
        ("DeleteFaultRules", ask(faults::remove(a(), 1))),
        ("SwitchFaultRule", ask(faults::switch(a(), 1, false))),
        ("RestartFaultRules", ask(faults::restart(a(), None))),
        ("RollShard", ask(shards::roll(a(), x(), x()))),
        ("SplitShard", ask(shards::split(a(), x(), x()))),
        (
            "TrimStream",
            ask(shards::trim(a(), x(), shards::Trim::Everything)),
        ),
        ("FollowFolder", ask(folders::follow(a(), x(), "/".into()))),
        ("UnfollowFolder", ask(folders::unfollow(a(), x()))),
        ("PausePoller", ask(control::pause_poller(a(), x()))),
        ("ResumePoller", ask(control::resume_poller(a(), x()))),
    ]
}

fn changes_of_functions(aws: &Aws) -> Changes {
    let a = || aws.clone();
    let code = || Code::Files(Vec::new());
    let function = NewFunction::new("f", "index.handler", "arn", code());
    let settings = FunctionSettings {
        name: x(),
        ..FunctionSettings::default()
    };
    let mapping = NewMapping {
        function: x(),
        stream_arn: x(),
        config: MappingConfig::default(),
        enabled: true,
    };
    let config = MappingConfig::default();
    let configured = lambda::update_configuration(a(), settings);
    let mapped = lambda::create_mapping(a(), mapping);
    let updated = lambda::update_mapping(a(), x(), config, None, None);
    let switched = lambda::set_mapping_enabled(a(), x(), false);
    let unmapped = lambda::delete_mapping(a(), x());
    vec![
        (
            "CreateFunction",
            ask(lambda::create_function(a(), function)),
        ),
        (
            "UpdateFunctionCode",
            ask(lambda::update_code(a(), x(), code())),
        ),
        ("UpdateFunctionConfiguration", ask(configured)),
        ("DeleteFunction", ask(lambda::delete_function(a(), x()))),
        ("Invoke", ask(lambda::invoke(a(), x(), "{}".to_owned()))),
        ("CreateEventSourceMapping", ask(mapped)),
        ("UpdateEventSourceMapping", ask(updated)),
        ("UpdateEventSourceMapping", ask(switched)),
        ("DeleteEventSourceMapping", ask(unmapped)),
    ]
}

fn changes_of_the_rest(aws: &Aws) -> Changes {
    let a = || aws.clone();
    let role = iam::NewRole {
        name: x(),
        ..iam::NewRole::default()
    };
    let trust = iam::update_trust(a(), x(), x());
    vec![
        ("CreateRole", ask(iam::create_role(a(), role))),
        ("PutRolePolicy", ask(iam::put_inline(a(), x(), x(), x()))),
        ("DeleteRolePolicy", ask(iam::delete_inline(a(), x(), x()))),
        ("AttachRolePolicy", ask(iam::attach(a(), x(), x()))),
        ("DetachRolePolicy", ask(iam::detach(a(), x(), x()))),
        ("UpdateAssumeRolePolicy", ask(trust)),
        ("DeleteLogGroup", ask(logs::delete_group(a(), x()))),
        ("CreateQueue", ask(sqs::create_queue(a(), x()))),
        ("ReceiveMessage", ask(sqs::peek(a(), x()))),
        ("DeleteMessage", ask(sqs::delete_message(a(), x(), x()))),
        ("PurgeQueue", ask(sqs::purge(a(), x()))),
        ("DeleteQueue", ask(sqs::delete_queue(a(), x()))),
        ("SendMessage", ask(sqs::send(a(), x(), x()))),
        ("CreateTopic", ask(sns::create_topic(a(), x()))),
        ("Subscribe", ask(sns::subscribe_queue(a(), x(), x(), true))),
        ("Publish", ask(sns::publish(a(), x(), x()))),
        ("DeleteTopic", ask(sns::delete_topic(a(), x()))),
        ("CreateQueue", ask(demo::build(a()))),
    ]
}

fn reads(aws: &Aws) -> Vec<Asked> {
    let a = || aws.clone();
    let arn = "arn:aws:iam::123456789012:role/r".to_owned();
    let read = dynamodb::ReadRequest {
        table: x(),
        ..dynamodb::ReadRequest::default()
    };
    let question = whatif::Question {
        uuid: x(),
        proposed: MappingConfig::default(),
        since: None,
        shard: None,
        pace: Pace::default(),
        function: whatif::Function {
            duration: None,
            cold_start_millis: None,
            timeout_secs: None,
            memory_mb: None,
            concurrency: None,
            reports_failures: false,
            failures: whatif::Failures::AsRecorded,
        },
        seed: 1,
    };
    let latest = streams::From::Latest;
    vec![
        ask(dynamodb::list_tables(a())),
        ask(dynamodb::describe_table(a(), "Orders".to_owned())),
        ask(dynamodb::read(a(), read)),
        ask(streams::list_streams(a(), None)),
        ask(streams::records(a(), x(), x(), latest, 1)),
        ask(lambda::list_functions(a())),
        ask(lambda::get_function(a(), x())),
        ask(lambda::list_mappings(a())),
        ask(iam::list_roles(a())),
        ask(iam::get_role(a(), x())),
        ask(iam::check(a(), arn, vec![(x(), x())])),
        ask(logs::list_groups(a())),
        ask(logs::events(a(), x(), None, x(), None, 10)),
        ask(sns::list_topics(a())),
        ask(sqs::list_queues(a())),
        ask(whatif::simulate(a(), question)),
    ]
}

#[tokio::test]
async fn a_locked_connection_refuses_every_verb_that_changes_something() {
    let aws = world();
    aws.gate().lock();
    for (operation, verb) in changes(&aws) {
        let error = verb.await.unwrap_err();
        assert_eq!(error.kind, Kind::ReadOnly, "{operation}: {error:?}");
        assert_eq!(
            error.message,
            format!(
                "This connection is read-only: {operation} was not sent. Unlock the connection to allow writes."
            )
        );
        assert_eq!(error.title(), "Read-only connection");
    }
    let sent = waterwheel::aws::local::recent_calls(aws).await.unwrap();
    assert_eq!(sent, [], "something reached the cloud");
}

#[tokio::test]
async fn a_locked_connection_lets_every_verb_that_looks_through() {
    let aws = world();
    aws.gate().lock();
    for verb in reads(&aws) {
        // Most of these things do not exist; that is the cloud's answer and not the gate's.
        if let Err(error) = verb.await {
            assert_eq!(error.kind, Kind::Service, "{error:?}");
        }
    }
}

#[tokio::test]
async fn unlocking_counts_from_the_next_call_on() {
    let aws = world();
    aws.gate().lock();
    let role = || iam::NewRole {
        name: "reader".to_owned(),
        ..iam::NewRole::default()
    };
    assert!(iam::create_role(aws.clone(), role()).await.is_err());
    aws.gate().unlock();
    iam::create_role(aws.clone(), role()).await.unwrap();
    aws.gate().lock();
    let roles = iam::list_roles(aws).await.unwrap();
    assert_eq!(roles.len(), 1);
}
