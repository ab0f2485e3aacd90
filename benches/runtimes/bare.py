# The bare loop of the Runtime API in Python: nothing but the standard library.
import http.client
import json
import os

import index

api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
while True:
    api.request("GET", "/2018-06-01/runtime/invocation/next")
    event = api.getresponse()
    request_id = event.headers["Lambda-Runtime-Aws-Request-Id"]
    answer = index.handler(json.loads(event.read()), None)
    api.request("POST", "/2018-06-01/runtime/invocation/%s/response" % request_id, json.dumps(answer))
    api.getresponse().read()
