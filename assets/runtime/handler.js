// The runtime client: loads the handler, calls it, and words what came of it as Lambda does. Both the JavaScript engine
// inside and a Node process (assets/runtimes/bootstrap.cjs) run it; what they do otherwise is among the internals.
(function (host, internals) {
  'use strict';

  const { stringify, parse } = JSON;
  const major = Number(internals.facts.version.split('.')[0]);
  const CALLBACKS_GONE = 24;
  const GONE = 'ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. You need to modify this function to use a supported handler signature to use Node.js 24 or later. For more information see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.';
  const EXIT = 'The Lambda runtime client detected an unexpected Node.js exit. This is most commonly caused by a Promise that was never settled. For more information, see https://nodejs.org/docs/latest/api/process.html#process_exit_codes';

  // What came of the current phase, once it is known: { body } or { type, body, isFatal }.
  let outcome;
  // What the end of the event loop means for the current phase.
  let whenEmpty = () => {};
  let handler;
  const rejections = new Map();
  // Nodes before 20 have no such method.
  internals.wellFormed ??= (text) => text.toWellFormed();
  // Where the lines of a trace would lie on Lambda.
  const shown = internals.shown ?? ((stack) => stack);
  // Only a Node process waits to be told.
  const settle = (result) => {
    outcome = result;
    internals.settled?.();
  };

  // --- Errors as Lambda words them ---------------------------------------------------------------

  const hide = (target, name, value) =>
    Object.defineProperty(target, name, { value, writable: true, configurable: true, enumerable: false });

  function runtimeError(name, message, stack) {
    const error = new Error(message);
    const lines = typeof stack === 'string' ? stack.split('\n    at').slice(1).map((it) => `\n    at${it}`) : [];
    hide(error, 'name', `Runtime.${name}`);
    hide(error, 'stack', `${error.name}: ${message}${lines.join('')}`);
    return error;
  }

  function isError(value) {
    return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]';
  }

  // What is no error is logged as if it were one.
  function asError(value) {
    if (isError(value)) return value;
    try {
      return new Error(value);
    } catch {
      return new Error('handled');
    }
  }

  function response(error) {
    try {
      if (isError(error)) {
        const stack = shown(error.stack || `${error.name}: ${error.message}`);
        return { errorType: error.name, errorMessage: error.message, trace: stack.split('\n') };
      }
      return { errorType: typeof error, errorMessage: error.toString(), trace: [] };
    } catch {
      return {
        errorType: 'handled',
        errorMessage: 'callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack',
        trace: [],
      };
    }
  }

  // An error in JSON logs.
  internals.described = (error) => {
    const { errorType, errorMessage, trace } = response(error);
    return { errorType, errorMessage, stackTrace: trace };
  };

  // What one call of the console is in JSON logs, where that is more than its text: a single object stays an object, and
  // an error is taken apart.
  internals.structured = (args) => {
    if (!internals.facts.hasJsonLogs || args.length === 0 || typeof args.at(-1) !== 'object') return [];
    const error = args.find((it) => it instanceof Error);
    if (error === undefined && args.length > 1) return [];
    try {
      const json = stringify(error === undefined ? args[0] : internals.described(error));
      return json === undefined ? [] : [json];
    } catch {
      return [];
    }
  };

  // Members of an error that are not enumerable, and everything else it carries.
  function reveal(_key, value) {
    if (!isError(value)) return value;
    const revealed = { errorType: value.name, errorMessage: value.message, code: value.code, ...value };
    delete revealed.stack;
    if (typeof value.stack === 'string') revealed.stack = shown(value.stack).split('\n');
    return revealed;
  }

  function formatted(error) {
    try {
      return `\t${stringify(error, reveal)}`;
    } catch {
      return `\t${stringify(response(error))}`;
    }
  }

  function isOutOfMemory(error) {
    return error === null || (error?.name === 'InternalError' && error.message === 'out of memory');
  }

  function fail(error, label, isFatal, logged = error) {
    if (outcome !== undefined) return;
    if (isOutOfMemory(error)) {
      settle({ __proto__: null, isOutOfMemory: true });
      return;
    }
    host.log('ERROR', internals.wellFormed(`${label} ${formatted(logged)}`), stringify(internals.described(logged)));
    const payload = response(error);
    settle({ __proto__: null, type: internals.wellFormed(String(payload.errorType)), body: stringify(payload), isFatal });
  }

  function succeed(value) {
    if (outcome !== undefined) return;
    let body;
    try {
      body = stringify(value === undefined ? null : value);
    } catch {
      const message = 'Unable to stringify response body';
      fail(major >= CALLBACKS_GONE ? runtimeError('JSONStringifyError', message) : new Error(message), 'Invoke Error', false);
      return;
    }
    settle({ __proto__: null, body: body ?? 'null' });
  }

  internals.uncaught = (error) => {
    internals.process.emit('uncaughtException', error, 'uncaughtException');
    fail(error, 'Uncaught Exception', true);
  };

  internals.rejected = (promise, reason, isHandled) => {
    if (isHandled) rejections.delete(promise);
    else rejections.set(promise, reason);
  };

  internals.reportRejections = reportRejections;

  function reportRejections() {
    for (const [promise, reason] of rejections) {
      rejections.delete(promise);
      if (isOutOfMemory(reason)) {
        fail(reason);
        return;
      }
      internals.process.emit('unhandledRejection', reason, promise);
      const error = runtimeError('UnhandledPromiseRejection', String(reason), reason?.stack);
      error.reason = reason;
      error.promise = {};
      fail(error, 'Unhandled Promise Rejection', true);
    }
  }

  // --- Loading --------------------------------------------------------------------------------------

  async function loadModule(root) {
    const path = internals.join(root);
    const sync = (file) => internals.require(file);
    if (internals.isFile(path)) return sync(path);
    for (const file of [`${path}.js`, `${path}.mjs`, `${path}.cjs`]) {
      if (internals.isFile(file)) {
        return internals.isModuleSyntax(file) ? host.importLater(`file://${file}`) : sync(file);
      }
    }
    const found = internals.asFolder(path) ?? internals.resolvePackage(root);
    if (found === undefined) throw internals.missing(root);
    return internals.isModuleSyntax(found) ? host.importLater(`file://${found}`) : sync(found);
  }

  async function loadHandler(text) {
    if (text.includes('..')) {
      throw runtimeError('MalformedHandlerName', `'${text}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`);
    }
    const slash = text.lastIndexOf('/') + 1;
    const match = /^([^.]*)\.(.*)$/.exec(text.slice(slash));
    if (!match) throw runtimeError('MalformedHandlerName', 'Bad handler');
    const root = text.slice(0, slash) + match[1];
    let module;
    try {
      module = await loadModule(root);
    } catch (error) {
      if (error instanceof SyntaxError) throw runtimeError('UserCodeSyntaxError', String(error), error.stack);
      if (error?.code === 'MODULE_NOT_FOUND') throw runtimeError('ImportModuleError', String(error), error.stack);
      throw error;
    }
    const found = match[2].split('.').reduce((at, name) => at?.[name], module);
    if (found === undefined || found === null) throw runtimeError('HandlerNotFound', `${text} is undefined or not exported`);
    if (typeof found !== 'function') throw runtimeError('HandlerNotFound', `${text} is not a function`);
    // Traces call a function without a name after where it was found.
    if (found.name === '') hide(found, 'name', `exports.${match[2]}`);
    if (major >= CALLBACKS_GONE && found.length >= 3) throw runtimeError('CallbackHandlerDeprecated', GONE);
    return found;
  }

  internals.load = (text) => {
    outcome = undefined;
    whenEmpty = () => fail(runtimeError('NodeJsExit', EXIT), 'Uncaught Exception', true);
    loadHandler(text).then(
      (found) => {
        handler = found;
        if (outcome === undefined) settle({ __proto__: null, body: '' });
      },
      (error) => fail(error, 'Uncaught Exception', true),
    );
  };

  // --- Invocations ------------------------------------------------------------------------------------

  const isAsync = (value) => Object.prototype.toString.call(value) === '[object AsyncFunction]';
  const isPromise = (value) => value instanceof Promise || typeof value?.then === 'function';

  function contextOf(facts, settled) {
    const { environment } = internals.facts;
    const context = {
      callbackWaitsForEmptyEventLoop: true,
      functionVersion: environment.AWS_LAMBDA_FUNCTION_VERSION,
      functionName: environment.AWS_LAMBDA_FUNCTION_NAME,
      memoryLimitInMB: environment.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
      logGroupName: environment.AWS_LAMBDA_LOG_GROUP_NAME,
      logStreamName: environment.AWS_LAMBDA_LOG_STREAM_NAME,
      clientContext: facts.clientContext === undefined ? undefined : parse(facts.clientContext),
      identity: undefined,
      invokedFunctionArn: facts.functionArn,
      awsRequestId: facts.requestId,
      tenantId: undefined,
      getRemainingTimeInMillis: () => Math.max(Math.floor(host.remaining()), 0),
    };
    if (major < CALLBACKS_GONE) {
      const done = (error, value) => settled(error, value, false);
      context.done = done;
      context.succeed = (value) => done(null, value);
      context.fail = (error) => done(error ?? 'handled');
    } else {
      delete context.callbackWaitsForEmptyEventLoop;
    }
    return context;
  }

  internals.invoke = (event, facts) => {
    outcome = undefined;
    let isFinished = false;
    let context;
    const settled = (error, value, waits) => {
      if (isFinished) return;
      isFinished = true;
      if (error !== undefined && error !== null) {
        fail(error, 'Invoke Error', false, asError(error));
      } else if (waits && context.callbackWaitsForEmptyEventLoop) {
        whenEmpty = () => succeed(value);
      } else {
        succeed(value);
      }
    };
    context = contextOf(facts, settled);
    whenEmpty = () => {
      if (isAsync(handler) || major >= CALLBACKS_GONE) fail(runtimeError('NodeJsExit', EXIT), 'Invoke Error', true);
      else succeed(null);
    };
    internals.process.env._X_AMZN_TRACE_ID = facts.traceId;
    const failed = (error) => settled(error ?? 'handled', undefined, false);
    let returned;
    try {
      returned = handler(parse(event), context, (error, value) => settled(error, value, true));
    } catch (error) {
      failed(error);
      return;
    }
    if (isPromise(returned)) returned.then((value) => settled(null, value, false), failed);
    else if (major >= CALLBACKS_GONE) settled(null, returned, false);
  };

  // Runs one thing. -2 when the outcome is known, otherwise as `runOne`.
  internals.turn = () => {
    if (rejections.size > 0) reportRejections();
    if (outcome !== undefined) return -2;
    const wait = internals.runOne();
    if (wait !== -1 || outcome !== undefined) return wait === -1 ? 0 : wait;
    whenEmpty();
    return -2;
  };

  // The event loop has nothing left to do.
  internals.emptied = () => {
    if (outcome === undefined) whenEmpty();
  };

  internals.outcome = () => outcome;
})
