// Assertions, as Node's `assert`.
(function (exports, require, module) {
  'use strict';

  const { inspect, isSame } = require('util');

  class AssertionError extends Error {
    constructor({ message, actual, expected, operator }) {
      super(message ?? `${inspect(actual)} ${operator} ${inspect(expected)}`);
      this.generatedMessage = message === undefined;
      this.code = 'ERR_ASSERTION';
      this.actual = actual;
      this.expected = expected;
      this.operator = operator;
    }
  }
  Object.defineProperty(AssertionError.prototype, 'name', { value: 'AssertionError', writable: true, configurable: true });

  function check(holds, message, actual, expected, operator, fallback) {
    if (holds) return;
    if (message instanceof Error) throw message;
    throw new AssertionError({ message: message ?? fallback, actual, expected, operator });
  }

  const both = (actual, expected) => `\n\n${inspect(actual)} !== ${inspect(expected)}\n`;

  function matches(error, expected) {
    if (expected === undefined) return true;
    if (expected instanceof RegExp) return expected.test(String(error));
    if (typeof expected === 'function') {
      if (expected.prototype !== undefined && error instanceof expected) return true;
      return !Error.isPrototypeOf(expected) && expected.call({}, error) === true;
    }
    return Object.keys(expected).every((key) =>
      expected[key] instanceof RegExp ? expected[key].test(error[key]) : isSame(error[key], expected[key], true));
  }

  function assert(value, message) {
    check(value, message, value, true, '==', 'The expression evaluated to a falsy value');
  }

  function thrown(expected, message, run) {
    let error;
    try {
      run();
    } catch (caught) {
      error = { caught };
    }
    const text = typeof expected === 'string' ? expected : message;
    check(error !== undefined, text, undefined, expected, 'throws', 'Missing expected exception.');
    if (!matches(error.caught, typeof expected === 'string' ? undefined : expected)) throw error.caught;
  }

  async function rejected(work, expected, message) {
    let error;
    try {
      await (typeof work === 'function' ? work() : work);
    } catch (caught) {
      error = { caught };
    }
    check(error !== undefined, message, undefined, expected, 'rejects', 'Missing expected rejection.');
    if (!matches(error.caught, expected)) throw error.caught;
  }

  const common = {
    AssertionError,
    ok: assert,
    fail: (message = 'Failed') => check(false, message, undefined, undefined, 'fail'),
    strictEqual: (a, b, message) => check(Object.is(a, b), message, a, b, 'strictEqual', `Expected values to be strictly equal:${both(a, b)}`),
    notStrictEqual: (a, b, message) => check(!Object.is(a, b), message, a, b, 'notStrictEqual', `Expected "actual" to be strictly unequal to: ${inspect(b)}`),
    deepStrictEqual: (a, b, message) => check(isSame(a, b, true), message, a, b, 'deepStrictEqual', `Expected values to be strictly deep-equal:${both(a, b)}`),
    notDeepStrictEqual: (a, b, message) => check(!isSame(a, b, true), message, a, b, 'notDeepStrictEqual', `Expected "actual" not to be strictly deep-equal to: ${inspect(b)}`),
    match: (text, pattern, message) => check(pattern.test(text), message, text, pattern, 'match', `The input did not match the regular expression ${pattern}. Input:\n\n${inspect(text)}\n`),
    doesNotMatch: (text, pattern, message) => check(!pattern.test(text), message, text, pattern, 'doesNotMatch', `The input was expected to not match the regular expression ${pattern}. Input:\n\n${inspect(text)}\n`),
    throws: (run, expected, message) => thrown(expected, message, run),
    rejects: rejected,
    doesNotThrow: (run) => {
      run();
    },
    doesNotReject: async (work) => {
      await (typeof work === 'function' ? work() : work);
    },
    ifError: (value) => {
      if (value !== null && value !== undefined) throw value;
    },
  };
  const loose = {
    equal: (a, b, message) => check(a == b || (a !== a && b !== b), message, a, b, '==', `${inspect(a)} == ${inspect(b)}`),
    notEqual: (a, b, message) => check(a != b, message, a, b, '!=', `${inspect(a)} != ${inspect(b)}`),
    deepEqual: (a, b, message) => check(isSame(a, b, false), message, a, b, 'deepEqual', `Expected values to be loosely deep-equal:${both(a, b)}`),
    notDeepEqual: (a, b, message) => check(!isSame(a, b, false), message, a, b, 'notDeepEqual', `Expected "actual" not to be loosely deep-equal to: ${inspect(b)}`),
  };

  const strict = (value, message) => assert(value, message);
  Object.assign(strict, common, {
    equal: common.strictEqual,
    notEqual: common.notStrictEqual,
    deepEqual: common.deepStrictEqual,
    notDeepEqual: common.notDeepStrictEqual,
    strict,
  });
  module.exports = Object.assign(assert, common, loose, { strict });
})
