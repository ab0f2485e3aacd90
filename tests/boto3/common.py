"""What the scripts share: how the port is reached, and how a step is told."""

import sys
import time

from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT = sys.argv[1]
PATIENCE_SECONDS = 60
SETTINGS = {
    "endpoint_url": ENDPOINT,
    "region_name": "us-east-1",
    "aws_access_key_id": "AKIAANYKEYATALL00000",
    "aws_secret_access_key": "any",
    "config": Config(retries={"max_attempts": 1}, read_timeout=30),
}


def check(what, ok):
    if not ok:
        print(f"FAILED {what}", flush=True)
        sys.exit(1)
    print(f"ok {what}", flush=True)


def refused(code, attempt):
    try:
        attempt()
    except ClientError as error:
        return error.response["Error"]["Code"] == code
    return False


class Differs(Exception):
    """What came is not what a fact says."""


def until(attempt):
    """What `attempt` gives as soon as it gives anything: until then it raises `Differs`."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return attempt()
        except Differs:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.02)


def words(error):
    """How a refusal is told: status, code and message."""
    told = error.response
    return f"{told['ResponseMetadata']['HTTPStatusCode']} {told['Error']['Code']}: {told['Error']['Message']}"
