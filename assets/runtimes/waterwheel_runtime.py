"""Runs a Python function: loads its handler, asks the Runtime API for events, answers them.

Behaves as AWS documents for managed Python runtimes. Needs nothing but Python from 3.8 on, and starts fast: what is
not always needed is imported where it is.
"""

import importlib
import json
import logging
import os
import socket
import sys
import time

ROOT = "/2018-06-01/runtime/"
TASK = "/var/task"
NBSP = "\u00a0"


def main():
    task = os.environ.get("LAMBDA_TASK_ROOT", TASK)
    # Our own folder was only the way to this module.
    sys.path[0] = task
    sys.stdout.reconfigure(line_buffering=True)
    sys.stderr.reconfigure(line_buffering=True)
    logs = Logs()
    api = Api(os.environ["AWS_LAMBDA_RUNTIME_API"])
    try:
        handler = load(os.environ.get("_HANDLER", ""))
    except Fault as fault:
        failed = error(fault.message, fault.kind, fault.trace, "")
    except Exception as raised:
        failed = error_of(raised, "", task)
    else:
        serve(api, handler, logs, task)
        return
    logs.unhandled(failed)
    api.post("init/error", dump(failed), failed["errorType"])
    sys.exit(1)


def serve(api, handler, logs, task):
    # 3.12 and later leave other scripts than Latin as they are.
    dumps = encoder(os.environ.get("AWS_EXECUTION_ENV", ""))
    headers, body = api.next()
    while True:
        request_id = headers.get(b"lambda-runtime-aws-request-id", b"").decode()
        trace_id = headers.get(b"lambda-runtime-trace-id")
        if trace_id:
            os.environ["_X_AMZN_TRACE_ID"] = trace_id.decode()
        logs.request_id = request_id
        kind = None
        try:
            answer = run(handler, headers, body, request_id, dumps)
        except Fault as fault:
            failed = error(fault.message, fault.kind, fault.trace, request_id)
            logs.unhandled(failed)
            answer, kind = dump(failed), fault.kind
        except Exception as raised:
            failed = error_of(raised, request_id, task)
            logs.unhandled(failed)
            answer, kind = dump(failed), "Runtime." + failed["errorType"]
        sys.stdout.flush()
        sys.stderr.flush()
        headers, body = api.answer(request_id, answer, kind)


def run(handler, headers, body, request_id, dumps):
    try:
        event = json.loads(body)
    except Exception as raised:
        raise Fault("Runtime.UnmarshalError", "Unable to unmarshal input: %s" % raised) from None
    returned = handler(event, Context(headers, request_id))
    if isinstance(returned, bytes):
        return returned
    try:
        return dumps(returned).encode()
    except Exception as raised:
        message = "Unable to marshal response: %s" % raised
        raise Fault("Runtime.MarshalError", message) from None


# --- The handler ------------------------------------------------------------------------------------------------


def load(name):
    try:
        module, function = name.rsplit(".", 1)
    except ValueError as raised:
        message = "Bad handler '%s': %s" % (name, raised)
        raise Fault("Runtime.MalformedHandlerName", message) from None
    try:
        if module.split(".")[0] in sys.builtin_module_names:
            message = "Cannot use built-in module %s as a handler module" % module
            raise Fault("Runtime.BuiltInModuleConflict", message)
        loaded = importlib.import_module(module.replace("/", "."))
    except ImportError as raised:
        message = "Unable to import module '%s': %s" % (module, raised)
        raise Fault("Runtime.ImportModuleError", message) from None
    except SyntaxError as raised:
        message = "Syntax error in module '%s': %s" % (module, raised)
        file = shown(str(raised.filename), os.environ.get("LAMBDA_TASK_ROOT", TASK))
        trace = ['  File "%s" Line %s\n    %s' % (file, raised.lineno, raised.text)]
        raise Fault("Runtime.UserCodeSyntaxError", message, trace) from None
    try:
        return getattr(loaded, function)
    except AttributeError:
        message = "Handler '%s' missing on module '%s'" % (function, module)
        raise Fault("Runtime.HandlerNotFound", message) from None


class Context:
    def __init__(self, headers, request_id):
        environ = os.environ
        self.aws_request_id = request_id
        self.log_group_name = environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.function_version = environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.invoked_function_arn = headers.get(b"lambda-runtime-invoked-function-arn", b"").decode()
        self.tenant_id = headers.get(b"lambda-runtime-aws-tenant-id", b"").decode() or None
        client_context = headers.get(b"lambda-runtime-client-context")
        self.client_context = ClientContext(json.loads(client_context)) if client_context else None
        self.identity = Identity(headers.get(b"lambda-runtime-cognito-identity"))
        self._deadline_millis = int(headers.get(b"lambda-runtime-deadline-ms", b"0"))

    def get_remaining_time_in_millis(self):
        return max(self._deadline_millis - int(time.time() * 1000), 0)

    def log(self, message):
        sys.stdout.write(str(message))

    def __repr__(self):
        members = ("%s=%s" % it for it in self.__dict__.items() if not it[0].startswith("_"))
        return "LambdaContext([%s])" % ",".join(members)


class Identity:
    def __init__(self, given):
        given = json.loads(given) if given else {}
        self.cognito_identity_id = given.get("cognitoIdentityId")
        self.cognito_identity_pool_id = given.get("cognitoIdentityPoolId")


class ClientContext:
    def __init__(self, given):
        self.custom = given.get("custom")
        self.env = given.get("env")
        client = given.get("client")
        self.client = Client(client) if client else None


class Client:
    def __init__(self, given):
        for name in ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name"):
            setattr(self, name, given.get(name))


# --- Errors as Lambda words them --------------------------------------------------------------------------------


class Fault(Exception):
    def __init__(self, kind, message, trace=()):
        super().__init__(message)
        self.kind, self.message, self.trace = kind, message, list(trace)


def error(message, kind, trace, request_id):
    return {"errorMessage": message, "errorType": kind, "requestId": request_id, "stackTrace": trace}


def error_of(raised, request_id, task):
    import traceback

    frames = [tuple(frame)[:4] for frame in traceback.extract_tb(raised.__traceback__)]
    # The way from here to the function is nobody's business.
    while frames and (frames[0][0] in (__file__, importlib.__file__) or frames[0][0].startswith("<frozen importlib")):
        frames.pop(0)
    frames = [(shown(file, task), line, name, text) for file, line, name, text in frames]
    return error(str(raised), type(raised).__name__, traceback.format_list(frames), request_id)


def shown(file, task):
    """Where the file would lie on Lambda."""
    return TASK + file[len(task) :].replace(os.sep, "/") if file.startswith(task) else file


def dump(value):
    return json.dumps(value).encode()


def encoder(runtime):
    keeps_ascii = runtime.startswith("AWS_Lambda_python3.") and int(runtime.rsplit(".", 1)[1]) < 12
    decimals = []

    def default(value):
        import decimal

        if not isinstance(value, decimal.Decimal):
            raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)
        if value.is_nan():
            return float("nan")
        decimals.append(str(value))
        return "\0decimal%d\0" % (len(decimals) - 1)

    encode = json.JSONEncoder(ensure_ascii=keeps_ascii, default=default).encode

    def dumps(value):
        text = encode(value)
        for index, number in enumerate(decimals):
            text = text.replace('"\\u0000decimal%d\\u0000"' % index, number)
        decimals.clear()
        return text

    return dumps


# --- The log ----------------------------------------------------------------------------------------------------


class Logs(logging.Handler):
    """The handler of the root logger."""

    def __init__(self):
        super().__init__()
        self.request_id = None
        self.is_json = os.environ.get("AWS_LAMBDA_LOG_FORMAT") == "JSON"
        root = logging.getLogger()
        root.addHandler(self)
        if self.is_json:
            level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "INFO")
            root.setLevel({"TRACE": "NOTSET", "FATAL": "CRITICAL"}.get(level, level))

    def emit(self, record):
        # Without a request the format of AWS has an empty place.
        request_id = self.request_id or ""
        message = record.getMessage()
        seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        stack = logging.Formatter().formatException(record.exc_info) if record.exc_info else None
        if self.is_json:
            line = {"timestamp": seconds + "Z", "level": record.levelname, "message": message}
            line["logger"] = record.name
            if stack:
                kind, raised, _ = record.exc_info
                line["stackTrace"] = stack.split("\n")[1:-1]
                line["errorType"], line["errorMessage"] = kind.__name__, str(raised)
                line["location"] = "%s:%s:%s" % (record.pathname, record.funcName, record.lineno)
            if request_id:
                line["requestId"] = request_id
            line.update(extras(record))
            self.write(json.dumps(line, default=str))
            return
        if stack:
            message = "%s\n%s" % (message, stack)
        moment = "%s.%03dZ" % (seconds, record.msecs)
        self.write("[%s]\t%s\t%s\t%s" % (record.levelname, moment, request_id, message))

    def unhandled(self, failed):
        if self.is_json:
            moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            self.write(json.dumps({"timestamp": moment, "log_level": "ERROR", **failed}))
            return
        lines = ["[ERROR] %s: %s" % (failed["errorType"], failed["errorMessage"])]
        if not failed["errorMessage"]:
            lines = ["[ERROR] " + failed["errorType"]]
        lines.append("Traceback (most recent call last):")
        for entry in failed["stackTrace"]:
            for line in entry.rstrip("\n").split("\n"):
                text = line.lstrip(" ")
                lines.append(NBSP * (len(line) - len(text)) + text)
        self.write("\n".join(lines))

    def write(self, text):
        """One event, so that its lines are joined."""
        sys.stdout.write(text.replace("\n", "\r") + "\n")


def extras(record):
    usual = logging.makeLogRecord({}).__dict__
    return {name: value for name, value in record.__dict__.items() if name not in usual and name != "message"}


# --- The Runtime API --------------------------------------------------------------------------------------------


class Api:
    """One connection that is kept. An answer and the question for the next event go out together."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.read = bytearray()
        self.tail = (" HTTP/1.1\r\nHost: %s\r\n" % address).encode()
        self.ask = b"GET " + ROOT.encode() + b"invocation/next" + self.tail + b"\r\n"

    def next(self):
        self.send(self.ask)
        return self.event()

    def answer(self, request_id, body, kind):
        what = "invocation/%s/%s" % (request_id, "response" if kind is None else "error")
        self.send(self.request(what, body, kind) + self.ask)
        self.response()
        return self.event()

    def post(self, what, body, kind):
        self.send(self.request(what, body, kind))
        self.response()

    def request(self, what, body, kind):
        head = b"POST " + ROOT.encode() + what.encode() + self.tail
        head += b"Content-Type: application/json\r\n"
        if kind is not None:
            head += b"Lambda-Runtime-Function-Error-Type: " + kind.encode("ascii", "replace") + b"\r\n"
        return head + b"Content-Length: %d\r\n\r\n" % len(body) + body

    def event(self):
        status, headers, body = self.response()
        if status != 200:
            sys.exit("the Runtime API gave no event: %s" % body.decode())
        return headers, body

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError:
            os._exit(1)

    def response(self):
        read = self.read
        while True:
            end = read.find(b"\r\n\r\n")
            if end >= 0:
                break
            self.more()
        lines = bytes(read[:end]).split(b"\r\n")
        del read[: end + 4]
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(b":")
            headers[name.lower()] = value.strip()
        length = int(headers.get(b"content-length", 0))
        while len(read) < length:
            self.more()
        body = bytes(read[:length])
        del read[:length]
        return int(lines[0].split(b" ", 2)[1]), headers, body

    def more(self):
        try:
            data = self.socket.recv(262144)
        except OSError:
            data = b""
        if not data:
            # Whoever runs us is gone.
            os._exit(1)
        self.read += data
