"""The facts of `tests/triggers/flows` through boto3: what a trigger hands to its function, and what comes of its answers.

Usage: flows.py ENDPOINT [--python] FILE…. With `--python` the functions are those of `tests/triggers/python.json` in
Python, instead of JavaScript. Prints one line per fact; exits with 1 where one differs. What the steps mean is told in
`tests/it/trigger_flows/mod.rs`, which plays them in a time of its own. Here time is real, so facts are played side by
side, each with names of its own, and those that wait for long are left out.
"""

import base64
import datetime
import io
import json
import os
import re
import sys
import textwrap
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor

import boto3
from boto3.dynamodb.types import TypeSerializer
from botocore.config import Config
from botocore.exceptions import ClientError

from common import ENDPOINT, Differs, until, words

IS_PYTHON = "--python" in sys.argv
FILES = [it for it in sys.argv[2:] if it != "--python"]
FOLDER = os.path.join(os.path.dirname(__file__), "../triggers")
ACCOUNT = "123456789012"
AT_ONCE = 12
# How long nothing more may arrive in the end.
SILENCE_SECONDS = 0.3
WAIT_SECONDS_MAX = 3
NOTHING = "async () => {}"
TYPES = {"S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"}
OPEN = {
    "@hex32": "[0-9a-f]{32}",
    "@id": "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    "@millis": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
    "@stamp": r"\d{4}/\d\d/\d\d/\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\d",
}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def client(service):
    settings = {} if service != "s3" else {"s3": {"addressing_style": "path"}}
    config = Config(retries={"max_attempts": 1}, read_timeout=60, max_pool_connections=AT_ONCE, **settings)
    return boto3.client(
        service,
        endpoint_url=ENDPOINT,
        region_name="us-east-1",
        aws_access_key_id="AKIAANYKEYATALL00000",
        aws_secret_access_key="any",
        config=config,
    )


dynamodb, iam, lambda_, logs = client("dynamodb"), client("iam"), client("lambda"), client("logs")
s3, sns, sqs, streams = client("s3"), client("sns"), client("sqs"), client("dynamodbstreams")
with open(os.path.join(FOLDER, "handler.py" if IS_PYTHON else "handler.js"), encoding="utf-8") as file:
    HEAD = file.read()
with open(os.path.join(FOLDER, "python.json"), encoding="utf-8") as file:
    IN_PYTHON = json.load(file)


def fits(where, shown, expected):
    """Every member, in order, but for places left open."""
    if isinstance(expected, dict) and isinstance(shown, dict):
        if list(shown) != list(expected):
            raise Differs(f"{where} has the members {list(shown)}, not {list(expected)}")
        for name, wanted in expected.items():
            fits(f"{where}.{name}", shown[name], wanted)
    elif isinstance(expected, list) and isinstance(shown, list) and len(shown) == len(expected):
        for at, (one, wanted) in enumerate(zip(shown, expected)):
            fits(f"{where}.{at}", one, wanted)
    elif isinstance(expected, str) and isinstance(shown, str):
        form = re.escape(expected.removesuffix("…")) + (".*" if expected.endswith("…") else "")
        for name, place in OPEN.items():
            form = form.replace(name, place)
        if not re.fullmatch(form, shown, re.DOTALL):
            raise Differs(f"{where} is {shown!r}, not {expected!r}")
    elif shown != expected:
        raise Differs(f"{where} is {shown!r}, not {expected!r}")


def refused(attempt):
    try:
        attempt()
    except ClientError as error:
        return words(error)
    return "accepted"


def attributes(item):
    if isinstance(item, str):
        item = {"id": item}
    if all(isinstance(it, dict) and len(it) == 1 and set(it) <= TYPES for it in item.values()):
        return {name: {kind: raw(kind, it)} for name, value in item.items() for kind, it in value.items()}
    return {name: TypeSerializer().serialize(value) for name, value in item.items()}


def raw(kind, value):
    if kind == "B":
        return base64.b64decode(value)
    return [base64.b64decode(it) for it in value] if kind == "BS" else value


def ids(event):
    return [it["dynamodb"]["Keys"]["id"]["S"] for it in event["Records"]]


def handler(words):
    """The whole of a function whose answer is told in JavaScript."""
    if IS_PYTHON:
        return f"{HEAD}def answer(event):\n{textwrap.indent(IN_PYTHON[words], '    ')}\n"
    return f"{HEAD}\nconst handler = {words};\n"


class World:
    """What one fact has for itself."""

    def __init__(self, number):
        self.name = f"fact-{number}"
        self.view, self.stream, self.has_function, self.uuid = "NEW_AND_OLD_IMAGES", None, False, None
        self.letters, self.heard, self.standing = [], [], {}
        iam.create_role(RoleName=self.name, AssumeRolePolicyDocument=json.dumps(TRUST))
        self.allow(["*"])
        self.queue = sqs.create_queue(QueueName=self.name)["QueueUrl"]
        self.ear = sqs.create_queue(QueueName=f"{self.name}-heard")["QueueUrl"]
        self.topic = sns.create_topic(Name=self.name)["TopicArn"]
        ear = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{self.name}-heard"
        raw_messages = {"RawMessageDelivery": "true"}
        sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=ear, Attributes=raw_messages)
        s3.create_bucket(Bucket=self.name)

    def play(self, steps):
        for number, step in enumerate(steps):
            try:
                self.step(*step)
            except Differs as why:
                raise Differs(f"step {number}, {step[0]}: {why}") from why
        time.sleep(SILENCE_SECONDS)
        for verb, expected in self.standing.items():
            self.look(verb, expected)
        if self.uuid:
            until(self.delete)

    def step(self, verb, *given):
        if verb == "view":
            self.view = given[0]
        elif verb == "function":
            self.function(handler(given[0]), *given[1:])
        elif verb == "module":
            self.function(IN_PYTHON[given[0]] if IS_PYTHON else given[0], *given[1:])
        elif verb == "forget":
            lambda_.delete_function(FunctionName=self.name)
            self.has_function = False
        elif verb == "publish":
            lambda_.publish_version(FunctionName=self.name)
        elif verb == "unpublish":
            lambda_.delete_function(FunctionName=self.name, Qualifier=given[0])
        elif verb == "alias":
            self.alias(*given)
        elif verb == "unalias":
            lambda_.delete_alias(FunctionName=self.name, Name=given[0])
        elif verb == "concurrency":
            self.complete()
            if given[0] is None:
                lambda_.delete_function_concurrency(FunctionName=self.name)
            else:
                lambda_.put_function_concurrency(FunctionName=self.name, ReservedConcurrentExecutions=given[0])
        elif verb == "put":
            self.complete()
            for item in given:
                dynamodb.put_item(TableName=self.name, Item=attributes(item))
        elif verb == "delete":
            for id_ in given:
                dynamodb.delete_item(TableName=self.name, Key={"id": {"S": id_}})
        elif verb == "ttl":
            self.complete()
            until_ = {"Enabled": True, "AttributeName": "until"}
            dynamodb.update_time_to_live(TableName=self.name, TimeToLiveSpecification=until_)
        elif verb in ("trigger", "update"):
            self.configure(verb, *given)
        elif verb == "stream off":
            dynamodb.update_table(TableName=self.name, StreamSpecification={"StreamEnabled": False})
        elif verb == "allow":
            self.allow(*given)
        elif verb == "wait":
            time.sleep(given[0])
        else:
            until(lambda: self.look(verb, given[0]))
            if verb != "result":
                self.standing[verb] = given[0]

    def look(self, verb, expected):
        if verb == "got":
            shown = [ids(it) for _, _, it in self.seen()]
        elif verb == "ran":
            shown = [[version, ids(it)] for _, version, it in self.seen()]
        elif verb == "events":
            shown = [it for *_, it in self.seen()]
        elif verb == "each":
            shown = {}
            for *_, event in self.seen():
                for id_, record in zip(ids(event), event["Records"]):
                    shown.setdefault(id_, []).append(record["dynamodb"]["NewImage"]["n"]["N"])
            shown = dict(sorted(shown.items()))
        elif verb == "sums":
            shown = [it["state"].get("n", 0) for *_, it in self.seen()]
        elif verb == "ends":
            shown = [[ids(it), it["isFinalInvokeForWindow"], it["isWindowTerminatedEarly"]] for *_, it in self.seen()]
        elif verb == "letters":
            shown = self.receive(self.queue, self.letters)
        elif verb == "heard":
            shown = self.receive(self.ear, self.heard)
        elif verb == "lost":
            shown = self.lost()
        elif verb == "objects":
            shown = self.objects()
        elif verb == "result":
            shown = lambda_.get_event_source_mapping(UUID=self.uuid)["LastProcessingResult"]
        else:
            raise Differs("there is no such step")
        fits("it", shown, self.filled(expected))

    def allow(self, actions):
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}
        iam.put_role_policy(RoleName=self.name, PolicyName="p", PolicyDocument=json.dumps(policy))

    def alias(self, name, version, weights=None):
        given = {
            "FunctionName": self.name,
            "Name": name,
            "FunctionVersion": version,
            "RoutingConfig": {"AdditionalVersionWeights": weights or {}},
        }
        try:
            lambda_.update_alias(**given)
        except lambda_.exceptions.ResourceNotFoundException:
            lambda_.create_alias(**given)

    def function(self, code, settings=None):
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("index.py" if IS_PYTHON else "index.js", code)
        if self.has_function:
            lambda_.update_function_code(FunctionName=self.name, ZipFile=package.getvalue())
            until(self.is_settled)
            return
        lambda_.create_function(
            FunctionName=self.name,
            Runtime="python3.12" if IS_PYTHON else "nodejs22.x",
            Handler="index.handler",
            Role=f"arn:aws:iam::{ACCOUNT}:role/{self.name}",
            Code={"ZipFile": package.getvalue()},
            **{"Timeout": 60, **(settings or {})},
        )
        self.has_function = True
        until(self.is_settled)

    def is_settled(self):
        shown = lambda_.get_function_configuration(FunctionName=self.name)
        fits("State", [shown["State"], shown.get("LastUpdateStatus")], ["Active", "Successful"])

    def complete(self):
        """Makes what a fact does not speak of."""
        if self.stream is None:
            made = dynamodb.create_table(
                TableName=self.name,
                KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
                StreamSpecification={"StreamEnabled": True, "StreamViewType": self.view},
            )
            self.stream = made["TableDescription"]["LatestStreamArn"]

            def active():
                fits("status", dynamodb.describe_table(TableName=self.name)["Table"]["TableStatus"], "ACTIVE")

            until(active)
        if not self.has_function and self.uuid is None:
            self.function(handler(NOTHING))

    def configure(self, verb, given, refusal=None):
        self.complete()
        settings = self.filled(given)
        if "Filters" in settings:
            patterns = settings.pop("Filters")
            texts = [it if isinstance(it, str) else json.dumps(it) for it in patterns]
            settings["FilterCriteria"] = {"Filters": [{"Pattern": it} for it in texts]}

        def ask():
            if verb == "update":
                return lambda_.update_event_source_mapping(UUID=self.uuid, **settings)
            place = {"FunctionName": self.name, "EventSourceArn": self.stream, "StartingPosition": "TRIM_HORIZON"}
            return lambda_.create_event_source_mapping(**{**place, **settings})

        if refusal:
            fits("refusal", refused(ask), self.filled(refusal))
            return
        self.uuid = ask()["UUID"]

        def settled():
            state = lambda_.get_event_source_mapping(UUID=self.uuid)["State"]
            if state not in ("Enabled", "Disabled"):
                raise Differs(f"it is {state}")

        until(settled)

    def delete(self):
        try:
            lambda_.delete_event_source_mapping(UUID=self.uuid)
        except lambda_.exceptions.ResourceInUseException as error:
            raise Differs("in use") from error

    def seen(self):
        """Every call of the function, from its log: request, version and event."""
        found = []
        pages = logs.get_paginator("filter_log_events")
        try:
            for page in pages.paginate(logGroupName=f"/aws/lambda/{self.name}"):
                for event in page["events"]:
                    head, mark, text = event["message"].partition("\tINFO\tSEEN ")
                    if mark:
                        version = re.search(r"\[(.*?)\]", event["logStreamName"])[1]
                        found.append((head.rpartition("\t")[2], version, json.loads(text)))
        except logs.exceptions.ResourceNotFoundException:
            pass
        return found

    def read(self, shard, place, limit):
        got = streams.get_shard_iterator(StreamArn=self.stream, ShardId=shard, **place)
        records = streams.get_records(ShardIterator=got["ShardIterator"], Limit=limit)["Records"]
        # Only functions are told it.
        if any("eventSourceARN" in it for it in records):
            raise Differs("a record of the stream has an eventSourceARN")
        return records

    def records(self):
        if self.stream is None:
            return []
        shards = streams.describe_stream(StreamArn=self.stream)["StreamDescription"]["Shards"]
        oldest = {"ShardIteratorType": "TRIM_HORIZON"}
        return [(it["ShardId"], record) for it in shards for record in self.read(it["ShardId"], oldest, 1000)]

    def receive(self, queue, letters):
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            letters.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return letters

    def lost(self):
        """What the letters tell, with the items whose records can be read where they say."""
        told = []
        for letter in [*self.receive(self.queue, self.letters), *self.receive(self.ear, self.heard)]:
            info, request = letter["DDBStreamBatchInfo"], letter["requestContext"]
            place = {"ShardIteratorType": "AT_SEQUENCE_NUMBER", "SequenceNumber": info["startSequenceNumber"]}
            records = self.read(info["shardId"], place, info["batchSize"])
            error = letter["responseContext"]["functionError"] if "responseContext" in letter else "no response"
            names = [it["dynamodb"]["Keys"]["id"]["S"] for it in records]
            told.append([request["condition"], request["approximateInvokeCount"], error, names])
        return told

    def objects(self):
        found = []
        for entry in s3.list_objects_v2(Bucket=self.name).get("Contents", []):
            body = s3.get_object(Bucket=self.name, Key=entry["Key"])["Body"].read()
            found.append({"key": entry["Key"], "body": json.loads(body)})
        return found

    def filled(self, value):
        """With everything in its place that is only named in the files."""
        if "@" not in json.dumps(value):
            return json.loads(json.dumps(value))
        names = {
            "@stream": self.stream,
            "@function": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{self.name}",
            "@queue": f"arn:aws:sqs:us-east-1:{ACCOUNT}:{self.name}",
            "@topic": self.topic,
            "@bucket": f"arn:aws:s3:::{self.name}",
            "@uuid": self.uuid,
        }
        counts = {}
        for shard, record in self.records():
            body = record["dynamodb"]
            id_ = body["Keys"]["id"]["S"]
            counts[id_] = counts.get(id_, 0) + 1
            created = body["ApproximateCreationDateTime"].astimezone(datetime.timezone.utc)
            facts = {
                "seq": body["SequenceNumber"],
                "shard": shard,
                "arrival": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "created": created.timestamp(),
            }
            for name, fact in facts.items():
                names.setdefault(f"@{name}({id_})", fact)
                names[f"@{name}({id_},{counts[id_]})"] = fact
        for number, (request, *_) in enumerate(self.seen(), 1):
            names[f"@request({number})"] = request
        return put_in(value, names)


def put_in(value, names):
    if isinstance(value, str):
        if value in names:
            return names[value]
        for name, text in names.items():
            if isinstance(text, str):
                value = value.replace(name, text)
        return value
    if isinstance(value, list):
        return [put_in(it, names) for it in value]
    if isinstance(value, dict):
        if "@text" in value:
            return json.dumps(put_in(value["@text"], names), ensure_ascii=False, separators=(",", ":"))
        return {name: put_in(it, names) for name, it in value.items()}
    return value


def takes_long(steps):
    return any(verb in ("times", "tried", "windows") for verb, *_ in steps) or (
        sum(step[1] for step in steps if step[0] == "wait") > WAIT_SECONDS_MAX
    )


def play(number, fact, steps):
    try:
        World(number).play(steps)
    except Differs as why:
        return f"FAILED {fact}\n  {why}"
    except Exception as error:  # noqa: BLE001
        return f"FAILED {fact}\n  {type(error).__name__}: {error}"
    return f"ok {fact}"


jobs, left_out = [], 0
for path in FILES:
    with open(path, encoding="utf-8") as file:
        for fact, steps in json.load(file).items():
            if takes_long(steps):
                left_out += 1
            else:
                jobs.append((len(jobs), fact, steps))
failures = 0
with ThreadPoolExecutor(AT_ONCE) as pool:
    for told in pool.map(lambda job: play(*job), jobs):
        failures += told.startswith("FAILED")
        print(told, flush=True)
print(f"{len(jobs)} played, {left_out} take too long here", flush=True)
print(f"{failures} failed", flush=True)
sys.exit(1 if failures else 0)
