"""Tables through the AWS CLI: its own code, each command in this process to spare its long start.

Usage: tables.py ENDPOINT. Prints one line per step; exits with 1 where a step differs.
"""

import contextlib
import io
import json
import os
import sys

os.environ.update(
    AWS_ACCESS_KEY_ID="AKIAANYKEYATALL00000",
    AWS_SECRET_ACCESS_KEY="any",
    AWS_DEFAULT_REGION="us-east-1",
    AWS_CONFIG_FILE=os.devnull,
    AWS_PAGER="",
)

from awscli.clidriver import create_clidriver

ENDPOINT = sys.argv[1]
DRIVER = create_clidriver()


class Text(io.TextIOWrapper):
    """Standard output that is kept."""

    def __init__(self):
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)

    def text(self):
        return self.buffer.getvalue().decode()


def aws(*arguments):
    """The exit code, what was said and what was complained about."""
    said, complained = Text(), Text()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(complained):
        code = DRIVER.main([*arguments, "--endpoint-url", ENDPOINT, "--output", "json"])
    return code, said.text(), complained.text()


def answer(*arguments):
    code, said, complained = aws(*arguments)
    if code:
        print(f"FAILED {arguments}: {complained}", flush=True)
        sys.exit(1)
    return json.loads(said) if said.strip() else {}


def check(what, ok):
    if not ok:
        print(f"FAILED {what}", flush=True)
        sys.exit(1)
    print(f"ok {what}", flush=True)


made = answer(
    "dynamodb", "create-table", "--table-name", "cli-orders",
    "--attribute-definitions", "AttributeName=id,AttributeType=S", "AttributeName=n,AttributeType=N",
    "--key-schema", "AttributeName=id,KeyType=HASH", "AttributeName=n,KeyType=RANGE",
    "--billing-mode", "PAY_PER_REQUEST",
    "--stream-specification", "StreamEnabled=true,StreamViewType=NEW_IMAGE",
)  # fmt: skip
check("create-table", made["TableDescription"]["TableName"] == "cli-orders")
code, _, _ = aws("dynamodb", "wait", "table-exists", "--table-name", "cli-orders")
check("wait table-exists", code == 0)

for n in range(3):
    item = {"id": {"S": "a"}, "n": {"N": str(n)}, "text": {"S": "é"}}
    answer("dynamodb", "put-item", "--table-name", "cli-orders", "--item", json.dumps(item))
found = answer(
    "dynamodb", "query", "--table-name", "cli-orders", "--page-size", "1",
    "--key-condition-expression", "id = :id AND n > :n",
    "--expression-attribute-values", '{":id": {"S": "a"}, ":n": {"N": "0"}}',
)  # fmt: skip
check("query", [it["n"]["N"] for it in found["Items"]] == ["1", "2"])
found = answer("dynamodb", "scan", "--table-name", "cli-orders", "--max-items", "2")
check("scan in pages", len(found["Items"]) == 2 and "NextToken" in found)
key = '{"id": {"S": "a"}, "n": {"N": "1"}}'
updated = answer(
    "dynamodb", "update-item", "--table-name", "cli-orders", "--key", key,
    "--update-expression", "SET #t = :t", "--expression-attribute-names", '{"#t": "text"}',
    "--expression-attribute-values", '{":t": {"S": "new"}}', "--return-values", "UPDATED_OLD",
)  # fmt: skip
check("update-item", updated["Attributes"] == {"text": {"S": "é"}})
actions = [
    {"Delete": {"TableName": "cli-orders", "Key": json.loads(key)}},
    {"Put": {"TableName": "cli-orders", "Item": {"id": {"S": "b"}, "n": {"N": "0"}}}},
]
answer("dynamodb", "transact-write-items", "--transact-items", json.dumps(actions))
code, _, complained = aws(
    "dynamodb", "delete-item", "--table-name", "cli-orders", "--key", key, "--condition-expression", "attribute_exists(id)"
)
check("a refusal", code != 0 and "ConditionalCheckFailedException" in complained)

arn = answer("dynamodbstreams", "list-streams", "--table-name", "cli-orders")["Streams"][0]["StreamArn"]
shards = answer("dynamodbstreams", "describe-stream", "--stream-arn", arn)["StreamDescription"]["Shards"]
place = answer(
    "dynamodbstreams", "get-shard-iterator", "--stream-arn", arn, "--shard-id", shards[0]["ShardId"],
    "--shard-iterator-type", "TRIM_HORIZON",
)["ShardIterator"]  # fmt: skip
records = answer("dynamodbstreams", "get-records", "--shard-iterator", place)["Records"]
events = [it["eventName"] for it in records]
check("get-records", sorted(events) == ["INSERT"] * 4 + ["MODIFY", "REMOVE"])

answer("dynamodb", "delete-table", "--table-name", "cli-orders")
code, _, complained = aws("dynamodb", "describe-table", "--table-name", "cli-orders")
check("clean up", code != 0 and "ResourceNotFoundException" in complained)
