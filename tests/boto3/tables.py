"""Tables through boto3's resource layer, its paginators and waiters.

Usage: tables.py ENDPOINT. Prints one line per step; exits with 1 where a step differs.
"""

from decimal import Decimal

import boto3
from boto3.dynamodb.conditions import Attr, Key
from boto3.dynamodb.types import Binary
from common import SETTINGS, check, refused

resource = boto3.resource("dynamodb", **SETTINGS)
client = resource.meta.client
streams = boto3.client("dynamodbstreams", **SETTINGS)

table = resource.create_table(
    TableName="boto3-orders",
    KeySchema=[
        {"AttributeName": "customer", "KeyType": "HASH"},
        {"AttributeName": "number", "KeyType": "RANGE"},
    ],
    AttributeDefinitions=[
        {"AttributeName": "customer", "AttributeType": "S"},
        {"AttributeName": "number", "AttributeType": "N"},
        {"AttributeName": "state", "AttributeType": "S"},
    ],
    GlobalSecondaryIndexes=[
        {
            "IndexName": "by_state",
            "KeySchema": [{"AttributeName": "state", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
    BillingMode="PAY_PER_REQUEST",
    StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
)
table.wait_until_exists()
table.reload()
check("table", table.table_status == "ACTIVE" and table.item_count == 0)

item = {
    "customer": "ann",
    "number": Decimal(1),
    "state": "open",
    "amount": Decimal("12.50"),
    "tags": {"new", "paid"},
    "sizes": {Decimal(1), Decimal("2.5")},
    "photo": Binary(b"\x00\x01\xff"),
    "address": {"street": "Main", "lines": ["a", None, True, {"deep": Decimal("1E-20")}]},
}
table.put_item(Item=item)
check("every type comes back", table.get_item(Key={"customer": "ann", "number": 1})["Item"] == item)

with table.batch_writer() as batch:
    for number in range(2, 62):
        batch.put_item(Item={"customer": "ann", "number": number, "state": "sent" if number % 2 else "open"})
with table.batch_writer(overwrite_by_pkeys=["customer", "number"]) as batch:
    batch.put_item(Item={"customer": "bob", "number": 1, "state": "x"})
    batch.put_item(Item={"customer": "bob", "number": 1, "state": "open"})
    batch.delete_item(Key={"customer": "ann", "number": 61})
check("batches", table.scan(Select="COUNT")["Count"] == 61)

found = table.query(
    KeyConditionExpression=Key("customer").eq("ann") & Key("number").between(10, 20),
    FilterExpression=Attr("state").eq("sent") & ~Attr("amount").exists(),
    ScanIndexForward=False,
)
check("query", [int(it["number"]) for it in found["Items"]] == [19, 17, 15, 13, 11] and found["ScannedCount"] == 11)
opened = table.query(IndexName="by_state", KeyConditionExpression=Key("state").eq("open"))
check("query of an index", opened["Count"] == 31 + 1)

pages = client.get_paginator("query").paginate(
    TableName="boto3-orders",
    KeyConditionExpression=Key("customer").eq("ann"),
    PaginationConfig={"PageSize": 7},
)
counts = [page["Count"] for page in pages]
check("paginator of queries", sum(counts) == 60 and counts[0] == 7 and len(counts) == 9)
# A resource's client cannot put a Decimal into the token of a result that is cut short; a plain one can.
plain = boto3.client("dynamodb", **SETTINGS)
pages = plain.get_paginator("scan").paginate(TableName="boto3-orders", PaginationConfig={"PageSize": 10, "MaxItems": 25})
check("paginator of scans", len(pages.build_full_result()["Items"]) == 25)
names = client.get_paginator("list_tables").paginate(PaginationConfig={"PageSize": 1})
check("paginator of tables", "boto3-orders" in names.build_full_result()["TableNames"])

updated = table.update_item(
    Key={"customer": "ann", "number": 1},
    UpdateExpression="SET amount = amount + :more, address.#l[9] = :last REMOVE photo ADD tags :tags",
    ConditionExpression=Attr("amount").lt(100) & Attr("tags").contains("new"),
    ExpressionAttributeNames={"#l": "lines"},
    ExpressionAttributeValues={":more": Decimal("0.25"), ":last": "end", ":tags": {"seen"}},
    ReturnValues="ALL_NEW",
)["Attributes"]
check("update", updated["amount"] == Decimal("12.75") and updated["tags"] == {"new", "paid", "seen"})
check("update in a document", updated["address"]["lines"][-1] == "end" and "photo" not in updated)
check(
    "a failed condition",
    refused(
        "ConditionalCheckFailedException",
        lambda: table.put_item(Item={"customer": "ann", "number": 1}, ConditionExpression=Attr("customer").not_exists()),
    ),
)

key = {"customer": "ann", "number": 2}
client.transact_write_items(
    TransactItems=[
        {
            "Update": {
                "TableName": "boto3-orders",
                "Key": key,
                "UpdateExpression": "SET seen = :yes",
                "ExpressionAttributeValues": {":yes": True},
            }
        },
        {"Delete": {"TableName": "boto3-orders", "Key": {"customer": "bob", "number": 1}}},
    ]
)
got = client.transact_get_items(
    TransactItems=[
        {"Get": {"TableName": "boto3-orders", "Key": key}},
        {"Get": {"TableName": "boto3-orders", "Key": {"customer": "bob", "number": 1}}},
    ]
)["Responses"]
check("transaction", got[0]["Item"]["seen"] is True and "Item" not in got[1])
try:
    client.transact_write_items(
        TransactItems=[
            {"Put": {"TableName": "boto3-orders", "Item": {"customer": "new", "number": 1}}},
            {
                "ConditionCheck": {
                    "TableName": "boto3-orders",
                    "Key": {"customer": "bob", "number": 1},
                    "ConditionExpression": "attribute_exists(customer)",
                }
            },
        ]
    )
    check("a cancelled transaction", False)
except client.exceptions.TransactionCanceledException as error:
    reasons = [it["Code"] for it in error.response["CancellationReasons"]]
    check("a cancelled transaction", reasons == ["None", "ConditionalCheckFailed"])
got = resource.batch_get_item(RequestItems={"boto3-orders": {"Keys": [key, {"customer": "new", "number": 1}]}})
check("batch of gets", len(got["Responses"]["boto3-orders"]) == 1)

shards = streams.describe_stream(StreamArn=table.latest_stream_arn)["StreamDescription"]["Shards"]
records = []
for shard in shards:
    place = streams.get_shard_iterator(
        StreamArn=table.latest_stream_arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    while place:
        page = streams.get_records(ShardIterator=place)
        records += page["Records"]
        place = page.get("NextShardIterator") if page["Records"] else None
events = [it["eventName"] for it in records]
check("stream", (events.count("INSERT"), events.count("MODIFY"), events.count("REMOVE")) == (62, 2, 2))

table.delete()
table.wait_until_not_exists()
check("clean up", refused("ResourceNotFoundException", table.load))
