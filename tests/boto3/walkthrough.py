"""The tutorial "Using AWS Lambda with Amazon DynamoDB", step by step, through boto3.

Usage: walkthrough.py ENDPOINT HANDLER_FILE. Prints one line per step; exits with 1 where a step differs.
"""

import io
import json
import sys
import time
import zipfile

import boto3

from common import ENDPOINT, SETTINGS, check

HANDLER = sys.argv[2]
ACCOUNT_WAIT_SECONDS = 30


def client(service):
    return boto3.client(service, **SETTINGS)


def until(what, attempt):
    deadline = time.monotonic() + ACCOUNT_WAIT_SECONDS
    while time.monotonic() < deadline:
        value = attempt()
        if value:
            check(what, True)
            return value
        time.sleep(0.05)
    check(what, False)


def package(path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        with open(path, encoding="utf-8") as file:
            archive.writestr("example.js", file.read())
    return buffer.getvalue()


iam, lambda_, dynamodb = client("iam"), client("lambda"), client("dynamodb")
logs, sqs, sts = client("logs"), client("sqs"), client("sts")
streams = client("dynamodbstreams")

check("caller identity", sts.get_caller_identity()["Arn"].endswith(":root"))

trust = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
role = iam.create_role(RoleName="lambda-dynamodb-role", AssumeRolePolicyDocument=json.dumps(trust))
role_arn = role["Role"]["Arn"]
iam.attach_role_policy(
    RoleName="lambda-dynamodb-role",
    PolicyArn="arn:aws:iam::aws:policy/service-role/AWSLambdaDynamoDBExecutionRole",
)
attached = iam.list_attached_role_policies(RoleName="lambda-dynamodb-role")["AttachedPolicies"]
check("role with its policy", [it["PolicyName"] for it in attached] == ["AWSLambdaDynamoDBExecutionRole"])

lambda_.create_function(
    FunctionName="ProcessDynamoDBRecords",
    Runtime="nodejs24.x",
    Role=role_arn,
    Handler="example.handler",
    Code={"ZipFile": package(HANDLER)},
)
lambda_.get_waiter("function_active_v2").wait(
    FunctionName="ProcessDynamoDBRecords", WaiterConfig={"Delay": 1}
)
check("function is active", True)

sample = {
    "Records": [
        {"eventID": str(n), "eventName": name, "dynamodb": {"Keys": {"Id": {"N": "101"}}}}
        for n, name in enumerate(["INSERT", "MODIFY", "REMOVE"], 1)
    ]
}
answer = lambda_.invoke(
    FunctionName="ProcessDynamoDBRecords", Payload=json.dumps(sample), LogType="Tail"
)
check("test by hand", answer["StatusCode"] == 200 and "FunctionError" not in answer)
check("handler returned nothing", answer["Payload"].read() == b"null")

table = dynamodb.create_table(
    TableName="lambda-dynamodb-stream",
    KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    BillingMode="PAY_PER_REQUEST",
)
dynamodb.get_waiter("table_exists").wait(
    TableName="lambda-dynamodb-stream", WaiterConfig={"Delay": 1}
)
dynamodb.update_table(
    TableName="lambda-dynamodb-stream",
    StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
)
stream_arn = dynamodb.describe_table(TableName="lambda-dynamodb-stream")["Table"]["LatestStreamArn"]
check("stream is on", "/stream/" in stream_arn)

mapping = lambda_.create_event_source_mapping(
    FunctionName="ProcessDynamoDBRecords",
    EventSourceArn=stream_arn,
    BatchSize=100,
    StartingPosition="TRIM_HORIZON",
)
check("mapping is being created", mapping["State"] == "Creating")
until(
    "mapping is enabled",
    lambda: lambda_.get_event_source_mapping(UUID=mapping["UUID"])["State"] == "Enabled",
)

items = boto3.resource(
    "dynamodb",
    endpoint_url=ENDPOINT,
    region_name="us-east-1",
    aws_access_key_id="AKIAANYKEYATALL00000",
    aws_secret_access_key="any",
).Table("lambda-dynamodb-stream")
items.put_item(Item={"id": "1", "message": "New item!"})
items.update_item(
    Key={"id": "1"},
    UpdateExpression="SET #m = :m",
    ExpressionAttributeNames={"#m": "message"},
    ExpressionAttributeValues={":m": "This item has changed"},
)
check("item reads back", items.get_item(Key={"id": "1"})["Item"]["message"] == "This item has changed")
items.delete_item(Key={"id": "1"})


def lines():
    try:
        found = logs.filter_log_events(logGroupName="/aws/lambda/ProcessDynamoDBRecords")
    except logs.exceptions.ResourceNotFoundException:
        return []
    return [event["message"] for event in found["events"]]


def said_all():
    text = "\n".join(lines())
    keys = '"Keys":{"id":{"S":"1"}}'
    return all(f"INFO\t{kind}" in text for kind in ("INSERT", "MODIFY", "REMOVE")) and keys in text


until("log tells of INSERT, MODIFY and REMOVE", said_all)
text = "\n".join(lines())
check("records carry keys only", "NewImage" not in text.split("lambda-dynamodb-stream")[-1])
check(
    "start, end and report lines",
    all(f"{word} RequestId: " in text for word in ("START", "END", "REPORT")),
)
until(
    "last processing result",
    lambda: lambda_.get_event_source_mapping(UUID=mapping["UUID"])["LastProcessingResult"] == "OK",
)

described = streams.describe_stream(StreamArn=stream_arn)["StreamDescription"]
iterator = streams.get_shard_iterator(
    StreamArn=stream_arn,
    ShardId=described["Shards"][0]["ShardId"],
    ShardIteratorType="TRIM_HORIZON",
)["ShardIterator"]
records = streams.get_records(ShardIterator=iterator)["Records"]
check("three records", [it["eventName"] for it in records] == ["INSERT", "MODIFY", "REMOVE"])

queue = sqs.create_queue(QueueName="failures")["QueueUrl"]
sqs.send_message(QueueUrl=queue, MessageBody="hello")
received = sqs.receive_message(QueueUrl=queue)["Messages"]
check("queue gives back what it got", received[0]["Body"] == "hello")

try:
    dynamodb.put_item(TableName="lambda-dynamodb-stream", Item={"id": {"N": "1"}})
    check("wrong key type is refused", False)
except dynamodb.exceptions.ClientError as error:
    check("wrong key type is refused", error.response["Error"]["Code"] == "ValidationException")
try:
    dynamodb.describe_table(TableName="no-such-table")
    check("unknown table is refused", False)
except dynamodb.exceptions.ResourceNotFoundException:
    check("unknown table is refused", True)

lambda_.delete_event_source_mapping(UUID=mapping["UUID"])
lambda_.delete_function(FunctionName="ProcessDynamoDBRecords")
dynamodb.delete_table(TableName="lambda-dynamodb-stream")
iam.detach_role_policy(
    RoleName="lambda-dynamodb-role",
    PolicyArn="arn:aws:iam::aws:policy/service-role/AWSLambdaDynamoDBExecutionRole",
)
iam.delete_role(RoleName="lambda-dynamodb-role")
check("clean up", True)
