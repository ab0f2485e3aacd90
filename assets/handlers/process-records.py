"""Logs every change that a DynamoDB stream brings."""

import json


def handler(event, context):
    for record in event["Records"]:
        print(record["eventID"])
        print(record["eventName"])
        print("DynamoDB Record: " + json.dumps(record["dynamodb"]))
