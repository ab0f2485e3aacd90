// Deep copies of data, as `structuredClone` makes them.
(function (exports) {
  'use strict';

  const TypedArray = Object.getPrototypeOf(Uint8Array);

  function refused(value) {
    const shown = typeof value === 'function' || typeof value === 'symbol' ? String(value) : '#<Object>';
    const error = new Error(`${shown} could not be cloned.`);
    error.name = 'DataCloneError';
    error.code = 25;
    return error;
  }

  function copy(value, known) {
    if (typeof value === 'function' || typeof value === 'symbol') throw refused(value);
    if (typeof value !== 'object' || value === null) return value;
    if (known.has(value)) return known.get(value);
    const keep = (made) => {
      known.set(value, made);
      return made;
    };
    if (value instanceof Date) return keep(new Date(value.getTime()));
    if (value instanceof RegExp) return keep(new RegExp(value.source, value.flags));
    if (value instanceof ArrayBuffer) return keep(value.slice(0));
    if (value instanceof DataView) return keep(new DataView(copy(value.buffer, known), value.byteOffset, value.byteLength));
    if (value instanceof TypedArray) {
      const kind = globalThis[value[Symbol.toStringTag]];
      return keep(new kind(copy(value.buffer, known), value.byteOffset, value.length));
    }
    if (value instanceof Map) {
      const made = keep(new Map());
      for (const [key, it] of value) made.set(copy(key, known), copy(it, known));
      return made;
    }
    if (value instanceof Set) {
      const made = keep(new Set());
      for (const it of value) made.add(copy(it, known));
      return made;
    }
    if (value instanceof Error) {
      const kinds = { EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };
      const made = keep(new (kinds[value.name] ?? Error)(value.message));
      made.stack = value.stack;
      if (Object.hasOwn(value, 'cause')) made.cause = copy(value.cause, known);
      return made;
    }
    if (value instanceof Number || value instanceof String || value instanceof Boolean) return keep(Object(value.valueOf()));
    if (value instanceof Promise || value instanceof WeakMap || value instanceof WeakSet) throw refused(value);
    const made = keep(Array.isArray(value) ? new Array(value.length) : {});
    for (const key of Object.keys(value)) made[key] = copy(value[key], known);
    return made;
  }

  exports.clone = (value) => copy(value, new Map());
})
