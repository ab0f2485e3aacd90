"""Buckets and objects through boto3's client, its resource layer, paginators, waiters and presigned addresses.

Usage: buckets.py ENDPOINT. Prints one line per step; exits with 1 where a step differs.
"""

import datetime
import io
import urllib.request

import boto3
from botocore.config import Config
from common import ENDPOINT, SETTINGS, check, refused

s3 = boto3.client("s3", **SETTINGS)
s3.create_bucket(Bucket="boto3-lost")
s3.get_waiter("bucket_exists").wait(Bucket="boto3-lost")
buckets = s3.list_buckets()["Buckets"]
check(
    "list buckets",
    [it["Name"] for it in buckets] == ["boto3-lost"]
    and isinstance(buckets[0]["CreationDate"], datetime.datetime),
)
check(
    "location",
    s3.get_bucket_location(Bucket="boto3-lost")["LocationConstraint"] is None,
)
check(
    "no bucket",
    refused("NoSuchBucket", lambda: s3.list_objects_v2(Bucket="boto3-none"))
    and refused("404", lambda: s3.head_bucket(Bucket="boto3-none")),
)

put = s3.put_object(
    Bucket="boto3-lost",
    Key="a b/ü&<k>",
    Body=b"hello world",
    ContentType="text/plain",
    Metadata={"color": "red"},
)
check("put", put["ETag"] == '"5eb63bbbe01eeed093cb22bb8f5acdc3"')
got = s3.get_object(Bucket="boto3-lost", Key="a b/ü&<k>")
check(
    "get",
    got["Body"].read() == b"hello world"
    and got["ContentType"] == "text/plain"
    and got["Metadata"] == {"color": "red"}
    and got["ContentLength"] == 11,
)
part = s3.get_object(Bucket="boto3-lost", Key="a b/ü&<k>", Range="bytes=6-")
check(
    "range",
    part["Body"].read() == b"world" and part["ContentRange"] == "bytes 6-10/11",
)
head = s3.head_object(Bucket="boto3-lost", Key="a b/ü&<k>")
check("head", head["ContentLength"] == 11 and head["ETag"] == put["ETag"])
check(
    "no object",
    refused("NoSuchKey", lambda: s3.get_object(Bucket="boto3-lost", Key="none"))
    and refused("404", lambda: s3.head_object(Bucket="boto3-lost", Key="none")),
)
check(
    "conditions",
    refused(
        "304",
        lambda: s3.get_object(
            Bucket="boto3-lost", Key="a b/ü&<k>", IfNoneMatch=put["ETag"]
        ),
    )
    and refused(
        "PreconditionFailed",
        lambda: s3.put_object(
            Bucket="boto3-lost", Key="a b/ü&<k>", Body=b"", IfNoneMatch="*"
        ),
    ),
)

s3.upload_fileobj(io.BytesIO(b"x" * 100_000), "boto3-lost", "large")
down = io.BytesIO()
s3.download_fileobj("boto3-lost", "large", down)
check("transfer", down.getvalue() == b"x" * 100_000)

for name in ["in/1", "in/2", "in/3", "out/1", "z"]:
    s3.put_object(Bucket="boto3-lost", Key=name, Body=name.encode())
pages = s3.get_paginator("list_objects_v2").paginate(
    Bucket="boto3-lost", Prefix="in/", PaginationConfig={"PageSize": 2}
)
check(
    "pages",
    [[it["Key"] for it in page["Contents"]] for page in pages]
    == [["in/1", "in/2"], ["in/3"]],
)
grouped = s3.list_objects_v2(Bucket="boto3-lost", Delimiter="/")
check(
    "delimiter",
    [it["Prefix"] for it in grouped["CommonPrefixes"]] == ["a b/", "in/", "out/"]
    and [it["Key"] for it in grouped["Contents"]] == ["large", "z"],
)
former = s3.get_paginator("list_objects").paginate(
    Bucket="boto3-lost", Delimiter="/", PaginationConfig={"PageSize": 2}
)
names = [
    entry.get("Prefix") or entry["Key"]
    for page in former
    for entry in page.get("CommonPrefixes", []) + page.get("Contents", [])
]
check("list_objects", sorted(names) == ["a b/", "in/", "large", "out/", "z"])

url = s3.generate_presigned_url(
    "get_object", Params={"Bucket": "boto3-lost", "Key": "in/1"}
)
with urllib.request.urlopen(url) as answer:
    check("presigned", answer.read() == b"in/1")

local = boto3.client(
    "s3",
    **{
        **SETTINGS,
        "endpoint_url": ENDPOINT.replace("127.0.0.1", "localhost"),
        "config": Config(s3={"addressing_style": "path"}, signature_version="s3v4"),
    },
)
check("localhost", local.get_object(Bucket="boto3-lost", Key="z")["Body"].read() == b"z")

deleted = s3.delete_objects(
    Bucket="boto3-lost",
    Delete={"Objects": [{"Key": "in/1"}, {"Key": "never"}]},
)
check("delete many", [it["Key"] for it in deleted["Deleted"]] == ["in/1", "never"])
check("not empty", refused("BucketNotEmpty", lambda: s3.delete_bucket(Bucket="boto3-lost")))
check(
    "parts are refused",
    refused(
        "NotImplemented",
        lambda: s3.create_multipart_upload(Bucket="boto3-lost", Key="k"),
    ),
)

bucket = boto3.resource("s3", **SETTINGS).Bucket("boto3-lost")
check("resource", len(list(bucket.objects.all())) == 6)
bucket.objects.all().delete()
bucket.delete()
check("clean up", s3.list_buckets()["Buckets"] == [])
