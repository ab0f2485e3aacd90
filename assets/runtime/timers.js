// `timers`: the globals by another way.
(function (exports) {
  'use strict';

  for (const name of ['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate']) {
    exports[name] = globalThis[name];
  }
  exports.promises = {
    setTimeout: (delay, value) => new Promise((resolve) => globalThis.setTimeout(resolve, delay, value)),
    setImmediate: (value) => new Promise((resolve) => globalThis.setImmediate(resolve, value)),
    setInterval: async function* (delay, value) {
      for (;;) {
        await exports.promises.setTimeout(delay);
        yield value;
      }
    },
    scheduler: { wait: (delay) => exports.promises.setTimeout(delay), yield: () => exports.promises.setImmediate() },
  };
})
