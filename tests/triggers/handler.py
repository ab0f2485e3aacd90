# What every function of the facts in Python begins with: it logs its event, so that the tests see what it got.
import json
import sys
import time


def ids(event):
    return [it["dynamodb"]["Keys"]["id"]["S"] for it in event["Records"]]


def number(event, id_):
    for it in event["Records"]:
        if it["dynamodb"]["Keys"]["id"]["S"] == id_:
            return it["dynamodb"]["SequenceNumber"]
    return None


def report(*numbers):
    return {"batchItemFailures": [{"itemIdentifier": it} for it in numbers]}


def boom(if_=True):
    if if_:
        raise Exception("boom")


def counted(event):
    return {"n": event["state"].get("n", 0) + len(event["Records"])}


def handler(event, context):
    text = json.dumps(event)
    # A line of the log holds no megabyte.
    if len(text) >= 100000:
        text = json.dumps({**event, "state": "large"})
    print(f"{context.aws_request_id}\tINFO\tSEEN {text}")
    return answer(event)


