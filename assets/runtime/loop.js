// Timers, immediates and microtasks: one turn of the event loop at a time; the host does the waiting.
(function (host, internals) {
  'use strict';

  const define = (name, value) =>
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
  const INSPECT = Symbol.for('nodejs.util.inspect.custom');

  let timers = [];
  const immediates = [];
  let order = 0;

  class Timeout {
    #ref = true;
    constructor(callback, args, delay, repeats) {
      this._callback = callback;
      this._args = args;
      this._delay = delay;
      this._repeats = repeats;
      this._id = order;
      order += 1;
      this._due = host.uptime() + delay;
    }
    ref() {
      this.#ref = true;
      return this;
    }
    unref() {
      this.#ref = false;
      return this;
    }
    hasRef() {
      return this.#ref;
    }
    refresh() {
      clear(this);
      this._due = host.uptime() + this._delay;
      timers.push(this);
      return this;
    }
    close() {
      clear(this);
      return this;
    }
    [Symbol.toPrimitive]() {
      return this._id + 1;
    }
    [INSPECT]() {
      return `Timeout { _idleTimeout: ${this._delay} }`;
    }
  }

  class Immediate {
    #ref = true;
    constructor(callback, args) {
      this._callback = callback;
      this._args = args;
    }
    ref() {
      this.#ref = true;
      return this;
    }
    unref() {
      this.#ref = false;
      return this;
    }
    hasRef() {
      return this.#ref;
    }
  }

  function checked(callback) {
    if (typeof callback !== 'function') {
      const error = new TypeError(`The "callback" argument must be of type function. Received ${callback === null ? 'null' : typeof callback}`);
      error.code = 'ERR_INVALID_ARG_TYPE';
      throw error;
    }
    return callback;
  }

  function schedule(callback, delay, args, repeats) {
    const wait = Number(delay);
    const timer = new Timeout(checked(callback), args, wait >= 1 && wait <= 2 ** 31 - 1 ? Math.trunc(wait) : 1, repeats);
    timers.push(timer);
    return timer;
  }

  function clear(timer) {
    if (timer === undefined || timer === null) return;
    const isId = typeof timer === 'number' || typeof timer === 'string';
    timers = timers.filter((it) => (isId ? it._id + 1 !== Number(timer) : it !== timer));
    timer._repeats = false;
  }

  const setTimeout = (callback, delay, ...args) => schedule(callback, delay, args, false);
  const setInterval = (callback, delay, ...args) => schedule(callback, delay, args, true);
  function setImmediate(callback, ...args) {
    const immediate = new Immediate(checked(callback), args);
    immediates.push(immediate);
    return immediate;
  }
  function clearImmediate(immediate) {
    const at = immediates.indexOf(immediate);
    if (at >= 0) immediates.splice(at, 1);
  }

  const promisified = Symbol.for('nodejs.util.promisify.custom');
  const later = (delay, value) => new Promise((resolve) => setTimeout(resolve, delay, value));
  Object.defineProperty(setTimeout, promisified, { value: later });
  Object.defineProperty(setImmediate, promisified, {
    value: (value) => new Promise((resolve) => setImmediate(resolve, value)),
  });

  define('setTimeout', setTimeout);
  define('setInterval', setInterval);
  define('setImmediate', setImmediate);
  define('clearTimeout', clear);
  define('clearInterval', clear);
  define('clearImmediate', clearImmediate);

  const enqueue = globalThis.queueMicrotask;
  function guarded(callback, args) {
    try {
      callback(...args);
    } catch (error) {
      internals.uncaught(error);
    }
  }
  internals.nextTick = (callback, ...args) => {
    checked(callback);
    enqueue(() => guarded(callback, args));
  };
  define('queueMicrotask', (callback) => internals.nextTick(callback));

  // Runs one thing that is due. Milliseconds until the next one, 0 when something ran, -1 when nothing is left.
  internals.runOne = () => {
    const now = host.uptime();
    let next;
    for (const timer of timers) {
      if (next === undefined || timer._due < next._due || (timer._due === next._due && timer._id < next._id)) next = timer;
    }
    if (next !== undefined && next._due <= now) {
      timers = timers.filter((it) => it !== next);
      guarded(next._callback, next._args);
      if (next._repeats) {
        next._due = Math.max(now, next._due) + next._delay;
        timers.push(next);
      }
      return 0;
    }
    const immediate = immediates.shift();
    if (immediate !== undefined) {
      guarded(immediate._callback, immediate._args);
      return 0;
    }
    return timers.some((it) => it.hasRef()) ? Math.max(next._due - now, 0.01) : -1;
  };
})
