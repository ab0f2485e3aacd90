//! CloudWatch Logs as its SDK sees it.

use std::time::{Duration, SystemTime};

use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_cloudwatchlogs::types::{InputLogEvent, OrderBy};
use waterwheel::clock::{Clock, epoch_millis, from_epoch_millis};
use waterwheel::engine::call::Principal;
use waterwheel::engine::{EngineHost, Options, logs};

const GROUP: &str = "/aws/lambda/on-order";
/// 2026-01-01T00:00:00Z
const NEW_YEAR: u64 = 1_767_225_600_000;

fn world() -> (EngineHost, Client) {
    let clock = Clock::at(from_epoch_millis(NEW_YEAR));
    let host = EngineHost::open(Options::temporary(clock)).unwrap();
    let client = Client::new(&host.engine().sdk_config(&Principal::Root));
    (host, client)
}

fn at(millis: u64) -> SystemTime {
    from_epoch_millis(NEW_YEAR + millis)
}

fn write(host: &EngineHost, stream: &str, lines: &[(u64, &str)]) {
    let lines: Vec<_> = lines
        .iter()
        .map(|(millis, line)| (at(*millis), (*line).to_owned()))
        .collect();
    logs::append(host.engine(), GROUP, stream, &lines).unwrap();
}

fn event(time: SystemTime, message: &str) -> InputLogEvent {
    let millis = i64::try_from(epoch_millis(time)).unwrap();
    let event = InputLogEvent::builder().timestamp(millis);
    event.message(message).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_a_function_wrote_is_read_in_its_order() {
    let (host, logs) = world();
    write(
        &host,
        "s1",
        &[(1, "START"), (1, "one"), (1, "two"), (2, "END")],
    );
    let get = || {
        logs.get_log_events()
            .log_group_name(GROUP)
            .log_stream_name("s1")
    };
    let all = get().start_from_head(true).send().await.unwrap();
    let texts: Vec<_> = all.events().iter().filter_map(|it| it.message()).collect();
    assert_eq!(texts, ["START", "one", "two", "END"]);
    let newest = get().limit(2).send().await.unwrap();
    let texts: Vec<_> = newest
        .events()
        .iter()
        .filter_map(|it| it.message())
        .collect();
    assert_eq!(texts, ["two", "END"]);
    let back = get()
        .next_token(newest.next_backward_token.unwrap())
        .limit(1);
    let back = back.send().await.unwrap();
    assert_eq!(back.events()[0].message(), Some("one"));
    let token = newest.next_forward_token.unwrap();
    let end = get().next_token(&token).send().await.unwrap();
    assert!(end.events().is_empty());
    assert_eq!(end.next_forward_token(), Some(token.as_str()));
    write(&host, "s1", &[(2, "later")]);
    let more = get().next_token(token).send().await.unwrap();
    assert_eq!(more.events()[0].message(), Some("later"));
    let window = get()
        .start_time(i64::try_from(NEW_YEAR + 2).unwrap())
        .end_time(i64::try_from(NEW_YEAR + 3).unwrap());
    assert_eq!(window.send().await.unwrap().events().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn streams_are_listed_by_name_or_by_their_last_event() {
    let (host, logs) = world();
    write(&host, "a", &[(30, "x")]);
    write(&host, "b", &[(10, "x"), (20, "y")]);
    write(&host, "c", &[(10, "x")]);
    let list = || logs.describe_log_streams().log_group_name(GROUP);
    let names = |streams: &[aws_sdk_cloudwatchlogs::types::LogStream]| -> String {
        streams
            .iter()
            .filter_map(|it| it.log_stream_name())
            .collect()
    };
    let by_name = list().send().await.unwrap();
    assert_eq!(names(by_name.log_streams()), "abc");
    let b = &by_name.log_streams()[1];
    let millis = |millis: u64| Some(i64::try_from(NEW_YEAR + millis).unwrap());
    assert_eq!(
        (b.first_event_timestamp, b.last_event_timestamp),
        (millis(10), millis(20))
    );
    assert!(
        b.arn()
            .unwrap()
            .ends_with("log-group:/aws/lambda/on-order:log-stream:b")
    );
    let by_time = list()
        .order_by(OrderBy::LastEventTime)
        .descending(true)
        .limit(2);
    let by_time = by_time.send().await.unwrap();
    assert_eq!(names(by_time.log_streams()), "ab");
    let rest = list().order_by(OrderBy::LastEventTime).descending(true);
    let rest = rest
        .next_token(by_time.next_token.unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(names(rest.log_streams()), "c");
    let gone = logs
        .delete_log_stream()
        .log_group_name(GROUP)
        .log_stream_name("b");
    gone.send().await.unwrap();
    assert_eq!(names(list().send().await.unwrap().log_streams()), "ac");
}

#[tokio::test(start_paused = true)]
async fn filtering_finds_lines_of_all_streams_in_order_of_time_page_by_page() {
    let (host, logs) = world();
    write(
        &host,
        "a",
        &[(1, "ERROR a1"), (3, "INFO a3"), (5, "ERROR a5")],
    );
    write(
        &host,
        "b",
        &[(1, "ERROR b1"), (2, "WARN b2"), (4, "ERROR b4 known")],
    );
    let find = |pattern: &str| {
        let find = logs.filter_log_events().log_group_name(GROUP);
        find.filter_pattern(pattern)
    };
    for (pattern, expected) in [
        (
            "ERROR",
            vec!["ERROR a1", "ERROR b1", "ERROR b4 known", "ERROR a5"],
        ),
        ("ERROR -known", vec!["ERROR a1", "ERROR b1", "ERROR a5"]),
        ("?WARN ?INFO", vec!["WARN b2", "INFO a3"]),
        ("\"b4 known\"", vec!["ERROR b4 known"]),
    ] {
        let whole = find(pattern).send().await.unwrap();
        let texts: Vec<_> = whole
            .events()
            .iter()
            .filter_map(|it| it.message())
            .collect();
        assert_eq!(texts, expected, "{pattern}");
        let mut paged = Vec::new();
        let mut pages = find(pattern).limit(1).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.unwrap();
            paged.extend(
                page.events()
                    .iter()
                    .filter_map(|it| it.message().map(str::to_owned)),
            );
        }
        assert_eq!(paged, expected, "{pattern}");
    }
    let one = find("").log_stream_names("b").send().await.unwrap();
    assert_eq!(one.events().len(), 3);
    assert_eq!(one.events()[0].log_stream_name(), Some("b"));
    let refused = find("{ $.level = \"ERROR\" }").send().await.unwrap_err();
    let refused = refused.into_service_error();
    assert!(refused.is_invalid_parameter_exception(), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn lines_are_put_into_streams_that_exist() {
    let (_host, logs) = world();
    let put = |events: Vec<InputLogEvent>| {
        let put = logs
            .put_log_events()
            .log_group_name("g")
            .log_stream_name("s");
        put.set_log_events(Some(events)).send()
    };
    let missing = put(vec![event(at(0), "x")]).await.unwrap_err();
    let missing = missing.into_service_error();
    assert!(missing.is_resource_not_found_exception());
    assert_eq!(
        missing.message(),
        Some("The specified log group does not exist.")
    );
    logs.create_log_group()
        .log_group_name("g")
        .send()
        .await
        .unwrap();
    let again = logs.create_log_group().log_group_name("g").send().await;
    let again = again.unwrap_err().into_service_error();
    assert!(again.is_resource_already_exists_exception());
    let stream = logs
        .create_log_stream()
        .log_group_name("g")
        .log_stream_name("s");
    stream.send().await.unwrap();
    put(vec![event(at(0), "one"), event(at(5), "two")])
        .await
        .unwrap();
    let backwards = put(vec![event(at(5), "x"), event(at(0), "y")]).await;
    let Err(SdkError::ServiceError(error)) = backwards else {
        panic!("{backwards:?}");
    };
    assert!(
        error
            .err()
            .message()
            .unwrap()
            .contains("chronological order")
    );
    let future = at(3 * 3600 * 1000);
    let partly = put(vec![event(at(9), "three"), event(future, "x")])
        .await
        .unwrap();
    let rejected = partly.rejected_log_events_info.unwrap();
    assert_eq!(rejected.too_new_log_event_start_index, Some(1));
    let read = logs
        .get_log_events()
        .log_group_name("g")
        .log_stream_name("s");
    assert_eq!(read.send().await.unwrap().events().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn lines_disappear_when_their_retention_is_over() {
    let (host, logs) = world();
    write(&host, "s", &[(0, "old")]);
    let keep = logs.put_retention_policy().log_group_name(GROUP);
    keep.retention_in_days(1).send().await.unwrap();
    let day = Duration::from_hours(24);
    host.engine().clock().sleep(day / 2).await;
    write(&host, "s", &[(12 * 3600 * 1000, "new")]);
    host.engine()
        .clock()
        .sleep(day / 2 + Duration::from_secs(1))
        .await;
    let read = || logs.filter_log_events().log_group_name(GROUP).send();
    let found = read().await.unwrap();
    assert_eq!(found.events().len(), 1);
    assert_eq!(found.events()[0].message(), Some("new"));
    let groups = logs
        .describe_log_groups()
        .log_group_name_prefix("/aws/lambda");
    let groups = groups.send().await.unwrap();
    assert_eq!(groups.log_groups()[0].retention_in_days, Some(1));
    logs.delete_log_group()
        .log_group_name(GROUP)
        .send()
        .await
        .unwrap();
    assert!(read().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn appending_to_a_known_stream_leaves_the_state_alone() {
    let (host, _logs) = world();
    let state = || {
        host.engine()
            .read(|state| serde_json::to_string(state).unwrap())
    };
    write(&host, "s", &[(0, "first")]);
    let before = state();
    write(&host, "s", &[(1, "second")]);
    assert_eq!(state(), before);
}

#[tokio::test(start_paused = true)]
async fn groups_are_tagged_by_their_arn() {
    let (_host, logs) = world();
    let create = logs.create_log_group().log_group_name(GROUP);
    create.tags("team", "orders").send().await.unwrap();
    let arn = format!("arn:aws:logs:us-east-1:123456789012:log-group:{GROUP}");
    let tag = logs.tag_resource().resource_arn(&arn).tags("stage", "dev");
    tag.send().await.unwrap();
    let untag = logs.untag_resource().resource_arn(&arn).tag_keys("team");
    untag.send().await.unwrap();
    let tags = logs
        .list_tags_for_resource()
        .resource_arn(format!("{arn}:*"));
    let tags = tags.send().await.unwrap().tags.unwrap();
    assert_eq!((tags.len(), tags["stage"].as_str()), (1, "dev"));
}
