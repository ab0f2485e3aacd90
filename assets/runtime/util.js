// `util`: the inspector and what else old and new code asks of it.
(function (exports, require, module, host, internals) {
  'use strict';

  const { inspect, format, formatWithOptions } = internals.tools();
  const custom = Symbol.for('nodejs.util.promisify.custom');
  const TypedArray = Object.getPrototypeOf(Uint8Array);
  const tag = (value) => Object.prototype.toString.call(value).slice(8, -1);

  function promisify(original) {
    if (typeof original !== 'function') {
      const error = new TypeError(`The "original" argument must be of type function. Received ${original === null ? 'null' : typeof original}`);
      error.code = 'ERR_INVALID_ARG_TYPE';
      throw error;
    }
    if (original[custom]) return original[custom];
    function promised(...args) {
      return new Promise((resolve, reject) => {
        original.call(this, ...args, (error, value) => (error ? reject(error) : resolve(value)));
      });
    }
    Object.setPrototypeOf(promised, Object.getPrototypeOf(original));
    return Object.defineProperties(promised, Object.getOwnPropertyDescriptors(original));
  }
  promisify.custom = custom;

  function callbackify(original) {
    return function (...args) {
      const callback = args.pop();
      original.apply(this, args).then(
        (value) => internals.nextTick(callback, null, value),
        (error) => internals.nextTick(callback, error ?? new Error('The promise was rejected with a falsy value')),
      );
    };
  }

  function inherits(constructor, parent) {
    Object.defineProperty(constructor, 'super_', { value: parent, writable: true, configurable: true });
    Object.setPrototypeOf(constructor.prototype, parent.prototype);
  }

  function deprecate(original, message) {
    let isTold = false;
    return function (...args) {
      if (!isTold) {
        isTold = true;
        internals.process.emitWarning({ name: 'DeprecationWarning', message });
      }
      return new.target ? Reflect.construct(original, args, new.target) : original.apply(this, args);
    };
  }

  const types = {
    isPromise: (value) => value instanceof Promise,
    isDate: (value) => value instanceof Date,
    isRegExp: (value) => value instanceof RegExp,
    isMap: (value) => value instanceof Map,
    isSet: (value) => value instanceof Set,
    isWeakMap: (value) => value instanceof WeakMap,
    isWeakSet: (value) => value instanceof WeakSet,
    isNativeError: (value) => value instanceof Error,
    isArrayBuffer: (value) => value instanceof ArrayBuffer,
    isAnyArrayBuffer: (value) => value instanceof ArrayBuffer,
    isTypedArray: (value) => value instanceof TypedArray,
    isUint8Array: (value) => value instanceof Uint8Array,
    isAsyncFunction: (value) => tag(value) === 'AsyncFunction',
    isGeneratorFunction: (value) => tag(value) === 'GeneratorFunction',
  };

  function sameEntries(a, b, isStrict, seen) {
    const keys = Object.keys(a);
    if (keys.length !== Object.keys(b).length) return false;
    return keys.every((key) => Object.hasOwn(b, key) && isSame(a[key], b[key], isStrict, seen));
  }

  // Deep equality, as `assert.deepEqual` (loose) and `assert.deepStrictEqual` see it.
  function isSame(a, b, isStrict, seen = []) {
    if (isStrict ? Object.is(a, b) : a == b || (a !== a && b !== b)) return true;
    if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
    if (seen.some(([x, y]) => x === a && y === b)) return true;
    const inner = [...seen, [a, b]];
    if (isStrict && Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
    if (tag(a) !== tag(b) || Array.isArray(a) !== Array.isArray(b)) return false;
    if (a instanceof Date && a.getTime() !== b.getTime()) return false;
    if (a instanceof RegExp && String(a) !== String(b)) return false;
    if (a instanceof Error && (a.message !== b.message || a.name !== b.name)) return false;
    if (a instanceof Number || a instanceof String || a instanceof Boolean) {
      if (!Object.is(a.valueOf(), b.valueOf())) return false;
    }
    if (a instanceof Map) {
      if (a.size !== b.size) return false;
      for (const [key, value] of a) {
        const found = b.has(key) ? key : [...b.keys()].find((it) => isSame(key, it, isStrict, inner));
        if (!b.has(found) || !isSame(value, b.get(found), isStrict, inner)) return false;
      }
    }
    if (a instanceof Set) {
      if (a.size !== b.size) return false;
      for (const value of a) {
        if (!b.has(value) && ![...b].some((it) => isSame(value, it, isStrict, inner))) return false;
      }
    }
    if (a instanceof ArrayBuffer) return isSame(new Uint8Array(a), new Uint8Array(b), isStrict, inner);
    return sameEntries(a, b, isStrict, inner);
  }

  module.exports = {
    inspect,
    format,
    formatWithOptions,
    promisify,
    callbackify,
    inherits,
    deprecate,
    types,
    isDeepStrictEqual: (a, b) => isSame(a, b, true),
    isArray: Array.isArray,
    isError: (value) => value instanceof Error,
    stripVTControlCharacters: (text) => text.replace(/\u001b\[[0-9;]*m/g, ''),
    get TextEncoder() {
      return globalThis.TextEncoder;
    },
    get TextDecoder() {
      return globalThis.TextDecoder;
    },
  };
  Object.defineProperty(module.exports, 'isSame', { value: isSame, enumerable: false });
})
