"""The rows of `tests/triggers` through boto3: requests on triggers and what Lambda answers to them.

Usage: triggers.py ENDPOINT FILE…. Prints one line per fact; exits with 1 where one differs. What the files mean is told
in `tests/it/trigger_rows/mod.rs`, which plays them through the SDK for Rust.
"""

import datetime
import io
import json
import re
import sys
import zipfile

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from common import ENDPOINT, Differs, until, words

FILES = sys.argv[2:]
ARN = "arn:aws:lambda:us-east-1:123456789012:event-source-mapping:"
SUCCEEDS = "exports.handler = async () => {};"
FAILS = "exports.handler = async () => { throw new Error('boom'); };"
FAILS_IN_PART = (
    "exports.handler = async (event) => "
    "({ batchItemFailures: [{ itemIdentifier: event.Records[0].dynamodb.SequenceNumber }] });"
)
FUNCTIONS = {
    "bill": ("worker", SUCCEEDS),
    "blind": ("blind", SUCCEEDS),
    "gone": ("worker", SUCCEEDS),
    "mail": ("worker", SUCCEEDS),
    "partial": ("worker", FAILS_IN_PART),
    "reader": ("reader", SUCCEEDS),
    "throws": ("worker", FAILS),
}


def client(service):
    # Rows send what boto3 itself would refuse.
    config = Config(retries={"max_attempts": 1}, read_timeout=30, parameter_validation=False)
    return boto3.client(
        service,
        endpoint_url=ENDPOINT,
        region_name="us-east-1",
        aws_access_key_id="AKIAANYKEYATALL00000",
        aws_secret_access_key="any",
        config=config,
    )


iam, lambda_, dynamodb = client("iam"), client("lambda"), client("dynamodb")


def make_roles():
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
    for role, action in [("worker", "*"), ("blind", "logs:*"), ("reader", "dynamodb:*")]:
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trust))
        iam.put_role_policy(RoleName=role, PolicyName="p", PolicyDocument=json.dumps(policy))


def make_functions():
    for name, (role, code) in FUNCTIONS.items():
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("index.js", code)
        lambda_.create_function(
            FunctionName=name,
            Runtime="nodejs22.x",
            Handler="index.handler",
            Role=f"arn:aws:iam::123456789012:role/{role}",
            Code={"ZipFile": package.getvalue()},
        )
    for name in FUNCTIONS:
        waiter = lambda_.get_waiter("function_active_v2")
        waiter.wait(FunctionName=name, WaiterConfig={"Delay": 1})


def make_table(name):
    made = dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    return made["TableDescription"]["LatestStreamArn"]


def filled(value, names):
    """With everything in its place that is only named in the files."""
    if isinstance(value, str):
        value = re.sub("#([0-9]+)", lambda found: "x" * int(found[1]), value)
        for name, text in names.items():
            value = value.replace(name, text)
        return value
    if isinstance(value, list):
        return [filled(it, names) for it in value]
    if isinstance(value, dict):
        return {name: filled(it, names) for name, it in value.items()}
    return value


def check_fits(where, shown, expected):
    if expected == "@time":
        fine = isinstance(shown, datetime.datetime)
    elif isinstance(expected, str) and expected.endswith("…"):
        fine = str(shown).startswith(expected[:-1])
    else:
        fine = shown == expected
    if not fine:
        raise Differs(f"{where}: {shown!r}, not {expected!r}")


def check_shows(shown, expected):
    if isinstance(expected, list):
        if len(shown) != len(expected):
            raise Differs(f"{len(shown)} in the list, not {len(expected)}")
        for one, wanted in zip(shown, expected):
            check_shows(one, wanted)
        return
    whole = expected.get("=")
    if whole is not None and sorted(shown) != sorted(whole):
        raise Differs(f"the reply has {sorted(shown)}")
    for name, wanted in (expected if whole is None else whole).items():
        check_fits(name, shown.get(name), wanted)


def send(verb, given, names):
    """What is shown, and the status."""
    uuid = given.get("UUID", names.get("@uuid", ""))
    resource = given.get("Resource", ARN + uuid)
    rest = {name: value for name, value in given.items() if name not in ("UUID", "Resource")}
    if verb == "create":
        usual = {"FunctionName": "bill", "EventSourceArn": names["@stream"], "StartingPosition": "TRIM_HORIZON"}
        whole = {name: value for name, value in {**usual, **rest}.items() if value is not None}
        answer = lambda_.create_event_source_mapping(**whole)
    elif verb == "update":
        answer = lambda_.update_event_source_mapping(UUID=uuid, **rest)
    elif verb == "get":
        answer = lambda_.get_event_source_mapping(UUID=uuid)
    elif verb == "delete":
        answer = lambda_.delete_event_source_mapping(UUID=uuid)
    elif verb == "list":
        answer = lambda_.list_event_source_mappings(**rest)
    elif verb == "tag":
        answer = lambda_.tag_resource(Resource=resource, **rest)
    elif verb == "untag":
        answer = lambda_.untag_resource(Resource=resource, **rest)
    elif verb == "tags":
        answer = lambda_.list_tags(Resource=resource)
    else:
        raise Differs(f"no verb {verb}")
    status = answer.pop("ResponseMetadata")["HTTPStatusCode"]
    return (answer["EventSourceMappings"] if verb == "list" else answer), status


STATUS = {"create": 202, "update": 202, "delete": 202, "get": 200, "list": 200, "tags": 200, "tag": 204, "untag": 204}


def ask(verb, given, expected, names, made):
    try:
        shown, status = send(verb, given, names)
    except ClientError as error:
        if not isinstance(expected, str):
            raise Differs(f"refused: {words(error)}") from error
        check_fits("refusal", words(error), filled(expected, names))
        return
    if verb == "create":
        made.append(shown["UUID"])
        names["@uuid"] = shown["UUID"]
    if isinstance(expected, str):
        raise Differs(f"accepted, not {expected}")
    check_fits("status", status, STATUS[verb])
    check_shows(shown, filled(expected, names))


def gone(uuid):
    try:
        lambda_.get_event_source_mapping(UUID=uuid)
    except lambda_.exceptions.ResourceNotFoundException:
        return
    raise Differs("still there")


def play(step, names, made):
    verb, *rest = filled(step[:2], names)
    if verb == "put":
        dynamodb.put_item(TableName="orders", Item={"id": {"S": rest[0]}})
    elif verb == "forget":
        lambda_.delete_function(FunctionName=rest[0])
    elif verb == "gone":
        until(lambda: gone(names["@uuid"]))
    elif verb == "becomes":
        until(lambda: check_shows(send("get", {}, names)[0], rest[0]))
    elif verb == "pages":
        most = rest[0].pop("MaxItems")
        pages = lambda_.get_paginator("list_event_source_mappings")
        count = sum(1 for _ in pages.paginate(**rest[0], PaginationConfig={"PageSize": most}))
        check_fits("pages", count, step[2])
    else:
        ask(verb, rest[0], step[2], names, made)


def clear(uuid):
    """Deletes a trigger as soon as that is allowed."""

    def attempt():
        try:
            lambda_.delete_event_source_mapping(UUID=uuid)
        except lambda_.exceptions.ResourceInUseException as error:
            raise Differs("in use") from error
        except lambda_.exceptions.ResourceNotFoundException:
            return
        gone(uuid)

    until(attempt)


make_roles()
make_functions()
streams = {"@stream": make_table("orders"), "@other": make_table("others")}
failures = 0
for path in FILES:
    with open(path, encoding="utf-8") as file:
        facts = json.load(file)
    is_passing = path.endswith("passing.json")
    for fact, steps in facts.items():
        names, made = dict(streams), []
        try:
            for step in steps:
                play(step, names, made)
            print(f"ok {fact}", flush=True)
        except Differs as why:
            failures += 1
            print(f"FAILED {fact}\n  {json.dumps(step, ensure_ascii=False)}\n  {why}", flush=True)
        # Where states take a minute each, nobody waits for the end.
        for uuid in [] if is_passing else made:
            clear(uuid)
print(f"{failures} failed", flush=True)
sys.exit(1 if failures else 0)
