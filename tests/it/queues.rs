//! SQS as its SDK sees it.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::ProvideErrorMetadata as _;
use aws_sdk_sqs::types::{
    Message, MessageAttributeValue, MessageSystemAttributeName as System,
    QueueAttributeName as Name, SendMessageBatchRequestEntry as Entry,
    SendMessageBatchResultEntry as BatchSent,
};
use waterwheel::clock::{Clock, from_epoch_millis};
use waterwheel::engine::call::Principal;
use waterwheel::engine::{EngineHost, Options};

fn clock() -> Clock {
    // 2026-01-01T00:00:00Z
    Clock::at(from_epoch_millis(1_767_225_600_000))
}

async fn world() -> (EngineHost, Client, String) {
    let host = EngineHost::open(Options::temporary(clock())).unwrap();
    let sqs = Client::new(&host.engine().sdk_config(&Principal::Root));
    let made = sqs.create_queue().queue_name("lost").send().await.unwrap();
    (host, sqs, made.queue_url.unwrap())
}

async fn send(sqs: &Client, url: &str, body: &str) {
    let send = sqs.send_message().queue_url(url).message_body(body);
    send.send().await.unwrap();
}

async fn receive(sqs: &Client, url: &str) -> Vec<Message> {
    let receive = sqs
        .receive_message()
        .queue_url(url)
        .max_number_of_messages(10);
    receive.send().await.unwrap().messages.unwrap_or_default()
}

fn bodies(messages: &[Message]) -> Vec<&str> {
    messages
        .iter()
        .filter_map(|message| message.body())
        .collect()
}

/// Visible, in flight, delayed.
async fn counts(sqs: &Client, url: &str) -> (String, String, String) {
    let got = sqs
        .get_queue_attributes()
        .queue_url(url)
        .attribute_names(Name::All);
    let all = got.send().await.unwrap().attributes.unwrap();
    (
        all[&Name::ApproximateNumberOfMessages].clone(),
        all[&Name::ApproximateNumberOfMessagesNotVisible].clone(),
        all[&Name::ApproximateNumberOfMessagesDelayed].clone(),
    )
}

fn numbers(visible: u32, in_flight: u32, delayed: u32) -> (String, String, String) {
    (
        visible.to_string(),
        in_flight.to_string(),
        delayed.to_string(),
    )
}

#[tokio::test(start_paused = true)]
async fn a_message_is_hidden_while_it_is_received_and_gone_when_deleted() {
    let (host, sqs, url) = world().await;
    assert_eq!(url, "https://sqs.us-east-1.amazonaws.com/123456789012/lost");
    let sent = sqs
        .send_message()
        .queue_url(&url)
        .message_body("hello world");
    let sent = sent.send().await.unwrap();
    assert_eq!(
        sent.md5_of_message_body(),
        Some("5eb63bbbe01eeed093cb22bb8f5acdc3")
    );
    assert_eq!(counts(&sqs, &url).await, numbers(1, 0, 0));
    let got = sqs
        .receive_message()
        .queue_url(&url)
        .message_system_attribute_names(System::All)
        .send()
        .await
        .unwrap();
    let first = &got.messages()[0];
    assert_eq!(first.message_id(), sent.message_id());
    let system = first.attributes().unwrap();
    assert_eq!(system[&System::SentTimestamp], "1767225600000");
    assert_eq!(system[&System::ApproximateReceiveCount], "1");
    assert_eq!(system[&System::SenderId], "123456789012");
    assert!(receive(&sqs, &url).await.is_empty());
    assert_eq!(counts(&sqs, &url).await, numbers(0, 1, 0));
    host.engine().clock().sleep(Duration::from_secs(30)).await;
    let again = receive(&sqs, &url).await;
    assert_eq!(bodies(&again), ["hello world"]);
    assert!(again[0].attributes().is_none());
    let delete = |message: &Message| {
        let delete = sqs.delete_message().queue_url(&url);
        delete
            .receipt_handle(message.receipt_handle().unwrap())
            .send()
    };
    // Only the newest receipt deletes.
    delete(first).await.unwrap();
    assert_eq!(counts(&sqs, &url).await, numbers(0, 1, 0));
    delete(&again[0]).await.unwrap();
    delete(&again[0]).await.unwrap();
    assert_eq!(counts(&sqs, &url).await, numbers(0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_waiting_receiver_gets_a_message_as_soon_as_it_comes() {
    let (host, sqs, url) = world().await;
    let clock = host.engine().clock().clone();
    let started = clock.now();
    let wait = || {
        sqs.receive_message()
            .queue_url(&url)
            .wait_time_seconds(20)
            .send()
    };
    assert!(wait().await.unwrap().messages().is_empty());
    assert_eq!(clock.now().duration_since(started).unwrap().as_secs(), 20);
    let started = clock.now();
    let later = async {
        clock.sleep(Duration::from_secs(3)).await;
        send(&sqs, &url, "there").await;
    };
    let (got, ()) = tokio::join!(wait(), later);
    assert_eq!(bodies(got.unwrap().messages()), ["there"]);
    assert_eq!(clock.now().duration_since(started).unwrap().as_secs(), 3);
    // It becomes visible again after 30 seconds, 10 of which pass before the next wait.
    clock.sleep(Duration::from_secs(15)).await;
    let got = wait().await.unwrap();
    assert_eq!(bodies(got.messages()), ["there"]);
    assert_eq!(clock.now().duration_since(started).unwrap().as_secs(), 33);
}

#[tokio::test(start_paused = true)]
async fn delays_and_visibility_follow_the_queue_the_request_and_the_receiver() {
    let (host, sqs, url) = world().await;
    let clock = host.engine().clock();
    let set = sqs.set_queue_attributes().queue_url(&url);
    let set = set
        .attributes(Name::DelaySeconds, "5")
        .attributes(Name::VisibilityTimeout, "60");
    set.send().await.unwrap();
    send(&sqs, &url, "late").await;
    let now = sqs
        .send_message()
        .queue_url(&url)
        .message_body("now")
        .delay_seconds(0);
    now.send().await.unwrap();
    assert_eq!(counts(&sqs, &url).await, numbers(1, 0, 1));
    assert_eq!(bodies(&receive(&sqs, &url).await), ["now"]);
    clock.sleep(Duration::from_secs(5)).await;
    let late = receive(&sqs, &url).await;
    assert_eq!(bodies(&late), ["late"]);
    let change = |secs| {
        let change = sqs.change_message_visibility().queue_url(&url);
        let change = change.receipt_handle(late[0].receipt_handle().unwrap());
        change.visibility_timeout(secs).send()
    };
    change(0).await.unwrap();
    assert_eq!(bodies(&receive(&sqs, &url).await), ["late"]);
    let stale = change(10).await.unwrap_err().into_service_error();
    assert_eq!(stale.code(), Some("InvalidParameterValue"));
    clock.sleep(Duration::from_mins(1)).await;
    assert_eq!(receive(&sqs, &url).await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_batch_reports_each_entry_by_itself() {
    let (_host, sqs, url) = world().await;
    let entry = |id: &str, body: &str| Entry::builder().id(id).message_body(body).build().unwrap();
    let sent = sqs
        .send_message_batch()
        .queue_url(&url)
        .entries(entry("a", "one"))
        .entries(entry("b", "bad \u{1}"))
        .entries(entry("c", "three"))
        .send()
        .await
        .unwrap();
    let ids: Vec<_> = sent.successful().iter().map(BatchSent::id).collect();
    assert_eq!(ids, ["a", "c"]);
    assert_eq!(sent.failed()[0].code(), "InvalidMessageContents");
    let got = receive(&sqs, &url).await;
    assert_eq!(bodies(&got), ["one", "three"]);
    let mut delete = sqs.delete_message_batch().queue_url(&url);
    for (index, message) in got.iter().enumerate() {
        let entry = aws_sdk_sqs::types::DeleteMessageBatchRequestEntry::builder()
            .id(index.to_string())
            .receipt_handle(message.receipt_handle().unwrap());
        delete = delete.entries(entry.build().unwrap());
    }
    assert_eq!(delete.send().await.unwrap().successful().len(), 2);
    assert_eq!(counts(&sqs, &url).await, numbers(0, 0, 0));
    let twice = sqs.send_message_batch().queue_url(&url);
    let twice = twice
        .entries(entry("a", "1"))
        .entries(entry("a", "2"))
        .send()
        .await;
    let twice = twice.unwrap_err().into_service_error();
    assert!(twice.is_batch_entry_ids_not_distinct(), "{twice:?}");
}

#[tokio::test(start_paused = true)]
async fn queues_are_made_once_found_by_any_host_and_refused_by_name() {
    let (_host, sqs, url) = world().await;
    let again = sqs.create_queue().queue_name("lost");
    let again = again
        .attributes(Name::VisibilityTimeout, "30")
        .send()
        .await
        .unwrap();
    assert_eq!(again.queue_url(), Some(url.as_str()));
    let other = sqs
        .create_queue()
        .queue_name("lost")
        .attributes(Name::VisibilityTimeout, "31");
    let other = other.send().await.unwrap_err().into_service_error();
    assert!(other.is_queue_name_exists(), "{other:?}");
    send(&sqs, "http://localhost:4566/123456789012/lost", "x").await;
    send(&sqs, "lost", "y").await;
    assert_eq!(bodies(&receive(&sqs, &url).await), ["x", "y"]);
    let none = sqs.get_queue_url().queue_name("none").send().await;
    let none = none.unwrap_err().into_service_error();
    assert!(none.is_queue_does_not_exist(), "{none:?}");
    assert_eq!(none.code(), Some("AWS.SimpleQueueService.NonExistentQueue"));
    let bad = sqs
        .create_queue()
        .queue_name("a b")
        .send()
        .await
        .unwrap_err();
    assert_eq!(
        bad.into_service_error().code(),
        Some("InvalidParameterValue")
    );
    let unreadable = sqs
        .delete_message()
        .queue_url(&url)
        .receipt_handle("?")
        .send()
        .await;
    let unreadable = unreadable.unwrap_err().into_service_error();
    assert!(unreadable.is_receipt_handle_is_invalid(), "{unreadable:?}");
}

#[tokio::test(start_paused = true)]
async fn queues_are_listed_tagged_purged_and_deleted() {
    let (_host, sqs, url) = world().await;
    send(&sqs, &url, "x").await;
    for name in ["l2", "l3", "other"] {
        sqs.create_queue()
            .queue_name(name)
            .tags("k", "v")
            .send()
            .await
            .unwrap();
    }
    let mut urls = Vec::new();
    let mut pages = sqs
        .list_queues()
        .queue_name_prefix("l")
        .max_results(2)
        .into_paginator()
        .items()
        .send();
    while let Some(url) = pages.next().await {
        urls.push(url.unwrap());
    }
    assert_eq!(urls.len(), 3);
    let tags = sqs.list_queue_tags().queue_url("l2").send().await.unwrap();
    assert_eq!(tags.tags.unwrap()["k"], "v");
    sqs.purge_queue().queue_url(&url).send().await.unwrap();
    assert_eq!(counts(&sqs, &url).await, numbers(0, 0, 0));
    sqs.delete_queue().queue_url(&url).send().await.unwrap();
    let gone = sqs
        .receive_message()
        .queue_url(&url)
        .send()
        .await
        .unwrap_err();
    assert!(gone.into_service_error().is_queue_does_not_exist());
}

#[tokio::test(start_paused = true)]
async fn message_attributes_travel_with_their_message() {
    let (_host, sqs, url) = world().await;
    let text = |text: &str| {
        let value = MessageAttributeValue::builder().data_type("String");
        value.string_value(text).build().unwrap()
    };
    let sent = sqs.send_message().queue_url(&url).message_body("b");
    let sent = sent
        .message_attributes("kind", text("dead"))
        .message_attributes("other", text("x"));
    let sent = sent.send().await.unwrap();
    assert!(sent.md5_of_message_attributes().is_some());
    let got = sqs
        .receive_message()
        .queue_url(&url)
        .message_attribute_names("ki.*")
        .send();
    let got = got.await.unwrap();
    let attributes = got.messages()[0].message_attributes().unwrap();
    assert_eq!(attributes.len(), 1);
    assert_eq!(attributes["kind"].string_value(), Some("dead"));
}

#[tokio::test(start_paused = true)]
async fn messages_received_too_often_go_to_the_dead_letter_queue() {
    let (host, sqs, url) = world().await;
    let dead = sqs.create_queue().queue_name("dead").send().await.unwrap();
    let dead = dead.queue_url.unwrap();
    let policy =
        r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:123456789012:dead","maxReceiveCount":2}"#;
    let set = sqs.set_queue_attributes().queue_url(&url);
    set.attributes(Name::RedrivePolicy, policy)
        .send()
        .await
        .unwrap();
    send(&sqs, &url, "poison").await;
    for _ in 0..2 {
        assert_eq!(bodies(&receive(&sqs, &url).await), ["poison"]);
        host.engine().clock().sleep(Duration::from_secs(30)).await;
    }
    assert!(receive(&sqs, &url).await.is_empty());
    assert_eq!(bodies(&receive(&sqs, &dead).await), ["poison"]);
}

#[tokio::test]
async fn a_restart_loses_no_message_and_shows_none_twice() {
    let folder = tempfile::tempdir().unwrap();
    let clock = clock();
    let options = || Options {
        folder: Some(folder.path().to_owned()),
        ..Options::temporary(clock.clone())
    };
    let handle = {
        let host = EngineHost::open(options()).unwrap();
        let sqs = Client::new(&host.engine().sdk_config(&Principal::Root));
        sqs.create_queue().queue_name("q").send().await.unwrap();
        send(&sqs, "q", "a").await;
        send(&sqs, "q", "b").await;
        let one = sqs.receive_message().queue_url("q").send().await.unwrap();
        let handle = one.messages()[0].receipt_handle().unwrap().to_owned();
        host.close().await;
        handle
    };
    let host = EngineHost::open(options()).unwrap();
    let sqs = Client::new(&host.engine().sdk_config(&Principal::Root));
    assert_eq!(counts(&sqs, "q").await, numbers(1, 1, 0));
    assert_eq!(bodies(&receive(&sqs, "q").await), ["b"]);
    let delete = sqs.delete_message().queue_url("q").receipt_handle(handle);
    delete.send().await.unwrap();
    assert_eq!(counts(&sqs, "q").await, numbers(0, 1, 0));
}
