"""Topics through boto3: messages on their way to a queue, and what is refused.

Usage: topics.py ENDPOINT. Prints one line per step; exits with 1 where a step differs.
"""

import json

import boto3
from botocore.exceptions import ClientError
from common import SETTINGS, check


def refused(attempt):
    try:
        attempt()
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["Error"]["Message"]
    return None


sns, sqs = boto3.client("sns", **SETTINGS), boto3.client("sqs", **SETTINGS)

topic = sns.create_topic(
    Name="boto3-orders", Attributes={"DisplayName": "Orders"}, Tags=[{"Key": "team", "Value": "a&b"}]
)["TopicArn"]
check("topic is listed", {"TopicArn": topic} in sns.list_topics()["Topics"])
check("topic has attributes", sns.get_topic_attributes(TopicArn=topic)["Attributes"]["DisplayName"] == "Orders")
tags = sns.list_tags_for_resource(ResourceArn=topic)["Tags"]
check("topic has tags", tags == [{"Key": "team", "Value": "a&b"}])

queue = sqs.create_queue(QueueName="boto3-heard")["QueueUrl"]
queue_arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
subscription = sns.subscribe(
    TopicArn=topic,
    Protocol="sqs",
    Endpoint=queue_arn,
    Attributes={"FilterPolicy": json.dumps({"kind": ["order", {"prefix": "re"}]})},
    ReturnSubscriptionArn=True,
)["SubscriptionArn"]
listed = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
check("subscription is listed", [it["SubscriptionArn"] for it in listed] == [subscription])


def receive():
    messages = sqs.receive_message(
        QueueUrl=queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    ).get("Messages", [])
    for message in messages:
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return messages


def kind(value):
    return {"kind": {"DataType": "String", "StringValue": value}}


sent = sns.publish(TopicArn=topic, Message="é & 1", Subject="S", MessageAttributes=kind("return"))
sns.publish(TopicArn=topic, Message="not this one", MessageAttributes=kind("other"))
envelopes = [json.loads(it["Body"]) for it in receive()]
check("one message passes the filter", [it["Message"] for it in envelopes] == ["é & 1"])
check("it is the one that was sent", envelopes[0]["MessageId"] == sent["MessageId"])
check("it has its subject", envelopes[0]["Subject"] == "S")
check("it has its attributes", envelopes[0]["MessageAttributes"] == {"kind": {"Type": "String", "Value": "return"}})

sns.set_subscription_attributes(
    SubscriptionArn=subscription, AttributeName="RawMessageDelivery", AttributeValue="true"
)
batch = sns.publish_batch(
    TopicArn=topic,
    PublishBatchRequestEntries=[
        {"Id": str(n), "Message": str(n), "MessageAttributes": kind("order")} for n in range(3)
    ],
)
check("batch is accepted", [it["Id"] for it in batch["Successful"]] == ["0", "1", "2"] and batch["Failed"] == [])
raw = receive()
check("raw messages are as they were sent", [it["Body"] for it in raw] == ["0", "1", "2"])
check("raw messages keep attributes", raw[0]["MessageAttributes"]["kind"]["StringValue"] == "order")

check(
    "unknown topic is refused",
    refused(lambda: sns.publish(TopicArn=topic + "2", Message="m")) == ("NotFound", "Topic does not exist"),
)
check(
    "attribute without a type is refused",
    refused(lambda: sns.publish(TopicArn=topic, Message="m", MessageAttributes={"a": {"DataType": ""}}))[0]
    == "ParameterValueInvalid",
)
check(
    "bad filter policy is refused",
    "Empty arrays are not allowed"
    in refused(
        lambda: sns.set_subscription_attributes(
            SubscriptionArn=subscription, AttributeName="FilterPolicy", AttributeValue='{"a":[]}'
        )
    )[1],
)

sns.unsubscribe(SubscriptionArn=subscription)
sns.delete_topic(TopicArn=topic)
check("nothing is left", sns.list_topics()["Topics"] == [] and sns.list_subscriptions()["Subscriptions"] == [])
check("clean up", True)
