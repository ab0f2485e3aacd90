// Emitters of events, as Node's `events`.
(function (exports, require, module) {
  'use strict';

  const LISTENERS = Symbol('listeners');

  // Also called without `new`, by constructors of the old style.
  function EventEmitter() {}
  EventEmitter.defaultMaxListeners = 10;
  EventEmitter.EventEmitter = EventEmitter;

  function all(emitter) {
    if (!Object.hasOwn(emitter, LISTENERS)) {
      Object.defineProperty(emitter, LISTENERS, { value: new Map(), enumerable: false });
    }
    return emitter[LISTENERS];
  }

  const of = (emitter, name) => all(emitter).get(name) ?? [];

  function add(emitter, name, listener, isFirst) {
    if (typeof listener !== 'function') {
      const error = new TypeError(`The "listener" argument must be of type function. Received ${listener === null ? 'null' : typeof listener}`);
      error.code = 'ERR_INVALID_ARG_TYPE';
      throw error;
    }
    if (all(emitter).has('newListener')) emitter.emit('newListener', name, listener.listener ?? listener);
    const known = of(emitter, name);
    all(emitter).set(name, isFirst ? [listener, ...known] : [...known, listener]);
    return emitter;
  }

  function wrap(emitter, name, listener) {
    const once = function (...args) {
      emitter.removeListener(name, once);
      return listener.apply(emitter, args);
    };
    once.listener = listener;
    return once;
  }

  const methods = {
    on(name, listener) {
      return add(this, name, listener, false);
    },
    prependListener(name, listener) {
      return add(this, name, listener, true);
    },
    once(name, listener) {
      return add(this, name, wrap(this, name, listener), false);
    },
    prependOnceListener(name, listener) {
      return add(this, name, wrap(this, name, listener), true);
    },
    removeListener(name, listener) {
      const known = of(this, name);
      const at = known.findLastIndex((it) => it === listener || it.listener === listener);
      if (at < 0) return this;
      const left = known.filter((_, index) => index !== at);
      if (left.length > 0) all(this).set(name, left);
      else all(this).delete(name);
      if (all(this).has('removeListener')) this.emit('removeListener', name, listener);
      return this;
    },
    removeAllListeners(name) {
      if (name === undefined) all(this).clear();
      else all(this).delete(name);
      return this;
    },
    emit(name, ...args) {
      const known = of(this, name);
      if (known.length === 0) {
        if (name !== 'error') return false;
        if (args[0] instanceof Error) throw args[0];
        const error = new Error(`Unhandled error. (${require('util').inspect(args[0])})`);
        error.code = 'ERR_UNHANDLED_ERROR';
        error.context = args[0];
        throw error;
      }
      for (const listener of known) listener.apply(this, args);
      return true;
    },
    listeners(name) {
      return of(this, name).map((it) => it.listener ?? it);
    },
    rawListeners(name) {
      return [...of(this, name)];
    },
    listenerCount(name) {
      return of(this, name).length;
    },
    eventNames() {
      return [...all(this).keys()];
    },
    // Nothing here warns of too many listeners.
    setMaxListeners() {
      return this;
    },
    getMaxListeners() {
      return EventEmitter.defaultMaxListeners;
    },
  };
  methods.addListener = methods.on;
  methods.off = methods.removeListener;
  for (const [name, value] of Object.entries(methods)) {
    Object.defineProperty(EventEmitter.prototype, name, { value, writable: true, configurable: true, enumerable: false });
  }

  EventEmitter.once = (emitter, name) => new Promise((resolve, reject) => {
    const failed = (error) => {
      emitter.removeListener(name, arrived);
      reject(error);
    };
    const arrived = (...args) => {
      emitter.removeListener('error', failed);
      resolve(args);
    };
    emitter.once(name, arrived);
    if (name !== 'error') emitter.once('error', failed);
  });
  module.exports = EventEmitter;
})
