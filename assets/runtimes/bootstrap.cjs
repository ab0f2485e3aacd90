// Runs a Node function: asks the Runtime API for events, gives them to the handler and answers. How handlers load, what is
// an error and how it is worded is in handler.cjs, which the JavaScript engine inside runs as well; here is what a process
// has of its own: the connection, the console and the end of the event loop.
'use strict';

const { createRequire } = require('node:module');
const { pathToFileURL } = require('node:url');
const { format } = require('node:util');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');

const { env } = process;
const TASK = env.LAMBDA_TASK_ROOT;
const OWN = __dirname;
const TASK_ON_LAMBDA = '/var/task';
const ROOT = '/2018-06-01/runtime/';
const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];

// --- The log ----------------------------------------------------------------------------------------------------

const hasJsonLogs = env.AWS_LAMBDA_LOG_FORMAT === 'JSON';
const least = hasJsonLogs ? LEVELS.indexOf(env.AWS_LAMBDA_LOG_LEVEL ?? 'INFO') : 0;
let requestId;

// Whole lines, written at once: a program that is killed has said what it said.
function write(text) {
  let left = Buffer.from(text);
  while (left.length > 0) {
    try {
      left = left.subarray(fs.writeSync(1, left));
    } catch (error) {
      if (error.code !== 'EAGAIN') return;
    }
  }
}

function log(level, text, json) {
  const timestamp = new Date().toISOString();
  if (!hasJsonLogs) {
    write(`${timestamp}\t${requestId}\t${level}\t${text.replaceAll('\n', '\r')}\n`);
  } else if (LEVELS.indexOf(level) >= least) {
    const message = json === undefined ? text : JSON.parse(json);
    write(`${JSON.stringify({ timestamp, level, requestId, message })}\n`);
  }
}

function patchConsole(internals) {
  const line = (level) => (...args) => {
    const text = args.length === 1 && typeof args[0] === 'string' ? args[0] : format(...args);
    log(level, text, ...internals.structured(args));
  };
  const names = { log: 'INFO', info: 'INFO', debug: 'DEBUG', warn: 'WARN', error: 'ERROR', trace: 'TRACE', fatal: 'FATAL' };
  for (const [name, level] of Object.entries(names)) console[name] = line(level);
}

// --- Modules ----------------------------------------------------------------------------------------------------

const required = createRequire(path.join(TASK, 'handler'));

function resolved(specifier) {
  try {
    return required.resolve(specifier);
  } catch {
    return undefined;
  }
}

function isFile(file) {
  return fs.statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;
}

// Whether the nearest package.json makes this file an ES module.
function isModuleSyntax(file) {
  if (!file.endsWith('.js')) return file.endsWith('.mjs');
  for (let folder = path.dirname(file); path.basename(folder) !== 'node_modules'; folder = path.dirname(folder)) {
    try {
      return JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8')).type === 'module';
    } catch (error) {
      if (error.code !== 'ENOENT') return false;
    }
    if (folder === TASK || folder === path.dirname(folder)) break;
  }
  return false;
}

function missing(root) {
  const error = new Error(`Cannot find module '${root}'\nRequire stack:\n- /var/runtime/index.mjs`);
  error.code = 'MODULE_NOT_FOUND';
  return error;
}

// --- The Runtime API --------------------------------------------------------------------------------------------

// One connection that is kept. An answer and the question for the next event go out together.
function connect(onEvent) {
  const address = env.AWS_LAMBDA_RUNTIME_API;
  const colon = address.lastIndexOf(':');
  const socket = net.connect({ host: address.slice(0, colon), port: Number(address.slice(colon + 1)), noDelay: true });
  const tail = ` HTTP/1.1\r\nHost: ${address}\r\n`;
  const ask = `GET ${ROOT}invocation/next${tail}\r\n`;
  // What is expected next: the end of a call, or an event.
  const expected = [];
  let read = Buffer.alloc(0);
  let head;

  function take() {
    if (head === undefined) {
      const end = read.indexOf('\r\n\r\n');
      if (end < 0) return false;
      const [first, ...lines] = read.latin1Slice(0, end).split('\r\n');
      head = { status: Number(first.split(' ')[1]), headers: {} };
      for (const line of lines) {
        const colon = line.indexOf(':');
        head.headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
      }
      head.length = Number(head.headers['content-length'] ?? 0);
      read = read.subarray(end + 4);
    }
    if (read.length < head.length) return false;
    const { status, headers, length } = head;
    const body = read.utf8Slice(0, length);
    read = read.subarray(length);
    head = undefined;
    expected.shift()(status, headers, body);
    return true;
  }

  // Whoever runs us is gone, or wants us gone.
  const gone = () => process.exit(1);
  socket.on('error', gone);
  socket.on('close', gone);
  // A module that waits for nothing while it loads is at its end.
  socket.unref();
  let parts = [];
  let size = 0;
  socket.on('data', (data) => {
    parts.push(data);
    size += data.length;
    if (head !== undefined && read.length + size < head.length) return;
    read = read.length === 0 && parts.length === 1 ? data : Buffer.concat([read, ...parts]);
    parts = [];
    size = 0;
    while (read.length > 0 && take());
  });

  const event = (status, headers, body) => {
    if (status !== 200) gone();
    // While the handler runs, only what it waits for keeps the event loop going.
    socket.unref();
    onEvent(headers, body);
  };

  function post(what, type, body) {
    const error = type === undefined ? '' : `Lambda-Runtime-Function-Error-Type: ${type.replace(/[^\x21-\x7e]/g, '?')}\r\n`;
    const length = Buffer.byteLength(body);
    return `POST ${ROOT}${what}${tail}Content-Type: application/json\r\n${error}Content-Length: ${length}\r\n\r\n${body}`;
  }

  return {
    next() {
      socket.ref();
      expected.push(event);
      socket.write(ask);
    },
    answer(id, type, body) {
      socket.ref();
      expected.push(() => {}, event);
      const what = `invocation/${id}/${type === undefined ? 'response' : 'error'}`;
      socket.write(post(what, type, body) + ask);
    },
    // The last thing that is said.
    end(what, type, body) {
      socket.ref();
      expected.push(() => process.exit(129));
      socket.write(post(what, type, body));
    },
  };
}

// --- The phases of a function -----------------------------------------------------------------------------------

let deadline = 0;
const host = {
  log,
  importLater: (url) => import(pathToFileURL(url.slice('file://'.length))),
  remaining: () => deadline - Date.now(),
};
const internals = {
  facts: {
    // Of the function, whatever Node runs it.
    version: env.AWS_EXECUTION_ENV?.replace('AWS_Lambda_nodejs', '') ?? process.versions.node,
    environment: { ...env },
    hasJsonLogs,
  },
  process: { env, emit() {} },
  shown: (stack) => {
    const lines = stack.split('\n').filter((line) => !line.includes(OWN));
    return lines.join('\n').replaceAll(TASK, TASK_ON_LAMBDA);
  },
  wellFormed: (text) => text,
  isFile,
  isModuleSyntax,
  missing,
  require: required,
  join: (root) => path.resolve(TASK, root),
  asFolder: resolved,
  resolvePackage: resolved,
};
require('./handler.cjs')(host, internals);
patchConsole(internals);

const api = connect((headers, event) => {
  requestId = headers['lambda-runtime-aws-request-id'];
  deadline = Number(headers['lambda-runtime-deadline-ms']);
  internals.invoke(event, {
    requestId,
    functionArn: headers['lambda-runtime-invoked-function-arn'],
    traceId: headers['lambda-runtime-trace-id'],
    clientContext: headers['lambda-runtime-client-context'],
  });
});

internals.settled = () => {
  const { type, body, isFatal } = internals.outcome();
  if (requestId === undefined) {
    if (type === undefined) api.next();
    else api.end('init/error', type, body);
  } else if (isFatal) {
    api.end(`invocation/${requestId}/error`, type, body);
  } else {
    api.answer(requestId, type, body);
  }
};

// Between two invocations nobody can be told.
function endQuietly(error) {
  log('ERROR', `Uncaught Exception \t${internals.shown(String(error?.stack ?? error))}`);
  process.exit(129);
}

process.on('beforeExit', internals.emptied);
process.on('uncaughtException', (error) => {
  if (internals.outcome() !== undefined) endQuietly(error);
  internals.uncaught(error ?? String(error));
});
process.on('unhandledRejection', (reason, promise) => {
  if (internals.outcome() !== undefined) endQuietly(reason);
  internals.rejected(promise, reason ?? String(reason), false);
  internals.reportRejections();
});
internals.load(env._HANDLER);
